/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/canon.h"
#include "ipc/event.h"
#include "ipc/object.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/launch.h"
#include "stages/launch/loop.h"
#include "stages/launch/machine_part.h"
#include "stages/launch/machine_watch.h"
#include "stages/launch/report.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CODE	   FAULT_RUN_LAUNCH
#define PATH	   "launch.machine.guest"
#define LAST_MS	   3000 /* for sr-guest's last record, once the VMM is gone */
#define STATUS_MAX 255

static bool number(struct json_object *object, const char *name, int64_t max, int64_t *out)
{
	struct json_object *value = object_member(object, name);

	*out = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;
	return *out >= 0 && *out <= max;
}

void machine_drain(struct launch *launch)
{
	struct machine *machine = launch->machine;

	/* A pipe holds 64 KiB, and each read takes what there is. */
	for (int i = 0; i < 64 && machine->console_fd >= 0; i++) {
		struct pollfd item = {.fd = machine->console_fd, .events = POLLIN};

		if (poll(&item, 1, 0) <= 0)
			break;
		machine_read_console(launch);
	}
	if (machine->log_fd >= 0)
		machine_read_log(machine);
}

static void hear_out(struct launch *launch)
{
	struct machine *machine = launch->machine;
	uint64_t end_ns = event_boot_ns() + LAST_MS * 1000000ULL;
	struct pollfd items[MACHINE_SOURCE_COUNT];

	descriptor_close(&machine->guest.stdin_fd);
	while (machine->final == NULL && machine->guest.out_fd >= 0 && event_boot_ns() < end_ns) {
		machine_watch_items(launch, items);
		items[MACHINE_SOURCE_TIMER].fd = -1;
		if (poll(items, MACHINE_SOURCE_COUNT, 100) > 0)
			(void)machine_watch(launch, items);
	}
}

static void describe_vmm(const struct machine *machine, char *out, size_t size)
{
	int status = machine->vmm_status;

	if (!machine->vmm_known)
		(void)snprintf(out, size, "the VMM was ended");
	else if (WIFSIGNALED(status))
		(void)snprintf(out, size, "the VMM was killed by SIG%s%s",
			       sigabbrev_np(WTERMSIG(status)) ?: "?",
			       WTERMSIG(status) == SIGSYS ? ": its filter caught it" : "");
	else
		(void)snprintf(out, size, "the VMM ended with status %d", WEXITSTATUS(status));
}

/* The first thing that is known of why nobody says how the command ended. */
static void say_loss(struct machine *machine)
{
	char vmm[80];
	struct fault *loss = &machine->loss;
	struct fault violation;

	describe_vmm(machine, vmm, sizeof vmm);
	if (machine->boot_late)
		(void)fault_set(loss, CODE, PATH,
				"the guest did not come up within 120 s; its console is in "
				"console.log and ends: %s",
				machine->console_tail);
	else if (machine->broken && !machine->vmm_known)
		(void)fault_set(loss, CODE, PATH,
				"sr-guest, which speaks with the guest, ended, or its record was "
				"not understood");
	else if (machine_violation(machine, &violation))
		(void)fault_set(loss, CODE, PATH,
				"the guest sent what it must not, and nothing was heard after it: "
				"%s: %s",
				violation.path, violation.message);
	else if (machine->panic[0] != '\0')
		(void)fault_set(loss, CODE, PATH, "the guest's kernel gave up: %s", machine->panic);
	else if (machine->log_len > 0 && machine->vmm_known)
		(void)fault_set(loss, CODE, "launch.machine.vmm", "%s and said: %s", vmm,
				machine->log);
	else
		(void)fault_set(loss, CODE, PATH,
				"%s, and the guest has not said how the command ended", vmm);
}

/* {"code","message","path"} of the guest's own, with the errno of an exec that failed. */
static bool take_setup(struct launch *launch, struct json_object *setup)
{
	struct json_object *message = object_member(setup, "message"),
			   *path = object_member(setup, "path");
	struct json_object *code_name = object_member(setup, "code");
	enum fault_code code = FAULT_NONE;
	int64_t error_number = 0;

	if (!json_object_is_type(setup, json_type_object))
		return false;
	if (json_object_is_type(code_name, json_type_string))
		code = fault_code_parse(json_object_get_string(code_name));
	if (number(setup, "errno", 4095, &error_number) && error_number > 0)
		launch->exec_errno = (int)error_number;
	(void)fault_set(&launch->machine->loss, code == FAULT_NONE ? CODE : code,
			json_object_is_type(path, json_type_string) ? json_object_get_string(path)
								    : PATH,
			"%s",
			json_object_is_type(message, json_type_string)
				? json_object_get_string(message)
				: "the guest could not start the command, and did not say why");
	return true;
}

static void take_usage(struct launch *launch, struct json_object *final)
{
	struct json_object *rusage = object_member(final, "rusage");
	int64_t value;

	if (number(rusage, "maxRssBytes", CANON_INTEGER_MAX, &value))
		launch->end.max_rss_bytes = value;
	if (number(rusage, "systemUs", CANON_INTEGER_MAX, &value))
		launch->end.system_us = value;
	if (number(rusage, "userUs", CANON_INTEGER_MAX, &value))
		launch->end.user_us = value;
	if (number(final, "oomKills", CANON_INTEGER_MAX, &value))
		launch->end.guest_oom_kills = value;
	if (number(final, "pidsMaxHits", CANON_INTEGER_MAX, &value))
		launch->end.guest_pids_hits = value;
}

/* The status the guest tells, as wait(2) would have it. false: it tells none. */
static bool take_exit(struct launch *launch, struct json_object *final)
{
	struct json_object *exit = object_member(final, "exit");
	struct json_object *core = object_member(exit, "coreDumped");
	int64_t value;

	if (number(exit, "signalNumber", 64, &value) && value > 0)
		launch->end.wait_status =
			(int)value | (json_object_get_boolean(core) ? WCOREFLAG : 0);
	else if (number(exit, "exitCode", STATUS_MAX, &value))
		launch->end.wait_status = (int)value << 8;
	else
		return false;
	launch->end.known = true;
	return true;
}

void machine_finish(struct launch *launch)
{
	struct machine *machine = launch->machine;
	bool told;

	if (machine == NULL)
		return;
	/* Whoever ends it now, the pid namespace and all in it is gone before sr-guest is asked. */
	loop_end(launch);
	hear_out(launch);
	machine_drain(launch);
	take_usage(launch, machine->final);
	/* A run that was ended from here has no other end, whatever a guest says afterwards. */
	told = !launch->end.deadline && (machine->exited || launch->end.stop == LAUNCH_STOP_NONE) &&
	       take_exit(launch, machine->final);
	if (!told && !take_setup(launch, object_member(machine->final, "setup")) &&
	    !launch->end.deadline && launch->end.stop == LAUNCH_STOP_NONE)
		say_loss(machine);
	if (!told)
		launch->end.wait_status = SIGKILL;
	if (machine->loss.code != FAULT_NONE && machine->boot_ns != 0)
		launch->end.stop = LAUNCH_STOP_GUEST;
	if (launch->ended_ns == 0)
		launch->ended_ns = event_boot_ns();
	machine->phase = MACHINE_ENDED;
	assistant_stop(&machine->guest);
}

bool machine_told(const struct launch *launch)
{
	const struct machine *machine = launch->machine;

	if (machine == NULL)
		return false;
	return machine->exited ||
	       json_object_is_type(object_member(machine->final, "exit"), json_type_object) ||
	       json_object_is_type(object_member(machine->final, "setup"), json_type_object);
}

enum fault_code machine_outputs(const struct launch *launch, struct fault *fault)
{
	struct json_object *outputs;

	if (launch->machine == NULL)
		return FAULT_NONE;
	outputs = object_member(launch->machine->final, "outputs");
	if (json_object_get_boolean(object_member(outputs, "complete")))
		return FAULT_NONE;
	return fault_set(fault, CODE, "launch.machine.outputs",
			 "the machine ended before all of its outputs had come out of it");
}

struct json_object *machine_describe_setup(const struct launch *launch)
{
	const struct machine *machine = launch->machine;
	struct json_object *setup;

	/* Once the command ran it is no set-up any more: the run was lost sight of. */
	if (machine == NULL || machine->loss.code == FAULT_NONE ||
	    (machine->boot_ns != 0 && launch->exec_errno == 0))
		return NULL;
	setup = fault_to_json(&machine->loss);
	object_add_string(setup, "step", machine->loss.path);
	return setup;
}

static const char *accel_name(enum machine_accel accel)
{
	return accel == MACHINE_ACCEL_KVM ? "kvm" : "tcg";
}

static const char *snapshot_use(const struct firecracker *firecracker)
{
	if (firecracker->restores)
		return "restored";
	return firecracker->kept ? "made" : "not kept";
}

struct json_object *machine_describe_start(const struct launch *launch)
{
	const struct machine *machine = launch->machine;
	struct json_object *object = object_new();
	struct json_object *mounts = array_new();

	object_add_string(object, "accel", accel_name(machine->accel));
	object_add_escaped(object, "accelReason", machine->accel_reason,
			   strlen(machine->accel_reason));
	object_add_string(object, "commandLineHash", machine->command_line_hash);
	object_add_escaped(object, "kernelRelease", machine->kernel_release,
			   strlen(machine->kernel_release));
	object_add_integer(object, "memoryBytes", (int64_t)(machine->memory_mib << 20));
	for (size_t i = 0; i < machine->job.mount_count; i++)
		array_append_string(mounts, machine->volumes[machine->mounts[i].volume].hash);
	object_add(object, "mounts", mounts);
	if (machine->firecracker.snapshot) {
		object_add_string(object, "snapshot", snapshot_use(&machine->firecracker));
		object_add_string(object, "snapshotKey", machine->firecracker.key);
	}
	object_add_integer(object, "vcpus", (int64_t)machine->vcpus);
	object_add_string(object, "vmm", machine->firecracker.wanted ? "firecracker" : "qemu");
	object_add_escaped(object, "vmmVersion", machine->vmm_version,
			   strlen(machine->vmm_version));
	return object;
}

/* How the machine went down: by itself, or was it ended, and why. */
static const char *shutdown_of(const struct launch *launch)
{
	const struct machine *machine = launch->machine;

	if (machine->late)
		return "hang";
	if (!machine->vmm_known)
		return "killed";
	return machine->final != NULL && WIFEXITED(machine->vmm_status) &&
			       WEXITSTATUS(machine->vmm_status) == 0
		       ? "clean"
		       : "broken";
}

struct json_object *machine_describe_end(const struct launch *launch)
{
	const struct machine *machine = launch->machine;
	struct json_object *object = object_new();
	struct json_object *console = object_new(), *vmm = object_new();
	int status = machine->vmm_status;

	if (machine->boot_ns != 0)
		object_add_decimal(object, "bootNs", machine->boot_ns - machine->exec_ns);
	else
		object_add_null(object, "bootNs");
	object_add_integer(console, "bytes", (int64_t)machine->console_bytes);
	object_add_integer(console, "keptBytes", (int64_t)machine->console_kept);
	object_add(object, "console", console);
	machine_add_guest(machine, object);
	object_add_bool(object, "guestTold", machine->exited);
	/* The VMM's own words, where it had any. */
	object_add_escaped(object, "messages", machine->log, machine->log_len);
	machine_add_phases(machine, object);
	object_add_string(object, "shutdown", shutdown_of(launch));
	machine_add_violations(machine, object);
	if (machine->vmm_known && WIFEXITED(status))
		object_add_integer(vmm, "exitCode", WEXITSTATUS(status));
	else
		object_add_null(vmm, "exitCode");
	if (machine->vmm_known && WIFSIGNALED(status)) {
		char name[24];

		report_signal_name(WTERMSIG(status), name, sizeof name);
		object_add_string(vmm, "signal", name);
	} else {
		object_add_null(vmm, "signal");
	}
	object_add(object, "vmm", vmm);
	return object;
}
