/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILE_PROCESS_PLAN_H
#define COMPILE_PROCESS_PLAN_H

struct host_facts;
struct json_object;
struct policy;

/* processPlan: what runs, with which environment, limits and root; a new object. */
struct json_object *process_plan_make(const struct policy *policy, const struct host_facts *facts);

/* cgroupPlan: the limits a control group holds, in cgroup v2's terms; a new object. */
struct json_object *cgroup_plan_make(const struct policy *policy);

#endif
