/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_SIDE_FILE_H
#define VERIFY_SIDE_FILE_H

#include "ipc/fault.h"
#include "stages/seal/span.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What is handed over beside a report: bundle, keys, chain. Opened before confinement, through no
 * link and waiting for nobody; read once, whole, after it.
 */
struct side_file {
	int fd;		/* -1: none */
	char name[256]; /* for messages: the last part of its path */
	char *data;	/* owned */
	size_t len;
};

/*
 * directory_fd may be AT_FDCWD. absent, when not NULL, makes a file that is not there no fault.
 * The code given is that of every fault.
 */
enum fault_code side_file_open(struct side_file *file, int directory_fd, const char *path,
			       bool *absent, enum fault_code code, struct fault *fault)
	__attribute__((warn_unused_result));
/* A file longer than max is a fault. */
enum fault_code side_file_read(struct side_file *file, size_t max, enum fault_code code,
			       struct fault *fault) __attribute__((warn_unused_result));
void side_file_release(struct side_file *file);

/* What was read; an empty span when nothing was. */
struct span side_file_text(const struct side_file *file);

#endif
