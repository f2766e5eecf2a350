/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/diff/visible.h"

#include "ipc/utf8.h"

#include <stdbool.h>
#include <string.h>

static void append_hex(struct buf *out, unsigned char byte)
{
	static const char hex[] = "0123456789abcdef";
	const char text[] = {'\\', 'x', hex[byte >> 4], hex[byte & 0xF]};

	buf_append(out, text, sizeof(text));
}

static bool is_control(const char *text, size_t len)
{
	unsigned char byte = (unsigned char)text[0];

	if (len == 1)
		return (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F;
	return byte == 0xC2 && (unsigned char)text[1] < 0xA0;
}

/* How long a character that starts with byte may be. */
static size_t length_of(unsigned char byte)
{
	return byte < 0xC2 || byte > 0xF4 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

/* All of data; with whole, what is cut at the end is no character and shown as bytes. */
static size_t append_all(const char *data, size_t len, bool whole, struct buf *out)
{
	size_t at = 0;

	while (at < len) {
		size_t taken = utf8_sequence(data + at, len - at);

		if (taken == 0 && !whole && length_of((unsigned char)data[at]) > len - at)
			break;
		if (taken == 0 || is_control(data + at, taken) || utf8_arranges(data + at, taken)) {
			append_hex(out, (unsigned char)data[at]);
			at++;
			continue;
		}
		buf_append(out, data + at, taken);
		at += taken;
	}
	return at;
}

void visible_append(struct visible *visible, const char *data, size_t len, struct buf *out)
{
	size_t taken;

	/* At most three bytes wait; byte by byte until they are a character or none. */
	while (visible->tail_len > 0 && len > 0) {
		visible->tail[visible->tail_len++] = *data++;
		len--;
		taken = append_all(visible->tail, visible->tail_len, false, out);
		visible->tail_len -= taken;
		memmove(visible->tail, visible->tail + taken, visible->tail_len);
	}
	taken = append_all(data, len, false, out);
	memcpy(visible->tail + visible->tail_len, data + taken, len - taken);
	visible->tail_len += len - taken;
}

void visible_end(struct visible *visible, struct buf *out)
{
	(void)append_all(visible->tail, visible->tail_len, true, out);
	visible->tail_len = 0;
}
