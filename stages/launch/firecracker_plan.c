/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/firecracker.h"

#include "ipc/buf.h"
#include "ipc/canon.h"
#include "ipc/object.h"
#include "ipc/record.h"
#include "stages/compile/machine_words.h"
#include "stages/compile/network_plan.h"
#include "stages/filter/tap.h"
#include "stages/launch/firecracker_cable.h"
#include "stages/launch/launch.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CODE FAULT_RUN_LAUNCH
#define MIB  ((uint64_t)1 << 20)

#define SNAPSHOT_STATE_MAX (64 * MIB)

/*
 * The bundle's plans for a machine are compared with what its policy gives, made here once more: a
 * bundle is from nobody the launcher trusts, and nothing of it may say more than its policy does.
 */
static bool same(struct json_object *left, struct json_object *right)
{
	struct buf one BUF_CLEANUP, two BUF_CLEANUP;
	struct fault ignored;

	buf_init(&one, RECORD_BUNDLE_MAX);
	buf_init(&two, RECORD_BUNDLE_MAX);
	return canon_write(left, &one, CODE, &ignored) == FAULT_NONE &&
	       canon_write(right, &two, CODE, &ignored) == FAULT_NONE && one.len == two.len &&
	       memcmp(one.data, two.data, one.len) == 0;
}

static enum fault_code hold(const struct launch *launch, const char *name,
			    struct json_object *expected, struct fault *fault)
{
	struct json_object *ours OBJECT_CLEANUP = expected;
	struct json_object *theirs = NULL;

	(void)json_object_object_get_ex(launch->bundle.root, name, &theirs);
	if (same(theirs, ours))
		return FAULT_NONE;
	return fault_set(fault, CODE, name, "does not say what the policy says");
}

/* As the API wants it: 1, or an even number (MachineConfiguration.vcpu_count). */
static uint64_t even(uint64_t count)
{
	return count > 1 ? count + count % 2 : count;
}

static uint64_t policy_vcpus(const struct cgroup_limits *limits)
{
	uint64_t count = MACHINE_VCPU_MAX;

	if (limits->cpu_set)
		count = even((limits->cpu_quota_us + limits->cpu_period_us - 1) /
			     limits->cpu_period_us);
	return count < MACHINE_VCPU_MAX ? count : MACHINE_VCPU_MAX;
}

static struct json_object *boot_source(void)
{
	struct json_object *source = object_new();

	object_add_string(source, "boot_args", MACHINE_BOOT_ARGS);
	object_add_string(source, "initrd_path", "/initrd");
	object_add_string(source, "kernel_image_path", "/vmlinux");
	return source;
}

static struct json_object *drive(const char *id, bool is_root)
{
	struct json_object *object = object_new();
	char path[64];

	(void)snprintf(path, sizeof path, "/%s.img", id);
	object_add_string(object, "cache_type", "Unsafe");
	object_add_string(object, "drive_id", id);
	object_add_string(object, "io_engine", "Sync");
	object_add_bool(object, "is_read_only", true);
	object_add_bool(object, "is_root_device", is_root);
	object_add_string(object, "path_on_host", path);
	return object;
}

static struct json_object *drives(size_t mounts)
{
	struct json_object *array = array_new();

	array_append(array, drive("rootfs", true));
	for (size_t i = 0; i < mounts; i++) {
		char id[32];

		(void)snprintf(id, sizeof id, "mount_%zu", i);
		array_append(array, drive(id, false));
	}
	return array;
}

static struct json_object *vsock(const char *path)
{
	struct json_object *object = object_new();

	object_add_integer(object, "guest_cid", MACHINE_GUEST_CID);
	object_add_string(object, "uds_path", path);
	return object;
}

/* Its one interface, at this end of the host's; mac NULL: whatever it takes. */
static struct json_object *interfaces(const char *tap, const char *mac)
{
	struct json_object *array = array_new(), *interface = object_new();

	if (mac != NULL)
		object_add_string(interface, "guest_mac", mac);
	object_add_string(interface, "host_dev_name", tap);
	object_add_string(interface, "iface_id", "eth0");
	array_append(array, interface);
	return array;
}

static struct json_object *compose(size_t mounts, uint64_t memory_mib, uint64_t vcpus,
				   struct json_object *network, const char *uds_path)
{
	struct json_object *config = object_new(), *machine = object_new();

	object_add_integer(machine, "mem_size_mib", (int64_t)memory_mib);
	object_add_bool(machine, "smt", false);
	object_add_bool(machine, "track_dirty_pages", false);
	object_add_integer(machine, "vcpu_count", (int64_t)vcpus);
	object_add(config, "boot-source", boot_source());
	object_add(config, "drives", drives(mounts));
	object_add(config, "entropy", object_new());
	object_add(config, "machine-config", machine);
	if (network != NULL)
		object_add(config, "network-interfaces", network);
	object_add(config, "vsock", vsock(uds_path));
	return config;
}

/*
 * The policy's memory is its command's, so the guest's kernel gets some on top, as under QEMU; more
 * processors than the host has would only wait for each other; and mounts share images
 * (machine_volume.h). The sockets lie in the directory that is the machine's own while the jail's top
 * is still root's (stages/jail/place.h). Its interface has the same name in every run, in
 * a network namespace of its own: a snapshot finds it again.
 */
enum fault_code firecracker_config(const struct launch *launch, struct json_object **config,
				   struct fault *fault)
{
	struct machine *machine = launch->machine;
	const struct machine_job *job = &machine->job;
	bool network = launch->plan->network.wanted;
	enum fault_code code =
		hold(launch, "firecrackerConfig",
		     compose(job->mount_count, job->cgroup_limits.memory_max / MIB,
			     policy_vcpus(&job->cgroup_limits),
			     network ? interfaces(NETWORK_PLAN_TAP, NULL) : NULL, "/vsock.sock"),
		     fault);

	if (code != FAULT_NONE)
		return code;
	/* An odd number of processors the host has: one less. */
	if (machine->vcpus > 1)
		machine->vcpus -= machine->vcpus % 2;
	*config = compose(machine->volume_count, machine->memory_mib, machine->vcpus,
			  network ? interfaces(CABLE_TAP, TAP_GUEST_MAC) : NULL, "/s/vsock.sock");
	return FAULT_NONE;
}

void firecracker_setting(struct json_object *array, const char *file, const char *format, ...)
{
	struct json_object *setting = object_new();
	char text[64];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	object_add_string(setting, "file", file);
	object_add_string(setting, "value", text);
	array_append(array, setting);
}

static struct json_object *cgroup_settings(const struct cgroup_limits *limits)
{
	struct json_object *cgroup = object_new(), *first = array_new(), *second = array_new();
	uint64_t memory = limits->memory_max + MACHINE_JAIL_ROOM_MIB * MIB;

	if (limits->cpu_set) {
		firecracker_setting(first, "cpu.cfs_period_us", "%" PRIu64, limits->cpu_period_us);
		firecracker_setting(first, "cpu.cfs_quota_us", "%" PRIu64, limits->cpu_quota_us);
		firecracker_setting(second, "cpu.max", "%" PRIu64 " %" PRIu64, limits->cpu_quota_us,
				    limits->cpu_period_us);
	}
	firecracker_setting(first, "memory.limit_in_bytes", "%" PRIu64, memory);
	firecracker_setting(second, "memory.max", "%" PRIu64, memory);
	firecracker_setting(second, "memory.swap.max", "0");
	object_add(cgroup, "v1", first);
	object_add(cgroup, "v2", second);
	return cgroup;
}

static struct json_object *resource_limit(const struct launch *launch)
{
	struct json_object *limit = object_new();

	object_add_integer(limit, "fsize", (int64_t)launch->plan->disk_max);
	object_add_integer(limit, "no-file", MACHINE_JAIL_FILES);
	return limit;
}

/* What a bundle leaves open is the launcher's: who, where, in which cgroup. */
static struct json_object *jailer_plan(const struct launch *launch)
{
	static const char *const open[] = {"cgroupVersion", "gid", "id", "netns", "uid"};
	struct json_object *plan = object_new();

	object_add(plan, "cgroup", cgroup_settings(&launch->machine->job.cgroup_limits));
	object_add_string(plan, "chrootBaseDir", MACHINE_JAIL_BASE);
	object_add_string(plan, "execFile", MACHINE_JAIL_EXEC);
	object_add_bool(plan, "newPidNs", true);
	object_add_string(plan, "parentCgroup", MACHINE_JAIL_CGROUP);
	object_add(plan, "resourceLimit", resource_limit(launch));
	for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
		object_add_null(plan, open[i]);
	return plan;
}

enum fault_code firecracker_limits(const struct launch *launch, struct json_object **limits,
				   struct fault *fault)
{
	uint64_t memory = launch->machine->memory_mib * MIB, fsize = launch->plan->disk_max;
	enum fault_code code = hold(launch, "jailerPlan", jailer_plan(launch), fault);

	if (code != FAULT_NONE)
		return code;
	/* A machine that is saved writes its memory into a file, and what it is besides. */
	if (launch->machine->firecracker.snapshot && fsize < memory + SNAPSHOT_STATE_MAX)
		fsize = memory + SNAPSHOT_STATE_MAX;
	*limits = object_new();
	object_add_integer(*limits, "fsize", (int64_t)fsize);
	object_add_integer(*limits, "noFile", MACHINE_JAIL_FILES);
	return FAULT_NONE;
}
