/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_ARCHIVE_QUERY_H
#define CMD_ARCHIVE_QUERY_H

#include "cmd/spawn.h"
#include "ipc/fault.h"

/*
 * What an archive has about the run of a report: sr-verify says whose run it is, sr-archive what it
 * keeps of it. *archive runs then, and *fd, the caller's to close, is where its records come from;
 * a report that names no run gives an empty file.
 */
enum fault_code archive_query(const char *archive_dir, const char *report,
			      const struct spawn_home *home, struct process *archive, int *fd,
			      struct fault *fault) __attribute__((warn_unused_result));

#endif
