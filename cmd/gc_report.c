/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/gc_report.h"

#include "ipc/fault.h"

#include <stdio.h>

void gc_report_done(struct gc_report *report, const char *where, const char *name, int error)
{
	struct fault said;

	/* A fault's message is escaped: names of directories are anybody's. */
	if (error != 0) {
		fault_set_errno(&said, FAULT_RUN_INIT, error, "", "%s/%s stays", where, name);
		fprintf(stderr, "safe-run gc: %s\n", said.message);
		report->failed++;
		return;
	}
	fault_set(&said, FAULT_RUN_INIT, "", "%s %s/%s",
		  report->dry_run ? "would remove" : "removed", where, name);
	printf("%s\n", said.message);
	report->removed++;
}
