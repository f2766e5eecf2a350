/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_BUILDER_H
#define VALIDATE_BUILDER_H

#include "ipc/fault.h"
#include "stages/validate/document.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Builds a document from what a reader (yaml.c, json.c) meets, and holds the limits both share:
 * depth, number of values, members of a mapping, duplicate keys, keys that are not names, merge
 * keys, U+0000 and U+007F. Every fault is SR-POL-002 and names the field, line and column.
 */
struct builder_frame {
	struct node *node;
	const struct node *key; /* mapping: read, its value not yet */
};

struct builder {
	struct document *document;
	struct fault *fault;
	struct builder_frame frames[DOCUMENT_DEPTH_MAX];
	size_t depth;
};

void builder_init(struct builder *builder, struct document *document, struct fault *fault);

enum fault_code builder_scalar(struct builder *builder, const char *text, size_t len, bool quoted,
			       struct mark mark) __attribute__((warn_unused_result));
enum fault_code builder_open(struct builder *builder, enum node_kind kind, struct mark mark)
	__attribute__((warn_unused_result));
void builder_close(struct builder *builder);

/* Set the fault, with "line L, column C: " before the message and the field being read. */
enum fault_code builder_refuse(const struct builder *builder, struct mark mark, const char *format,
			       ...) __attribute__((format(printf, 3, 4)));

#endif
