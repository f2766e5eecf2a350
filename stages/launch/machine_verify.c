/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/event.h"
#include "ipc/field.h"
#include "ipc/object.h"
#include "stages/launch/assistant.h"
#include "stages/launch/launch.h"
#include "stages/launch/machine_part.h"
#include "stages/launch/rootfs.h"
#include "stages/machine/rest.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CODE	  FAULT_RUN_LAUNCH
#define PREFLIGHT "launch.preflight"
#define VMM	  "launch.machine.vmm"

static bool same_file(const struct machine_file *a, const struct machine_file *b)
{
	return a->identity.device == b->identity.device && a->identity.inode == b->identity.inode &&
	       a->bytes == b->bytes && a->stamp.changed_ns == b->stamp.changed_ns &&
	       a->stamp.modified_ns == b->stamp.modified_ns;
}

/* taken: held since before it was hashed, under the hash its manifest promised. */
static enum fault_code compare(struct fields *files, const char *name,
			       const struct machine_file *taken, struct fault *fault)
{
	struct machine_file seen = {.fd = -1};
	struct fields entry;
	char path[FAULT_PATH_SIZE];
	enum fault_code code = fields_enter(files, name, &entry, fault);

	if (code == FAULT_NONE)
		code = machine_read_seen(&entry, &seen, fault);
	if (code != FAULT_NONE)
		return code;
	if (same_file(&seen, taken) && strcmp(seen.hash, taken->hash) == 0)
		return FAULT_NONE;
	field_path_name(path, sizeof path, "launch.machine.artifacts", name);
	return fault_set(fault, CODE, path,
			 "%.200s was changed while a machine was made of it: run again when it is "
			 "at rest",
			 taken->source);
}

static enum fault_code vmm_changed(const struct machine *machine, struct fault *fault)
{
	return fault_set(fault, CODE, VMM, "%s is not the file it was when the run began",
			 machine->vmm_path);
}

/* The version is of the file that sr-machine read; the hash, of the one that will be executed. */
static enum fault_code check_vmm(struct launch *launch, struct fields *top, struct fault *fault)
{
	struct machine *machine = launch->machine;
	struct machine_file seen = {.fd = -1}, there = {.fd = -1};
	struct json_object *hash = NULL;
	struct stat info;

	if (machine_read_vmm(top, machine, &seen, fault) != FAULT_NONE)
		return fault->code;
	if (machine->vmm_hash[0] != '\0')
		return FAULT_NONE;
	(void)json_object_object_get_ex(launch->executable, "sha256", &hash);
	/* Its process has failed before it could say. */
	if (!json_object_is_type(hash, json_type_string))
		return FAULT_NONE;
	if (stat(machine->vmm_path, &info) < 0)
		return vmm_changed(machine, fault);
	there.identity.device = info.st_dev;
	there.identity.inode = info.st_ino;
	there.bytes = info.st_size;
	there.stamp.changed_ns = rest_nanoseconds(&info.st_ctim);
	there.stamp.modified_ns = rest_nanoseconds(&info.st_mtim);
	if (!same_file(&seen, &there))
		return vmm_changed(machine, fault);
	(void)snprintf(machine->vmm_hash, sizeof machine->vmm_hash, "%s",
		       json_object_get_string(hash));
	return FAULT_NONE;
}

static enum fault_code check(struct launch *launch, struct json_object *record, struct fault *fault)
{
	const struct machine *machine = launch->machine;
	struct fields top, files;
	enum fault_code code = fields_open(&top, record, PREFLIGHT, CODE, fault);

	if (code == FAULT_NONE)
		code = fields_literal(&top, "schemaVersion", "safe-run.machine-facts/v1", fault);
	if (code == FAULT_NONE)
		code = fields_enter(&top, "files", &files, fault);
	if (code == FAULT_NONE)
		code = compare(&files, "kernel", &machine->kernel, fault);
	if (code == FAULT_NONE)
		code = compare(&files, "initramfs", &machine->initramfs, fault);
	if (code == FAULT_NONE && !machine->own_root)
		code = compare(&files, "rootfs", &machine->rootfs, fault);
	return code == FAULT_NONE ? check_vmm(launch, &top, fault) : code;
}

enum fault_code machine_verify(struct launch *launch, struct fault *fault)
{
	struct machine *machine = launch->machine;
	struct json_object *record OBJECT_CLEANUP = NULL;
	enum fault_code code;

	if (!machine->verifies_late)
		return FAULT_NONE;
	machine->verifies_late = false;
	code = assistant_result(&machine->examiner, event_boot_ns() + ROOTFS_TIME_S * 1000000000ULL,
				&record, fault);
	if (code == FAULT_NONE)
		code = check(launch, record, fault);
	if (code == FAULT_NONE) {
		machine_describe_files(launch);
		return FAULT_NONE;
	}
	/* A promise that was not kept is no hash. */
	machine->kernel.hash[0] = machine->initramfs.hash[0] = machine->vmm_hash[0] = '\0';
	return code;
}
