/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/key_file.h"

#include "stages/seal/key_form.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static enum fault_code examine(const char *path, int fd, struct fault *fault)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return fault_set_errno(fault, FAULT_REPORT_SIGNATURE, errno, "key", "'%s'", path);
	if (!S_ISREG(status.st_mode))
		return fault_set(fault, FAULT_REPORT_SIGNATURE, "key", "'%s' is not a regular file",
				 path);
	if (status.st_uid != geteuid() && status.st_uid != 0)
		return fault_set(fault, FAULT_REPORT_SIGNATURE, "key",
				 "'%s' belongs to another user (%u), who can change it", path,
				 (unsigned int)status.st_uid);
	if ((status.st_mode & 077) != 0)
		return fault_set(fault, FAULT_REPORT_SIGNATURE, "key",
				 "others have rights to '%s' (mode %04o): chmod 600 it, and "
				 "consider the key known to whoever could read it",
				 path, (unsigned int)status.st_mode & 07777);
	return FAULT_NONE;
}

enum fault_code key_file_open(const char *path, int *fd, struct fault *fault)
{
	enum fault_code code;

	*fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (*fd < 0 && errno == ELOOP)
		return fault_set(fault, FAULT_REPORT_SIGNATURE, "key",
				 "'%s' is a link; name the key itself", path);
	if (*fd < 0)
		return fault_set_errno(fault, FAULT_REPORT_SIGNATURE, errno, "key",
				       "cannot open '%s'", path);
	code = examine(path, *fd, fault);
	if (code != FAULT_NONE) {
		close(*fd);
		*fd = -1;
	}
	return code;
}

bool key_file_is_plain(int fd)
{
	char head[KEY_PLAIN_HEAD_MAX];
	struct stat status;
	size_t len = fstat(fd, &status) == 0 ? key_plain_head((uint64_t)status.st_size) : 0;

	return len > 0 && len <= sizeof(head) && pread(fd, head, len, 0) == (ssize_t)len &&
	       key_is_plain(head, len);
}
