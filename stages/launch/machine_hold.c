/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/machine_hold.h"

#include "ipc/object.h"
#include "stages/launch/assistant.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/launch.h"
#include "stages/launch/mount.h"
#include "stages/launch/plan.h"
#include "stages/launch/rootfs.h"
#include "stages/machine/rest.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CODE  FAULT_RUN_LAUNCH
#define BLOCK 32768

static struct machine_stamp stamp_of(const struct stat *info)
{
	return (struct machine_stamp){.changed_ns = rest_nanoseconds(&info->st_ctim),
				      .modified_ns = rest_nanoseconds(&info->st_mtim)};
}

/* The launcher reads it to hash it, and understands none of it. */
static bool has_hash(const struct machine_file *file)
{
	struct digest *digest = digest_new();
	char block[BLOCK], text[DIGEST_TEXT_SIZE];
	uint8_t value[DIGEST_SIZE];
	off_t at = 0;
	ssize_t len;

	while ((len = pread(file->fd, block, sizeof block, at)) > 0) {
		digest_update(digest, block, (size_t)len);
		at += len;
	}
	digest_value(digest, value);
	digest_text(value, text);
	digest_free(digest);
	return len == 0 && strcmp(text, file->hash) == 0;
}

static bool is_as_hashed(const struct machine_file *file, const struct stat *info)
{
	const struct machine_stamp stamp = stamp_of(info);

	if (!S_ISREG(info->st_mode) || info->st_dev != file->identity.device ||
	    info->st_ino != file->identity.inode || info->st_size != file->bytes)
		return false;
	return (stamp.changed_ns == file->stamp.changed_ns &&
		stamp.modified_ns == file->stamp.modified_ns) ||
	       has_hash(file);
}

static bool is_ours(const struct stat *info)
{
	return (info->st_uid == 0 || info->st_uid == geteuid()) &&
	       (info->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool machine_hold_possible(int fd)
{
	struct stat info;

	/* As root a VMM is a user of its own. */
	return fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && is_ours(&info) &&
	       (geteuid() != 0 || (info.st_mode & S_IROTH) != 0);
}

/* Who may write to it is believed as far as root and the caller are: nobody else may. */
static enum fault_code check_owner(const struct machine_file *file, const struct stat *info,
				   const char *path, struct fault *fault)
{
	if (is_ours(info))
		return FAULT_NONE;
	return fault_set(fault, CODE, path,
			 "%.200s must be root's or the caller's own, and nobody else may write to "
			 "it: what is in it is the machine. Copy it, or change its owner and mode",
			 file->source);
}

static enum fault_code name_file(struct launch *launch, struct machine_file *file, const char *path,
				 struct fault *fault)
{
	char name[PLAN_PATH_MAX];
	bool named = mount_name(-1, file->fd, name, sizeof name) == 0;

	file->source = named ? plan_text(launch->plan, name) : NULL;
	return file->source != NULL
		       ? FAULT_NONE
		       : fault_set_errno(fault, CODE, errno, path, "cannot name the image");
}

static enum fault_code look(struct machine_file *file, const char *path, struct fault *fault)
{
	struct stat info;

	if (fstat(file->fd, &info) < 0 || mount_identify(file->fd, &file->identity) < 0)
		return fault_set_errno(fault, CODE, errno, path, "cannot look at the image");
	rest_settle(&info);
	file->bytes = info.st_size;
	file->stamp = stamp_of(&info);
	return check_owner(file, &info, path, fault);
}

enum fault_code machine_hold_begin(struct launch *launch, int fd, const char *path,
				   struct machine_file *file, struct fault *fault)
{
	enum fault_code code;

	file->fd = fd;
	code = name_file(launch, file, path, fault);
	return code == FAULT_NONE ? look(file, path, fault) : code;
}

enum fault_code machine_hold_hashed(struct launch *launch, int fd, const char *path,
				    struct machine_file *file, struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct assistant_plan plan;
	enum fault_code code = machine_hold_begin(launch, fd, path, file, fault);

	if (code != FAULT_NONE)
		return code;
	rootfs_assistant(launch, "sr-unpack", path, &plan);
	plan.fds[plan.fd_count++] = (struct assistant_fd){"--file-fd", fd};
	plan.words[plan.word_count++] = "--identify";
	code = rootfs_ask(&plan, &record, fault);
	if (code != FAULT_NONE)
		return code;
	(void)snprintf(file->hash, sizeof file->hash, "%s", rootfs_text(record, "key"));
	(void)snprintf(file->format, sizeof file->format, "%s", rootfs_text(record, "format"));
	return digest_text_valid(file->hash)
		       ? FAULT_NONE
		       : fault_set(fault, CODE, path, "sr-unpack told no hash");
}

enum fault_code machine_hold(struct machine_file *file, const char *path, struct fault *fault)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	struct stat info;

	file->fd = (int)syscall(SYS_openat2, AT_FDCWD, file->source, &how, sizeof how);
	if (file->fd < 0 || fstat(file->fd, &info) < 0)
		return fault_set_errno(fault, CODE, errno, path, "cannot open %.200s",
				       file->source);
	if (!is_as_hashed(file, &info))
		return fault_set(fault, CODE, path,
				 "%.200s is not the file any more that was hashed: run again when "
				 "it is at rest",
				 file->source);
	return check_owner(file, &info, path, fault);
}

struct held {
	const struct machine_file *files[3 + MACHINE_VOLUME_MAX];
	size_t count;
};

static struct held list(const struct machine *machine)
{
	struct held held = {.files = {&machine->kernel, &machine->initramfs, &machine->rootfs},
			    .count = 3};

	for (size_t i = 0; i < machine->volume_count; i++)
		held.files[held.count++] = &machine->volumes[i];
	return held;
}

enum fault_code machine_hold_check(const struct machine *machine, struct fault *fault)
{
	const struct held held = list(machine);

	for (size_t i = 0; i < held.count; i++) {
		const struct machine_file *file = held.files[i];
		struct stat info;

		if (file->fd < 0)
			continue;
		if (fstat(file->fd, &info) < 0)
			return fault_set_errno(fault, CODE, errno, "launch.machine.artifacts",
					       "cannot look at %.200s", file->source);
		if (!is_as_hashed(file, &info))
			return fault_set(fault, CODE, "launch.machine.artifacts",
					 "%.200s was changed while the machine used it: what ran "
					 "is not what the report's hashes say",
					 file->source);
	}
	return FAULT_NONE;
}

void machine_hold_release(struct machine *machine)
{
	descriptor_close(&machine->kernel.fd);
	descriptor_close(&machine->initramfs.fd);
	descriptor_close(&machine->rootfs.fd);
	for (size_t i = 0; i < MACHINE_VOLUME_MAX; i++)
		descriptor_close(&machine->volumes[i].fd);
}
