/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The full canonical form: what is written reads back as itself, and a record of ours, which keeps
 * to the subset, stays as it is.
 */
#include "ipc/canon.h"
#include "cmd/canon_reader.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void init(struct buf *out, size_t len)
{
	buf_init(out, len * 5 + 64);
}

static void expect_same(const struct buf *left, const char *right, size_t right_len)
{
	if (left->len != right_len || memcmp(left->data, right, right_len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);
	struct buf once, twice;
	struct fault fault;
	bool in_subset, read;

	if (text == NULL)
		abort();
	memcpy(text, data, len);
	text[len] = '\0';
	init(&once, len);
	in_subset = canon_check(text, len, NULL);
	read = canon_reader_write(text, len, &once, &fault) == FAULT_NONE;
	if (in_subset && !read)
		abort();
	if (in_subset)
		expect_same(&once, text, len);
	if (read) {
		size_t written = once.len;

		buf_append(&once, "", 1);
		init(&twice, written);
		if (once.overflowed ||
		    canon_reader_write(once.data, written, &twice, &fault) != FAULT_NONE)
			abort();
		expect_same(&twice, once.data, written);
		buf_release(&twice);
	}
	buf_release(&once);
	free(text);
	return 0;
}
