/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_ADMIT_H
#define LAUNCH_ADMIT_H

#include "ipc/fault.h"

struct plan;

/*
 * Where a bundle meets the host: whether this host lets the plan happen at all. The one place for
 * ceilings a policy's author cannot raise. Pure; before any effect.
 */
enum fault_code admit_plan(const struct plan *plan, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
