/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_PAYLOAD_H
#define SEAL_PAYLOAD_H

#include "ipc/fault.h"
#include "stages/seal/head.h"

/*
 * What the payload of each event type must hold for a report to be made from it: the fields the
 * report derives something from, and no others (safe-run-report(5)).
 */
enum fault_code payload_check(const struct head *head, enum fault_code code, struct fault *fault)
	__attribute__((warn_unused_result));

/* Whether kernelHash and rootfsHash of a compile event are the hashes of its kernel and root. */
enum fault_code payload_check_hashes(const struct head *head, enum fault_code code,
				     struct fault *fault) __attribute__((warn_unused_result));

#endif
