/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/resolve/dns_name.h"

#include <string.h>

#define POINTER 0xC0

/* Where reading stands: labels may be spread over a message, what follows the name is not. */
struct walk {
	const uint8_t *message;
	size_t len;
	size_t at;
	size_t lowest; /* a pointer must lead before this */
	size_t after;  /* behind the name where it started; 0 until a pointer was met */
};

/* The next label's start and length; length 0 is the end. */
static bool next_label(struct walk *walk, const uint8_t **label, size_t *label_len)
{
	while (walk->at < walk->len) {
		const uint8_t head = walk->message[walk->at];

		if ((head & POINTER) == 0) {
			if (head > walk->len - walk->at - 1)
				return false;
			*label = walk->message + walk->at + 1;
			*label_len = head;
			walk->at += (size_t)head + 1;
			return true;
		}
		if ((head & POINTER) != POINTER || walk->len - walk->at < 2)
			return false;
		if (walk->after == 0)
			walk->after = walk->at + 2;
		walk->at = (size_t)(head & ~POINTER & 0xFF) << 8 | walk->message[walk->at + 1];
		if (walk->at >= walk->lowest)
			return false;
		walk->lowest = walk->at;
	}
	return false;
}

static bool append_label(char out[DNS_NAME_SIZE], size_t *used, const uint8_t *label, size_t len)
{
	if (*used != 0)
		out[(*used)++] = '.';
	for (size_t i = 0; i < len; i++) {
		uint8_t c = label[i];

		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c - 'A' + 'a');
		if (c == '\0' || strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", c) == NULL)
			return false;
		out[(*used)++] = (char)c;
	}
	return true;
}

static bool read_labels(const uint8_t *message, size_t len, size_t *offset, char *out)
{
	struct walk walk = {.message = message, .len = len, .at = *offset, .lowest = *offset};
	size_t used = 0, wire = 1, label_len = 0;
	const uint8_t *label;

	for (;;) {
		if (!next_label(&walk, &label, &label_len))
			return false;
		if (label_len == 0)
			break;
		wire += label_len + 1;
		if (wire > DNS_NAME_WIRE_MAX)
			return false;
		if (out != NULL && !append_label(out, &used, label, label_len))
			return false;
	}
	if (out != NULL)
		out[used] = '\0';
	*offset = walk.after != 0 ? walk.after : walk.at;
	return true;
}

bool dns_name_read(const uint8_t *message, size_t len, size_t *offset, char out[DNS_NAME_SIZE])
{
	return read_labels(message, len, offset, out);
}

bool dns_name_skip(const uint8_t *message, size_t len, size_t *offset)
{
	return read_labels(message, len, offset, NULL);
}

size_t dns_name_write(const char *text, uint8_t out[DNS_NAME_WIRE_MAX])
{
	size_t used = 0;

	if (strlen(text) > DNS_NAME_MAX)
		return 0;
	for (;;) {
		const size_t len = strcspn(text, ".");

		if (len == 0 || len > DNS_LABEL_MAX)
			return 0;
		out[used++] = (uint8_t)len;
		memcpy(out + used, text, len);
		used += len;
		if (text[len] == '\0')
			break;
		text += len + 1;
	}
	out[used++] = 0;
	return used;
}
