/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/apart.h"
#include "stages/launch/mount.h"
#include "stages/launch/overlay.h"
#include "stages/launch/plan.h"
#include "stages/validate/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_below(const struct mountinfo *mount, const struct apart_source *source)
{
	return path_below(mount->point, source->path) && strcmp(mount->point, source->path) != 0;
}

static enum fault_code check_one(const struct apart_source *source, const struct mountinfo *mount,
				 struct fault *fault)
{
	if (mountinfo_is_kernel(mount->type))
		return fault_set(fault, source->code, source->field,
				 "%s comes with the mount of %s and is the kernel's %s, which is "
				 "never shared with a sandbox",
				 mount->point, source->path, mount->type);
	return FAULT_NONE;
}

enum fault_code apart_check_below(const struct apart *apart, const struct apart_source *source,
				  const struct mountinfo *own, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	if (mountinfo_is_kernel(own->type))
		return fault_set(fault, source->code, source->field,
				 "%s is the kernel's %s, which is never shared with a sandbox",
				 source->path, own->type);
	for (size_t i = 0; code == FAULT_NONE && i < apart->table.count; i++)
		if (is_below(&apart->table.mounts[i], source))
			code = check_one(source, &apart->table.mounts[i], fault);
	return code;
}

/* Nothing but what we mounted ourselves is on the way: an overlay shows no mounts of the host's. */
static int place(const struct apart *apart, const struct apart_source *source, int top_fd,
		 const struct mountinfo *mount, int fd)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	const char *name = mount->point + strlen(source->path) + 1;
	uint64_t attributes = 0;
	int overlay_fd = apart_attributes(source, fd, &attributes) < 0
				 ? -1
				 : overlay_mount(apart->root, fd, attributes);
	int place_fd =
		overlay_fd < 0 ? -1 : (int)syscall(SYS_openat2, top_fd, name, &how, sizeof how);
	int result = place_fd < 0 ? -1 : mount_place(overlay_fd, place_fd);
	int error_number = errno;

	(void)close(overlay_fd);
	(void)close(place_fd);
	errno = error_number;
	return result;
}

/* A mount that another one covers is as little there for us as for everybody else. */
static enum fault_code add_one(const struct apart *apart, const struct apart_source *source,
			       int top_fd, const struct mountinfo *mount, struct fault *fault)
{
	struct plan_identity identity;
	int fd = mount_open(mount->point);
	int result = -1, error_number;

	if (fd >= 0 && mount_table_of(&apart->table, fd) != mount)
		result = 0;
	else if (fd >= 0 && mount_identify(fd, &identity) == 0) {
		if (identity.directory)
			result = place(apart, source, top_fd, mount, fd);
		else
			errno = ENOTDIR;
	}
	error_number = errno;
	(void)close(fd);
	return result == 0 ? FAULT_NONE : apart_lack(source, mount->point, error_number, fault);
}

bool apart_is_split(const struct apart *apart, const struct apart_source *source)
{
	for (size_t i = 0; apart->plan->rootless && i < apart->table.count; i++)
		if (is_below(&apart->table.mounts[i], source))
			return true;
	return false;
}

enum fault_code apart_add_below(const struct apart *apart, const struct apart_source *source,
				int top_fd, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	for (size_t i = 0; code == FAULT_NONE && i < apart->table.count; i++)
		if (is_below(&apart->table.mounts[i], source))
			code = add_one(apart, source, top_fd, &apart->table.mounts[i], fault);
	return code;
}
