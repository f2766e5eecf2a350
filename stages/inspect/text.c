/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/inspect/text.h"

#include "stages/inspect/units.h"

#include <json-c/json.h>
#include <string.h>

void text_paint(const struct text *text, enum text_paint paint)
{
	static const char *const codes[] = {
		[TEXT_PLAIN] = "\033[0m", [TEXT_BOLD] = "\033[1m", [TEXT_FAINT] = "\033[2m",
		[TEXT_GOOD] = "\033[32m", [TEXT_BAD] = "\033[31m", [TEXT_WARN] = "\033[33m",
	};

	if (text->style->colour)
		buf_append_text(text->out, codes[paint]);
}

void text_say(const struct text *text, enum text_paint paint, const char *words)
{
	if (paint != TEXT_PLAIN)
		text_paint(text, paint);
	words_put_text(text->out, text->target, words, SIZE_MAX - 1);
	if (paint != TEXT_PLAIN)
		text_paint(text, TEXT_PLAIN);
}

void text_end(const struct text *text)
{
	struct buf *out = text->out;

	while (out->len > 0 && out->data[out->len - 1] == ' ')
		out->len--;
	buf_append_text(out, "\n");
}

void text_heading(const struct text *text, const char *words)
{
	text_end(text);
	text_say(text, TEXT_BOLD, words);
	text_end(text);
}

void text_pad(const struct text *text, size_t used, size_t width)
{
	for (; used < width; used++)
		buf_append_text(text->out, " ");
}

void text_cell(const struct text *text, struct span value, size_t width)
{
	text_pad(text, words_put_value(text->out, text->target, value, width), width);
}

void text_cell_say(const struct text *text, const char *words, size_t width)
{
	text_pad(text, words_put_text(text->out, text->target, words, width), width);
}

void text_wrap(const struct text *text, size_t indent, struct span words, bool escaped)
{
	size_t room = text->style->width - indent, used = 0;

	while (words.len > 0) {
		const char *blank = memchr(words.at, ' ', words.len);
		size_t len = blank != NULL ? (size_t)(blank - words.at) : words.len;
		struct span word = {words.at, len};

		if (used > 0 && used + 1 + len > room) {
			text_end(text);
			text_pad(text, 0, indent);
			used = 0;
		} else if (used > 0) {
			buf_append_text(text->out, " ");
			used++;
		}
		used += escaped ? words_put_string(text->out, text->target, word, room)
				: words_put_span(text->out, text->target, word, room);
		words.at += len;
		words.len -= len;
		for (; words.len > 0 && *words.at == ' '; words.len--)
			words.at++;
	}
	text_end(text);
}

static void put_status(const struct text *text)
{
	struct span outcome = view_member(text->view, REPORT_OUTCOME);
	bool good = span_says(view_member(text->view, REPORT_STATE), "finished");
	const char *sign = text->style->ascii ? (good ? "OK" : "!!") : (good ? "\u2713" : "\u2717");

	text_say(text, good ? TEXT_GOOD : TEXT_BAD, sign);
	buf_append_text(text->out, " ");
	text_paint(text, TEXT_BOLD);
	words_put_value(text->out, text->target, view_member(text->view, REPORT_STATE),
			text->style->width / 3);
	text_paint(text, TEXT_PLAIN);
	buf_append_text(text->out, ": ");
	words_put_value(text->out, text->target, span_get(outcome, "summary"),
			text->style->width * 2);
	text_end(text);
}

static void put_fact(const struct text *text, const char *name, struct span value)
{
	buf_append_text(text->out, "  ");
	text_cell_say(text, name, 11);
	text_cell(text, value, text->style->width - 13);
	text_end(text);
}

static void put_fact_words(const struct text *text, const char *name, const char *words)
{
	buf_append_text(text->out, "  ");
	text_cell_say(text, name, 11);
	text_say(text, TEXT_PLAIN, words);
	text_end(text);
}

static void put_facts(const struct text *text)
{
	const struct view *view = text->view;
	char took[UNITS_SIZE] = "-";
	uint64_t wall_ms;

	if (view_number(view_get(view, REPORT_RESOURCE_USAGE, "wallMs"), &wall_ms) &&
	    wall_ms < UINT64_MAX / 1000000)
		units_duration(wall_ms * 1000000, took);
	put_fact(text, "run", view_member(view, REPORT_RUN_ID));
	buf_append_text(text->out, "  ");
	text_cell_say(text, "started", 11);
	words_put_time(text->out, text->target, view_member(view, REPORT_STARTED_AT),
		       text->style->width - 13);
	text_end(text);
	put_fact_words(text, "took", took);
	put_fact(text, "policy", view_get(view, REPORT_POLICY_SUMMARY, "name"));
	put_fact(text, "command", view_get(view, REPORT_POLICY_SUMMARY, "command"));
	put_fact(text, "isolation", view_get(view, REPORT_POLICY_SUMMARY, "isolation"));
	put_fact(text, "as", span_get(view->first_payload, "mode"));
	put_fact(text, "verdict", view_member(view, REPORT_VERDICT));
}

/* A report that is not even canonical has nothing that could be shown of it. */
static bool readable(const struct view *view)
{
	return view_member(view, REPORT_EVENTS).len > 0;
}

void text_write(const struct view *view, const struct text_style *style, struct buf *out)
{
	struct text text = {view, style, out, style->ascii ? WORDS_ASCII : WORDS_PLAIN};

	if (!readable(view)) {
		text_say(&text, TEXT_BAD, "nothing of this report can be shown");
		buf_append_text(out, "\n");
		text_verification(&text);
		return;
	}
	text_warn(&text);
	put_status(&text);
	put_facts(&text);
	text_verification(&text);
	text_resources(&text);
	text_timeline(&text);
	text_enforcement(&text);
	text_decisions(&text);
	text_output(&text);
	text_proof(&text);
}
