/* SPDX-License-Identifier: Apache-2.0 */
/*
 * safe-run canon
 *
 * PURPOSE  The canonical form of any JSON, to compare or hash what other tools wrote.
 * READS    stdin: one JSON value of at most 16 MiB, white space around it allowed.
 * WRITES   stdout: its RFC 8785 form, those bytes and no line feed; or {"errors":[...]}.
 * HOLDS    Nothing: confined like a stage before the first byte is read.
 * FILTER   sandbox/filters/canon.filter: memory, read, write, exit.
 * REFUSES  What is no JSON, and what RFC 8785 has no form for (SR-EVD-306). Exit status 1.
 * WHY NOT  ipc/canon.h: our own records keep to a subset that has no doubles.
 */
#include "cmd/canon_reader.h"
#include "cmd/verb.h"
#include "ipc/buf.h"
#include "ipc/object.h"
#include "stages/stage.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <unistd.h>

#define INPUT_MAX ((size_t)16 << 20)

/* The longest growth: "1e20" and its comma, five bytes, become twenty-two. */
#define OUTPUT_MAX (INPUT_MAX * 5)

#define READ_CHUNK ((size_t)64 << 10)

/* All of stdin and a NUL behind it. */
static enum fault_code read_input(struct buf *input, struct fault *fault)
{
	for (;;) {
		size_t room = input->max_len - input->len;
		ssize_t got;

		if (!buf_reserve(input, room < READ_CHUNK ? room : READ_CHUNK))
			break;
		got = read(STDIN_FILENO, input->data + input->len, input->capacity - input->len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fault_set_errno(fault, FAULT_REPORT_CANONICAL, errno, "canon.input",
					       "cannot read the input");
		if (got == 0)
			break;
		input->len += (size_t)got;
		if (input->len > INPUT_MAX)
			return fault_set(fault, FAULT_REPORT_CANONICAL, "canon.input",
					 "the input is longer than %zu bytes", INPUT_MAX);
	}
	buf_append(input, "", 1);
	return FAULT_NONE;
}

static bool write_errors(const struct stage_context *context, const struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = object_new();
	struct json_object *errors = array_new();
	struct fault unsent;

	array_append(errors, fault_to_json(fault));
	object_add(record, "errors", errors);
	return record_send(&context->out, record, RECORD_EVENT_MAX, &unsent) == FAULT_NONE;
}

static enum stage_exit run(struct stage_context *context)
{
	struct buf input BUF_CLEANUP, output BUF_CLEANUP;
	struct fault fault;
	enum fault_code code;
	bool written;

	buf_init(&input, INPUT_MAX + 2); /* one byte too many, and the NUL */
	buf_init(&output, OUTPUT_MAX);
	code = read_input(&input, &fault);
	if (code == FAULT_NONE)
		code = canon_reader_write(input.data, input.len - 1, &output, &fault);
	written = code == FAULT_NONE ? record_write_all(STDOUT_FILENO, output.data, output.len) == 0
				     : write_errors(context, &fault);
	if (!written) {
		stage_complain(context->stage, "cannot write to standard output");
		return STAGE_FAILED;
	}
	return code == FAULT_NONE ? STAGE_DONE : STAGE_REFUSED;
}

int verb_canon(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "safe-run canon",
		.summary = "write the JSON on stdin in canonical form (RFC 8785)",
		.profile = &sandbox_profile_canon,
		.run = run,
	};

	return stage_main(&stage, NULL, argc, argv);
}
