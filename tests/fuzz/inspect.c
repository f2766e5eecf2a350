/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Anything as a report: whatever it is, what is shown of it holds no byte a terminal would obey and
 * no markup but the page's own. Read as two halves it goes through sr-compare's search as well,
 * which finds a difference exactly where there is one.
 */
#include "ipc/canon.h"
#include "stages/compare/difference.h"
#include "stages/inspect/page.h"
#include "stages/inspect/text.h"
#include "stages/seal/digest.h"
#include "stages/verify/check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return digest_prewarm();
}

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void show_text(const struct view *view, bool ascii, bool all_events)
{
	const struct text_style style = {
		.width = all_events ? TEXT_WIDTH_MAX : TEXT_WIDTH_MIN,
		.ascii = ascii,
		.all_events = all_events,
	};
	struct buf out;

	buf_init(&out, (size_t)64 << 20);
	text_write(view, &style, &out);
	for (size_t i = 0; i < out.len; i++) {
		unsigned char byte = (unsigned char)out.data[i];

		require((byte >= 0x20 && byte != 0x7f) || byte == '\n');
		require(!ascii || byte < 0x80);
	}
	buf_release(&out);
}

static void show_page(const struct view *view)
{
	struct buf out;

	buf_init(&out, (size_t)64 << 20);
	page_write(view, true, &out);
	buf_append(&out, "", 1);
	require(strlen(out.data) + 1 == out.len);
	require(strcasestr(out.data, "<script") == NULL && strcasestr(out.data, "<img") == NULL);
	buf_release(&out);
}

static void show(struct span text)
{
	static struct view view; /* large */
	struct verdict verdict = {.run_id = ""};

	check_report(text, &verdict);
	memset(&view, 0, sizeof(view));
	if (verdict.states[VERDICT_CANONICAL] == VERDICT_PASSED)
		view_open(&view, text);
	view.verification = verdict_to_json(&verdict);
	show_text(&view, true, true);
	show_text(&view, false, false);
	show_page(&view);
	view_release(&view);
}

static void compare(struct span text)
{
	struct span a = {text.at, text.len / 2};
	struct span b = {text.at + a.len, text.len - a.len};
	bool same = a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
	struct difference difference;

	difference_find(a, b, &difference);
	require(difference.same == same);
	if (same)
		return;
	require(difference.offset <= a.len && difference.offset <= b.len);
	require(memcmp(a.at, b.at, difference.offset) == 0);
	require(difference.offset == a.len || difference.offset == b.len ||
		a.at[difference.offset] != b.at[difference.offset]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = {size > 0 ? (const char *)data : "", size};

	show(text);
	compare(text);
	return 0;
}
