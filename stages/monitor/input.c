/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/monitor/input.h"

#include "ipc/buf.h"
#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/seal/digest.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GONE (POLLERR | POLLHUP | POLLNVAL)

void input_init(struct input *input, struct endpoint source, int sink_fd, bool is_terminal)
{
	*input = (struct input){
		.source = source,
		.sink_fd = sink_fd,
		.is_terminal = is_terminal,
		.relayed = sink_fd >= 0,
		.at_line_start = true,
		.source_place = POLLSET_NOT_WAITING,
		.sink_place = POLLSET_NOT_WAITING,
	};
	if (!input->relayed)
		return;
	input->digest = digest_new();
	input->data = malloc(INPUT_BUFFER_SIZE);
	if (input->data == NULL)
		buf_no_memory();
	if (source.kind == ENDPOINT_NONE && !is_terminal)
		input_close(input); /* nobody to read from: the workload sees end of file */
}

void input_close(struct input *input)
{
	if (input->sink_fd >= 0 && !input->is_terminal)
		(void)close(input->sink_fd);
	input->sink_fd = -1;
	endpoint_close(&input->source);
}

void input_release(struct input *input)
{
	input_close(input);
	if (input->digest != NULL)
		digest_free(input->digest);
	free(input->data);
	*input = (struct input){.sink_fd = -1, .source = {.fd = -1}};
}

static bool is_pending(const struct input *input)
{
	return input->done < input->len;
}

void input_wait(struct input *input, struct pollset *set)
{
	input->source_place = POLLSET_NOT_WAITING;
	input->sink_place = POLLSET_NOT_WAITING;
	if (input->sink_fd < 0)
		return;
	if (is_pending(input) || input->source_ready) {
		input->sink_place = pollset_add(set, input->sink_fd, POLLOUT);
		return;
	}
	if (input->source.kind != ENDPOINT_NONE) {
		input->source_place = pollset_add(set, input->source.fd, POLLIN);
		input->sink_place = pollset_add(set, input->sink_fd, 0);
	}
}

static void flush(struct input *input)
{
	while (is_pending(input)) {
		const char *rest = input->data + input->done;
		ssize_t put = write(input->sink_fd, rest, input->len - input->done);

		if (put < 0 && errno != EAGAIN && errno != EINTR)
			input_close(input); /* the workload closed its end */
		if (put <= 0)
			return;
		digest_update(input->digest, rest, (size_t)put);
		input->bytes += (uint64_t)put;
		input->done += (size_t)put;
	}
}

/*
 * The caller's input has ended. A pipe is closed; a terminal has no end, so it is told as a person
 * does: ^D at the start of a line, twice in the middle of one (termios(3), VEOF).
 */
static void end_source(struct input *input)
{
	static const char eof[] = {4, 4};

	endpoint_close(&input->source);
	if (!input->is_terminal) {
		input_close(input);
		return;
	}
	input->len = input->at_line_start ? 1 : 2;
	input->done = 0;
	memcpy(input->data, eof, input->len);
	flush(input);
}

static void read_source(struct input *input)
{
	ssize_t got = read(input->source.fd, input->data, INPUT_BUFFER_SIZE);

	input->source_ready = false;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		end_source(input);
		return;
	}
	input->at_line_start = input->data[got - 1] == '\n';
	input->len = (size_t)got;
	input->done = 0;
	flush(input);
}

void input_run(struct input *input, const struct pollset *set)
{
	short source = pollset_answer(set, input->source_place);
	short sink = pollset_answer(set, input->sink_place);

	if ((sink & GONE) != 0)
		input_close(input);
	else if ((sink & POLLOUT) != 0 && is_pending(input))
		flush(input);
	else if ((sink & POLLOUT) != 0)
		read_source(input);
	else if (source != 0)
		input->source_ready = true;
}

struct json_object *input_to_json(const struct input *input)
{
	uint8_t value[DIGEST_SIZE];
	char text[DIGEST_TEXT_SIZE];

	if (!input->relayed)
		return NULL;
	digest_value(input->digest, value);
	digest_text(value, text);
	struct json_object *object = object_new();
	object_add_integer(object, "bytes",
			   input->bytes > CANON_INTEGER_MAX ? CANON_INTEGER_MAX
							    : (int64_t)input->bytes);
	object_add_string(object, "sha256", text);
	return object;
}
