/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILE_POLICY_PART_H
#define COMPILE_POLICY_PART_H

#include "ipc/fault.h"

struct fields;
struct policy;

/* The members resources and network of a policy, for policy_read. top is the whole policy. */
enum fault_code policy_read_resources(struct fields *top, struct policy *policy,
				      struct fault *fault) __attribute__((warn_unused_result));
enum fault_code policy_read_network(struct fields *top, struct policy *policy, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
