/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/file.h"

#include "ipc/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static enum fault_code failed(const char *name, int error_number, const char *what,
			      struct fault *fault)
{
	return fault_set_errno(fault, FAULT_ARCHIVE, error_number, name, "%s", what);
}

static int read_whole(int fd, struct buf *out)
{
	for (;;) {
		ssize_t got;

		/* Room for one byte more than may be there tells a file that is too long. */
		if (out->len == out->max_len || !buf_reserve(out, 1))
			return EFBIG;
		got = read(fd, out->data + out->len, out->capacity - out->len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno;
		if (got == 0)
			return 0;
		out->len += (size_t)got;
	}
}

enum fault_code file_read(int fd, const char *name, struct buf *out, struct fault *fault)
{
	int error = read_whole(fd, out);

	return error == 0 ? FAULT_NONE : failed(name, error, "cannot be read", fault);
}

enum fault_code file_load(int directory_fd, const char *name, struct buf *out, bool *known,
			  struct fault *fault)
{
	int fd = openat(directory_fd, name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	enum fault_code code;

	*known = fd >= 0;
	if (fd < 0)
		return errno == ENOENT ? FAULT_NONE
				       : failed(name, errno, "cannot be opened", fault);
	code = file_read(fd, name, out, fault);
	close(fd);
	return code;
}

enum fault_code file_sync_directory(int directory_fd, const char *name, struct fault *fault)
{
	if (fsync(directory_fd) != 0)
		return failed(name, errno, "may not survive a power cut", fault);
	return FAULT_NONE;
}

static int write_new(int directory_fd, const char *name, struct span text)
{
	int fd = openat(directory_fd, name,
			O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	int error = 0;

	if (fd < 0)
		return errno;
	if (record_write_all(fd, text.at, text.len) != 0 || fsync(fd) != 0)
		error = errno;
	if (close(fd) != 0 && error == 0)
		error = errno;
	return error;
}

enum fault_code file_replace(int directory_fd, const char *name, struct span text,
			     struct fault *fault)
{
	char temporary[64];
	int error;

	if (snprintf(temporary, sizeof(temporary), "%s.new", name) >= (int)sizeof(temporary))
		return failed(name, ENAMETOOLONG, "cannot be written", fault);
	error = write_new(directory_fd, temporary, text);
	if (error == 0 && renameat2(directory_fd, temporary, directory_fd, name, 0) != 0)
		error = errno;
	if (error != 0)
		return failed(name, error, "cannot be written", fault);
	return file_sync_directory(directory_fd, name, fault);
}
