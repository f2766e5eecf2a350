/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_OBJECT_H
#define IPC_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/*
 * Building objects. Each function adds one member and takes over the value given; running out of
 * memory ends the process as in ipc/buf.h, so a build reads straight down. Names must be ASCII.
 */
struct json_object *object_new(void);
struct json_object *array_new(void);

void object_add(struct json_object *object, const char *name, struct json_object *value);
void object_add_string(struct json_object *object, const char *name, const char *text);
void object_add_integer(struct json_object *object, const char *name, int64_t value);
void object_add_bool(struct json_object *object, const char *name, bool value);
void object_add_null(struct json_object *object, const char *name);
/* A decimal string: for values that may pass 2^53-1, nanoseconds and device numbers. */
void object_add_decimal(struct json_object *object, const char *name, uint64_t value);
/*
 * Untrusted bytes as a string inside the canonical subset: NUL, DEL and bytes that are not valid
 * UTF-8 come out as \xNN, a backslash as \\. One input, one output, reversible.
 */
void object_add_escaped(struct json_object *object, const char *name, const char *bytes,
			size_t len);
/* Another reference to a value owned elsewhere. */
void object_add_shared(struct json_object *object, const char *name, struct json_object *value);

void array_append(struct json_object *array, struct json_object *value);
void array_append_string(struct json_object *array, const char *text);

/*
 * Reading one that somebody checked, or whose missing members are no fault (ipc/field.h is for those
 * that are). The member, still the object's; NULL without one, or where object is none.
 */
struct json_object *object_member(struct json_object *object, const char *name);
/* Its text, the object's; "" unless it is a string. Its number; 0 unless it is an integer. */
const char *object_text(struct json_object *object, const char *name);
int64_t object_number(struct json_object *object, const char *name);
/* How many elements; 0 unless it is an array. */
size_t array_length(struct json_object *array);
/* Elements by their JSON text, least first. */
void array_sort(struct json_object *array);

void object_release(struct json_object **object);
#define OBJECT_CLEANUP __attribute__((cleanup(object_release)))

/* Hand the value over: the variable is NULL afterwards, so the cleanup does nothing. */
struct json_object *object_take(struct json_object **object);

#endif
