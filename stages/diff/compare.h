/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DIFF_COMPARE_H
#define DIFF_COMPARE_H

#include "ipc/fault.h"

#include <stdbool.h>

/*
 * diff(1) of diffutils, run once for each pair of files that differ: it has no better, and under
 * this process's own filter and Landlock domain it needs no trust.
 */
struct compare {
	int program_fd; /* diff(1), O_PATH */
	int out_fd;	/* where the text goes */
	bool visible;	/* out_fd is a terminal: see visible.h */
};

#define COMPARE_PROGRAM "/usr/bin/diff"

/*
 * The unified diff from left_fd (-1: no file) to right_fd, under the names given, which may hold
 * anything.
 */
enum fault_code compare_files(const struct compare *compare, int left_fd, int right_fd,
			      const char *path, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
