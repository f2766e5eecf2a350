/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-version: asks one program which version it is.
 *
 * PURPOSE  Run a VMM or its jailer with --version, before either gets a privilege or a guest.
 * READS    at most 4 KiB of what the program prints; no input.
 * WRITES   one Version record on stdout.
 * HOLDS    the program, open (--program-fd). No privilege: sr-launch starts it as nobody.
 * FILTER   sandbox/filters/version.filter, which the program inherits; Landlock: that one file is read
 *          and executed, nothing else opened.
 * REFUSES  a program that does not end well in five seconds, or whose first line is no name and
 *          version.
 * WHY NOT  in sr-machine, which reads files and executes nothing; and not in sr-launch, which would
 *          have to read what a stranger's program says.
 */
#include "ipc/object.h"
#include "sandbox/landlock.h"
#include "stages/stage.h"
#include "stages/version/ask.h"
#include "stages/version/words.h"

#define SAID_MAX 4096

enum { OPTION_PROGRAM_FD, OPTION_COUNT };

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_PROGRAM_FD] = {"program-fd", STAGE_OPTION_FD, 0, 0, "N", "the program, open"},
};

static enum stage_exit version_open(struct stage_context *context)
{
	const struct stage_value *program = &context->values[OPTION_PROGRAM_FD];

	if (!program->given) {
		stage_complain(context->stage, "needs --program-fd N");
		return STAGE_USAGE;
	}
	context->fd_rules[context->fd_rule_count++] =
		(struct sandbox_fd_rule){program->fd, SANDBOX_FS_READ_FILE | SANDBOX_FS_EXECUTE};
	return STAGE_DONE;
}

static void describe(struct json_object *record, const struct words_version *version)
{
	object_add_integer(record, "major", version->major);
	object_add_integer(record, "minor", version->minor);
	object_add_string(record, "name", version->name);
	object_add_integer(record, "patch", version->patch);
}

static enum stage_exit version_run(struct stage_context *context)
{
	struct json_object *record OBJECT_CLEANUP = object_new();
	struct json_object *errors = array_new();
	struct words_version version;
	char said[SAID_MAX];
	size_t len = 0;
	struct fault fault, send_fault;
	enum fault_code code =
		ask_version(context->values[OPTION_PROGRAM_FD].fd, said, sizeof said, &len, &fault);

	if (code == FAULT_NONE)
		code = words_parse(said, len, &version, &fault);
	if (code == FAULT_NONE)
		describe(record, &version);
	else
		array_append(errors, fault_to_json(&fault));
	object_add(record, "errors", errors);
	object_add_string(record, "schemaVersion", "safe-run.version/v1");
	if (record_send(&context->out, record, RECORD_EVENT_MAX, &send_fault) != FAULT_NONE) {
		stage_complain(context->stage, "%s", send_fault.message);
		return STAGE_FAILED;
	}
	return code == FAULT_NONE ? STAGE_DONE : STAGE_REFUSED;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-version",
		.summary = "ask a program for its version: sr-version --program-fd N",
		.profile = &sandbox_profile_version,
		.options = options,
		.option_count = OPTION_COUNT,
		.open = version_open,
		.run = version_run,
	};

	return stage_main(&stage, NULL, argc, argv);
}
