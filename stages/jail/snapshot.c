/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/jail/snapshot.h"

#include "stages/jail/base.h"
#include "stages/jail/tree.h"
#include "stages/seal/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "launch.jail.snapshot"
#define HEAD (sizeof("sha256:") - 1)
#define NEW  "new" /* while it is made; one at a time, under the directory's lock */

static const char *const parts[] = {SNAPSHOT_STATE, SNAPSHOT_MEMORY};

static enum fault_code no_directory(struct fault *fault)
{
	return fault_set_errno(fault, CODE, errno, PATH,
			       JAIL_BASE "/snapshots must be root's, and nobody else's to read");
}

enum fault_code snapshot_place(struct place *place, const char *key, struct fault *fault)
{
	int fd = base_store(place->base_fd, "snapshots");
	char path[DIGEST_TEXT_SIZE + 16];
	int result = 0;

	if (fd < 0)
		return no_directory(fault);
	for (size_t i = 0; result == 0 && i < sizeof parts / sizeof parts[0]; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", key + HEAD, parts[i]);
		result = linkat(fd, path, place->root_fd, parts[i], 0);
	}
	place->restores = result == 0;
	/* It gets its name when it is whole: the first is missing, or none. */
	if (result < 0 && errno != ENOENT)
		(void)fault_set_errno(fault, CODE, errno, PATH, "cannot place the snapshot");
	else
		result = 0;
	(void)close(fd);
	return result == 0 ? FAULT_NONE : fault->code;
}

/*
 * A file of the machine's that nothing else names: moved, so that Firecracker, which has closed it, has
 * no way to it any more, and given to root.
 */
static int take_part(const struct place *place, int new_fd, const char *name)
{
	struct stat info;
	int fd, error_number;
	int result = -1;

	if (renameat(place->sockets_fd, name, new_fd, name) < 0)
		return -1;
	fd = openat(new_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -1;
	errno = EINVAL; /* it is not what Firecracker leaves */
	if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == place->uid &&
	    info.st_nlink == 1 && info.st_size > 0 && fchown(fd, 0, 0) == 0 &&
	    fchmod(fd, 0444) == 0 && fsync(fd) == 0)
		result = 0;
	error_number = errno;
	(void)close(fd);
	errno = error_number;
	return result;
}

static int keep(const struct place *place, int fd, const char *key)
{
	int new_fd, result = 0;

	/* Of somebody who was killed, or of a run that was as fast as this one. */
	if (tree_remove(fd, NEW) < 0 || mkdirat(fd, NEW, 0700) < 0)
		return -1;
	new_fd = openat(fd, NEW, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (new_fd < 0)
		return -1;
	for (size_t i = 0; result == 0 && i < sizeof parts / sizeof parts[0]; i++)
		result = take_part(place, new_fd, parts[i]);
	if (result == 0)
		result = fsync(new_fd);
	(void)close(new_fd);
	if (result == 0 && renameat(fd, NEW, fd, key + HEAD) < 0)
		result = errno == ENOTEMPTY || errno == EEXIST ? 0 : -1;
	return result;
}

enum fault_code snapshot_keep(const struct place *place, const char *key, struct fault *fault)
{
	int fd = base_store(place->base_fd, "snapshots");
	int result;

	if (fd < 0)
		return no_directory(fault);
	result = keep(place, fd, key);
	if (result < 0)
		(void)fault_set_errno(fault, CODE, errno, PATH, "cannot keep the snapshot");
	(void)!tree_remove(fd, NEW);
	(void)close(fd);
	return result == 0 ? FAULT_NONE : fault->code;
}
