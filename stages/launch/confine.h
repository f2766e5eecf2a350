/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_CONFINE_H
#define LAUNCH_CONFINE_H

#include "ipc/fault.h"
#include "sandbox/landlock.h"

struct plan;

/*
 * The workload's own Landlock domain: it may read and execute everything it sees, write only below
 * /tmp, /dev/shm and its work directory, and use devices below /dev. It cannot
 * signal or reach by abstract socket what is outside. report->abi is 0 when this kernel has no
 * Landlock and best effort was asked for.
 */
enum fault_code confine_files(const struct plan *plan, struct landlock_report *report,
			      struct fault *fault) __attribute__((warn_unused_result));

#endif
