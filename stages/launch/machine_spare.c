/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/event.h"
#include "ipc/object.h"
#include "ipc/record.h"
#include "stages/launch/channel.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/launch.h"
#include "stages/launch/machine_part.h"
#include "stages/launch/machine_watch.h"
#include "stages/launch/report.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define EXEC_MS 10000

/*
 * KVM that was tried and works can still fail the VMM: a nested host's may lack what only a whole
 * guest needs. So where KVM is our own choice a second VMM, without it, waits beside the first one,
 * made and confined like it, for after the start nobody here can make a process any more. It takes
 * the first one's place when that one ended before a byte of its guest was heard, which sr-guest
 * alone decides: what was heard may have had the job, and no command runs twice.
 */
static void tell_guest(struct machine *machine)
{
	struct json_object *record OBJECT_CLEANUP = object_new();

	object_add_bool(record, "again", true);
	assistant_tell(&machine->guest, record);
}

enum machine_news machine_first_ended(struct launch *launch, struct json_object *message)
{
	struct machine *machine = launch->machine;

	if (machine->spare_fd < 0 || machine->hello || machine->phase != MACHINE_BOOTS ||
	    machine->guest.stdin_fd < 0)
		return machine_vmm_ended(launch, message);
	machine_vmm_status(machine, message);
	machine->asked_again = true;
	tell_guest(machine);
	return MACHINE_NOTHING;
}

enum machine_news machine_heard(struct launch *launch)
{
	struct machine *machine = launch->machine;

	machine->hello = true;
	/* Its process ends with its channel. */
	descriptor_close(&machine->spare_fd);
	if (!machine->asked_again)
		return MACHINE_NOTHING;
	machine->asked_again = false;
	return machine_vmm_gone(launch);
}

static void describe_status(const struct machine *machine, struct json_object *payload)
{
	struct json_object *vmm = object_new();
	int status = machine->vmm_status;
	char name[24];

	if (WIFEXITED(status))
		object_add_integer(vmm, "exitCode", WEXITSTATUS(status));
	else
		object_add_null(vmm, "exitCode");
	if (WIFSIGNALED(status)) {
		report_signal_name(WTERMSIG(status), name, sizeof name);
		object_add_string(vmm, "signal", name);
	} else {
		object_add_null(vmm, "signal");
	}
	object_add(payload, "vmm", vmm);
}

static enum fault_code tell_fallback(struct launch *launch, struct fault *fault)
{
	struct machine *machine = launch->machine;
	struct json_object *payload = object_new();

	object_add_string(payload, "accel", "tcg");
	object_add_string(payload, "commandLineHash", machine->spare_hash);
	object_add_string(payload, "from", "kvm");
	/* The VMM's own words; an empty text when it had none. */
	object_add_escaped(payload, "reason", machine->log, machine->log_len);
	describe_status(machine, payload);
	return event_emit(&launch->events, EVENT_VM_FALLBACK, EVENT_BY_LAUNCHER, payload, fault);
}

/* The exec closes the other end; a message is a failure. */
static bool let_go(struct machine *machine)
{
	struct json_object *message OBJECT_CLEANUP = NULL;
	int result = channel_tell_exec(machine->spare_fd);

	if (result == 0)
		result = channel_receive(machine->spare_fd, EXEC_MS, &message, NULL);
	descriptor_close(&machine->spare_fd);
	return result == 0;
}

enum machine_news machine_fall_back(struct launch *launch)
{
	struct machine *machine = launch->machine;
	struct fault fault;

	if (!machine->asked_again)
		return MACHINE_NOTHING;
	machine->asked_again = false;
	machine_drain(launch);
	/* Nobody reads our events: the loop sees it as well, and ends the run. */
	if (tell_fallback(launch, &fault) != FAULT_NONE || !let_go(machine))
		return machine_vmm_gone(launch);
	machine->accel = MACHINE_ACCEL_TCG;
	machine->vmm_known = false;
	machine->log_len = 0;
	machine->log[0] = '\0';
	machine->exec_ns = event_boot_ns();
	return machine_boots_again(launch);
}
