/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/side_file.h"

#include "ipc/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

enum fault_code side_file_open(struct side_file *file, int directory_fd, const char *path,
			       bool *absent, enum fault_code code, struct fault *fault)
{
	const char *slash = strrchr(path, '/');
	struct stat status;

	*file = (struct side_file){.fd = openat(directory_fd, path, FLAGS)};
	snprintf(file->name, sizeof(file->name), "%s", slash == NULL ? path : slash + 1);
	if (absent != NULL)
		*absent = file->fd < 0 && errno == ENOENT;
	if (absent != NULL && *absent)
		return FAULT_NONE;
	if (file->fd < 0)
		return fault_set_errno(fault, code, errno, file->name, "cannot open '%s'", path);
	if (fstat(file->fd, &status) == 0 && S_ISREG(status.st_mode))
		return FAULT_NONE;
	close(file->fd);
	file->fd = -1;
	return fault_set(fault, code, file->name, "'%s' is not a regular file", path);
}

enum fault_code side_file_read(struct side_file *file, size_t max, enum fault_code code,
			       struct fault *fault)
{
	struct buf text;

	if (file->fd < 0)
		return FAULT_NONE;
	buf_init(&text, max);
	for (;;) {
		ssize_t got;
		size_t room = max - text.len < 65536 ? max - text.len : 65536;
		char spare;

		if (room > 0 && !buf_reserve(&text, room))
			buf_no_memory();
		got = room > 0 ? read(file->fd, text.data + text.len, room)
			       : read(file->fd, &spare, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			break;
		if (got < 0 || room == 0) {
			buf_release(&text);
			return got < 0 ? fault_set_errno(fault, code, errno, file->name,
							 "cannot be read")
				       : fault_set(fault, code, file->name,
						   "longer than the %zu bytes it may have", max);
		}
		text.len += (size_t)got;
	}
	file->data = text.data;
	file->len = text.len;
	return FAULT_NONE;
}

void side_file_release(struct side_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	free(file->data);
	*file = (struct side_file){.fd = -1};
}

struct span side_file_text(const struct side_file *file)
{
	return (struct span){file->len > 0 ? file->data : "", file->len};
}
