/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/buf.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUF_FIRST_CAPACITY 256
#define EXIT_SYSTEM_FAILED 3

_Noreturn void buf_no_memory(void)
{
	static const char text[] = "out of memory\n";

	/* stdio could want memory itself. */
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(EXIT_SYSTEM_FAILED);
	_exit(EXIT_SYSTEM_FAILED);
}

void buf_init(struct buf *buf, size_t max_len)
{
	*buf = (struct buf){.max_len = max_len};
}

void buf_release(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){.max_len = buf->max_len};
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->overflowed = false;
}

bool buf_reserve(struct buf *buf, size_t len)
{
	size_t capacity = buf->capacity > 0 ? buf->capacity : BUF_FIRST_CAPACITY;
	char *data;

	if (len > buf->max_len - buf->len)
		return false;
	if (len <= buf->capacity - buf->len)
		return true;
	while (capacity < buf->len + len)
		capacity = capacity > SIZE_MAX / 2 ? SIZE_MAX : capacity * 2;
	if (capacity > buf->max_len)
		capacity = buf->max_len;
	data = realloc(buf->data, capacity);
	if (data == NULL)
		buf_no_memory();
	buf->data = data;
	buf->capacity = capacity;
	return true;
}

void buf_append(struct buf *buf, const void *data, size_t len)
{
	if (len == 0)
		return;
	/* After one overflow nothing more fits, or a hole would stay in the middle. */
	if (buf->overflowed || !buf_reserve(buf, len)) {
		buf->overflowed = true;
		return;
	}
	memcpy(buf->data + buf->len, data, len);
	buf->len += len;
}

void buf_append_text(struct buf *buf, const char *text)
{
	buf_append(buf, text, strlen(text));
}

void buf_append_u64(struct buf *buf, uint64_t value)
{
	char digits[20]; /* UINT64_MAX has 20 */
	size_t first = sizeof(digits);

	do {
		digits[--first] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	buf_append(buf, digits + first, sizeof(digits) - first);
}
