/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INSPECT_TEXT_H
#define INSPECT_TEXT_H

#include "stages/inspect/view.h"
#include "stages/inspect/words.h"

#include <stdbool.h>
#include <stddef.h>

/* The report for a terminal, in lines of at most width columns. */
#define TEXT_WIDTH_MIN 40
#define TEXT_WIDTH_MAX 160

struct text_style {
	size_t width; /* TEXT_WIDTH_MIN to TEXT_WIDTH_MAX */
	bool colour;
	bool ascii;
	bool all_events; /* the samples too, and no matter how many */
};

void text_write(const struct view *view, const struct text_style *style, struct buf *out);

/* The parts of it, for each file of its own. */
struct text {
	const struct view *view;
	const struct text_style *style;
	struct buf *out;
	enum words_target target;
};

enum text_paint { TEXT_PLAIN, TEXT_BOLD, TEXT_FAINT, TEXT_GOOD, TEXT_BAD, TEXT_WARN };

void text_paint(const struct text *text, enum text_paint paint);
/* A literal of ours in a colour; back to plain behind it. */
void text_say(const struct text *text, enum text_paint paint, const char *words);
/* A line feed, and no blanks in front of it. */
void text_end(const struct text *text);
void text_heading(const struct text *text, const char *words);
/* columns of a table: a value cut to width, with blanks behind it up to it. */
void text_cell(const struct text *text, struct span value, size_t width);
void text_pad(const struct text *text, size_t used, size_t width);
void text_cell_say(const struct text *text, const char *words, size_t width);
/* A sentence on lines of their own behind indent columns, broken at blanks. escaped: the inside of
 * a JSON string. */
void text_wrap(const struct text *text, size_t indent, struct span words, bool escaped);

void text_warn(const struct text *text); /* text_proof.c: in front of what does not hold */
void text_verification(const struct text *text);
void text_proof(const struct text *text);
void text_resources(const struct text *text); /* text_spark.c */
void text_timeline(const struct text *text);  /* text_table.c */
void text_enforcement(const struct text *text);
void text_decisions(const struct text *text);
void text_output(const struct text *text);

#endif
