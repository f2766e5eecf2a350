/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/text.h"

#include "ipc/utf8.h"

#include <string.h>

#define TEXT_FIELD "validate.policy"

size_t text_decode(const char *text, size_t left, uint32_t *code_point)
{
	const unsigned char *byte = (const unsigned char *)text;
	size_t len = utf8_sequence(text, left);

	if (len == 0)
		return 0;
	*code_point = len == 1 ? byte[0] : byte[0] & (0xffU >> (len + 1));
	for (size_t i = 1; i < len; i++)
		*code_point = *code_point << 6 | (byte[i] & 0x3fU);
	return len;
}

size_t text_encode(uint32_t code_point, char out[4])
{
	size_t len = code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = len - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (code_point & 0x3f));
		code_point >>= 6;
	}
	out[0] = (char)(lead[len == 1 ? 0 : len] | code_point);
	return len;
}

void text_advance(struct mark *mark, uint32_t code_point)
{
	if (code_point == '\n') {
		mark->line++;
		mark->column = 1;
	} else {
		mark->column++;
	}
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool text_is_json(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!is_blank(data[i]))
			return data[i] == '{';
	return false;
}

static enum fault_code check_start(const char *data, size_t len, struct fault *fault)
{
	if (len == 0)
		return fault_set(fault, FAULT_POLICY_FORMAT, TEXT_FIELD,
				 "line 1, column 1: this is empty; "
				 "safe-run-policy(5) says what belongs here");
	if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
		return fault_set(fault, FAULT_POLICY_FORMAT, TEXT_FIELD,
				 "line 1, column 1: starts with a byte order mark; "
				 "save it as UTF-8 without one");
	if (len >= 2 && (memcmp(data, "\xff\xfe", 2) == 0 || memcmp(data, "\xfe\xff", 2) == 0))
		return fault_set(fault, FAULT_POLICY_FORMAT, TEXT_FIELD,
				 "line 1, column 1: this is UTF-16; save it as UTF-8");
	return FAULT_NONE;
}

static enum fault_code check_character(uint32_t c, bool json, struct mark mark, struct fault *fault)
{
	if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
		return fault_set(fault, FAULT_POLICY_FORMAT, TEXT_FIELD,
				 "line %u, column %u: control byte 0x%02x; "
				 "this looks like a binary file, not a policy",
				 mark.line, mark.column, c);
	if (!json && (c == 0x85 || c == 0x2028 || c == 0x2029))
		return fault_set(fault, FAULT_POLICY_FORMAT, TEXT_FIELD,
				 "line %u, column %u: U+%04X ends a line in YAML 1.1 but not "
				 "elsewhere; write it as an escape in double quotes",
				 mark.line, mark.column, c);
	return FAULT_NONE;
}

enum fault_code text_check(const char *data, size_t len, struct fault *fault)
{
	const bool json = text_is_json(data, len);
	struct mark mark = {1, 1};
	enum fault_code code = check_start(data, len, fault);

	for (size_t at = 0; at < len && code == FAULT_NONE;) {
		uint32_t c = 0;
		size_t step = text_decode(data + at, len - at, &c);

		if (step == 0)
			return fault_set(fault, FAULT_POLICY_FORMAT, TEXT_FIELD,
					 "line %u, column %u: byte 0x%02x is not valid UTF-8; "
					 "save the policy as UTF-8",
					 mark.line, mark.column, (unsigned char)data[at]);
		code = check_character(c, json, mark, fault);
		text_advance(&mark, c);
		at += step;
	}
	return code;
}
