/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_NET4_LIST_H
#define FILTER_NET4_LIST_H

#include "ipc/fault.h"
#include "stages/filter/net4.h"

#include <stddef.h>

struct fields;

/* A field that is an array of "a.b.c.d/n": at most max of them, to out; *count how many. */
enum fault_code net4_list_read(struct fields *fields, const char *name, size_t max,
			       struct net4 *out, size_t *count, enum fault_code code,
			       struct fault *fault) __attribute__((warn_unused_result));

#endif
