/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/identity.h"

#include "sandbox/caps.h"
#include "sandbox/sandbox.h"
#include "stages/launch/plan.h"
#include "stages/seal/digest.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define CODE	FAULT_RUN_LAUNCH
#define PATH	"launch.identity"
#define ID_BASE 0x6F000000U /* above every range distributions hand out (subuid(5)) */
#define ID_MASK 0xFFFFFU

uid_t identity_for_run(const char *run_id)
{
	uint8_t value[DIGEST_SIZE];

	digest_bytes(run_id, strlen(run_id), value);
	return ID_BASE | (((uid_t)value[29] << 16 | (uid_t)value[30] << 8 | value[31]) & ID_MASK);
}

/*
 * Dropping only. The order is capabilities(7)'s: the bounding set needs CAP_SETPCAP, the ids need
 * CAP_SETUID and CAP_SETGID, and the sets themselves go last. In a user namespace setgroups(2)
 * stays denied, the price of mapping ids without privilege; the caller's groups stay, without a
 * name inside.
 */
enum fault_code identity_drop(const struct plan *plan, struct fault *fault)
{
	/* The launcher keeps one for assistants; a new user namespace begins with all. */
	if (caps_clear_bounding(plan->rootless ? 0 : ~sandbox_profile_launch.handed_on) < 0 ||
	    caps_clear_ambient() < 0)
		return fault_set_errno(fault, CODE, errno, PATH,
				       "cannot empty the bounding and ambient sets");
	if (!plan->rootless && setgroups(0, NULL) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot give up the groups");
	if (setresgid(plan->gid, plan->gid, plan->gid) < 0 ||
	    setresuid(plan->uid, plan->uid, plan->uid) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot become user %u",
				       plan->uid);
	if (caps_lock_securebits(false) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot lock the securebits");
	if (caps_set(0) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot give up the capabilities");
	return FAULT_NONE;
}

enum fault_code identity_limit(const struct plan *plan, struct fault *fault)
{
	for (size_t i = 0; i < PLAN_LIMIT_COUNT; i++) {
		__rlimit_resource_t resource = (__rlimit_resource_t)plan->limits[i].resource;
		struct rlimit limit;

		if (getrlimit(resource, &limit) == 0) {
			if (limit.rlim_max > plan->limits[i].value)
				limit.rlim_max = plan->limits[i].value;
			limit.rlim_cur = limit.rlim_max;
			if (setrlimit(resource, &limit) == 0)
				continue;
		}
		return fault_set_errno(fault, CODE, errno, "launch.limits", "cannot set limit %s",
				       plan->limits[i].name);
	}
	return FAULT_NONE;
}
