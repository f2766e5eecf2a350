/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INIT_CARGO_H
#define INIT_CARGO_H

#include "ipc/fault.h"

#include <stdint.h>

struct plan;

/*
 * What the command left of the policy's outputs, to the host, in the form stages/guest/cargo.h
 * describes. Decides nothing: what may be taken is sr-collect's to say, on the host, of the copy.
 * fd is switched to blocking. *entries counts what was sent.
 */
enum fault_code cargo_send(int fd, int workdir_fd, const struct plan *plan, uint64_t *entries,
			   struct fault *fault) __attribute__((warn_unused_result));

#endif
