/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/document.h"

#include "ipc/buf.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE ((size_t)16 << 10)

struct document_chunk {
	struct document_chunk *next;
	size_t used;
	size_t size;
	alignas(max_align_t) unsigned char bytes[];
};

void document_init(struct document *document)
{
	*document = (struct document){0};
}

void document_release(struct document *document)
{
	struct document_chunk *chunk = document->chunks;

	while (chunk != NULL) {
		struct document_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	document_init(document);
}

static struct document_chunk *chunk_add(struct document *document, size_t size)
{
	size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
	struct document_chunk *chunk = calloc(1, sizeof(*chunk) + room);

	if (chunk == NULL)
		buf_no_memory();
	chunk->size = room;
	chunk->next = document->chunks;
	document->chunks = chunk;
	return chunk;
}

void *document_alloc(struct document *document, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct document_chunk *chunk = document->chunks;
	void *memory;

	size = (size + align - 1) / align * align;
	if (chunk == NULL || size > chunk->size - chunk->used)
		chunk = chunk_add(document, size);
	memory = chunk->bytes + chunk->used;
	chunk->used += size;
	return memory;
}

char *document_copy(struct document *document, const char *text, size_t len)
{
	char *copy = document_alloc(document, len + 1);

	if (len > 0)
		memcpy(copy, text, len);
	return copy;
}

static struct node *node_new(struct document *document, enum node_kind kind, struct mark mark)
{
	struct node *node;

	if (document->node_count >= DOCUMENT_NODES_MAX)
		return NULL;
	document->node_count++;
	node = document_alloc(document, sizeof(*node));
	node->kind = kind;
	node->mark = mark;
	return node;
}

struct node *document_scalar(struct document *document, const char *text, size_t len, bool quoted,
			     struct mark mark)
{
	struct node *node = node_new(document, NODE_SCALAR, mark);

	if (node == NULL)
		return NULL;
	node->quoted = quoted;
	node->text = document_copy(document, text, len);
	node->len = len;
	return node;
}

struct node *document_collection(struct document *document, enum node_kind kind, struct mark mark)
{
	return node_new(document, kind, mark);
}

void node_append(struct node *parent, struct node *child, const struct node *key)
{
	child->key = key;
	if (parent->last == NULL)
		parent->first = child;
	else
		parent->last->next = child;
	parent->last = child;
	parent->count++;
}

void node_replace(struct node *mapping, const struct node *key, struct node *value)
{
	struct node **link = &mapping->first;
	struct node *previous = NULL;

	while (*link != NULL && strcmp((*link)->key->text, key->text) != 0) {
		previous = *link;
		link = &previous->next;
	}
	if (*link == NULL) {
		node_append(mapping, value, key);
		return;
	}
	value->key = key;
	value->next = (*link)->next;
	if (mapping->last == *link)
		mapping->last = value;
	*link = value;
}

struct node *node_member(const struct node *mapping, const char *name)
{
	if (mapping == NULL || mapping->kind != NODE_MAPPING)
		return NULL;
	for (struct node *node = mapping->first; node != NULL; node = node->next)
		if (strcmp(node->key->text, name) == 0)
			return node;
	return NULL;
}
