/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILE_NETWORK_PLAN_H
#define COMPILE_NETWORK_PLAN_H

struct json_object;
struct policy;

/* The launcher puts the run's own name in; a bundle knows no run id. */
#define NETWORK_PLAN_TAP "sr-tap-<runId>"

/*
 * networkPlan for mode allowlist, a new object; NULL (JSON null) for mode none.
 *
 *   {"nft":{"chains":["forward"],"rules":[...],"table":"safe_run"},"tap":{"name":"sr-tap-<runId>"}}
 *
 * A rule is {"chain","port","protocol","target":{"host"|"cidr"},"verdict"}, in the policy's order;
 * hosts stay names, resolved when the run starts. What no rule accepts is rejected. "match":"name"
 * is in a rule that is also held against what TLS and HTTP say (sr-egress(1)), and only there; the
 * host of such a rule may be a wildcard, *.example.org, which nothing can resolve beforehand.
 */
struct json_object *network_plan_make(const struct policy *policy);

#endif
