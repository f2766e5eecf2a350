/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/machine.h"

#include "ipc/event.h"
#include "ipc/object.h"
#include "sandbox/sandbox.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/launch.h"
#include "stages/launch/machine_hold.h"
#include "stages/launch/machine_part.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define CODE FAULT_RUN_LAUNCH

bool machine_vmm_parse(const char *text, enum machine_vmm *out)
{
	static const char *const names[MACHINE_VMM_COUNT] = {
		[MACHINE_VMM_AUTO] = "auto",
		[MACHINE_VMM_QEMU] = "qemu",
		[MACHINE_VMM_FIRECRACKER] = "firecracker",
	};

	for (size_t i = 0; i < MACHINE_VMM_COUNT; i++)
		if (strcmp(text, names[i]) == 0) {
			*out = (enum machine_vmm)i;
			return true;
		}
	return false;
}

bool machine_accel_parse(const char *text, enum machine_accel *out)
{
	static const char *const names[MACHINE_ACCEL_COUNT] = {
		[MACHINE_ACCEL_AUTO] = "auto",
		[MACHINE_ACCEL_KVM] = "kvm",
		[MACHINE_ACCEL_TCG] = "tcg",
	};

	for (size_t i = 0; i < MACHINE_ACCEL_COUNT; i++)
		if (strcmp(text, names[i]) == 0) {
			*out = (enum machine_accel)i;
			return true;
		}
	return false;
}

void machine_release(struct launch *launch)
{
	struct machine *machine = launch->machine;

	if (machine == NULL)
		return;
	assistant_stop(&machine->guest);
	assistant_stop(&machine->examiner);
	record_reader_release(&machine->records);
	object_release(&machine->final);
	machine_hold_release(machine);
	descriptor_close(&machine->firecracker.ready_fd);
	descriptor_close(&machine->firecracker.cable_fd);
	descriptor_close(&machine->sockets_fd);
	descriptor_close(&machine->timer_fd);
	descriptor_close(&machine->spare_fd);
	descriptor_close(&machine->console_fd);
	descriptor_close(&machine->log_fd);
	descriptor_close(&machine->console_file_fd);
	free(machine);
	launch->machine = NULL;
}

static struct machine *machine_new(void)
{
	struct machine *machine = calloc(1, sizeof *machine);

	if (machine == NULL)
		buf_no_memory();
	machine->guest = machine->examiner = (struct assistant)ASSISTANT_NONE;
	machine->firecracker.ready_fd = machine->firecracker.cable_fd = -1;
	machine->sockets_fd = machine->timer_fd = machine->console_fd = machine->log_fd = -1;
	machine->spare_fd = -1;
	machine->stdin_fd = machine->stdout_fd = machine->stderr_fd = machine->console_file_fd = -1;
	machine->kernel.fd = machine->initramfs.fd = machine->rootfs.fd = -1;
	for (size_t i = 0; i < MACHINE_VOLUME_MAX; i++)
		machine->volumes[i].fd = -1;
	record_reader_init(&machine->records, -1, RECORD_EVENT_MAX);
	return machine;
}

/* What one cannot have in a machine yet, in the policy's own words. The one place. */
static enum fault_code refuse(const struct plan *plan, struct fault *fault)
{
	if (plan->pty_fd >= 0)
		return fault_set(fault, FAULT_HOST_LACKS, "launch.tty",
				 "a microVM gives its command no terminal: leave --tty out, or use "
				 "process isolation");
	if (!plan->cgroup_limits.memory_set)
		return fault_set(fault, FAULT_HOST_LACKS, "policy.resources.memory.max",
				 "a microVM needs memory of a fixed size: give a number of bytes");
	return FAULT_NONE;
}

/* The command's part of the plan becomes the guest's job ... */
static void take_job(struct machine *machine, const struct plan *plan)
{
	struct machine_job *job = &machine->job;

	*job = (struct machine_job){
		.argv = plan->argv,
		.arg_count = plan->arg_count,
		.envp = plan->envp,
		.cwd = plan->cwd,
		.hostname = plan->hostname,
		.seccomp = plan->seccomp,
		.cgroup_limits = plan->cgroup_limits,
		.mount_count = plan->mount_count,
		.stdin_none = plan->stdin_none,
	};
	memcpy(job->limits, plan->limits, sizeof job->limits);
}

/*
 * ... and the rest the VMM's. The policy's CPU quota stays as it is; the memory gets the guest's
 * kernel and the VMM on top, and processes are the VMM's threads.
 */
static void become_vmm(struct machine *machine, struct plan *plan)
{
	struct cgroup_limits *limits = &plan->cgroup_limits;

	machine_size(machine, plan);
	limits->memory_max = (machine->memory_mib << 20) + machine_room(machine);
	limits->pids_set = true;
	limits->pids_max = MACHINE_THREADS + machine->vcpus + machine->can_fall_back;
	plan->cwd = MACHINE_SOCKETS;
	plan->seccomp = "vmm";
	plan->filter = &sandbox_filter_vmm;
	plan->stdin_none = true;
	plan->mount_count = 0;
	plan->root = (struct plan_root){.kind = PLAN_ROOT_HOST};
	for (size_t i = 0; i < PLAN_LIMIT_COUNT; i++)
		if (plan->limits[i].resource == RLIMIT_NOFILE)
			plan->limits[i].value = MACHINE_FILES;
	plan->machine.kvm = machine->accel == MACHINE_ACCEL_KVM;
}

static void take_streams(struct machine *machine, struct plan *plan)
{
	machine->stdin_fd = plan->stdin_fd;
	machine->stdout_fd = plan->stdout_fd;
	machine->stderr_fd = plan->stderr_fd;
}

enum fault_code machine_identify(struct launch *launch, struct fault *fault)
{
	struct plan *plan = launch->plan;
	enum fault_code code = refuse(plan, fault);

	if (code != FAULT_NONE)
		return code;
	launch->machine = machine_new();
	launch->machine->times.asked_ns = event_boot_ns();
	code = machine_files(launch, fault);
	launch->machine->times.known_ns = event_boot_ns();
	if (code != FAULT_NONE)
		return code;
	take_job(launch->machine, plan);
	take_streams(launch->machine, plan);
	become_vmm(launch->machine, plan);
	/* jailer makes its machine's root. */
	if (launch->machine->firecracker.wanted)
		return FAULT_NONE;
	return machine_entries(launch, fault);
}
