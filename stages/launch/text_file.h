/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_TEXT_FILE_H
#define LAUNCH_TEXT_FILE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Small files of the kernel's, /proc/... mostly. A file of size or more bytes is EFBIG, never cut.
 */
ssize_t text_file_read(const char *path, char *out, size_t size)
	__attribute__((warn_unused_result)); /* its length, or -1 with errno */
ssize_t text_file_read_fd(int fd, char *out, size_t size) __attribute__((warn_unused_result));
/* One write(2), as the kernel's files want it; 0, or -1 with errno. Never creates a file. */
int text_file_write(const char *path, const char *text) __attribute__((warn_unused_result));

#endif
