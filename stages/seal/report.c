/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/report.h"

#include "ipc/canon.h"
#include "stages/seal/degraded.h"

#include <string.h>

static const char *const member_names[REPORT_MEMBER_COUNT] = {
	[REPORT_ARTIFACTS] = "artifacts",
	[REPORT_DEGRADED] = "degraded",
	[REPORT_ENFORCEMENT] = "enforcement",
	[REPORT_ERRORS] = "errors",
	[REPORT_EVENTS] = "events",
	[REPORT_EXIT_CODE] = "exitCode",
	[REPORT_FINISHED_AT] = "finishedAt",
	[REPORT_INTEGRITY] = "integrity",
	[REPORT_MOUNT_AUDIT] = "mountAudit",
	[REPORT_NETWORK_AUDIT] = "networkAudit",
	[REPORT_OUTCOME] = "outcome",
	[REPORT_OUTPUT] = "output",
	[REPORT_OUTPUTS] = "outputs",
	[REPORT_POLICY_SUMMARY] = "policySummary",
	[REPORT_RESOURCE_USAGE] = "resourceUsage",
	[REPORT_RUN_ID] = "runId",
	[REPORT_SCHEMA_VERSION] = "schemaVersion",
	[REPORT_STARTED_AT] = "startedAt",
	[REPORT_STATE] = "state",
	[REPORT_VERDICT] = "verdict",
};

const char *report_member_name(enum report_member member)
{
	return member_names[member];
}

static struct span text_of(const struct buf *buf)
{
	return (struct span){.at = buf->len > 0 ? buf->data : "", .len = buf->len};
}

static struct span or_else(struct span value, const char *instead)
{
	return value.len > 0 ? value : (struct span){.at = instead, .len = strlen(instead)};
}

static void put(struct buf *out, struct span text)
{
	buf_append(out, text.at, text.len);
}

static void put_string(struct buf *out, const char *text)
{
	if (text[0] == '\0')
		buf_append_text(out, "null");
	else
		canon_write_string(out, text, strlen(text));
}

static void put_name(struct buf *out, const char *before, const char *name)
{
	buf_append_text(out, before);
	buf_append_text(out, "\"");
	buf_append_text(out, name);
	buf_append_text(out, "\":");
}

static void put_counter(struct buf *out, const char *before, const char *name, int64_t value)
{
	put_name(out, before, name);
	if (value < 0)
		buf_append_text(out, "null");
	else
		buf_append_u64(out, (uint64_t)value);
}

static struct span outcome(const struct facts *facts)
{
	return span_get(text_of(&facts->closing), "outcome");
}

static void put_hash(struct buf *out, const char *before, const char *name, struct span hash)
{
	put_name(out, before, name);
	put(out, or_else(hash, "null"));
}

/* Only a machine has it. */
static void put_optional(struct buf *out, const char *name, struct span hash)
{
	if (hash.len > 0)
		put_hash(out, ",", name, hash);
}

/* The hashes of event 0, and of the files that were executed. */
static void put_artifacts(const struct facts *facts, struct buf *out)
{
	struct span planned = text_of(&facts->artifacts);
	struct span executable = text_of(&facts->executable);
	struct span interpreter = span_get(executable, "interpreter");

	put_hash(out, "{", "commandHash", span_get(planned, "commandHash"));
	put_hash(out, ",", "executableHash", span_get(executable, "sha256"));
	put_optional(out, "initramfsHash", span_get(planned, "initramfsHash"));
	put_hash(out, ",", "interpreterHash", span_get(interpreter, "sha256"));
	put_hash(out, ",", "kernelHash", span_get(planned, "kernelHash"));
	put_hash(out, ",", "policyHash", span_get(planned, "policyHash"));
	put_hash(out, ",", "rootfsHash", span_get(planned, "rootfsHash"));
	put_optional(out, "vmmHash", span_get(planned, "vmmHash"));
	buf_append_text(out, "}");
}

static void put_mount_audit(const struct facts *facts, struct buf *out)
{
	struct span requested = span_get(text_of(&facts->policy_summary), "mounts");

	put_counter(out, "{", "accepted", (int64_t)facts->mounts_validated);
	put_name(out, ",", "reasons");
	buf_append_text(out, "[");
	put(out, text_of(&facts->mount_reasons));
	buf_append_text(out, "]");
	put_counter(out, ",", "rejected", (int64_t)facts->mounts_rejected);
	put_name(out, ",", "requested");
	put(out, or_else(requested, "null"));
	buf_append_text(out, "}");
}

static void put_network_audit(const struct facts *facts, struct buf *out)
{
	struct span mode = span_get(text_of(&facts->policy_summary), "networkMode");

	put_counter(out, "{", "allowedHits", (int64_t)facts->hits_allowed);
	put_counter(out, ",", "blockedHits", (int64_t)facts->hits_blocked);
	put_name(out, ",", "mode");
	put(out, or_else(mode, "null"));
	put_counter(out, ",", "rulesTotal", (int64_t)facts->rules_applied);
	buf_append_text(out, "}");
}

static void put_resource_usage(const struct facts *facts, struct buf *out)
{
	put_counter(out, "{", "cpuUsageUs", facts->cpu_usage_us);
	put_counter(out, ",", "memoryPeakBytes", facts->memory_peak_bytes);
	put_counter(out, ",", "pidsPeak", facts->pids_peak);
	put_counter(out, ",", "samples", (int64_t)facts->samples);
	put_counter(out, ",", "wallMs", facts->wall_ms);
	buf_append_text(out, "}");
}

void report_value(enum report_member member, const struct facts *facts, struct buf *out)
{
	struct span closing = text_of(&facts->closing);

	switch (member) {
	case REPORT_ARTIFACTS:
		put_artifacts(facts, out);
		break;
	case REPORT_DEGRADED:
		degraded_list(text_of(&facts->enforcement), out);
		break;
	case REPORT_ENFORCEMENT:
		put(out, or_else(text_of(&facts->enforcement), "[]"));
		break;
	case REPORT_ERRORS:
		put(out, or_else(span_get(closing, "errors"), "[]"));
		break;
	case REPORT_EXIT_CODE:
		put(out, or_else(span_get(outcome(facts), "exitCode"), "null"));
		break;
	case REPORT_FINISHED_AT:
		put_string(out, facts->finished_at);
		break;
	case REPORT_MOUNT_AUDIT:
		put_mount_audit(facts, out);
		break;
	case REPORT_NETWORK_AUDIT:
		put_network_audit(facts, out);
		break;
	case REPORT_OUTCOME:
		put(out, or_else(outcome(facts), "null"));
		break;
	case REPORT_OUTPUT:
		put(out, or_else(span_get(closing, "output"), "null"));
		break;
	case REPORT_OUTPUTS:
		put(out, or_else(text_of(&facts->outputs), "null"));
		break;
	case REPORT_POLICY_SUMMARY:
		put(out, or_else(text_of(&facts->policy_summary), "null"));
		break;
	case REPORT_RESOURCE_USAGE:
		put_resource_usage(facts, out);
		break;
	case REPORT_RUN_ID:
		put_string(out, facts->run_id);
		break;
	case REPORT_SCHEMA_VERSION:
		put_string(out, REPORT_SCHEMA);
		break;
	case REPORT_STARTED_AT:
		put_string(out, facts->started_at);
		break;
	case REPORT_STATE:
		put(out, or_else(span_get(outcome(facts), "state"), "\"failed\""));
		break;
	case REPORT_VERDICT:
		degraded_verdict(text_of(&facts->enforcement), out);
		break;
	case REPORT_EVENTS:
	case REPORT_INTEGRITY:
	case REPORT_MEMBER_COUNT:
		break;
	}
}

/* Returns where the digest goes. */
static size_t put_integrity(const struct chain *chain, struct buf *out)
{
	char root[DIGEST_TEXT_SIZE];
	size_t digest_at;

	chain_root(chain, root);
	buf_append_text(out, "{\"canonicalization\":\"RFC8785\",\"chainHead\":");
	put_string(out, chain->last);
	buf_append_text(out, ",\"digest\":\"");
	digest_at = out->len;
	buf_append_text(out, "\"");
	put_counter(out, ",", "eventCount", (int64_t)chain->tree.count);
	put_name(out, ",", "merkleRoot");
	put_string(out, root);
	buf_append_text(out, "}");
	return digest_at;
}

void report_before(const struct facts *facts, struct buf *out)
{
	for (enum report_member member = REPORT_ARTIFACTS; member < REPORT_EVENTS; member++) {
		put_name(out, member == REPORT_ARTIFACTS ? "{" : ",", member_names[member]);
		report_value(member, facts, out);
	}
	put_name(out, ",", member_names[REPORT_EVENTS]);
	buf_append_text(out, "[");
}

size_t report_behind(const struct facts *facts, const struct chain *chain, struct buf *out)
{
	size_t digest_at = 0;

	buf_append_text(out, "]");
	for (enum report_member member = REPORT_EVENTS + 1; member < REPORT_MEMBER_COUNT;
	     member++) {
		put_name(out, ",", member_names[member]);
		if (member == REPORT_INTEGRITY)
			digest_at = put_integrity(chain, out);
		else
			report_value(member, facts, out);
	}
	buf_append_text(out, "}");
	return digest_at;
}
