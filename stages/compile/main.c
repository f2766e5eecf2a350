/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-compile: turns a validated policy into the plans the launcher carries out.
 *
 * PURPOSE  The mapping from what a person asked for to what the kernel is told, as data, where it
 *          can be read, compared and hashed before anything happens.
 * READS    stdin: one ValidationResult record of at most 16 MiB.
 * WRITES   stdout (and --record-fd): one CompileBundle record. A refused policy, or input that is
 *          no ValidationResult, gives a bundle whose errors say why and whose plans are null.
 * HOLDS    Nothing: no file, no clock, no random bytes. Same input, same bytes.
 * FILTER   sandbox/filters/compile.filter: memory, read, write, close, exit.
 * REFUSES  Anything but exactly one canonical record of the right kind; unknown or missing fields;
 *          values a plan has no place for (SR-CMP-001, SR-CMP-002, SR-CMP-201). Exit status 1.
 * WHY NOT  In validate: that one looks at the host, so it cannot be pure. In launch: the privileged
 *          stage should decide nothing; it checks a finished plan and does it.
 */
#include "ipc/object.h"
#include "stages/compile/bundle.h"
#include "stages/seal/digest.h"
#include "stages/stage.h"

#include <json-c/json.h>
#include <unistd.h>

#define INPUT_PATH "compile.input"

static enum stage_exit prewarm(struct stage_context *context)
{
	if (digest_prewarm() == 0)
		return STAGE_DONE;
	stage_complain(context->stage, "cannot prepare SHA-256");
	return STAGE_FAILED;
}

static void set_fault(struct fault *fault, enum record_status status, struct fault *reason)
{
	switch (status) {
	case RECORD_END:
		fault_set(fault, FAULT_COMPILE_REQUEST, INPUT_PATH,
			  "there is no input: the stage before ended without a word");
		return;
	case RECORD_AGAIN:
		fault_set(fault, FAULT_COMPILE_REQUEST, INPUT_PATH,
			  "the input is a descriptor that does not block");
		return;
	case RECORD_FAULT:
		fault_set(fault, FAULT_COMPILE_REQUEST, INPUT_PATH, "%s", reason->message);
		return;
	case RECORD_LINE:
		fault_set(fault, FAULT_COMPILE_REQUEST, INPUT_PATH,
			  "a second record follows the first");
		return;
	}
}

/* Exactly one record, then the end; anything else becomes the bundle's error. */
static enum fault_code compile_input(struct record_reader *reader, struct json_object **bundle)
{
	struct fault fault = {.code = FAULT_NONE}, reason;
	enum record_status status;
	enum fault_code code;
	const char *line;
	size_t len;

	status = record_read(reader, &line, &len, FAULT_COMPILE_REQUEST, &reason);
	if (status == RECORD_LINE) {
		code = bundle_compile(line, len, &fault, bundle);
		status = record_read(reader, &line, &len, FAULT_COMPILE_REQUEST, &reason);
		if (status == RECORD_END)
			return code;
		object_release(bundle);
	}
	set_fault(&fault, status, &reason);
	return bundle_compile(NULL, 0, &fault, bundle);
}

static enum stage_exit run(struct stage_context *context)
{
	struct json_object *bundle OBJECT_CLEANUP = NULL;
	struct record_reader reader;
	struct fault fault;
	enum fault_code code;

	record_reader_init(&reader, STDIN_FILENO, RECORD_BUNDLE_MAX);
	code = compile_input(&reader, &bundle);
	record_reader_release(&reader);
	if (record_send(&context->out, bundle, RECORD_BUNDLE_MAX, &fault) != FAULT_NONE) {
		stage_complain(context->stage, "%s", fault.message);
		return STAGE_FAILED;
	}
	stage_end_output(context);
	return code == FAULT_NONE ? STAGE_DONE : STAGE_REFUSED;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-compile",
		.summary = "turn a validated policy into plans",
		.profile = &sandbox_profile_compile,
		.ends_output = true,
		.hashes = true,
		.prewarm = prewarm,
		.run = run,
	};

	return stage_main(&stage, NULL, argc, argv);
}
