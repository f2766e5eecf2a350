/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/init/disk.h"

#include "stages/launch/mount.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE   FAULT_RUN_LAUNCH
#define PATH   "init.disk"
#define PLACES "/disk"
#define CLOSED (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

/* ext4 would replay a journal even on a disk that cannot be written. */
static int mount_device(const struct job_device *device)
{
	char source[sizeof "/dev/" + JOB_DEVICE_SIZE];
	const struct mount_option options[] = {{"source", source}, {"ro", NULL}, {"noload", NULL}};
	size_t count = strcmp(device->format, "ext4") == 0 ? 3 : 2;

	(void)snprintf(source, sizeof source, "/dev/%s", device->name);
	return mount_new(device->format, options, count, CLOSED);
}

/*
 * An image of one file has it at its top as "file", and of a directory as "tree": the policy's
 * source could have been either (sr-image(1)).
 */
static enum fault_code find_source(struct plan *plan, size_t index, const char *place,
				   struct fault *fault)
{
	static const char *const tops[] = {"tree", "file"};
	struct plan_mount *mount = &plan->mounts[index];

	for (size_t i = 0; i < sizeof tops / sizeof tops[0]; i++) {
		char path[64];
		int fd, result;

		(void)snprintf(path, sizeof path, "%s/%s", place, tops[i]);
		fd = mount_open(path);
		result = fd < 0 ? -1 : mount_identify(fd, &mount->identity);
		if (fd >= 0)
			(void)close(fd);
		if (result < 0)
			continue;
		mount->source = plan_text(plan, path);
		if (mount->source != NULL)
			return FAULT_NONE;
	}
	return fault_set(fault, CODE, PATH, "the image of mount %zu is empty", index);
}

static enum fault_code mount_one(const struct job *job, struct plan *plan, size_t index,
				 struct fault *fault)
{
	char place[32];
	int fd = mount_device(&job->mounts[index]);
	int result = fd;

	(void)snprintf(place, sizeof place, PLACES "/%zu", index);
	if (result >= 0 && (result = mkdir(place, 0755)) == 0)
		result = move_mount(fd, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH);
	if (result < 0)
		(void)fault_set_errno(fault, CODE, errno, PATH, "cannot mount %s as %s",
				      job->mounts[index].name, job->mounts[index].format);
	if (fd >= 0)
		(void)close(fd);
	return result < 0 ? fault->code : find_source(plan, index, place, fault);
}

enum fault_code disk_mount(const struct job *job, struct plan *plan, int *root_fd,
			   struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	*root_fd = mount_device(&job->root);
	if (*root_fd < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot mount the root %s as %s",
				       job->root.name, job->root.format);
	if (mkdir(PLACES, 0700) < 0)
		code = fault_set_errno(fault, CODE, errno, PATH, "cannot make " PLACES);
	for (size_t i = 0; code == FAULT_NONE && i < plan->mount_count; i++)
		code = mount_one(job, plan, i, fault);
	return code;
}
