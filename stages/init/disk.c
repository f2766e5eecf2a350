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

/* What the image has under the part's name: the policy's source was a directory or a file. */
static enum fault_code find_source(const struct job *job, struct plan *plan, size_t index,
				   struct fault *fault)
{
	struct plan_mount *mount = &plan->mounts[index];
	char path[64];
	int fd, result;

	(void)snprintf(path, sizeof path, PLACES "/%s/%s", job->mounts[index].device.name,
		       job->mounts[index].part);
	fd = mount_open(path);
	result = fd < 0 ? -1 : mount_identify(fd, &mount->identity);
	if (result == 0)
		mount->source = plan_text(plan, path);
	else
		(void)fault_set_errno(fault, CODE, errno, PATH,
				      "the image %s has nothing of mount %zu",
				      job->mounts[index].device.name, index);
	if (fd >= 0)
		(void)close(fd);
	if (result < 0)
		return fault->code;
	return mount->source != NULL ? FAULT_NONE
				     : fault_set(fault, CODE, PATH, "the job is too large");
}

/* Once for each device, at the first of the mounts that are parts of it. */
static enum fault_code mount_one(const struct job *job, size_t index, struct fault *fault)
{
	const struct job_device *device = &job->mounts[index].device;
	char place[32];
	int fd, result;

	(void)snprintf(place, sizeof place, PLACES "/%s", device->name);
	result = mkdir(place, 0755);
	if (result < 0 && errno == EEXIST)
		return FAULT_NONE;
	fd = result < 0 ? -1 : mount_device(device);
	result = fd < 0 ? -1 : move_mount(fd, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH);
	if (result < 0)
		(void)fault_set_errno(fault, CODE, errno, PATH, "cannot mount %s as %s",
				      device->name, device->format);
	if (fd >= 0)
		(void)close(fd);
	return result < 0 ? fault->code : FAULT_NONE;
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
		if ((code = mount_one(job, i, fault)) == FAULT_NONE)
			code = find_source(job, plan, i, fault);
	return code;
}
