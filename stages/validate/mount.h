/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_MOUNT_H
#define VALIDATE_MOUNT_H

#include "stages/validate/resolve.h"
#include "stages/validate/schema.h"

#include <stdbool.h>
#include <stddef.h>

/* mounts[]: SR-POL-101 for the source, 102 for the target, 103 for what does not go together. */
#define MOUNT_COUNT_MAX ((size_t)64)

struct mount {
	const struct resolve_facts *source; /* NULL when refused */
	const char *target;		    /* clean; NULL when refused */
	bool read_only;
	bool noexec;
};

/* Reads into struct schema_items of struct mount. */
extern const struct schema_list mount_list;

#endif
