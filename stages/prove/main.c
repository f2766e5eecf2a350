/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-prove: makes the proof that an event is in a report, and checks one.
 *
 * PURPOSE  With --event N: the proof of event N of a report that sr-verify finds valid. Without:
 *          what a proof proves, alone, or against a root, a report or a signed bundle.
 * READS    the files named on the command line, each opened once before confinement, following no
 *          link; read once, whole, at most 64 MiB.
 * WRITES   stdout: the proof's bytes, without a final line feed, or one record: ProofVerify, or
 *          {"errors":[...]} when nothing can be proved.
 * HOLDS    those descriptors. No privilege, no private key, no other file.
 * FILTER   sandbox/filters/verify.filter, as sr-verify has it; Landlock gives nothing.
 * REFUSES  an event of a report that is not valid; a proof with one bit, hash or count that is
 *          wrong.
 * WHY NOT  in sr-verify: what a whole report proves is one question, answered with one exit status.
 */
#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/prove/examine.h"
#include "stages/prove/make.h"
#include "stages/prove/vouch.h"
#include "stages/seal/signature.h"
#include "stages/stage.h"
#include "stages/verify/input.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>

/* The longest: two events of a mebibyte each and their paths. */
#define PROOF_LEN_MAX ((size_t)3 << 20)

enum option {
	OPTION_EVENT,
	OPTION_REPORT,
	OPTION_ROOT,
	OPTION_BUNDLE,
	OPTION_KEY,
	OPTION_TRUST_DIR,
	OPTION_COUNT
};

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_EVENT] = {.name = "event",
			  .kind = STAGE_OPTION_NUMBER,
			  .max = CANON_INTEGER_MAX,
			  .value_name = "N",
			  .help = "FILE is a report: write the proof of its event N"},
	[OPTION_REPORT] = {.name = "report",
			   .kind = STAGE_OPTION_TEXT,
			   .value_name = "FILE",
			   .help = "hold the proof against the report in FILE"},
	[OPTION_ROOT] = {.name = "root",
			 .kind = STAGE_OPTION_TEXT,
			 .value_name = "HASH",
			 .help = "hold the proof against a Merkle root known from elsewhere"},
	[OPTION_BUNDLE] = {.name = "bundle",
			   .kind = STAGE_OPTION_TEXT,
			   .value_name = "FILE",
			   .help = "hold the proof against the report's signed bundle"},
	[OPTION_KEY] = {.name = "key",
			.kind = STAGE_OPTION_LIST,
			.value_name = "FILE",
			.help = "a public key that may have signed it"},
	[OPTION_TRUST_DIR] = {.name = "trust-dir",
			      .kind = STAGE_OPTION_LIST,
			      .value_name = "DIR",
			      .help = "a directory of trusted keys"},
};

struct prove {
	struct input subject; /* the report to prove from, or the proof to check */
	struct input report;
	struct vouch vouch;
	struct fault subject_fault, report_fault;
};

static void open_vouch(const struct stage_value *values, struct vouch *vouch)
{
	const struct stage_value *keys = &values[OPTION_KEY], *trust = &values[OPTION_TRUST_DIR];
	struct fault *fault = &vouch->open_fault;

	if (values[OPTION_BUNDLE].given)
		(void)!side_file_open(&vouch->bundle, AT_FDCWD, values[OPTION_BUNDLE].text, NULL,
				      FAULT_REPORT_SIGNATURE, fault);
	for (size_t i = 0; i < keys->list_count && fault->code == FAULT_NONE; i++)
		(void)!keyring_open_file(&vouch->keys, keys->list[i], fault);
	for (size_t i = 0; i < trust->list_count && fault->code == FAULT_NONE; i++)
		(void)!keyring_open_directory(&vouch->keys, trust->list[i], fault);
}

/* What a proof is held against; nothing of it belongs to the making of one. */
static bool asks(const struct stage_value *values)
{
	for (size_t i = OPTION_REPORT; i < OPTION_COUNT; i++)
		if (values[i].given || values[i].list_count > 0)
			return true;
	return false;
}

static enum stage_exit prove_open(struct stage_context *context)
{
	const struct stage_value *values = context->values;
	struct prove *prove = context->state;
	bool makes = values[OPTION_EVENT].given;

	if (context->operand_count != 1 || (makes && asks(values)) ||
	    (values[OPTION_KEY].list_count > 0 && !values[OPTION_BUNDLE].given)) {
		stage_complain(context->stage,
			       "needs --event N REPORT, or PROOF and what to hold it "
			       "against");
		return STAGE_USAGE;
	}
	input_open(&prove->subject, context->operands[0], &prove->subject_fault);
	if (values[OPTION_REPORT].given)
		input_open(&prove->report, values[OPTION_REPORT].text, &prove->report_fault);
	open_vouch(values, &prove->vouch);
	return STAGE_DONE;
}

static enum stage_exit prove_prewarm(struct stage_context *context)
{
	(void)context;
	return digest_prewarm() == 0 && signature_prewarm() == 0 ? STAGE_DONE : STAGE_FAILED;
}

static bool take(struct input *input, struct fault *fault)
{
	if (fault->code == FAULT_NONE)
		input_read(input, fault);
	if (fault->code == FAULT_NONE && input->kind == INPUT_EVENTS)
		fault_set(fault, FAULT_REPORT_INCOMPLETE, "report",
			  "the run has left events and no report");
	return fault->code == FAULT_NONE;
}

static struct span text_of(const struct input *input)
{
	return (struct span){input->data, input->len};
}

static enum stage_exit send(struct stage_context *context, struct json_object *answer,
			    enum stage_exit status)
{
	struct fault fault;

	if (record_send(&context->out, answer, RECORD_EVENT_MAX, &fault) != FAULT_NONE) {
		stage_complain(context->stage, "%s", fault.message);
		return STAGE_FAILED;
	}
	return status;
}

static enum stage_exit refuse(struct stage_context *context, const struct fault *fault,
			      enum stage_exit status)
{
	struct json_object *answer OBJECT_CLEANUP = object_new();
	struct json_object *errors = array_new();

	array_append(errors, fault_to_json(fault));
	object_add(answer, "errors", errors);
	return send(context, answer, status);
}

static enum stage_exit make(struct stage_context *context, struct prove *prove)
{
	struct buf out BUF_CLEANUP;
	struct fault *fault = &prove->subject_fault;

	buf_init(&out, PROOF_LEN_MAX);
	if (!take(&prove->subject, fault))
		return refuse(context, fault,
			      prove->subject.kind == INPUT_FAILED ? STAGE_FAILED : STAGE_REFUSED);
	if (make_proof(text_of(&prove->subject), context->values[OPTION_EVENT].number, &out,
		       fault) != FAULT_NONE)
		return refuse(context, fault, STAGE_REFUSED);
	if (record_write_all(context->out.fd, out.data, out.len) != 0) {
		stage_complain(context->stage, "cannot write the proof");
		return STAGE_FAILED;
	}
	return STAGE_DONE;
}

static enum stage_exit examine(struct stage_context *context, struct prove *prove)
{
	const struct stage_value *values = context->values;
	struct json_object *answer OBJECT_CLEANUP = NULL;
	struct examination *examination = malloc(sizeof(*examination));
	bool failed = false, valid;

	if (examination == NULL)
		buf_no_memory();
	examine_init(examination);
	if (take(&prove->subject, &prove->subject_fault))
		examine_proof(examination, text_of(&prove->subject));
	else
		checklist_refuse(&examination->list, EXAMINE_SCHEMA, &prove->subject_fault);
	failed = prove->subject.kind == INPUT_FAILED;
	if (values[OPTION_ROOT].given)
		examine_root(examination, values[OPTION_ROOT].text);
	if (values[OPTION_REPORT].given) {
		if (take(&prove->report, &prove->report_fault))
			examine_report(examination, text_of(&prove->report));
		else
			checklist_refuse(&examination->list, EXAMINE_REPORT, &prove->report_fault);
		failed = failed || prove->report.kind == INPUT_FAILED;
	}
	if (values[OPTION_BUNDLE].given)
		vouch_check(&prove->vouch, examination);
	answer = examine_answer(examination);
	valid = checklist_valid(&examination->list);
	free(examination);
	return send(context, answer, failed ? STAGE_FAILED : valid ? STAGE_DONE : STAGE_REFUSED);
}

static enum stage_exit prove_run(struct stage_context *context)
{
	struct prove *prove = context->state;
	enum stage_exit status = context->values[OPTION_EVENT].given ? make(context, prove)
								     : examine(context, prove);

	input_release(&prove->subject);
	input_release(&prove->report);
	vouch_release(&prove->vouch);
	return status;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-prove",
		.summary =
			"prove that an event is in a report: sr-prove --event N REPORT, or check a "
			"proof: sr-prove PROOF",
		.profile = &sandbox_profile_prove,
		.options = options,
		.option_count = OPTION_COUNT,
		.operand_max = 1,
		.hashes = true,
		.open = prove_open,
		.prewarm = prove_prewarm,
		.run = prove_run,
	};
	struct prove *prove = calloc(1, sizeof(*prove));
	int status;

	if (prove == NULL)
		buf_no_memory();
	prove->subject.fd = prove->report.fd = prove->vouch.bundle.fd = -1;
	status = stage_main(&stage, prove, argc, argv);
	free(prove);
	return status;
}
