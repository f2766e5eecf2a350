/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/compile/machine_plan.h"

#include "ipc/object.h"
#include "stages/compile/machine_words.h"
#include "stages/compile/network_plan.h"
#include "stages/compile/policy.h"

#include <json-c/json.h>
#include <stdio.h>

#define MIB ((int64_t)1 << 20)

/* A machine has a size. Without a limit (process isolation only) this is what it would get. */
#define MEMORY_DEFAULT_MIB 1024

/*
 * vCPUs for a quota: one more for each period begun. The API asks for 1 or an even number; the
 * control group holds the quota itself either way.
 */
static int64_t vcpu_count(const struct policy *policy)
{
	int64_t count;

	if (policy->cpu_quota_us == POLICY_UNLIMITED)
		return MACHINE_VCPU_MAX;
	count = (policy->cpu_quota_us + policy->cpu_period_us - 1) / policy->cpu_period_us;
	if (count > 1)
		count += count % 2;
	return count < MACHINE_VCPU_MAX ? count : MACHINE_VCPU_MAX;
}

static struct json_object *make_machine(const struct policy *policy)
{
	struct json_object *machine = object_new();
	int64_t memory_mib = policy->memory_max == POLICY_UNLIMITED ? MEMORY_DEFAULT_MIB
								    : policy->memory_max / MIB;

	object_add_integer(machine, "mem_size_mib", memory_mib);
	object_add_bool(machine, "smt", false);
	object_add_bool(machine, "track_dirty_pages", false);
	object_add_integer(machine, "vcpu_count", vcpu_count(policy));
	return machine;
}

static struct json_object *make_boot_source(void)
{
	struct json_object *source = object_new();

	object_add_string(source, "boot_args", MACHINE_BOOT_ARGS);
	object_add_string(source, "initrd_path", "/initrd");
	object_add_string(source, "kernel_image_path", "/vmlinux");
	return source;
}

static struct json_object *make_drive(const char *id, bool is_root, bool read_only)
{
	struct json_object *drive = object_new();
	char path[64];

	snprintf(path, sizeof(path), "/%s.img", id);
	/* What the guest wrote must be on the host when the machine is gone. */
	object_add_string(drive, "cache_type", read_only ? "Unsafe" : "Writeback");
	object_add_string(drive, "drive_id", id);
	object_add_string(drive, "io_engine", "Sync");
	object_add_bool(drive, "is_read_only", read_only);
	object_add_bool(drive, "is_root_device", is_root);
	object_add_string(drive, "path_on_host", path);
	return drive;
}

/* The root, then one image per mount in the policy's order. */
static struct json_object *make_drives(const struct policy *policy)
{
	struct json_object *drives = array_new();

	array_append(drives, make_drive("rootfs", true, true));
	for (size_t i = 0; i < policy->mount_count; i++) {
		struct json_object *mount = json_object_array_get_idx(policy->mounts, i);
		char id[32];

		snprintf(id, sizeof(id), "mount_%zu", i);
		array_append(drives, make_drive(id, false,
						json_object_get_boolean(json_object_object_get(
							mount, "read_only"))));
	}
	return drives;
}

static struct json_object *make_network_interfaces(void)
{
	struct json_object *interfaces = array_new();
	struct json_object *interface = object_new();

	object_add_string(interface, "host_dev_name", NETWORK_PLAN_TAP);
	object_add_string(interface, "iface_id", "eth0");
	array_append(interfaces, interface);
	return interfaces;
}

static struct json_object *make_vsock(void)
{
	struct json_object *vsock = object_new();

	object_add_integer(vsock, "guest_cid", MACHINE_GUEST_CID);
	object_add_string(vsock, "uds_path", "/vsock.sock");
	return vsock;
}

enum fault_code machine_plan_config(const struct policy *policy, struct json_object **config,
				    struct fault *fault)
{
	*config = NULL;
	if (policy->isolation == POLICY_MICROVM && policy->memory_max == POLICY_UNLIMITED)
		return fault_set(fault, FAULT_COMPILE_MAPPING, "resources.memory.max",
				 "a microVM needs memory of a fixed size; give a number of bytes");
	*config = object_new();
	object_add(*config, "boot-source", make_boot_source());
	object_add(*config, "drives", make_drives(policy));
	object_add(*config, "entropy", object_new());
	object_add(*config, "machine-config", make_machine(policy));
	if (policy->network == POLICY_NETWORK_ALLOWLIST)
		object_add(*config, "network-interfaces", make_network_interfaces());
	object_add(*config, "vsock", make_vsock());
	return FAULT_NONE;
}
