/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/fault.h"

#include "ipc/object.h"
#include "ipc/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const code_names[FAULT_CODE_COUNT] = {
	[FAULT_NONE] = "",
	[FAULT_POLICY_MISSING] = "SR-POL-001",
	[FAULT_POLICY_FORMAT] = "SR-POL-002",
	[FAULT_POLICY_CONFLICT] = "SR-POL-003",
	[FAULT_MOUNT_SOURCE] = "SR-POL-101",
	[FAULT_MOUNT_TARGET] = "SR-POL-102",
	[FAULT_MOUNT_COMBINATION] = "SR-POL-103",
	[FAULT_NETWORK_RULE] = "SR-POL-201",
	[FAULT_COMPILE_MAPPING] = "SR-CMP-001",
	[FAULT_COMPILE_REQUEST] = "SR-CMP-002",
	[FAULT_COMPILE_NETWORK] = "SR-CMP-201",
	[FAULT_RUN_INIT] = "SR-RUN-001",
	[FAULT_RUN_LAUNCH] = "SR-RUN-002",
	[FAULT_RUN_TIMEOUT] = "SR-RUN-003",
	[FAULT_RUN_MOUNT] = "SR-RUN-101",
	[FAULT_RUN_NETWORK] = "SR-RUN-201",
	[FAULT_RUN_RELEASE] = "SR-RUN-202",
	[FAULT_EVIDENCE_EVENT] = "SR-EVD-001",
	[FAULT_EVIDENCE_REPORT] = "SR-EVD-002",
	[FAULT_REPORT_SCHEMA] = "SR-EVD-301",
	[FAULT_REPORT_HASH] = "SR-EVD-302",
	[FAULT_REPORT_CHAIN] = "SR-EVD-303",
	[FAULT_REPORT_SIGNATURE] = "SR-EVD-304",
	[FAULT_REPORT_INCOMPLETE] = "SR-EVD-305",
	[FAULT_REPORT_CANONICAL] = "SR-EVD-306",
	[FAULT_REPORT_CHALLENGE] = "SR-EVD-307",
	[FAULT_REPORT_PREV] = "SR-EVD-308",
	[FAULT_REPORT_FORWARD] = "SR-EVD-309",
	[FAULT_HOST_LACKS] = "SR-OPS-001",
	[FAULT_ARCHIVE] = "SR-OPS-301",
};

const char *fault_code_name(enum fault_code code)
{
	if ((unsigned int)code >= FAULT_CODE_COUNT)
		return "";
	return code_names[code];
}

enum fault_code fault_code_parse(const char *name)
{
	for (size_t i = FAULT_NONE + 1; i < FAULT_CODE_COUNT; i++)
		if (strcmp(name, code_names[i]) == 0)
			return (enum fault_code)i;
	return FAULT_NONE;
}

/*
 * Bytes of the character at text that may be shown as they are, 0 when its first byte must be
 * escaped; the bytes behind that one are then escaped too, for none of them starts a character. The
 * C1 controls (C2 80 to C2 9F in UTF-8) drive terminals as the C0 ones do.
 */
static size_t printable_sequence(const char *text, size_t available)
{
	const unsigned char *byte = (const unsigned char *)text;
	size_t len = utf8_sequence(text, available);

	if (len == 1 && (byte[0] < 0x20 || byte[0] == 0x7F))
		return 0;
	if (len == 2 && byte[0] == 0xC2 && byte[1] < 0xA0)
		return 0;
	if (utf8_arranges(text, len))
		return 0;
	return len;
}

/* Escape text into out; stops before the character that does not fit whole. */
static void escape(char *out, size_t size, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	size_t left = strlen(text), used = 0;

	while (left > 0) {
		size_t len = printable_sequence(text, left);
		size_t taken = len > 0 ? len : 1;
		size_t needed = len > 0 ? len : sizeof("\\xNN") - 1;

		if (needed >= size - used)
			break;
		if (len > 0) {
			memcpy(out + used, text, len);
		} else {
			unsigned char byte = (unsigned char)*text;

			memcpy(out + used, "\\x", 2);
			out[used + 2] = hex[byte >> 4];
			out[used + 3] = hex[byte & 0xF];
		}
		used += needed;
		text += taken;
		left -= taken;
	}
	out[used] = '\0';
}

/* The arguments may point into *fault: the new value is built aside and copied last. */
__attribute__((format(printf, 5, 0))) static enum fault_code
set(struct fault *fault, enum fault_code code, const char *path, const char *reason,
    const char *format, va_list arguments)
{
	/* A character cut by vsnprintf lies past what fits in the message. */
	char raw[FAULT_MESSAGE_SIZE + 8];
	struct fault built = {.code = code};
	int len = vsnprintf(raw, sizeof(raw), format, arguments);

	if (len < 0)
		raw[0] = '\0';
	if (reason != NULL && len >= 0 && (size_t)len < sizeof(raw))
		snprintf(raw + len, sizeof(raw) - (size_t)len, ": %s", reason);
	escape(built.message, sizeof(built.message), raw);
	escape(built.path, sizeof(built.path), path);
	*fault = built;
	return code;
}

enum fault_code fault_set(struct fault *fault, enum fault_code code, const char *path,
			  const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	set(fault, code, path, NULL, format, arguments);
	va_end(arguments);
	return code;
}

enum fault_code fault_set_errno(struct fault *fault, enum fault_code code, int error_number,
				const char *path, const char *format, ...)
{
	/* Unlike strerror(3) this one never looks for message catalogues. */
	const char *reason = strerrordesc_np(error_number);
	va_list arguments;

	va_start(arguments, format);
	set(fault, code, path, reason != NULL ? reason : "unknown error", format, arguments);
	va_end(arguments);
	return code;
}

void fault_list_init(struct fault_list *list)
{
	list->count = 0;
	list->dropped = 0;
}

void fault_list_add(struct fault_list *list, const struct fault *fault)
{
	if (list->count == FAULT_LIST_MAX) {
		list->dropped++;
		return;
	}
	list->items[list->count++] = *fault;
}

struct json_object *fault_to_json(const struct fault *fault)
{
	struct json_object *object = object_new();

	object_add_string(object, "code", fault_code_name(fault->code));
	object_add_string(object, "message", fault->message);
	object_add_string(object, "path", fault->path);
	return object;
}

struct json_object *fault_list_to_json(const struct fault_list *list)
{
	struct json_object *array = array_new();
	struct fault rest;

	for (size_t i = 0; i < list->count; i++)
		array_append(array, fault_to_json(&list->items[i]));
	if (list->dropped == 0)
		return array;
	fault_set(&rest, list->items[FAULT_LIST_MAX - 1].code, "", "and %zu more, not listed",
		  list->dropped);
	array_append(array, fault_to_json(&rest));
	return array;
}
