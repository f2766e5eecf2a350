/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/mountinfo.h"

#include "ipc/buf.h"
#include "ipc/object.h"
#include "stages/launch/apart.h"
#include "stages/launch/apart_readback.h"
#include "stages/launch/enforcement.h"
#include "stages/launch/plan.h"
#include "stages/launch/root.h"
#include "stages/launch/text_file.h"
#include "stages/seal/digest.h"
#include "stages/validate/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CODE	   FAULT_RUN_LAUNCH
#define PATH	   "launch.readback.mounts"
#define TEXT_MAX   ((size_t)1 << 20)
#define TEXT_FIRST ((size_t)32 << 10) /* the usual few KiB, without a mapping of its own */

/* The kernel writes space, tab, newline and backslash as \ooo (mangle, fs/proc_namespace.c). */
static bool unescape(char *text)
{
	char *out = text;

	for (const char *in = text; *in != '\0'; in++) {
		if (*in != '\\') {
			*out++ = *in;
			continue;
		}
		unsigned value = 0;

		for (int digit = 0; digit < 3; digit++) {
			in++;
			if (*in < '0' || *in > '7')
				return false;
			value = value * 8 + (unsigned)(*in - '0');
		}
		*out++ = (char)value;
	}
	*out = '\0';
	return true;
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime shared:1 - ext3 /dev/root rw,errors=continue" */
int mountinfo_next(char **text, struct mountinfo *mount)
{
	enum { ID_FIELD, DEVICE_FIELD = 2, POINT_FIELD = 4, OPTIONS_FIELD = 5 };
	char *line = *text, *tail, *field, *save = NULL;
	char *end = strchr(line, '\n');
	size_t count = 0;

	*mount = (struct mountinfo){.point = NULL};
	if (*line == '\0')
		return 0;
	if (end == NULL)
		return -1;
	*end = '\0';
	*text = end + 1;
	tail = strstr(line, " - ");
	if (tail == NULL)
		return -1;
	*tail = '\0';
	tail += 3;
	for (field = strtok_r(line, " ", &save); field != NULL;
	     field = strtok_r(NULL, " ", &save)) {
		if (count == ID_FIELD)
			mount->id = strtoull(field, NULL, 10);
		if (count == DEVICE_FIELD)
			mount->device = field;
		if (count == POINT_FIELD)
			mount->point = field;
		if (count++ == OPTIONS_FIELD)
			mount->options = field;
	}
	/* The source may hold anything but a space; the options are what is behind it. */
	mount->type = tail;
	mount->super = strrchr(tail, ' ');
	tail += strcspn(tail, " ");
	if (*tail != '\0')
		*tail = '\0';
	if (mount->super == NULL || mount->options == NULL || !unescape(mount->point))
		return -1;
	mount->super++;
	return 1;
}

bool mountinfo_has(const char *options, const char *name)
{
	size_t len = strlen(name);

	while (*options != '\0') {
		size_t item = strcspn(options, ",");

		if (item == len && memcmp(options, name, len) == 0)
			return true;
		options += item;
		if (*options == ',')
			options++;
	}
	return false;
}

/* The mount of the policy that decides about path: the innermost one. */
static const struct plan_mount *deciding_mount(const struct plan *plan, const char *path)
{
	const struct plan_mount *best = NULL;

	for (size_t i = 0; i < plan->mount_count; i++)
		if (path_below(path, plan->mounts[i].target) &&
		    (best == NULL || strlen(plan->mounts[i].target) >= strlen(best->target)))
			best = &plan->mounts[i];
	return best;
}

static bool may_write(const struct plan *plan, const char *path)
{
	if (deciding_mount(plan, path) != NULL)
		return false;
	return strcmp(path, "/tmp") == 0 || strcmp(path, "/dev/shm") == 0 ||
	       strcmp(path, "/dev/pts") == 0 ||
	       (root_workdir_private(plan) && strcmp(path, plan->cwd) == 0);
}

/*
 * What a name cannot tell: a procfs mounted somewhere below a source, as in a chroot's tree, is the
 * host's processes all the same.
 */
bool mountinfo_is_kernel(const char *type)
{
	static const char *const types[] = {
		"proc",	   "sysfs",   "devtmpfs", "devpts",   "cgroup",	     "cgroup2",
		"debugfs", "tracefs", "configfs", "fusectl",  "securityfs",  "selinuxfs",
		"pstore",  "bpf",     "mqueue",	  "efivarfs", "binfmt_misc",
	};

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

static enum fault_code check_mount(const struct plan *plan, const struct mountinfo *mount,
				   struct fault *fault)
{
	bool device = path_below(mount->point, "/dev") && strcmp(mount->point, "/dev/shm") != 0;
	const struct plan_mount *of_policy = deciding_mount(plan, mount->point);
	const char *missing = NULL;

	if (of_policy != NULL && mountinfo_is_kernel(mount->type))
		return fault_set(fault, FAULT_RUN_MOUNT, PATH,
				 "%s comes with the mount on %s and is the kernel's %s, which is "
				 "never shared with a sandbox",
				 mount->point, of_policy->target, mount->type);
	if (!mountinfo_has(mount->options, "nosuid"))
		missing = "nosuid";
	else if (!device && !mountinfo_has(mount->options, "nodev"))
		missing = "nodev";
	else if (!may_write(plan, mount->point) && !mountinfo_has(mount->options, "ro"))
		missing = "read-only";
	else if (of_policy != NULL && of_policy->noexec && !mountinfo_has(mount->options, "noexec"))
		missing = "noexec";
	if (missing == NULL)
		return FAULT_NONE;
	return fault_set(fault, CODE, PATH, "%s is mounted without %s: the run is refused",
			 mount->point, missing);
}

/* The kernel prints a tmpfs's size in KiB (shmem_show_options). */
static uint64_t size_of(const char *super)
{
	const char *size = strstr(super, "size=");

	return size == NULL ? 0 : strtoull(size + strlen("size="), NULL, 10) * 1024;
}

/* As shmem_show_options prints it, in plain digits; 0 without one, which means no limit. */
static uint64_t inodes_of(const char *super)
{
	const char *inodes = strstr(super, "nr_inodes=");

	return inodes == NULL ? 0 : strtoull(inodes + strlen("nr_inodes="), NULL, 10);
}

static enum fault_code add_disk(const struct plan *plan, const struct mountinfo *mount,
				struct json_object *enforcement, struct fault *fault)
{
	uint64_t size = size_of(mount->super);
	struct json_object *evidence;

	/* Whole pages: a limit that is none is rounded up to one. */
	if (size == 0 || size > plan->disk_max + 4095)
		return fault_set(fault, CODE, PATH,
				 "the private tmpfs has another size than asked");
	if (inodes_of(mount->super) == 0 || inodes_of(mount->super) > root_disk_inodes(plan))
		return fault_set(
			fault, CODE, PATH,
			"the private tmpfs has room for another number of files than asked");
	evidence = object_new();
	object_add_integer(evidence, "inodes", (int64_t)inodes_of(mount->super));
	object_add_string(evidence, "mountinfo", mount->super);
	enforcement_add_number(enforcement, "resources.disk.max", "tmpfs size", plan->disk_max,
			       size, evidence);
	return FAULT_NONE;
}

static void add_shares(const struct plan *plan, const struct apart_readback *apart,
		       const struct mountinfo *mount, struct json_object *enforcement,
		       bool seen[PLAN_MOUNT_MAX])
{
	for (size_t i = 0; i < plan->mount_count; i++) {
		bool noexec = plan->mounts[i].noexec;
		struct json_object *evidence;
		char clause[32];

		if (strcmp(plan->mounts[i].target, mount->point) != 0 || seen[i])
			continue;
		seen[i] = true;
		evidence = object_new();
		object_add_string(evidence, "mountinfo", mount->options);
		(void)snprintf(clause, sizeof clause, "mounts[%zu]", i);
		/* check_mount has refused anything less. */
		enforcement_add_text(
			enforcement, clause,
			apart_readback_own(apart, mount) ? "overlay mount" : "bind mount",
			noexec ? "read-only noexec" : "read-only",
			mountinfo_has(mount->options, "noexec") ? "read-only noexec" : "read-only",
			evidence);
	}
}

static enum fault_code check_all(struct apart_readback *apart, char *text,
				 struct json_object *enforcement, size_t *count,
				 struct fault *fault)
{
	const struct plan *plan = apart->plan;
	bool seen[PLAN_MOUNT_MAX] = {false};
	bool disk_seen = false;
	struct mountinfo mount;
	enum fault_code code = FAULT_NONE;
	int got;

	for (*count = 0; code == FAULT_NONE && (got = mountinfo_next(&text, &mount)) != 0;
	     (*count)++) {
		if (got < 0)
			return fault_set(fault, CODE, PATH, "mountinfo is not understood");
		code = check_mount(plan, &mount, fault);
		if (code == FAULT_NONE && !disk_seen && strcmp(mount.point, "/dev/shm") == 0) {
			disk_seen = true;
			code = add_disk(plan, &mount, enforcement, fault);
		}
		add_shares(plan, apart, &mount, enforcement, seen);
		apart_readback_mount(apart, &mount);
	}
	for (size_t i = 0; code == FAULT_NONE && i < plan->mount_count; i++)
		if (!seen[i])
			code = fault_set(fault, CODE, PATH, "the mount on %s is not there",
					 plan->mounts[i].target);
	if (code == FAULT_NONE && !disk_seen)
		code = fault_set(fault, CODE, PATH, "the private tmpfs is not there");
	return code;
}

/* All of the file; the caller frees it, also when *len is -1, which errno explains. */
static char *read_text(const char *path, ssize_t *len)
{
	for (size_t size = TEXT_FIRST;; size = TEXT_MAX) {
		char *text = malloc(size);

		if (text == NULL)
			buf_no_memory();
		*len = text_file_read(path, text, size);
		if (*len >= 0 || errno != EFBIG || size == TEXT_MAX)
			return text;
		free(text);
	}
}

enum fault_code mountinfo_check(const struct plan *plan, const char *process,
				const struct mount_table *host, struct json_object *shared,
				struct json_object *enforcement, struct fault *fault)
{
	struct apart_readback apart;
	char path[40], hash[DIGEST_TEXT_SIZE];
	struct json_object *evidence;
	uint8_t value[DIGEST_SIZE];
	size_t count = 0;
	enum fault_code code;
	ssize_t len;
	char *text;

	(void)snprintf(path, sizeof path, "/proc/%s/mountinfo", process);
	text = read_text(path, &len);
	if (len < 0) {
		code = fault_set_errno(fault, CODE, errno, PATH, "cannot read %s", path);
		free(text);
		return code;
	}
	digest_bytes(text, (size_t)len, value);
	digest_text(value, hash);
	apart_readback_start(&apart, plan, host);
	code = check_all(&apart, text, enforcement, &count, fault);
	free(text);
	if (code == FAULT_NONE)
		code = apart_readback_end(&apart, shared, enforcement, fault);
	if (code != FAULT_NONE)
		return code;
	evidence = object_new();
	object_add_integer(evidence, "mounts", (int64_t)count);
	object_add_string(evidence, "mountinfo", hash);
	enforcement_add_text(enforcement, "default.root", "pivot_root, mount_setattr",
			     "read-only nosuid nodev", "read-only nosuid nodev", evidence);
	return FAULT_NONE;
}
