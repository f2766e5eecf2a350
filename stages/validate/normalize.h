/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_NORMALIZE_H
#define VALIDATE_NORMALIZE_H

#include "stages/validate/policy.h"

struct json_object;

/*
 * The policy with every field present, defaults filled in and one spelling for everything. Read
 * again, it gives the same bytes. policy must be one that was read without errors. The caller owns
 * the result.
 */
struct json_object *normalize_policy(const struct policy *policy);

#endif
