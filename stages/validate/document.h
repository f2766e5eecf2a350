/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_DOCUMENT_H
#define VALIDATE_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What a person wrote, as a tree: scalars, lists and mappings, each with its place in the text.
 * A scalar keeps its spelling and whether it was quoted; what it means is decided by the field
 * that reads it, never here. Nodes, and everything read out of them, live in the document's own
 * memory until document_release.
 */
#define DOCUMENT_NODES_MAX   16384 /* values and keys together */
#define DOCUMENT_MEMBERS_MAX 1024  /* of one mapping */
#define DOCUMENT_DEPTH_MAX   32	   /* lists and mappings inside each other */

enum node_kind {
	NODE_SCALAR,
	NODE_LIST,
	NODE_MAPPING,
};

/* Lines and columns count from 1. Line 0: the value came from the command line. */
struct mark {
	unsigned line;
	unsigned column;
};

struct node {
	enum node_kind kind;
	bool quoted; /* scalar: written in quotes or as a block, so it is text */
	struct mark mark;
	const char *text; /* scalar: NUL-terminated, holds no NUL */
	size_t len;
	const struct node *key; /* member of a mapping: its name */
	struct node *first;	/* list, mapping */
	struct node *last;
	struct node *next; /* sibling */
	size_t count;
};

struct document_chunk;
struct facts_source;

struct document {
	struct document_chunk *chunks;
	struct node *root;
	size_t node_count;
	struct facts_source *facts; /* who answers about the host; NULL: it does, unrecorded */
};

void document_init(struct document *document);
void document_release(struct document *document);
#define DOCUMENT_CLEANUP __attribute__((cleanup(document_release)))

/* Zeroed memory, aligned for any object; never NULL (running out ends the process). */
void *document_alloc(struct document *document, size_t size);
char *document_copy(struct document *document, const char *text, size_t len);

/* NULL when the document has DOCUMENT_NODES_MAX nodes already. The text is copied. */
struct node *document_scalar(struct document *document, const char *text, size_t len, bool quoted,
			     struct mark mark);
struct node *document_collection(struct document *document, enum node_kind kind, struct mark mark);

/* Put child at parent's end. key is NULL in a list. */
void node_append(struct node *parent, struct node *child, const struct node *key);
/* Put value in the place of the member name, or at the end when there is none. */
void node_replace(struct node *mapping, const struct node *key, struct node *value);
/* NULL when mapping is NULL, no mapping, or has no such member. */
struct node *node_member(const struct node *mapping, const char *name);

#endif
