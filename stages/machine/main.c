/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-machine: looks at what a machine would be made of, before one is.
 *
 * PURPOSE  Hash the kernel, initramfs and root a machine starts from and the VMM that runs it, hold
 *          them against their manifest, and try whether KVM works.
 * READS    manifest.json and what it names below --artifacts-fd; --vmm-fd; no input.
 * WRITES   one MachineFacts record on stdout.
 * HOLDS    those descriptors and /dev/kvm (--kvm-fd). No privilege: sr-launch starts it as the
 *          caller without capabilities.
 * FILTER   sandbox/filters/machine.filter.
 * REFUSES  a file that is not the one the manifest was written for, a root of no known format, a
 *          name that leads out of the directory. A KVM that fails is a fact, not a refusal.
 * WHY NOT  in sr-launch: who holds CAP_SYS_ADMIN reads no manifest and makes no virtual processor.
 */
#include "ipc/object.h"
#include "sandbox/landlock.h"
#include "stages/machine/clock.h"
#include "stages/machine/file.h"
#include "stages/machine/kvm.h"
#include "stages/machine/manifest.h"
#include "stages/seal/digest.h"
#include "stages/stage.h"

#include <json-c/json.h>
#include <string.h>

enum {
	OPTION_ARTIFACTS_FD,
	OPTION_NO_ROOTFS,
	OPTION_VMM_FD,
	OPTION_KVM_FD,
	OPTION_KERNEL,
	OPTION_PROMISED,
	OPTION_VERSION_ONLY,
	OPTION_COUNT
};

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_ARTIFACTS_FD] = {"artifacts-fd", STAGE_OPTION_FD, 0, 0, "N",
				 "the directory with manifest.json"},
	[OPTION_NO_ROOTFS] = {"no-rootfs", STAGE_OPTION_FLAG, 0, 0, NULL,
			      "the machine has another root than the manifest's"},
	[OPTION_VMM_FD] = {"vmm-fd", STAGE_OPTION_FD, 0, 0, "N", "the VMM's executable"},
	[OPTION_KVM_FD] = {"kvm-fd", STAGE_OPTION_FD, 0, 0, "N", "/dev/kvm, to be tried"},
	[OPTION_KERNEL] = {"kernel", STAGE_OPTION_TEXT, 0, 0, "NAME",
			   "which of the manifest's kernels: bzImage (default) or vmlinux"},
	[OPTION_PROMISED] = {"promised", STAGE_OPTION_FLAG, 0, 0, NULL,
			     "at once: hashes are the manifest's word, and nothing is measured"},
	[OPTION_VERSION_ONLY] = {"vmm-version-only", STAGE_OPTION_FLAG, 0, 0, NULL,
				 "the VMM is hashed by who executes it"},
};

static enum stage_exit machine_open(struct stage_context *context)
{
	const struct stage_value *values = context->values;

	if (!values[OPTION_ARTIFACTS_FD].given) {
		stage_complain(context->stage, "needs --artifacts-fd N");
		return STAGE_USAGE;
	}
	if (values[OPTION_KERNEL].given && strcmp(values[OPTION_KERNEL].text, "bzImage") != 0 &&
	    strcmp(values[OPTION_KERNEL].text, "vmlinux") != 0) {
		stage_complain(context->stage, "--kernel takes bzImage or vmlinux");
		return STAGE_USAGE;
	}
	context->fd_rules[context->fd_rule_count++] = (struct sandbox_fd_rule){
		values[OPTION_ARTIFACTS_FD].fd, SANDBOX_FS_READ_FILE | SANDBOX_FS_READ_DIR};
	return STAGE_DONE;
}

static enum stage_exit machine_prewarm(struct stage_context *context)
{
	(void)context;
	return digest_prewarm() == 0 ? STAGE_DONE : STAGE_FAILED;
}

static void add_kvm(struct json_object *record, const struct stage_value *kvm)
{
	struct json_object *object;
	struct kvm_answer answer;

	if (!kvm->given) {
		object_add_null(record, "kvm");
		return;
	}
	kvm_try(kvm->fd, &answer);
	object = object_new();
	object_add_string(object, "reason", answer.reason);
	object_add_bool(object, "usable", answer.usable);
	object_add(record, "kvm", object);
}

static enum fault_code add_vmm(struct json_object *record, const struct stage_value *vmm,
			       bool hashed, struct fault *fault)
{
	struct json_object *described = NULL;
	enum fault_code code;

	if (!vmm->given) {
		object_add_null(record, "vmm");
		return FAULT_NONE;
	}
	code = file_describe_vmm(vmm->fd, "launch.machine.vmm", hashed, &described, fault);
	if (code == FAULT_NONE)
		object_add(record, "vmm", described);
	return code;
}

static enum stage_exit machine_run(struct stage_context *context)
{
	const struct stage_value *values = context->values;
	const char *kernel = values[OPTION_KERNEL].given ? values[OPTION_KERNEL].text : "bzImage";
	struct json_object *errors = array_new();
	struct json_object *record OBJECT_CLEANUP = object_new();
	bool promised = values[OPTION_PROMISED].given;
	struct clock_sample started;
	struct fault fault, send_fault;
	enum fault_code code;

	clock_sample(&started);
	code = add_vmm(record, &values[OPTION_VMM_FD], !values[OPTION_VERSION_ONLY].given, &fault);
	if (code == FAULT_NONE)
		code = manifest_examine(values[OPTION_ARTIFACTS_FD].fd,
					!values[OPTION_NO_ROOTFS].given, !promised, kernel, record,
					&fault);
	add_kvm(record, &values[OPTION_KVM_FD]);
	if (code != FAULT_NONE)
		array_append(errors, fault_to_json(&fault));
	object_add(record, "errors", errors);
	object_add_string(record, "schemaVersion", "safe-run.machine-facts/v1");
	if (promised)
		object_add_null(record, "tscKhz");
	else
		object_add_integer(record, "tscKhz", (int64_t)clock_tsc_khz(&started));
	if (record_send(&context->out, record, RECORD_EVENT_MAX, &send_fault) != FAULT_NONE) {
		stage_complain(context->stage, "%s", send_fault.message);
		return STAGE_FAILED;
	}
	return code == FAULT_NONE ? STAGE_DONE : STAGE_REFUSED;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-machine",
		.summary = "hash what a machine is made of: sr-machine --artifacts-fd N",
		.profile = &sandbox_profile_machine,
		.options = options,
		.option_count = OPTION_COUNT,
		.hashes = true,
		.open = machine_open,
		.prewarm = machine_prewarm,
		.run = machine_run,
	};

	return stage_main(&stage, NULL, argc, argv);
}
