/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_SEALED_COPY_H
#define CMD_SEALED_COPY_H

#include "ipc/fault.h"

/*
 * A report, or what lies beside it, as memory that nobody can change any more (memfd_create(2),
 * F_ADD_SEALS): what one stage has checked is what the next one stores.
 */
#define SEALED_COPY_MAX ((unsigned long long)64 << 20) /* bytes */

/* path: a report, a run directory or its artifacts directory. No link is followed. */
enum fault_code sealed_copy_report(const char *path, int *fd, struct fault *fault)
	__attribute__((warn_unused_result));
/* The signature beside that report; *fd is -1 when there is none. */
enum fault_code sealed_copy_signature(const char *path, int *fd, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
