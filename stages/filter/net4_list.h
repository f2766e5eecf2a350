/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_NET4_LIST_H
#define FILTER_NET4_LIST_H

#include "ipc/fault.h"
#include "stages/filter/net4.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fields;
struct json_object;

/* A field that is an array of "a.b.c.d/n": at most max of them, to out; *count how many. */
enum fault_code net4_list_read(struct fields *fields, const char *name, size_t max,
			       struct net4 *out, size_t *count, enum fault_code code,
			       struct fault *fault) __attribute__((warn_unused_result));

/* As net4_format writes it: onto an array; into an object, an address alone. */
void net4_append(struct json_object *array, struct net4 net, bool plain);
void net4_add(struct json_object *object, const char *name, uint32_t address);

#endif
