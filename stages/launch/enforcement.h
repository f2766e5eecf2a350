/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_ENFORCEMENT_H
#define LAUNCH_ENFORCEMENT_H

#include <stdint.h>

struct json_object;

/*
 * Entries of run.prepared's enforcement[] (safe-run-report(5)): {"clause","mechanism","requested",
 * "effective","enforced","evidence"}. evidence is taken over.
 */
void enforcement_add_text(struct json_object *enforcement, const char *clause,
			  const char *mechanism, const char *requested, const char *effective,
			  struct json_object *evidence);
void enforcement_add_number(struct json_object *enforcement, const char *clause,
			    const char *mechanism, uint64_t requested, uint64_t effective,
			    struct json_object *evidence);
/* Not enforced, which only --best-effort lets happen. */
void enforcement_add_missing(struct json_object *enforcement, const char *clause,
			     const char *mechanism, const char *reason);

#endif
