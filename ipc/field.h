/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_FIELD_H
#define IPC_FIELD_H

#include "ipc/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/*
 * Typed fields of one object. Each getter marks the field it reads; fields_close refuses an object
 * with a field nobody asked for. Faults carry the reader's code and the member's full path.
 * The object is borrowed, and so is everything a getter hands out.
 */
#define FIELDS_MAX 64 /* members an object may have */

struct fields {
	struct json_object *object;
	enum fault_code code;
	uint64_t seen;
	char path[FAULT_PATH_SIZE];
};

/* value must be an object of at most FIELDS_MAX members. path is "" at the top. */
enum fault_code fields_open(struct fields *fields, struct json_object *value, const char *path,
			    enum fault_code code, struct fault *fault)
	__attribute__((warn_unused_result));

/* Open the member name (an object) as fields of its own. */
enum fault_code fields_enter(struct fields *fields, const char *name, struct fields *member,
			     struct fault *fault) __attribute__((warn_unused_result));

bool fields_has(const struct fields *fields, const char *name); /* present, null included */
bool fields_null(struct fields *fields, const char *name);	/* present and null; marks it */

enum fault_code fields_string(struct fields *fields, const char *name, const char **out,
			      struct fault *fault) __attribute__((warn_unused_result));
enum fault_code fields_integer(struct fields *fields, const char *name, int64_t min, int64_t max,
			       int64_t *out, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code fields_bool(struct fields *fields, const char *name, bool *out, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code fields_array(struct fields *fields, const char *name, size_t max_count,
			     struct json_object **out, struct fault *fault)
	__attribute__((warn_unused_result));
/* Any type, null included (*out NULL). */
enum fault_code fields_any(struct fields *fields, const char *name, struct json_object **out,
			   struct fault *fault) __attribute__((warn_unused_result));
/* The value must be the string expected. */
enum fault_code fields_literal(struct fields *fields, const char *name, const char *expected,
			       struct fault *fault) __attribute__((warn_unused_result));

enum fault_code fields_close(struct fields *fields, struct fault *fault)
	__attribute__((warn_unused_result));

/* "<prefix>.<name>" or "<prefix>[<index>]" into out, cut to size. An empty prefix adds no dot. */
void field_path_name(char *out, size_t size, const char *prefix, const char *name);
void field_path_index(char *out, size_t size, const char *prefix, size_t index);

#endif
