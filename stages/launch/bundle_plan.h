/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_BUNDLE_PLAN_H
#define LAUNCH_BUNDLE_PLAN_H

#include "ipc/fault.h"
#include "ipc/field.h"

struct json_object;
struct plan;

/*
 * cgroupPlan, mountPlan, networkPlan and processPlan of a bundle into *plan, each compared with the
 * policy. What this launcher does not do (network allowlist, microvm) is
 * refused here with FAULT_HOST_LACKS and the policy field's name, before any effect.
 */
enum fault_code bundle_plan_read(struct fields *top, struct json_object *policy, struct plan *plan,
				 struct fault *fault) __attribute__((warn_unused_result));

/* mountPlan, and what processPlan says of it: mountFacts, mountAllowlist (bundle_mount.c). */
enum fault_code bundle_mounts_read(struct fields *top, struct json_object *policy,
				   struct plan *plan, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code bundle_mount_facts_read(struct fields *process, struct plan *plan,
					struct fault *fault) __attribute__((warn_unused_result));

/* processPlan.root into plan->root and plan->entries (bundle_root.c). */
enum fault_code bundle_root_read(struct fields *process, struct plan *plan, struct fault *fault)
	__attribute__((warn_unused_result));

/* An absolute path without ".", "..", empty components or a slash at its end, at most
 * PLAN_PATH_MAX long; "/" itself is not one. */
bool bundle_path_valid(const char *path) __attribute__((warn_unused_result));

/* A string member that must be such a path, kept in the plan. */
enum fault_code bundle_path(struct fields *fields, const char *name, struct plan *plan,
			    const char **out, struct fault *fault)
	__attribute__((warn_unused_result));

/* A list's element that must be such a path or "/", kept in the plan. */
enum fault_code bundle_prefix(struct json_object *value, const char *path, struct plan *plan,
			      const char **out, struct fault *fault)
	__attribute__((warn_unused_result));

/* A number in a string of decimal digits: device and inode may pass 2^53. */
enum fault_code bundle_decimal(struct fields *fields, const char *name, uint64_t *out,
			       struct fault *fault) __attribute__((warn_unused_result));

/* A string member of at least 1 and at most max bytes, kept in the plan. */
enum fault_code bundle_text(struct fields *fields, const char *name, size_t max, struct plan *plan,
			    const char **out, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
