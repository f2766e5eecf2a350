/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_ANSWER_H
#define SUPPORT_ANSWER_H

#include <stdbool.h>

struct json_object;

/* sr-verify's answer about a file; the caller releases it. */
struct json_object *answer_get(const char *path, int *status);
/* A member as text; "" when there is none. Borrowed. */
const char *answer_text(struct json_object *answer, const char *name);
/* Whether one of the reasons has this code and this path. */
bool answer_has_reason(struct json_object *answer, const char *code, const char *path);

#endif
