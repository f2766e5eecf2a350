/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_HOST_H
#define VALIDATE_HOST_H

#include "stages/validate/policy.h"

struct allowlist;
struct json_object;

/*
 * What the host answered: the parts of it a sandbox's root is made of, and where the policy's
 * mounts and rootfs are; and the allowlist they were held against. Later stages need no host to be
 * replayed. What document->facts was asked is in it too. policy is NULL when refused; then there
 * are no mounts and no rootfs. The caller owns the result. document is for scratch.
 */
struct json_object *host_facts(const struct policy *policy, const struct allowlist *allowlist,
			       struct document *document);

#endif
