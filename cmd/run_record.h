/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_RUN_RECORD_H
#define CMD_RUN_RECORD_H

#include "ipc/fault.h"

#include <stdbool.h>

/*
 * The files of a run directory that somebody hands over. Nothing is followed, nothing waits, and
 * nothing but a regular file of a bounded size is opened; what is in them is for stages to read.
 */
enum record_file {
	RECORD_POLICY,	 /* policy.yaml */
	RECORD_VALIDATE, /* stages/validate.json */
	RECORD_COMPILE,	 /* stages/compile.json */
	RECORD_MONITOR,	 /* stages/monitor.ndjson */
	RECORD_REPORT,	 /* artifacts/run_report.json */
	RECORD_EVENTS,	 /* artifacts/events.ndjson */
	RECORD_FILE_COUNT
};

struct run_record {
	int dir_fd;
	int stages_fd;	  /* -1: not there */
	int artifacts_fd; /* -1: not there */
};

#define RUN_RECORD_NONE                                                                            \
	{                                                                                          \
		.dir_fd = -1, .stages_fd = -1, .artifacts_fd = -1                                  \
	}

const char *run_record_name(enum record_file file);

enum fault_code run_record_open(struct run_record *record, const char *path, struct fault *fault)
	__attribute__((warn_unused_result));
/*
 * The file for reading, the caller's to close; -1 when it is not there or empty, which is no fault.
 */
enum fault_code run_record_file(const struct run_record *record, enum record_file file, int *fd,
				struct fault *fault) __attribute__((warn_unused_result));
void run_record_close(struct run_record *record);

#endif
