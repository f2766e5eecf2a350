/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_SITE_H
#define VALIDATE_SITE_H

#include "ipc/fault.h"
#include "stages/validate/document.h"

#include <stddef.h>

struct allowlist;

/* One reading of one policy: where its faults go, and what its fields are measured against. */
struct reading {
	struct document *document; /* memory for what fields hold */
	const struct allowlist *allowlist;
	struct fault_list errors;
	struct fault_list warnings;
};

/* A value at its place: what was written and the field it is for. */
struct site {
	struct reading *reading;
	const struct node *node;
	enum fault_code code; /* of a wrong value, where the field's rule names no other */
	char path[FAULT_PATH_SIZE];
};

struct site site_member(const struct site *parent, const char *name, const struct node *node);
struct site site_item(const struct site *parent, size_t index, const struct node *node);

/*
 * Add an error, or a warning, for this field. The message starts with the line and column of what
 * was written. Untrusted text in it is escaped by fault_set; cut it with SITE_TEXT.
 */
#define SITE_TEXT "%.120s"
void site_refuse(const struct site *site, enum fault_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void site_warn(const struct site *site, enum fault_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
