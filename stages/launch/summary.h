/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_SUMMARY_H
#define LAUNCH_SUMMARY_H

struct json_object;
struct plan;

/*
 * What the compile event says of the policy, in one flat object; NULL when the policy is NULL or
 * not of the form it should have. Arguments are only in it at audit level full.
 */
struct json_object *summary_make(struct json_object *policy);

/* {"machine","release","sysname","version"} of uname(2): what kernelHash covers. */
struct json_object *summary_kernel(void);

/*
 * The root plan with the identity of each bound source as it is now: what rootfsHash covers. Fills
 * plan->entries[].identity. NULL with errno and *bad_path when a source cannot be opened.
 */
struct json_object *summary_root(struct plan *plan, const char **bad_path);

#endif
