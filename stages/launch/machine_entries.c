/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/launch.h"
#include "stages/launch/machine_part.h"
#include "stages/launch/mount.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "launch.machine.root"

/* What QEMU is started from: itself, its libraries and firmware. Nothing of /etc but the loader's
 * list. */
static const char *const host_paths[] = {
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/ld.so.cache",
};

static enum fault_code full(struct fault *fault)
{
	return fault_set(fault, CODE, PATH, "the VMM's root has too many parts");
}

static enum fault_code add_link(struct plan *plan, const char *path, struct fault *fault)
{
	struct plan_entry *entry = &plan->entries[plan->entry_count];
	char target[PLAN_PATH_MAX];
	ssize_t len = readlink(path, target, sizeof target - 1);

	if (len < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot read the link %s", path);
	target[len] = '\0';
	*entry = (struct plan_entry){.path = path, .link_target = plan_text(plan, target)};
	plan->entry_count++;
	return entry->link_target != NULL ? FAULT_NONE : full(fault);
}

static enum fault_code add_bind(struct plan *plan, const char *path, struct fault *fault)
{
	struct plan_entry *entry = &plan->entries[plan->entry_count];
	int fd = mount_open(path);
	int result = fd < 0 ? -1 : mount_identify(fd, &entry->identity);
	int error_number = errno;

	(void)close(fd);
	if (result < 0)
		return fault_set_errno(fault, CODE, error_number, PATH,
				       "cannot open %s, which the VMM's root needs", path);
	entry->path = entry->source = path;
	entry->link_target = NULL;
	plan->entry_count++;
	return FAULT_NONE;
}

static enum fault_code add_host(struct plan *plan, const char *path, struct fault *fault)
{
	struct stat info;

	if (lstat(path, &info) < 0)
		return errno == ENOENT ? FAULT_NONE
				       : fault_set_errno(fault, CODE, errno, PATH, "%s", path);
	if (plan->entry_count == PLAN_ENTRY_MAX)
		return full(fault);
	return S_ISLNK(info.st_mode) ? add_link(plan, path, fault) : add_bind(plan, path, fault);
}

enum fault_code machine_add_file(struct plan *plan, const struct machine_file *file,
				 const char *name, struct fault *fault)
{
	char path[64];

	if (plan->entry_count == PLAN_ENTRY_MAX)
		return full(fault);
	(void)snprintf(path, sizeof path, MACHINE_PLACE "/%s", name);
	plan->entries[plan->entry_count] = (struct plan_entry){
		.path = plan_text(plan, path),
		.source = file->source,
		.identity = file->identity, /* what was hashed: init binds nothing else */
	};
	if (plan->entries[plan->entry_count].path == NULL)
		return full(fault);
	plan->entry_count++;
	return FAULT_NONE;
}

enum fault_code machine_entries(struct launch *launch, struct fault *fault)
{
	struct plan *plan = launch->plan;
	const struct machine *machine = launch->machine;
	enum fault_code code = FAULT_NONE;

	plan->entry_count = 0;
	for (size_t i = 0; code == FAULT_NONE && i < sizeof host_paths / sizeof host_paths[0]; i++)
		code = add_host(plan, host_paths[i], fault);
	if (code == FAULT_NONE)
		code = machine_add_file(plan, &machine->kernel, "kernel", fault);
	if (code == FAULT_NONE)
		code = machine_add_file(plan, &machine->initramfs, "initramfs", fault);
	if (code == FAULT_NONE)
		code = machine_add_file(plan, &machine->rootfs, "rootfs", fault);
	return code;
}
