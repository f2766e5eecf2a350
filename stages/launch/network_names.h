/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_NETWORK_NAMES_H
#define LAUNCH_NETWORK_NAMES_H

#include "ipc/fault.h"

struct json_object;
struct launch;
struct plan;
struct plan_rule;

/*
 * The hosts of a policy's rules, resolved once by sr-resolve(1) before anything runs, and pinned: the
 * answers are the rules' addresses and the sandbox's hosts file, which has no resolver.
 */
enum fault_code network_names_resolve(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/* No name leads to what only a cidr opens: closed is a list of networks, the host's own among them. */
enum fault_code network_names_check(const struct plan *plan, struct json_object *closed,
				    struct fault *fault) __attribute__((warn_unused_result));

/* The networks a rule stands for, appended as texts a.b.c.d/n. */
void network_names_add(const struct plan *plan, const struct plan_rule *rule,
		       struct json_object *list);

#endif
