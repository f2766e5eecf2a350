/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/record.h"
#include "stages/launch/apart.h"
#include "stages/launch/mount.h"
#include "stages/launch/plan.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_MAX   ((off_t)1 << 20)
#define COPY_BLOCK 32768

static int copy_bytes(int from_fd, int to_fd)
{
	char block[COPY_BLOCK];
	off_t total = 0;
	ssize_t len;

	while ((len = read(from_fd, block, sizeof block)) > 0) {
		total += len;
		if (total > COPY_MAX) {
			errno = EFBIG;
			return -1;
		}
		if (record_write_all(to_fd, block, (size_t)len) < 0)
			return -1;
	}
	return len < 0 ? -1 : 0;
}

/* The very file source->fd is on, open for reading. */
static int open_again(const struct apart_source *source)
{
	struct plan_identity wanted, found;
	int fd = mount_open_file(source->path);

	if (fd < 0)
		return -1;
	if (mount_identify(source->fd, &wanted) == 0 && mount_identify(fd, &found) == 0 &&
	    mount_same(&wanted, &found))
		return fd;
	(void)close(fd);
	errno = ESTALE;
	return -1;
}

static int copy(const struct apart *apart, int from_fd, int to_fd)
{
	struct stat info;

	if (fstat(from_fd, &info) < 0 || copy_bytes(from_fd, to_fd) < 0)
		return -1;
	/* In a user namespace only our own uid can be an owner. */
	if (!apart->plan->rootless && fchown(to_fd, info.st_uid, info.st_gid) < 0)
		return -1;
	return fchmod(to_fd, info.st_mode & 0777);
}

enum fault_code apart_copy(const struct apart *apart, const struct apart_source *source,
			   int place_fd, struct fault *fault)
{
	int fd = open_again(source);
	int result = fd < 0 ? -1 : copy(apart, fd, place_fd);
	int error_number = errno;

	(void)close(fd);
	if (result == 0)
		return FAULT_NONE;
	if (error_number == EFBIG)
		return fault_set(fault, source->code, source->field,
				 "%s has more than 1 MiB, which no file programs expect there has",
				 source->path);
	return fault_set_errno(fault, source->code, error_number, source->field, "cannot copy %s",
			       source->path);
}
