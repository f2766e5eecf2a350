/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_ADMIT_H
#define LAUNCH_ADMIT_H

#include "ipc/fault.h"

#include <stdbool.h>

struct plan;
struct plan_prefixes;

/*
 * What no bundle may ask of any host, and whether its mounts are where its own allowlist lets them
 * be. Pure; before any effect. The host's ceiling is host_admit's (host_policy.h).
 */
enum fault_code admit_plan(const struct plan *plan, struct fault *fault)
	__attribute__((warn_unused_result));

/* Whether path is one of the prefixes or below one, by component. */
bool admit_covers(const struct plan_prefixes *prefixes, const char *path);

#endif
