/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_GC_REPORT_H
#define CMD_GC_REPORT_H

#include <stdbool.h>
#include <stddef.h>

/* What gc does with one thing, said on standard output. */
struct gc_report {
	bool dry_run; /* say it, do nothing */
	size_t removed;
	size_t failed;
};

/* "removed WHERE/NAME" or "would remove ..."; with an errno the reason it stays, on stderr. */
void gc_report_done(struct gc_report *report, const char *where, const char *name, int error);

#endif
