/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/builder.h"

#include "ipc/field.h"
#include "stages/validate/scalar.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void builder_init(struct builder *builder, struct document *document, struct fault *fault)
{
	*builder = (struct builder){.document = document, .fault = fault};
}

static void builder_path(const struct builder *builder, char out[FAULT_PATH_SIZE])
{
	out[0] = '\0';
	for (size_t i = 0; i < builder->depth; i++) {
		const struct builder_frame *frame = &builder->frames[i];
		/* The node of the next frame is this one's last child already. */
		bool inner = i + 1 < builder->depth;
		const struct node *key = inner ? frame->node->last->key : frame->key;
		char prefix[FAULT_PATH_SIZE];

		memcpy(prefix, out, sizeof(prefix));
		if (frame->node->kind == NODE_LIST)
			field_path_index(out, FAULT_PATH_SIZE, prefix,
					 frame->node->count - (inner ? 1 : 0));
		else if (key != NULL)
			field_path_name(out, FAULT_PATH_SIZE, prefix, key->text);
	}
	if (out[0] == '\0')
		snprintf(out, FAULT_PATH_SIZE, "validate.policy");
}

enum fault_code builder_refuse(const struct builder *builder, struct mark mark, const char *format,
			       ...)
{
	char path[FAULT_PATH_SIZE];
	char message[FAULT_MESSAGE_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	builder_path(builder, path);
	return fault_set(builder->fault, FAULT_POLICY_FORMAT, path, "line %u, column %u: %s",
			 mark.line, mark.column, message);
}

static enum fault_code refuse_count(const struct builder *builder, struct mark mark)
{
	return builder_refuse(builder, mark, "more than %d values in one policy; shorten its lists",
			      DOCUMENT_NODES_MAX);
}

/* A name that another YAML 1.1 reader would take for a boolean or a number is no name. */
static enum fault_code check_key(const struct builder *builder, const struct node *mapping,
				 const struct node *key)
{
	enum scalar_class class = scalar_classify(key);

	if (!key->quoted && strcmp(key->text, "<<") == 0)
		return builder_refuse(builder, key->mark,
				      "merge keys (<<) are not accepted; write the fields out");
	if (class != SCALAR_STRING)
		return builder_refuse(builder, key->mark,
				      "the key '%.64s' is %s in YAML 1.1; quote it: \"%.64s\"",
				      key->text, scalar_class_words(class), key->text);
	if (node_member(mapping, key->text) != NULL)
		return builder_refuse(builder, key->mark,
				      "duplicate key '%.64s', first given on line %u; keep one",
				      key->text, node_member(mapping, key->text)->key->mark.line);
	if (mapping->count >= DOCUMENT_MEMBERS_MAX)
		return builder_refuse(builder, key->mark, "more than %d keys in one mapping",
				      DOCUMENT_MEMBERS_MAX);
	return FAULT_NONE;
}

static enum fault_code builder_place(struct builder *builder, struct node *node)
{
	struct builder_frame *top;

	if (builder->depth == 0) {
		builder->document->root = node;
		return FAULT_NONE;
	}
	top = &builder->frames[builder->depth - 1];
	if (top->node->kind == NODE_MAPPING && top->key == NULL) {
		if (node->kind != NODE_SCALAR)
			return builder_refuse(builder, node->mark,
					      "a key must be a name, not a list or mapping");
		top->key = node;
		return check_key(builder, top->node, node);
	}
	node_append(top->node, node, top->key);
	top->key = NULL;
	return FAULT_NONE;
}

enum fault_code builder_scalar(struct builder *builder, const char *text, size_t len, bool quoted,
			       struct mark mark)
{
	struct node *node;

	if (memchr(text, '\0', len) != NULL)
		return builder_refuse(builder, mark,
				      "U+0000 is not accepted in a string; leave it out");
	if (memchr(text, 0x7f, len) != NULL)
		return builder_refuse(builder, mark,
				      "U+007F is not accepted in a string; leave it out");
	node = document_scalar(builder->document, text, len, quoted, mark);
	if (node == NULL)
		return refuse_count(builder, mark);
	return builder_place(builder, node);
}

enum fault_code builder_open(struct builder *builder, enum node_kind kind, struct mark mark)
{
	struct node *node;
	enum fault_code code;

	if (builder->depth >= DOCUMENT_DEPTH_MAX)
		return builder_refuse(builder, mark,
				      "nested more than %d deep; no policy needs that",
				      DOCUMENT_DEPTH_MAX);
	node = document_collection(builder->document, kind, mark);
	if (node == NULL)
		return refuse_count(builder, mark);
	code = builder_place(builder, node);
	if (code == FAULT_NONE)
		builder->frames[builder->depth++] = (struct builder_frame){.node = node};
	return code;
}

void builder_close(struct builder *builder)
{
	builder->depth--;
}
