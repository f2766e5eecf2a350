/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNPACK_DOCUMENT_H
#define UNPACK_DOCUMENT_H

#include "ipc/fault.h"

#include <stddef.h>

struct json_object;

/*
 * JSON as image tools write it: not canonical, so the reading rule of our records does not hold.
 * RFC 8259 (and NaN and Infinity, which json-c takes and nothing here reads), one object or array
 * and nothing behind it, valid UTF-8, at most DOCUMENT_MAX bytes and DOCUMENT_DEPTH containers
 * inside each other, and no name twice in one object, for which tools disagree what it means.
 */
#define DOCUMENT_MAX   ((size_t)4 << 20)
#define DOCUMENT_DEPTH 32

/* what names the document in a fault. The caller owns *value. */
enum fault_code document_parse(const char *text, size_t len, const char *what,
			       struct json_object **value, struct fault *fault)
	__attribute__((warn_unused_result));

/* Members, borrowed (any at all: ipc/object.h): NULL, "" and -1 where there is none of that type. */
struct json_object *document_array(struct json_object *object, const char *name);
const char *document_text(struct json_object *object, const char *name);
long long document_number(struct json_object *object, const char *name);

#endif
