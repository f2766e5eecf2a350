/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_BUNDLE_PROCESS_H
#define LAUNCH_BUNDLE_PROCESS_H

#include "ipc/fault.h"
#include "ipc/field.h"

struct json_object;
struct plan;

/* processPlan into *plan, after mountPlan; compared with policy.runtime and policy.resources. */
enum fault_code bundle_process_read(struct fields *top, struct json_object *policy,
				    struct plan *plan, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
