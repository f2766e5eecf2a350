/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_OVERRIDE_H
#define VALIDATE_OVERRIDE_H

#include "stages/validate/site.h"

#include <stddef.h>

struct json_object;

/*
 * --set FIELD=JSON: FIELD is a field of the policy by its full name (resources.memory.max,
 * runtime.env.NAME), JSON its new value in canonical form (ipc/canon.h). Applied to the tree
 * before anything is validated, in the order given; each one understood is appended to recorded as
 * {"field","value"}. A bad one is an SR-POL-002 whose path is the field.
 *
 * With no tree to apply them to (reading->document->root NULL) they are only read.
 */
void override_apply(struct reading *reading, const char *const settings[], size_t count,
		    struct json_object *recorded);

#endif
