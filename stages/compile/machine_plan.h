/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILE_MACHINE_PLAN_H
#define COMPILE_MACHINE_PLAN_H

#include "ipc/fault.h"

struct json_object;
struct policy;

/*
 * firecrackerConfig: a new object that Firecracker accepts as its --config-file (its published API,
 * FullVmConfiguration). Paths are those inside the jail. Names a launcher derives from the run id
 * appear as templates with "<runId>". SR-CMP-001 when a microVM cannot be what the policy asks for.
 */
enum fault_code machine_plan_config(const struct policy *policy, struct json_object **config,
				    struct fault *fault) __attribute__((warn_unused_result));

/*
 * jailerPlan: one field per documented flag of Firecracker's jailer, a new object. null is what the
 * launcher decides per run: --id, --uid, --gid, --netns and --cgroup-version.
 */
struct json_object *machine_plan_jailer(const struct policy *policy);

#endif
