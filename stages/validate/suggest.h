/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_SUGGEST_H
#define VALIDATE_SUGGEST_H

#include <stddef.h>

/*
 * Edits (insert, delete, replace, swap of neighbours, each 1; case counts for nothing) between
 * two names; SUGGEST_FAR when a name is longer than SUGGEST_NAME_MAX.
 */
#define SUGGEST_NAME_MAX 32
#define SUGGEST_FAR	 1000
size_t suggest_distance(const char *one, const char *other);

/* Whether a name that many edits away is near enough to be what was meant. */
int suggest_near(const char *written, size_t distance);

#endif
