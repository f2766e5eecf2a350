/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_PAGE_FILE_H
#define CMD_PAGE_FILE_H

#include "ipc/fault.h"

#include <limits.h>

/*
 * A file that appears whole or not at all: written beside its place under another name, flushed to
 * the disk and renamed. A file that stood there before is replaced then, and not before; anything
 * but a regular file is refused.
 */
struct page_file {
	int fd; /* -1: not open */
	int directory_fd;
	char name[NAME_MAX + 1];
	char partial[sizeof(".safe-run-0123456789abcdef.partial")];
};

#define PAGE_FILE_NONE                                                                             \
	{                                                                                          \
		.fd = -1, .directory_fd = -1                                                       \
	}

/* fd is for writing. Mode 0600, as the umask has it. */
enum fault_code page_file_open(struct page_file *file, const char *path, struct fault *fault)
	__attribute__((warn_unused_result));
/* Put it in its place. */
enum fault_code page_file_keep(struct page_file *file, struct fault *fault)
	__attribute__((warn_unused_result));
/* Close; what was not kept is removed. */
void page_file_close(struct page_file *file);

#endif
