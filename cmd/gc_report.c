/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/gc_report.h"

#include <stdio.h>
#include <string.h>

void gc_report_done(struct gc_report *report, const char *where, const char *name, int error)
{
	if (error != 0) {
		fprintf(stderr, "safe-run gc: %s/%s stays: %s\n", where, name, strerror(error));
		report->failed++;
		return;
	}
	printf("%s %s/%s\n", report->dry_run ? "would remove" : "removed", where, name);
	report->removed++;
}
