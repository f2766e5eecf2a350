/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

ssize_t text_file_read_fd(int fd, char *out, size_t size)
{
	size_t len = 0;

	for (;;) {
		ssize_t got = read(fd, out + len, size - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		len += (size_t)got;
		if (len == size) {
			errno = EFBIG;
			return -1;
		}
	}
	out[len] = '\0';
	return (ssize_t)len;
}

static void close_keeping_errno(int fd)
{
	int error_number = errno;

	(void)close(fd);
	errno = error_number;
}

ssize_t text_file_read(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t len;

	if (fd < 0)
		return -1;
	len = text_file_read_fd(fd, out, size);
	close_keeping_errno(fd);
	return len;
}

int text_file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t written;

	if (fd < 0)
		return -1;
	written = write(fd, text, strlen(text));
	close_keeping_errno(fd);
	if (written >= 0 && (size_t)written != strlen(text))
		errno = EIO;
	return written >= 0 && (size_t)written == strlen(text) ? 0 : -1;
}
