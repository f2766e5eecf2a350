/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-verify: reads a report somebody hands over and says what it proves, and what not.
 *
 * PURPOSE  Every check of a report: form, order, chain, root, counts, digest, whether the report
 * says what its events say; and of the bundle beside it: statement, signature, the run before.
 *          Collects every reason, not the first.
 * READS    one file named on the command line (or the one in a run directory), and what was handed
 *          over beside it: bundle, log proof, public keys, trust directories, chain. Opened once
 *          before confinement, following no link; read once, whole, each up to a cap.
 * WRITES   one ReportVerify record on stdout.
 * HOLDS    those descriptors. No privilege, no secret, no other file.
 * FILTER   sandbox/filters/verify.filter; Landlock gives nothing.
 * REFUSES  whatever is not exactly what sr-seal writes, byte for byte. It repairs nothing.
 * WHY NOT  in sr-seal: who checks must not need the right to write.
 */
#include "stages/seal/digest.h"
#include "stages/seal/signature.h"
#include "stages/stage.h"
#include "stages/verify/attest.h"
#include "stages/verify/beside.h"
#include "stages/verify/check.h"
#include "stages/verify/forward.h"
#include "stages/verify/input.h"
#include "stages/verify/verdict.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum option {
	OPTION_REPORT_FD,
	OPTION_BUNDLE,
	OPTION_BUNDLE_FD,
	OPTION_KEY,
	OPTION_TRUST_DIR,
	OPTION_REQUIRE,
	OPTION_CHALLENGE,
	OPTION_PREV,
	OPTION_CHAIN,
	OPTION_LOG,
	OPTION_ARCHIVE_KEY,
	OPTION_FORWARD_KEY,
	OPTION_FORWARD,
	OPTION_COUNT
};

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_REPORT_FD] =
		{.name = "report-fd",
		 .kind = STAGE_OPTION_FD,
		 .value_name = "N",
		 .help = "the report is the regular file or memory open at N, no FILE"},
	[OPTION_BUNDLE] = {.name = "bundle",
			   .kind = STAGE_OPTION_TEXT,
			   .value_name = "FILE",
			   .help = "the report's signature; else what lies beside it"},
	[OPTION_BUNDLE_FD] = {.name = "bundle-fd",
			      .kind = STAGE_OPTION_FD,
			      .value_name = "N",
			      .help = "the same, open at N"},
	[OPTION_KEY] = {.name = "key",
			.kind = STAGE_OPTION_LIST,
			.value_name = "FILE",
			.help = "a public key, one of which must have signed; may be repeated"},
	[OPTION_TRUST_DIR] = {.name = "trust-dir",
			      .kind = STAGE_OPTION_LIST,
			      .value_name = "DIR",
			      .help = "a directory of trusted keys; may be repeated"},
	[OPTION_REQUIRE] = {.name = "require",
			    .kind = STAGE_OPTION_TEXT,
			    .value_name = "TIER",
			    .help = "less is invalid: self, signed or logged"},
	[OPTION_CHALLENGE] = {.name = "challenge",
			      .kind = STAGE_OPTION_TEXT,
			      .value_name = "TEXT",
			      .help = "the report must answer it"},
	[OPTION_PREV] = {.name = "prev",
			 .kind = STAGE_OPTION_TEXT,
			 .value_name = "FILE",
			 .help = "the bundle of the run before"},
	[OPTION_CHAIN] = {.name = "chain",
			  .kind = STAGE_OPTION_TEXT,
			  .value_name = "FILE",
			  .help = "chain.ndjson, in which the run must stand"},
	[OPTION_LOG] = {.name = "log",
			.kind = STAGE_OPTION_TEXT,
			.value_name = "FILE",
			.help = "the proof that an archive holds it, which must hold"},
	[OPTION_ARCHIVE_KEY] = {.name = "archive-key",
				.kind = STAGE_OPTION_LIST,
				.value_name = "FILE",
				.help = "an archive's public key, one of which must have signed "
					"the proof's checkpoint; may be repeated"},
	[OPTION_FORWARD_KEY] = {.name = "forward-key",
				.kind = STAGE_OPTION_TEXT,
				.value_name = "FILE",
				.help = "the run's first key, by which its forward seal must hold"},
	[OPTION_FORWARD] = {.name = "forward",
			    .kind = STAGE_OPTION_TEXT,
			    .value_name = "FILE",
			    .help = "the forward seal; else forward.json beside the report"},
};

enum tier { TIER_SELF, TIER_SIGNED, TIER_LOGGED, TIER_COUNT };

struct verify {
	struct input input;
	struct attest attest;
	struct forward_check forward;
	struct verdict verdict;
	struct fault fault; /* why there is nothing to check */
};

static enum stage_exit read_tier(struct stage_context *context, struct verify *verify)
{
	static const char *const names[TIER_COUNT] = {"self", "signed", "logged"};
	const struct stage_value *given = &context->values[OPTION_REQUIRE];
	enum tier tier = context->values[OPTION_LOG].given   ? TIER_LOGGED
			 : context->values[OPTION_KEY].given ? TIER_SIGNED
							     : TIER_SELF;

	if (given->given)
		for (tier = 0; tier < TIER_COUNT && strcmp(given->text, names[tier]) != 0;)
			tier++;
	verify->attest.signature_asked = tier != TIER_SELF;
	verify->attest.log_asked = tier == TIER_LOGGED;
	if (tier == TIER_COUNT) {
		stage_complain(context->stage, "--require is self, signed or logged");
		return STAGE_USAGE;
	}
	if (context->values[OPTION_ARCHIVE_KEY].given && !context->values[OPTION_LOG].given) {
		stage_complain(context->stage, "--archive-key is for a proof: give --log FILE");
		return STAGE_USAGE;
	}
	return STAGE_DONE;
}

static void open_keys(struct stage_context *context, enum option named, struct keyring *keys,
		      struct fault *fault)
{
	const struct stage_value *files = &context->values[named];
	const struct stage_value *directories = &context->values[OPTION_TRUST_DIR];

	for (size_t i = 0; i < files->list_count && fault->code == FAULT_NONE; i++)
		(void)!keyring_open_file(keys, files->list[i], fault);
	for (size_t i = 0; i < directories->list_count && fault->code == FAULT_NONE; i++)
		(void)!keyring_open_directory(keys, directories->list[i], fault);
}

static void open_named(struct stage_context *context, enum option option, struct side_file *file,
		       struct fault *fault)
{
	const struct stage_value *given = &context->values[option];

	if (given->given && fault->code == FAULT_NONE)
		(void)!side_file_open(file, AT_FDCWD, given->text, NULL, FAULT_REPORT_SIGNATURE,
				      fault);
}

/* What lies beside the report, and what was named. */
static void open_attest(struct stage_context *context, struct attest *attest)
{
	struct fault *fault = &attest->open_fault;

	if (context->values[OPTION_BUNDLE_FD].given)
		attest->bundle.fd = context->values[OPTION_BUNDLE_FD].fd;
	else if (context->values[OPTION_BUNDLE].given)
		open_named(context, OPTION_BUNDLE, &attest->bundle, fault);
	else if (context->operand_count == 1)
		beside_open(&attest->bundle, context->operands[0], fault);
	open_named(context, OPTION_PREV, &attest->prev, fault);
	open_named(context, OPTION_CHAIN, &attest->chain, fault);
	open_named(context, OPTION_LOG, &attest->log.proof, fault);
	open_keys(context, OPTION_KEY, &attest->keys, fault);
	if (context->values[OPTION_LOG].given)
		open_keys(context, OPTION_ARCHIVE_KEY, &attest->log.keys, fault);
	if (context->values[OPTION_CHALLENGE].given)
		attest->challenge = context->values[OPTION_CHALLENGE].text;
}

static enum stage_exit open_forward(struct stage_context *context, struct verify *verify)
{
	const struct stage_value *key = &context->values[OPTION_FORWARD_KEY];
	const struct stage_value *seal = &context->values[OPTION_FORWARD];

	if (key->given)
		forward_open(&verify->forward, key->text, seal->text,
			     context->operand_count == 1 ? context->operands[0] : NULL);
	else if (seal->given) {
		stage_complain(context->stage, "--forward is of no use without --forward-key");
		return STAGE_USAGE;
	}
	return STAGE_DONE;
}

static enum stage_exit verify_open(struct stage_context *context)
{
	struct verify *verify = context->state;
	int report_fd = context->values[OPTION_REPORT_FD].fd;

	if (context->operand_count != (report_fd < 0 ? 1U : 0U)) {
		stage_complain(context->stage, "needs one report: sr-verify FILE");
		return STAGE_USAGE;
	}
	if (read_tier(context, verify) != STAGE_DONE || open_forward(context, verify) != STAGE_DONE)
		return STAGE_USAGE;
	if (report_fd < 0)
		input_open(&verify->input, context->operands[0], &verify->fault);
	else
		input_take(&verify->input, report_fd, &verify->fault);
	open_attest(context, &verify->attest);
	return STAGE_DONE;
}

static enum stage_exit verify_prewarm(struct stage_context *context)
{
	(void)context;
	return digest_prewarm() == 0 && signature_prewarm() == 0 ? STAGE_DONE : STAGE_FAILED;
}

static void check(struct verify *verify)
{
	struct input *input = &verify->input;
	struct span report = {"", 0};
	struct span events = {"", 0};
	enum forward_source source = FORWARD_REPORT;

	if (verify->fault.code == FAULT_NONE)
		input_read(input, &verify->fault);
	switch (input->kind) {
	case INPUT_REPORT:
		check_report((struct span){input->data, input->len}, &verify->verdict);
		if (verify->verdict.states[VERDICT_CANONICAL] == VERDICT_PASSED)
			report = events = (struct span){input->data, input->len};
		break;
	case INPUT_EVENTS:
		events = (struct span){input->data, input->len};
		source = FORWARD_LINES;
		check_event_lines(events, &verify->verdict);
		break;
	case INPUT_ALIEN:
	case INPUT_FAILED:
		verdict_refuse(&verify->verdict, VERDICT_SCHEMA, &verify->fault);
		break;
	}
	attest_check(&verify->attest, report, &verify->verdict);
	forward_verify(&verify->forward, source, events, &verify->verdict);
}

static enum stage_exit verify_run(struct stage_context *context)
{
	struct verify *verify = context->state;
	enum input_kind kind;
	struct fault fault;

	check(verify);
	kind = verify->input.kind;
	input_release(&verify->input);
	attest_release(&verify->attest);
	forward_release_files(&verify->forward);
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
	verify->attest.bundle.fd = verify->attest.prev.fd = verify->attest.chain.fd = -1;
	verify->attest.log.proof.fd = -1;
	verify->forward.key.fd = verify->forward.seal.fd = -1;
	status = stage_main(&stage, verify, argc, argv);
	free(verify);
	return status;
}
