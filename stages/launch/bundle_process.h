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

/* argv and env of it (bundle_words.c). */
enum fault_code bundle_argv(struct fields *process, struct json_object *runtime, struct plan *plan,
			    struct fault *fault) __attribute__((warn_unused_result));
enum fault_code bundle_env(struct fields *process, struct json_object *runtime, struct plan *plan,
			   struct fault *fault) __attribute__((warn_unused_result));

/* processPlan.outputs, after its cwd and root (bundle_outputs.c). */
enum fault_code bundle_outputs_read(struct fields *process, struct json_object *policy,
				    struct plan *plan, struct fault *fault)
	__attribute__((warn_unused_result));

/* The fault of a plan that does not say what policy.<policy_path> says. */
enum fault_code bundle_disagree(const char *path, const char *policy_path, struct fault *fault);

/* A member, borrowed; NULL when object is no object or has none of that name. */
struct json_object *bundle_member(struct json_object *object, const char *name);

#endif
