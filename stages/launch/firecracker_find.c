/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/firecracker.h"

#include "ipc/field.h"
#include "ipc/object.h"
#include "stages/launch/assistant.h"
#include "stages/launch/bundle_plan.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/launch.h"
#include "stages/launch/mount.h"
#include "stages/launch/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE	  FAULT_RUN_LAUNCH
#define PREFLIGHT "launch.preflight.jailer"
#define NOBODY	  65534
#define OTHERS	  (S_IWGRP | S_IWOTH)

/*
 * The oldest without a hole that is known: jailer before 1.14.1 follows a link where it copies
 * (CVE-2026-1386), Firecracker before 1.14.4, and 1.15.0, writes behind a queue of a PCI device's
 * (CVE-2026-5747). 1.13.2 has the first mended, not the second.
 */
#define OLDEST "1.14.4, 1.15.1 or newer"
#define HOLES                                                                                      \
	"CVE-2026-1386 in jailer before 1.14.1, CVE-2026-5747 in Firecracker before 1.14.4 and "   \
	"in 1.15.0"

static bool version_mended(int64_t major, int64_t minor, int64_t patch)
{
	if (major != 1)
		return major > 1;
	return minor > 15 || (minor == 15 && patch >= 1) || (minor == 14 && patch >= 4);
}

__attribute__((format(printf, 2, 3))) static void missing(struct firecracker *firecracker,
							  const char *format, ...)
{
	char *out = firecracker->missing;
	size_t used = strlen(out), room = sizeof firecracker->missing - used;
	va_list args;

	if (used > 0 && room > 2) {
		memcpy(out + used, "; ", 3);
		used += 2;
		room -= 2;
	}
	va_start(args, format);
	(void)vsnprintf(out + used, room, format, args);
	va_end(args);
}

/* Who can write to one of them can make it another program. */
static bool root_alone(const struct stat *info)
{
	return info->st_uid == 0 && (info->st_mode & OTHERS) == 0;
}

/* From / down, through no link; the last is the directory. -1 with errno (EPERM: somebody else's). */
static int open_dir(const char *path, char *bad, size_t size)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *at = path;

	for (;;) {
		struct stat info;
		char name[256];
		size_t len;
		int next;

		(void)snprintf(bad, size, "%.*s", at > path ? (int)(at - path) : 1, path);
		if (fd < 0 || fstat(fd, &info) < 0 || !root_alone(&info)) {
			errno = fd < 0 ? errno : EPERM;
			descriptor_close(&fd);
			return -1;
		}
		at += strspn(at, "/");
		len = strcspn(at, "/");
		if (len == 0)
			return fd;
		if (len >= sizeof name) {
			(void)close(fd);
			errno = ENAMETOOLONG;
			return -1;
		}
		(void)snprintf(name, sizeof name, "%.*s", (int)len, at);
		next = openat(fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		(void)close(fd);
		fd = next;
		at += len;
	}
}

static int open_program(int dir_fd, const char *dir, const char *name,
			struct firecracker *firecracker)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat info;

	if (fd < 0) {
		missing(firecracker, "%s/%s: %s", dir, name, strerror(errno));
		return -1;
	}
	if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && root_alone(&info))
		return fd;
	missing(firecracker, "%s/%s must be a file of root's that nobody else can write to", dir,
		name);
	(void)close(fd);
	return -1;
}

/* Run as nobody, confined; what it says is read by sr-version. */
static enum fault_code ask_version(const struct launch *launch, int fd, const char *name,
				   struct firecracker *firecracker, char *out, size_t size,
				   struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct assistant_plan plan;
	struct fields fields;
	const char *own = "";
	int64_t version[3] = {0};
	enum fault_code code;

	rootfs_assistant(launch, "sr-version", PREFLIGHT, &plan);
	if (!launch->plan->rootless)
		plan.uid = plan.gid = NOBODY;
	plan.fds[plan.fd_count++] = (struct assistant_fd){"--program-fd", fd};
	if (rootfs_ask(&plan, &record, fault) != FAULT_NONE) {
		missing(firecracker, "%s: %s", name, fault->message);
		return FAULT_NONE;
	}
	code = fields_open(&fields, record, PREFLIGHT, CODE, fault);
	if (code == FAULT_NONE)
		code = fields_string(&fields, "name", &own, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "major", 0, 9999, &version[0], fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "minor", 0, 9999, &version[1], fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "patch", 0, 9999, &version[2], fault);
	if (code != FAULT_NONE)
		return code;
	(void)snprintf(out, size, "%s v%d.%d.%d", own, (int)version[0], (int)version[1],
		       (int)version[2]);
	if (strcasecmp(own, name) != 0)
		missing(firecracker, "%s calls itself %s", name, out);
	else if (!version_mended(version[0], version[1], version[2]))
		missing(firecracker, "%s is too old, %s is needed (%s)", out, OLDEST, HOLES);
	return FAULT_NONE;
}

static enum fault_code look_at(struct launch *launch, int dir_fd, const char *dir, int *fd,
			       struct fault *fault)
{
	struct machine *machine = launch->machine;
	struct firecracker *firecracker = &machine->firecracker;
	char version[MACHINE_TEXT_SIZE] = "", path[PLAN_PATH_MAX];
	int jailer_fd = open_program(dir_fd, dir, "jailer", firecracker);
	enum fault_code code = FAULT_NONE;

	*fd = open_program(dir_fd, dir, "firecracker", firecracker);
	if (jailer_fd >= 0) {
		code = ask_version(launch, jailer_fd, "jailer", firecracker, version,
				   sizeof version, fault);
		(void)!mount_identify(jailer_fd, &firecracker->jailer);
		(void)snprintf(path, sizeof path, "%s/jailer", dir);
		firecracker->jailer_path = plan_text(launch->plan, path);
	}
	if (code == FAULT_NONE && *fd >= 0) {
		code = ask_version(launch, *fd, "firecracker", firecracker, machine->vmm_version,
				   sizeof machine->vmm_version, fault);
		(void)!mount_identify(*fd, &firecracker->vmm);
		(void)snprintf(path, sizeof path, "%s/firecracker", dir);
		machine->vmm_path = plan_text(launch->plan, path);
	}
	descriptor_close(&jailer_fd);
	return code;
}

/* The one that was named; else the first that has either of the two. */
static const char *choose_dir(const struct launch *launch)
{
	static const char *const dirs[] = {"/usr/bin", "/usr/local/bin", "/opt/firecracker"};

	if (launch->machine_options.firecracker_dir != NULL)
		return launch->machine_options.firecracker_dir;
	for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++) {
		char path[64];

		(void)snprintf(path, sizeof path, "%s/firecracker", dirs[i]);
		if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return dirs[i];
		(void)snprintf(path, sizeof path, "%s/jailer", dirs[i]);
		if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return dirs[i];
	}
	return NULL;
}

enum fault_code firecracker_find(struct launch *launch, int *fd, struct fault *fault)
{
	struct firecracker *firecracker = &launch->machine->firecracker;
	const char *dir = choose_dir(launch);
	char bad[PLAN_PATH_MAX];
	enum fault_code code = FAULT_NONE;
	int dir_fd;

	*fd = -1;
	firecracker->wanted = true;
	firecracker->snapshot = launch->machine_options.snapshot;
	if (launch->plan->rootless || geteuid() != 0)
		missing(firecracker, "jailer has to be started as root");
	if (dir == NULL) {
		missing(firecracker,
			"firecracker and jailer are not in /usr/bin, /usr/local/bin or "
			"/opt/firecracker, and SAFE_RUN_FIRECRACKER_DIR names no other "
			"directory");
		return FAULT_NONE;
	}
	if (!bundle_path_valid(dir)) {
		missing(firecracker, "\"%.200s\" is no absolute path without . and ..", dir);
		return FAULT_NONE;
	}
	dir_fd = open_dir(dir, bad, sizeof bad);
	if (dir_fd >= 0)
		code = look_at(launch, dir_fd, dir, fd, fault);
	else if (errno == EPERM)
		missing(firecracker,
			"%s: everybody who can write to %.200s can exchange the programs there; it "
			"must be root's and writable for nobody else",
			dir, bad);
	else
		missing(firecracker, "%s: %s", dir, strerror(errno));
	descriptor_close(&dir_fd);
	return code;
}

enum fault_code firecracker_decide(struct launch *launch, struct fault *fault)
{
	struct machine *machine = launch->machine;
	struct firecracker *firecracker = &machine->firecracker;

	if (machine->accel != MACHINE_ACCEL_KVM)
		missing(firecracker, "KVM does not work here: %s", machine->accel_reason);
	if (firecracker->missing[0] == '\0')
		return FAULT_NONE;
	return fault_set(fault, CODE, PREFLIGHT,
			 "Firecracker under its jailer cannot be used: %.560s. --vmm qemu runs "
			 "without",
			 firecracker->missing);
}
