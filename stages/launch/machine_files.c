/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/field.h"
#include "ipc/object.h"
#include "stages/launch/assistant.h"
#include "stages/launch/bundle_plan.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/launch.h"
#include "stages/launch/machine_hold.h"
#include "stages/launch/machine_part.h"
#include "stages/launch/mount.h"
#include "stages/launch/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE	  FAULT_RUN_LAUNCH
#define PATH	  "launch.machine.artifacts"
#define PREFLIGHT "launch.preflight"
#define ARTIFACTS "/var/lib/safe-run/artifacts/default"
/* debootstrap(8) is root's; anybody can use what root has made. */
#define BUILD	   "safe-run artifact build --kernel deb:linux-image-cloud-amd64 --rootfs "
#define BUILD_ROOT BUILD "debootstrap:stable --out " ARTIFACTS
#define BUILD_USER                                                                                 \
	BUILD "DIR --out ~/.local/share/safe-run/artifacts/default\", with a root file system in " \
	      "DIR (or oci:PATH), or as root with \"" BUILD_ROOT
#define DEVICE_KVM "/dev/kvm"

/* What the one assistant is given, open. */
struct inputs {
	int artifacts_fd, vmm_fd, kvm_fd;
	bool artifacts_ours; /* opened here */
};

static enum fault_code open_artifacts(const struct launch *launch, struct inputs *inputs,
				      struct fault *fault)
{
	struct stat info;

	inputs->artifacts_fd = launch->machine_options.artifacts_fd;
	if (inputs->artifacts_fd < 0) {
		inputs->artifacts_fd = open(ARTIFACTS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		inputs->artifacts_ours = true;
	}
	if (inputs->artifacts_fd < 0)
		return fault_set(
			fault, FAULT_HOST_LACKS, PATH,
			"there is nothing to start a microVM from: make it with \"%s\", or "
			"name such a directory with --artifacts",
			launch->plan->rootless ? BUILD_USER : BUILD_ROOT);
	if (fstat(inputs->artifacts_fd, &info) < 0 || !S_ISDIR(info.st_mode))
		return fault_set(fault, CODE, PATH, "must be a directory");
	if ((info.st_uid != geteuid() && info.st_uid != 0) || (info.st_mode & (S_IWGRP | S_IWOTH)))
		return fault_set(fault, CODE, PATH,
				 "must be a directory of root's or the caller's own that nobody "
				 "else can write to: what is in it is the machine");
	return FAULT_NONE;
}

static enum fault_code open_vmm(struct launch *launch, struct inputs *inputs, struct fault *fault)
{
	struct machine *machine = launch->machine;
	/* The second has no TCG, and starts faster. */
	static const char *const paths[] = {"/usr/bin/qemu-system-x86_64",
					    "/usr/bin/qemu-system-x86_64-microvm"};

	if (launch->machine_options.vmm == MACHINE_VMM_FIRECRACKER)
		return firecracker_find(launch, &inputs->vmm_fd, fault);
	if (launch->machine_options.snapshot)
		return fault_set(
			fault, FAULT_HOST_LACKS, "launch.machine.snapshot",
			"--snapshot is for Firecracker, which maps a saved machine's memory "
			"and shares it: QEMU's microvm machine reads all of it back through "
			"a monitor, and has none here. Leave it out, or use --vmm "
			"firecracker");
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		inputs->vmm_fd = open(paths[i], O_RDONLY | O_CLOEXEC | O_NOCTTY);
		machine->vmm_path = paths[i];
		if (inputs->vmm_fd >= 0)
			return FAULT_NONE;
	}
	return fault_set(fault, FAULT_HOST_LACKS, PREFLIGHT ".vmm",
			 "there is no VMM: /usr/bin/qemu-system-x86_64 is missing (apt-get install "
			 "qemu-system-x86)");
}

/* Its absence is a reason, never a fault by itself. */
static void open_kvm(struct machine *machine, const struct machine_options *options,
		     struct inputs *inputs)
{
	if (options->accel == MACHINE_ACCEL_TCG) {
		(void)snprintf(machine->accel_reason, sizeof machine->accel_reason,
			       "TCG was asked for");
		return;
	}
	inputs->kvm_fd = open(DEVICE_KVM, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	if (inputs->kvm_fd < 0)
		(void)snprintf(machine->accel_reason, sizeof machine->accel_reason,
			       DEVICE_KVM " cannot be opened: %s", strerror(errno));
}

static void compose(const struct launch *launch, const struct inputs *inputs, int vmm_fd,
		    int kvm_fd, struct assistant_plan *plan)
{
	const struct assistant_fd fds[] = {{"--artifacts-fd", inputs->artifacts_fd},
					   {"--vmm-fd", vmm_fd},
					   {"--kvm-fd", kvm_fd}};

	rootfs_assistant(launch, "sr-machine", PREFLIGHT, plan);
	for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
		if (fds[i].fd >= 0)
			plan->fds[plan->fd_count++] = fds[i];
	if (launch->plan->root.kind != PLAN_ROOT_HOST)
		plan->words[plan->word_count++] = "--no-rootfs";
}

/* Events that come before the VMM's process does follow the one with its hash. */
static bool hashes_vmm(const struct plan *plan)
{
	return plan->network.wanted || plan->mount_count > 0;
}

/*
 * Hashing takes longer than all the rest before the VMM starts, and what it is needed for is only
 * the record and the permission to go on. So one sr-machine hashes, from here to machine_verify,
 * and another one says at once which files the manifest names.
 */
static enum fault_code ask_twice(struct launch *launch, const struct inputs *inputs,
				 struct json_object **record, struct fault *fault)
{
	struct machine *machine = launch->machine;
	struct assistant_plan plan;
	enum fault_code code;

	compose(launch, inputs, inputs->vmm_fd, -1, &plan);
	if (!hashes_vmm(launch->plan))
		plan.words[plan.word_count++] = "--vmm-version-only";
	code = assistant_start(&machine->examiner, &plan, fault);
	if (code != FAULT_NONE)
		return code;
	machine->verifies_late = true;
	machine->own_root = launch->plan->root.kind != PLAN_ROOT_HOST;
	compose(launch, inputs, -1, inputs->kvm_fd, &plan);
	plan.words[plan.word_count++] = "--promised";
	return rootfs_ask(&plan, record, fault);
}

/* A jail is given what was hashed, so there it comes first. */
static enum fault_code ask(struct launch *launch, const struct inputs *inputs,
			   struct json_object **record, struct fault *fault)
{
	struct assistant_plan plan;

	if (!launch->machine->firecracker.wanted)
		return ask_twice(launch, inputs, record, fault);
	compose(launch, inputs, inputs->vmm_fd, inputs->kvm_fd, &plan);
	plan.words[plan.word_count++] = "--kernel";
	plan.words[plan.word_count++] = "vmlinux";
	return rootfs_ask(&plan, record, fault);
}

/* The host's name of what fd is open on. */
static const char *name_fd(int fd, struct plan *plan)
{
	char path[PLAN_PATH_MAX];

	return mount_name(-1, fd, path, sizeof path) == 0 ? plan_text(plan, path) : NULL;
}

static enum fault_code read_hash(struct fields *fields, char hash[DIGEST_TEXT_SIZE],
				 struct fault *fault)
{
	const char *text = "";
	enum fault_code code;

	hash[0] = '\0';
	/* Of a VMM that is hashed elsewhere. */
	if (fields_null(fields, "hash"))
		return FAULT_NONE;
	code = fields_string(fields, "hash", &text, fault);
	if (code == FAULT_NONE && !digest_text_valid(text))
		code = fault_set(fault, CODE, PREFLIGHT, "sr-machine told no hash");
	if (code == FAULT_NONE)
		(void)snprintf(hash, DIGEST_TEXT_SIZE, "%s", text);
	return code;
}

static enum fault_code find_file(struct fields *entry, int dir_fd, struct plan *plan,
				 struct machine_file *file, struct fault *fault)
{
	const char *name = "";
	const char *directory = name_fd(dir_fd, plan);
	char path[PLAN_PATH_MAX];

	if (fields_string(entry, "name", &name, fault) != FAULT_NONE)
		return fault->code;
	if (directory == NULL ||
	    snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path)
		return fault_set(fault, CODE, PATH, "the directory's name is too long");
	file->source = plan_text(plan, path);
	if (file->source != NULL && bundle_path_valid(file->source))
		return FAULT_NONE;
	return fault_set(fault, CODE, PATH, "\"%.200s\" is no clean path",
			 file->source != NULL ? file->source : "");
}

static enum fault_code read_stamp(struct fields *entry, struct machine_stamp *stamp,
				  struct fault *fault)
{
	uint64_t changed = 0, modified = 0;
	enum fault_code code = bundle_decimal(entry, "changedNs", &changed, fault);

	if (code == FAULT_NONE)
		code = bundle_decimal(entry, "modifiedNs", &modified, fault);
	*stamp = (struct machine_stamp){(int64_t)changed, (int64_t)modified};
	return code;
}

enum fault_code machine_read_seen(struct fields *entry, struct machine_file *file,
				  struct fault *fault)
{
	const char *format = "";
	enum fault_code code = read_hash(entry, file->hash, fault);

	if (code == FAULT_NONE)
		code = fields_integer(entry, "bytes", 1, INT64_MAX >> 10, &file->bytes, fault);
	if (code == FAULT_NONE)
		code = bundle_decimal(entry, "device", &file->identity.device, fault);
	if (code == FAULT_NONE)
		code = bundle_decimal(entry, "inode", &file->identity.inode, fault);
	if (code == FAULT_NONE)
		code = read_stamp(entry, &file->stamp, fault);
	if (code == FAULT_NONE && fields_has(entry, "format"))
		code = fields_string(entry, "format", &format, fault);
	(void)snprintf(file->format, sizeof file->format, "%s", format);
	return code;
}

/* Held from here on: opened again, and the file that was looked at. */
static enum fault_code read_file(struct fields *files, const char *name, int dir_fd,
				 struct plan *plan, struct machine_file *file, struct fault *fault)
{
	struct fields entry;
	char place[FAULT_PATH_SIZE];
	enum fault_code code = fields_enter(files, name, &entry, fault);

	if (code == FAULT_NONE)
		code = machine_read_seen(&entry, file, fault);
	if (code == FAULT_NONE && file->hash[0] == '\0')
		code = fault_set(fault, CODE, PREFLIGHT, "sr-machine told no hash");
	if (code == FAULT_NONE)
		code = find_file(&entry, dir_fd, plan, file, fault);
	if (code == FAULT_NONE)
		code = fields_close(&entry, fault);
	(void)snprintf(place, sizeof place, PATH ".%s", name);
	return code == FAULT_NONE ? machine_hold(file, place, fault) : code;
}

/* Its file is opened, hashed and executed in one by the workload's process. */
enum fault_code machine_read_vmm(struct fields *top, struct machine *machine,
				 struct machine_file *file, struct fault *fault)
{
	struct fields vmm;
	const char *version = "unknown";
	enum fault_code code;

	/* Firecracker was not found, which is said when KVM was tried as well. */
	if (machine->firecracker.wanted && fields_null(top, "vmm"))
		return FAULT_NONE;
	code = fields_enter(top, "vmm", &vmm, fault);
	if (code == FAULT_NONE)
		code = machine_read_seen(&vmm, file, fault);
	if (code == FAULT_NONE && !fields_null(&vmm, "version"))
		code = fields_string(&vmm, "version", &version, fault);
	if (code != FAULT_NONE)
		return code;
	machine->vmm_bytes = file->bytes;
	(void)snprintf(machine->vmm_hash, sizeof machine->vmm_hash, "%s", file->hash);
	if (!machine->firecracker.wanted)
		(void)snprintf(machine->vmm_version, sizeof machine->vmm_version, "%s", version);
	return fields_close(&vmm, fault);
}

static enum fault_code read_kvm(struct fields *top, struct machine *machine, struct fault *fault)
{
	struct fields kvm;
	const char *reason = "";
	bool usable = false;
	enum fault_code code;

	machine->accel = MACHINE_ACCEL_TCG;
	if (fields_null(top, "kvm"))
		return FAULT_NONE;
	code = fields_enter(top, "kvm", &kvm, fault);
	if (code == FAULT_NONE)
		code = fields_string(&kvm, "reason", &reason, fault);
	if (code == FAULT_NONE)
		code = fields_bool(&kvm, "usable", &usable, fault);
	if (code == FAULT_NONE && usable)
		machine->accel = MACHINE_ACCEL_KVM;
	(void)snprintf(machine->accel_reason, sizeof machine->accel_reason, "%s", reason);
	return code == FAULT_NONE ? fields_close(&kvm, fault) : code;
}

static enum fault_code read_facts(struct launch *launch, const struct inputs *inputs,
				  struct json_object *record, struct fault *fault)
{
	struct machine *machine = launch->machine;
	struct plan *plan = launch->plan;
	struct fields top, files;
	struct machine_file vmm;
	const char *release = "";
	enum fault_code code = fields_open(&top, record, PREFLIGHT, CODE, fault);

	if (code == FAULT_NONE)
		code = fields_literal(&top, "schemaVersion", "safe-run.machine-facts/v1", fault);
	if (code == FAULT_NONE)
		code = fields_string(&top, "kernelRelease", &release, fault);
	(void)snprintf(machine->kernel_release, sizeof machine->kernel_release, "%s", release);
	if (code == FAULT_NONE && !fields_null(&top, "tscKhz"))
		code = fields_integer(&top, "tscKhz", 1, 100000000, &machine->tsc_khz, fault);
	if (code == FAULT_NONE)
		code = fields_enter(&top, "files", &files, fault);
	if (code == FAULT_NONE)
		code = read_file(&files, "kernel", inputs->artifacts_fd, plan, &machine->kernel,
				 fault);
	if (code == FAULT_NONE)
		code = read_file(&files, "initramfs", inputs->artifacts_fd, plan,
				 &machine->initramfs, fault);
	if (code == FAULT_NONE && plan->root.kind == PLAN_ROOT_HOST)
		code = read_file(&files, "rootfs", inputs->artifacts_fd, plan, &machine->rootfs,
				 fault);
	if (code == FAULT_NONE && !machine->verifies_late)
		code = machine_read_vmm(&top, machine, &vmm, fault);
	return code == FAULT_NONE ? read_kvm(&top, machine, fault) : code;
}

/* Which accelerator, and whether that is what was asked for. */
static enum fault_code decide(struct launch *launch, struct fault *fault)
{
	struct machine *machine = launch->machine;
	bool has_tcg;

	if (machine->firecracker.wanted)
		return firecracker_decide(launch, fault);
	has_tcg = strstr(machine->vmm_path, "-microvm") == NULL;
	machine->can_fall_back = machine->accel == MACHINE_ACCEL_KVM && has_tcg &&
				 launch->machine_options.accel == MACHINE_ACCEL_AUTO;
	if (machine->accel == MACHINE_ACCEL_KVM)
		return FAULT_NONE;
	if (launch->machine_options.accel == MACHINE_ACCEL_KVM)
		return fault_set(fault, FAULT_HOST_LACKS, PREFLIGHT ".kvm",
				 "KVM was asked for and does not work here: %s. --accel tcg runs "
				 "without it, slower",
				 machine->accel_reason);
	if (has_tcg)
		return FAULT_NONE;
	return fault_set(fault, FAULT_HOST_LACKS, PREFLIGHT ".vmm",
			 "KVM does not work here (%s), and without it a machine needs "
			 "/usr/bin/qemu-system-x86_64, which is missing (apt-get install "
			 "qemu-system-x86)",
			 machine->accel_reason);
}

/* payload.kernel and payload.root of the compile event: the machine's, not the host's. */
void machine_describe_files(struct launch *launch)
{
	const struct machine *machine = launch->machine;

	object_release(&launch->kernel);
	launch->kernel = machine_describe_file(&machine->kernel);
	object_add_string(launch->kernel, "kind", "image");
	object_add_string(launch->kernel, "release", machine->kernel_release);
	if (launch->root_identity != NULL)
		return;
	launch->root_identity = machine_describe_file(&machine->rootfs);
	object_add_string(launch->root_identity, "kind", "image");
	object_add_string(launch->root_identity, "format", machine->rootfs.format);
}

enum fault_code machine_files(struct launch *launch, struct fault *fault)
{
	struct machine *machine = launch->machine;
	struct inputs inputs = {-1, -1, -1, false};
	struct json_object *record OBJECT_CLEANUP = NULL;
	enum fault_code code = open_vmm(launch, &inputs, fault);

	if (code == FAULT_NONE)
		code = open_artifacts(launch, &inputs, fault);
	if (code == FAULT_NONE) {
		open_kvm(machine, &launch->machine_options, &inputs);
		code = ask(launch, &inputs, &record, fault);
	}
	if (code == FAULT_NONE)
		code = read_facts(launch, &inputs, record, fault);
	if (code == FAULT_NONE)
		code = decide(launch, fault);
	if (code == FAULT_NONE && launch->plan->root.kind != PLAN_ROOT_HOST)
		code = machine_rootfs(launch, fault);
	if (code == FAULT_NONE && !machine->verifies_late)
		machine_describe_files(launch);
	descriptor_close(&inputs.vmm_fd);
	descriptor_close(&inputs.kvm_fd);
	if (inputs.artifacts_ours)
		descriptor_close(&inputs.artifacts_fd);
	return code;
}
