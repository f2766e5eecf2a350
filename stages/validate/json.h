/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_JSON_H
#define VALIDATE_JSON_H

#include "ipc/fault.h"
#include "stages/validate/document.h"

#include <stddef.h>

/*
 * One JSON text (RFC 8259, any white space) into a tree. JSON has a reader of its own because
 * YAML 1.1 is not a superset of it: raw U+2028 would end a line, \ud83d\ude00 would be an error,
 * and json-c keeps the last of two equal keys and no positions. Numbers and literals become plain
 * scalars as they are spelled. The text has passed text_check. The fault is SR-POL-002 with line
 * and column.
 */
enum fault_code json_read(const char *data, size_t len, struct document *document,
			  struct fault *fault) __attribute__((warn_unused_result));

#endif
