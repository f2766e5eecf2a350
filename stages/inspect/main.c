/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-inspect: shows a report to a person.
 *
 * PURPOSE  Lays out what a report says: outcome, course, resources, what was enforced and decided,
 *          and what it proves: lines for a terminal, or one page of HTML.
 * READS    one file named on the command line (or the one in a run directory) and what lies beside
 *          it: its signature; the keys that are trusted; what an archive says of it. All opened
 *          once before confinement, following no link; read once, whole, the report at most 64 MiB.
 * WRITES   text or a page on stdout. The page needs nothing from anywhere and holds no script.
 * HOLDS    those descriptors. No privilege, no key of its own, no other file, no terminal: the
 *          caller says how wide it is and whether it shows colours.
 * FILTER   sandbox/filters/inspect.filter; Landlock gives nothing.
 * REFUSES  nothing that is canonical JSON: what is missing or wrong is shown as a dash, and the
 *          verdict stands beside it. Of other bytes it shows the verdict alone.
 * WHY NOT  in sr-verify: what says whether a report is true must stay small, and a layout is not.
 */
#include "ipc/record.h"
#include "stages/inspect/archived.h"
#include "stages/inspect/page.h"
#include "stages/inspect/text.h"
#include "stages/inspect/view.h"
#include "stages/seal/digest.h"
#include "stages/seal/signature.h"
#include "stages/stage.h"
#include "stages/verify/attest.h"
#include "stages/verify/beside.h"
#include "stages/verify/check.h"
#include "stages/verify/input.h"
#include "stages/verify/verdict.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum option {
	OPTION_HTML,
	OPTION_EVENTS,
	OPTION_WIDTH,
	OPTION_COLOUR,
	OPTION_ASCII,
	OPTION_KEY,
	OPTION_TRUST_DIR,
	OPTION_ARCHIVE_FD,
	OPTION_LOG,
	OPTION_ARCHIVE_KEY,
	OPTION_COUNT
};

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_HTML] = {.name = "html", .kind = STAGE_OPTION_FLAG, .help = "one page of HTML"},
	[OPTION_EVENTS] = {.name = "events",
			   .kind = STAGE_OPTION_FLAG,
			   .help = "every event, the samples too"},
	[OPTION_WIDTH] = {.name = "width",
			  .kind = STAGE_OPTION_NUMBER,
			  .min = TEXT_WIDTH_MIN,
			  .max = TEXT_WIDTH_MAX,
			  .value_name = "COLUMNS",
			  .help = "of the terminal (80)"},
	[OPTION_COLOUR] = {.name = "colour",
			   .kind = STAGE_OPTION_FLAG,
			   .help = "with terminal colours"},
	[OPTION_ASCII] = {.name = "ascii",
			  .kind = STAGE_OPTION_FLAG,
			  .help = "the terminal shows no more than ASCII"},
	[OPTION_KEY] = {.name = "key",
			.kind = STAGE_OPTION_LIST,
			.value_name = "FILE",
			.help = "a public key, one of which must have signed; may be repeated"},
	[OPTION_TRUST_DIR] = {.name = "trust-dir",
			      .kind = STAGE_OPTION_LIST,
			      .value_name = "DIR",
			      .help = "a directory of trusted keys; may be repeated"},
	[OPTION_ARCHIVE_FD] = {.name = "archive-fd",
			       .kind = STAGE_OPTION_FD,
			       .value_name = "N",
			       .help = "on N is what sr-archive has about the run"},
	[OPTION_LOG] = {.name = "log",
			.kind = STAGE_OPTION_TEXT,
			.value_name = "FILE",
			.help = "the proof that an archive holds it, which must hold"},
	[OPTION_ARCHIVE_KEY] = {.name = "archive-key",
				.kind = STAGE_OPTION_LIST,
				.value_name = "FILE",
				.help = "an archive's public key, one of which must have signed "
					"the proof's checkpoint; may be repeated"},
};

/* A page of every event of the largest report: each byte may come out as six. */
#define OUT_MAX ((size_t)1 << 30)

struct inspect {
	struct input input;
	struct attest attest;
	struct verdict verdict;
	struct view view;
	struct fault fault; /* why there is nothing to show */
};

static void open_keys(const struct stage_context *context, enum option named, struct keyring *keys,
		      struct fault *fault)
{
	const struct stage_value *files = &context->values[named];
	const struct stage_value *directories = &context->values[OPTION_TRUST_DIR];

	for (size_t i = 0; i < files->list_count && fault->code == FAULT_NONE; i++)
		(void)!keyring_open_file(keys, files->list[i], fault);
	for (size_t i = 0; i < directories->list_count && fault->code == FAULT_NONE; i++)
		(void)!keyring_open_directory(keys, directories->list[i], fault);
}

/* As sr-verify: a key asks for a signature, and a log proof for both. */
static void open_attest(const struct stage_context *context, struct attest *attest)
{
	const struct stage_value *log = &context->values[OPTION_LOG];
	struct fault *fault = &attest->open_fault;

	attest->log_asked = log->given;
	attest->signature_asked = context->values[OPTION_KEY].given || log->given;
	open_keys(context, OPTION_KEY, &attest->keys, fault);
	if (!log->given)
		return;
	if (fault->code == FAULT_NONE)
		(void)!side_file_open(&attest->log.proof, AT_FDCWD, log->text, NULL,
				      FAULT_REPORT_SIGNATURE, fault);
	open_keys(context, OPTION_ARCHIVE_KEY, &attest->log.keys, fault);
}

static enum stage_exit inspect_open(struct stage_context *context)
{
	struct inspect *inspect = context->state;

	if (context->operand_count != 1) {
		stage_complain(context->stage, "needs one report: sr-inspect FILE");
		return STAGE_USAGE;
	}
	if (context->values[OPTION_ARCHIVE_KEY].given && !context->values[OPTION_LOG].given) {
		stage_complain(context->stage, "--archive-key is for a proof: give --log FILE");
		return STAGE_USAGE;
	}
	input_open(&inspect->input, context->operands[0], &inspect->fault);
	beside_open(&inspect->attest.bundle, context->operands[0], &inspect->attest.open_fault);
	open_attest(context, &inspect->attest);
	return STAGE_DONE;
}

static enum stage_exit inspect_prewarm(struct stage_context *context)
{
	(void)context;
	return digest_prewarm() == 0 && signature_prewarm() == 0 ? STAGE_DONE : STAGE_FAILED;
}

/* The verdict is over the very bytes that are shown. */
static void look(struct inspect *inspect, int archive_fd)
{
	struct input *input = &inspect->input;
	struct span text, report = {"", 0};

	if (inspect->fault.code == FAULT_NONE)
		input_read(input, &inspect->fault);
	text = (struct span){input->data, input->len};
	switch (input->kind) {
	case INPUT_REPORT:
		check_report(text, &inspect->verdict);
		if (inspect->verdict.states[VERDICT_CANONICAL] != VERDICT_PASSED)
			break;
		report = text;
		view_open(&inspect->view, text);
		break;
	case INPUT_EVENTS:
		check_event_lines(text, &inspect->verdict);
		break;
	case INPUT_ALIEN:
	case INPUT_FAILED:
		verdict_refuse(&inspect->verdict, VERDICT_SCHEMA, &inspect->fault);
		break;
	}
	attest_check(&inspect->attest, report, &inspect->verdict);
	if (archive_fd >= 0) {
		inspect->view.archive_asked = true;
		inspect->view.archived =
			archived_read(archive_fd, report, &inspect->view.archive_found);
	}
	inspect->view.verification = verdict_to_json(&inspect->verdict);
}

static void lay_out(const struct stage_context *context, const struct view *view, struct buf *out)
{
	const struct stage_value *values = context->values;
	const struct text_style style = {
		.width = values[OPTION_WIDTH].given ? values[OPTION_WIDTH].number : 80,
		.colour = values[OPTION_COLOUR].given,
		.ascii = values[OPTION_ASCII].given,
		.all_events = values[OPTION_EVENTS].given,
	};

	if (values[OPTION_HTML].given)
		page_write(view, style.all_events, out);
	else
		text_write(view, &style, out);
}

static enum stage_exit inspect_run(struct stage_context *context)
{
	struct inspect *inspect = context->state;
	bool valid, failed, written;
	struct buf out;

	buf_init(&out, OUT_MAX);
	look(inspect, context->values[OPTION_ARCHIVE_FD].fd);
	lay_out(context, &inspect->view, &out);
	written = !out.overflowed && record_write_all(context->out.fd, out.data, out.len) == 0;
	buf_release(&out);
	valid = verdict_valid(&inspect->verdict);
	failed = inspect->input.kind == INPUT_FAILED;
	view_release(&inspect->view);
	input_release(&inspect->input);
	attest_release(&inspect->attest);
	if (!written) {
		stage_complain(context->stage, "cannot write what there is to show");
		return STAGE_FAILED;
	}
	if (failed)
		return STAGE_FAILED;
	return valid ? STAGE_DONE : STAGE_REFUSED;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-inspect",
		.summary = "show a report to a person: sr-inspect FILE",
		.profile = &sandbox_profile_inspect,
		.options = options,
		.option_count = OPTION_COUNT,
		.operand_max = 1,
		.hashes = true,
		.open = inspect_open,
		.prewarm = inspect_prewarm,
		.run = inspect_run,
	};
	struct inspect *inspect = calloc(1, sizeof(*inspect));
	int status;

	if (inspect == NULL)
		buf_no_memory();
	inspect->input.fd = -1;
	inspect->attest.bundle.fd = inspect->attest.prev.fd = inspect->attest.chain.fd = -1;
	inspect->attest.log.proof.fd = -1;
	status = stage_main(&stage, inspect, argc, argv);
	free(inspect);
	return status;
}
