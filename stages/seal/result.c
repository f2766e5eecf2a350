/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/result.h"

#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/seal/report.h"

#include <json-c/json.h>
#include <string.h>

#define RESULT_MAX (4 * RECORD_EVENT_MAX)

void result_explain(struct fault_list *faults, const struct fault *fault)
{
	struct fault report;

	fault_list_add(faults, fault);
	if (fault->code == FAULT_EVIDENCE_REPORT)
		return;
	fault_set(&report, FAULT_EVIDENCE_REPORT, "seal.report",
		  "there is no report of this run: not all its events could be kept");
	fault_list_add(faults, &report);
}

static void put_member(struct buf *out, const char *name, enum report_member member,
		       const struct facts *facts)
{
	buf_append_text(out, name);
	report_value(member, facts, out);
}

/* null: nobody asked for one; a fault: it was asked for and could not be had. */
static void put_signature(struct buf *out, const struct endorse *endorse)
{
	if (endorse->fault.code != FAULT_NONE) {
		struct json_object *reason OBJECT_CLEANUP = fault_to_json(&endorse->fault);
		struct fault ignored;

		(void)!canon_write(reason, out, FAULT_EVIDENCE_REPORT, &ignored);
		return;
	}
	if (endorse->keyid[0] == '\0') {
		buf_append_text(out, "null");
		return;
	}
	buf_append_text(out, "{\"bundleDigest\":\"");
	buf_append_text(out, endorse->bundle_digest);
	buf_append_text(out, "\",\"keyid\":\"");
	buf_append_text(out, endorse->keyid);
	buf_append_text(out, "\"}");
}

static enum fault_code send_sealed(const struct record_sink *sink, const struct facts *facts,
				   const struct endorse *endorse, const char *digest,
				   struct fault *fault)
{
	struct buf line BUF_CLEANUP;

	buf_init(&line, RESULT_MAX);
	put_member(&line, "{\"degraded\":", REPORT_DEGRADED, facts);
	put_member(&line, ",\"errors\":", REPORT_ERRORS, facts);
	put_member(&line, ",\"exitCode\":", REPORT_EXIT_CODE, facts);
	put_member(&line, ",\"outcome\":", REPORT_OUTCOME, facts);
	buf_append_text(&line, ",\"reportDigest\":");
	canon_write_string(&line, digest, strlen(digest));
	put_member(&line, ",\"resourceUsage\":", REPORT_RESOURCE_USAGE, facts);
	put_member(&line, ",\"runId\":", REPORT_RUN_ID, facts);
	buf_append_text(&line, ",\"signature\":");
	put_signature(&line, endorse);
	put_member(&line, ",\"state\":", REPORT_STATE, facts);
	put_member(&line, ",\"verdict\":", REPORT_VERDICT, facts);
	buf_append_text(&line, "}");
	return record_send_line(sink, line.data, line.len, fault);
}

static enum fault_code send_failed(const struct record_sink *sink, const char *run_id,
				   const struct fault_list *faults, struct fault *fault)
{
	struct json_object *result OBJECT_CLEANUP = object_new();
	struct json_object *outcome = object_new();

	object_add_string(outcome, "cause", "stage-lost");
	object_add(outcome, "evidence", object_new());
	object_add_integer(outcome, "exitCode", 125);
	object_add_null(outcome, "signal");
	object_add_string(outcome, "state", "failed");
	object_add_string(outcome, "summary", "the run could not be sealed: there is no report");
	object_add(result, "degraded", array_new());
	object_add(result, "errors", fault_list_to_json(faults));
	object_add_integer(result, "exitCode", 125);
	object_add(result, "outcome", outcome);
	object_add_null(result, "reportDigest");
	object_add(result, "resourceUsage", object_new());
	object_add_string(result, "runId", run_id);
	object_add_null(result, "signature");
	object_add_string(result, "state", "failed");
	object_add_null(result, "verdict");
	return record_send(sink, result, RESULT_MAX, fault);
}

enum fault_code result_send(const struct record_sink *sink, const struct stream *stream,
			    const struct endorse *endorse, const char *digest,
			    const struct fault_list *faults, struct fault *fault)
{
	const char *run_id = stream->facts.count > 0 ? stream->facts.run_id : stream->run_id;

	if (faults->count > 0)
		return send_failed(sink, run_id, faults, fault);
	return send_sealed(sink, &stream->facts, endorse, digest, fault);
}
