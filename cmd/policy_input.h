/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_POLICY_INPUT_H
#define CMD_POLICY_INPUT_H

#include "ipc/fault.h"

/*
 * The policy's bytes. The front-end finds and copies them; only sr-validate looks inside.
 * A policy has at most 1 MiB; one byte more is passed on, so that it is sr-validate that refuses.
 */
#define POLICY_INPUT_MAX ((size_t)1 << 20)

/*
 * Open what --policy names: a regular file, or standard input for "-". Never blocks on a FIFO or a
 * device. *fd is the caller's to close, 0 for "-".
 */
enum fault_code policy_input_open(const char *name, int *fd, struct fault *fault)
	__attribute__((warn_unused_result));

/* Copy from until its end, or one byte past the limit. */
enum fault_code policy_input_copy(int from_fd, int to_fd, struct fault *fault)
	__attribute__((warn_unused_result));

/* The built-in policy, policies/default.yaml as it was when this was built. */
enum fault_code policy_input_builtin(int to_fd, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
