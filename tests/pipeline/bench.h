/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PIPELINE_BENCH_H
#define PIPELINE_BENCH_H

#include <limits.h>

/* A directory of the test's, and scripts that run in it with $SR for safe-run; runs go to ./runs.
 */
struct bench {
	char *directory;
	char setting[PATH_MAX + 64];
};

/* Skips the test where limits cannot be enforced. */
void bench_open(struct bench *bench);
void bench_close(struct bench *bench);

/* bash, with set -eu. said, unless NULL, must be in what it writes. */
void bench_shell(const struct bench *bench, const char *script, int status, const char *said);

#endif
