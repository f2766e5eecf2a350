/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-compare: holds what a stage wrote again against what it wrote then.
 *
 * PURPOSE  For safe-run replay: the first byte and the first field that differ; whether a run can
 *          be carried out again; whether, carried out again, it came to the same.
 * READS    standard input, what is new; --recorded-fd, what is recorded. Each to its end, at most
 *          64 MiB. The record is a stranger's.
 * WRITES   one record on stdout: same, different or refused, and where.
 * HOLDS    nothing. No privilege, no file.
 * FILTER   sandbox/filters/compare.filter; Landlock gives nothing.
 * REFUSES  input that is longer, or, where fields are compared, no canonical JSON.
 * WHY NOT  in the front-end: it parses nothing a stranger wrote. In sr-verify: what that says must
 *          not depend on a second file.
 */
#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/compare/again.h"
#include "stages/compare/answer.h"
#include "stages/stage.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX ((size_t)64 << 20)

enum option { OPTION_MODE, OPTION_RECORDED_FD, OPTION_COUNT };

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_MODE] = {.name = "mode",
			 .kind = STAGE_OPTION_TEXT,
			 .value_name = "MODE",
			 .help = "bytes; events: of a report, against events.ndjson; inputs: of a "
				 "report, against its bundle; outcome: of two reports"},
	[OPTION_RECORDED_FD] = {.name = "recorded-fd",
				.kind = STAGE_OPTION_FD,
				.value_name = "N",
				.help = "what is recorded"},
};

enum mode { MODE_BYTES, MODE_EVENTS, MODE_INPUTS, MODE_OUTCOME, MODE_COUNT };

static const char *const mode_names[MODE_COUNT] = {
	[MODE_BYTES] = "bytes",
	[MODE_EVENTS] = "events",
	[MODE_INPUTS] = "inputs",
	[MODE_OUTCOME] = "outcome",
};

struct compare {
	enum mode mode;
	struct buf replayed, recorded;
};

static enum stage_exit compare_open(struct stage_context *context)
{
	const struct stage_value *mode = &context->values[OPTION_MODE];
	struct compare *compare = context->state;

	compare->mode = mode->given ? MODE_COUNT : MODE_BYTES;
	for (enum mode i = 0; mode->given && i < MODE_COUNT; i++)
		if (strcmp(mode->text, mode_names[i]) == 0)
			compare->mode = i;
	if (compare->mode == MODE_COUNT || !context->values[OPTION_RECORDED_FD].given) {
		stage_complain(context->stage, "needs --recorded-fd, and a --mode that there is");
		return STAGE_USAGE;
	}
	return STAGE_DONE;
}

/* false: longer than INPUT_MAX, or the system did not give it. */
static bool read_all(int fd, struct buf *buf)
{
	buf_init(buf, INPUT_MAX + 1);
	for (;;) {
		size_t room = INPUT_MAX + 1 - buf->len;
		ssize_t got;

		if (room == 0)
			return false;
		room = room < ((size_t)1 << 20) ? room : (size_t)1 << 20;
		if (!buf_reserve(buf, room))
			return false;
		got = read(fd, buf->data + buf->len, room);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0;
		buf->len += (size_t)got;
	}
}

static struct span text_of(const struct buf *buf)
{
	struct span text = {buf->data, buf->len};

	if (text.at == NULL)
		text.at = "";
	return text;
}

/* A record is a line; a report has no line feed. */
static struct span value_of(const struct buf *buf)
{
	struct span text = text_of(buf);

	if (text.len > 0 && text.at[text.len - 1] == '\n')
		text.len--;
	return text;
}

static bool is_canonical(const struct buf *buf, const char *what, struct answer *answer)
{
	struct span value = value_of(buf);

	if (canon_check(value.at, value.len, NULL))
		return true;
	answer_refuse(answer, what, "not canonical JSON: no safe-run wrote these bytes");
	return false;
}

static void compare_bytes(struct span recorded, struct span replayed, struct answer *answer)
{
	struct difference difference;

	difference_find(recorded, replayed, &difference);
	if (!difference.same)
		answer_add(answer, &difference, true);
}

/* What events.ndjson of that report is: its events, a line each. */
static void compare_events(const struct compare *compare, struct answer *answer)
{
	struct buf lines BUF_CLEANUP;
	struct span_walk walk;
	struct span event;

	if (!is_canonical(&compare->replayed, "report", answer))
		return;
	buf_init(&lines, 2 * INPUT_MAX);
	if (span_walk_array(span_get(value_of(&compare->replayed), "events"), &walk))
		while (span_next_element(&walk, &event)) {
			buf_append(&lines, event.at, event.len);
			buf_append(&lines, "\n", 1);
		}
	compare_bytes(text_of(&compare->recorded), text_of(&lines), answer);
}

static void compare_values(const struct compare *compare, struct answer *answer)
{
	bool whole = is_canonical(&compare->recorded, "recorded", answer);

	if (!is_canonical(&compare->replayed, "replayed", answer) || !whole)
		return;
	if (compare->mode == MODE_INPUTS)
		again_check_inputs(value_of(&compare->recorded), value_of(&compare->replayed),
				   answer);
	else
		again_compare(value_of(&compare->recorded), value_of(&compare->replayed), answer);
}

static void look(const struct compare *compare, struct answer *answer)
{
	switch (compare->mode) {
	case MODE_BYTES:
		compare_bytes(text_of(&compare->recorded), text_of(&compare->replayed), answer);
		break;
	case MODE_EVENTS:
		compare_events(compare, answer);
		break;
	case MODE_INPUTS:
	case MODE_OUTCOME:
	case MODE_COUNT:
		compare_values(compare, answer);
		break;
	}
}

static enum stage_exit compare_run(struct stage_context *context)
{
	struct compare *compare = context->state;
	struct answer answer;
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct fault fault;
	bool same, read_both;

	answer_init(&answer);
	read_both = read_all(STDIN_FILENO, &compare->replayed);
	read_both =
		read_all(context->values[OPTION_RECORDED_FD].fd, &compare->recorded) && read_both;
	answer.replayed_len = compare->replayed.len;
	answer.recorded_len = compare->recorded.len;
	if (read_both)
		look(compare, &answer);
	else
		answer_refuse(&answer, "input", "cannot be read, or is longer than 64 MiB");
	record = answer_finish(&answer, &same);
	buf_release(&compare->replayed);
	buf_release(&compare->recorded);
	if (record_send(&context->out, record, RECORD_EVENT_MAX, &fault) != FAULT_NONE) {
		stage_complain(context->stage, "%s", fault.message);
		return STAGE_FAILED;
	}
	return same ? STAGE_DONE : STAGE_REFUSED;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-compare",
		.summary = "what is new on standard input, held against what is recorded",
		.profile = &sandbox_profile_compare,
		.options = options,
		.option_count = OPTION_COUNT,
		.open = compare_open,
		.run = compare_run,
	};
	struct compare compare = {.mode = MODE_BYTES};

	return stage_main(&stage, &compare, argc, argv);
}
