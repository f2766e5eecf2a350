/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_BUF_H
#define IPC_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A growable byte buffer with a ceiling. A buffer that would pass its ceiling stays as it was and
 * remembers that it overflowed, so a writer checks once, at the end.
 *
 * Running out of memory ends the process with status 3 and a line on stderr (buf_no_memory): a
 * stage does one thing, has nothing to salvage, and its peers treat its silence as a lost stage.
 */
struct buf {
	char *data;
	size_t len;
	size_t capacity;
	size_t max_len;
	bool overflowed;
};

void buf_init(struct buf *buf, size_t max_len);
void buf_release(struct buf *buf);
void buf_clear(struct buf *buf);
void buf_append(struct buf *buf, const void *data, size_t len);
void buf_append_text(struct buf *buf, const char *text);
void buf_append_u64(struct buf *buf, uint64_t value);
/* Room for len more bytes behind data + len, for a caller that fills it and adds to len itself;
 * false when they would pass the ceiling. */
bool buf_reserve(struct buf *buf, size_t len) __attribute__((warn_unused_result));
_Noreturn void buf_no_memory(void);

#define BUF_CLEANUP __attribute__((cleanup(buf_release)))

#endif
