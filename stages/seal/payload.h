/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_PAYLOAD_H
#define SEAL_PAYLOAD_H

#include "ipc/fault.h"
#include "stages/seal/head.h"

/*
 * Whether the payload of an event holds what its type holds, and nothing else, and does not
 * contradict itself (safe-run-ipc(7)).
 */
enum fault_code payload_check(const struct head *head, enum fault_code code, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Whether kernelHash, rootfsHash and, where the arguments are there, commandHash of a compile event
 * are the hashes of what it holds.
 */
enum fault_code payload_check_hashes(const struct head *head, enum fault_code code,
				     struct fault *fault) __attribute__((warn_unused_result));

#endif
