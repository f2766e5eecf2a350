/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INSPECT_PAGE_H
#define INSPECT_PAGE_H

#include "ipc/buf.h"
#include "stages/inspect/series.h"
#include "stages/inspect/view.h"
#include "stages/inspect/words.h"

#include <stdbool.h>

/*
 * The report as one page of HTML 5 that stands alone: its style is inside, its plots are inline
 * SVG, it holds no script and its content security policy lets nothing be fetched. Everything from
 * the report goes through words_put with WORDS_HTML, in text and in attributes.
 */
void page_write(const struct view *view, bool all_events, struct buf *out);

/* The parts of it, for each file of its own. */
#define PAGE_TEXT_MAX ((size_t)2000) /* characters of one value; more is said to be left out */

struct page {
	const struct view *view;
	struct buf *out;
	bool all_events;
};

void page_put(const struct page *page, const char *markup);  /* ours, as it is */
void page_say(const struct page *page, const char *text);    /* escaped */
void page_value(const struct page *page, struct span value); /* escaped, or a dash */
void page_open_section(const struct page *page, const char *id, const char *title);
void page_close_section(const struct page *page);
void page_plot(const struct page *page, enum series_kind kind); /* page_plot.c */
void page_timeline(const struct page *page);			/* page_table.c */
void page_enforcement(const struct page *page);
void page_decisions(const struct page *page);
void page_output(const struct page *page);
void page_verification(const struct page *page); /* page_proof.c */
void page_proof(const struct page *page);

#endif
