/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-verify: reads a report somebody hands over and says what it proves, and what not.
 *
 * PURPOSE  Every check of a report that needs no key: form, order, chain, root, counts, digest, and
 *          whether the report says what its events say. Collects every reason, not the first.
 * READS    one file named on the command line (or the one in a run directory), opened once before
 *          confinement, following no link; read once, whole, at most 64 MiB.
 * WRITES   one ReportVerify record on stdout.
 * HOLDS    that one descriptor. No privilege, no key, no other file.
 * FILTER   sandbox/filters/verify.filter; Landlock gives nothing.
 * REFUSES  whatever is not exactly what sr-seal writes, byte for byte. It repairs nothing.
 * WHY NOT  in sr-seal: who checks must not need the right to write.
 */
#include "stages/seal/digest.h"
#include "stages/stage.h"
#include "stages/verify/check.h"
#include "stages/verify/input.h"
#include "stages/verify/verdict.h"

#include <stdlib.h>

enum option { OPTION_REPORT_FD, OPTION_COUNT };

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_REPORT_FD] =
		{.name = "report-fd",
		 .kind = STAGE_OPTION_FD,
		 .value_name = "N",
		 .help = "the report is the regular file or memory open at N, no FILE"},
};

struct verify {
	struct input input;
	struct verdict verdict;
	struct fault fault; /* why there is nothing to check */
};

static enum stage_exit verify_open(struct stage_context *context)
{
	struct verify *verify = context->state;

	int report_fd = context->values[OPTION_REPORT_FD].fd;

	if (context->operand_count != (report_fd < 0 ? 1U : 0U)) {
		stage_complain(context->stage, "needs one report: sr-verify FILE");
		return STAGE_USAGE;
	}
	if (report_fd < 0)
		input_open(&verify->input, context->operands[0], &verify->fault);
	else
		input_take(&verify->input, report_fd, &verify->fault);
	return STAGE_DONE;
}

static enum stage_exit verify_prewarm(struct stage_context *context)
{
	(void)context;
	return digest_prewarm() == 0 ? STAGE_DONE : STAGE_FAILED;
}

static void check(struct verify *verify)
{
	struct input *input = &verify->input;

	if (verify->fault.code == FAULT_NONE)
		input_read(input, &verify->fault);
	switch (input->kind) {
	case INPUT_REPORT:
		check_report((struct span){input->data, input->len}, &verify->verdict);
		break;
	case INPUT_EVENTS:
		check_event_lines((struct span){input->data, input->len}, &verify->verdict);
		break;
	case INPUT_ALIEN:
	case INPUT_FAILED:
		verdict_refuse(&verify->verdict, VERDICT_SCHEMA, &verify->fault);
		break;
	}
}

static enum stage_exit verify_run(struct stage_context *context)
{
	struct verify *verify = context->state;
	enum input_kind kind;
	struct fault fault;

	check(verify);
	kind = verify->input.kind;
	input_release(&verify->input);
	if (verdict_send(&verify->verdict, &context->out, &fault) != FAULT_NONE) {
		stage_complain(context->stage, "%s", fault.message);
		return STAGE_FAILED;
	}
	if (kind == INPUT_FAILED)
		return STAGE_FAILED;
	return verdict_valid(&verify->verdict) ? STAGE_DONE : STAGE_REFUSED;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-verify",
		.summary = "say what a report proves: sr-verify FILE",
		.profile = &sandbox_profile_verify,
		.options = options,
		.option_count = OPTION_COUNT,
		.operand_max = 1,
		.hashes = true,
		.open = verify_open,
		.prewarm = verify_prewarm,
		.run = verify_run,
	};
	struct verify *verify = calloc(1, sizeof(*verify));
	int status;

	if (verify == NULL)
		buf_no_memory();
	verify->input.fd = -1;
	status = stage_main(&stage, verify, argc, argv);
	free(verify);
	return status;
}
