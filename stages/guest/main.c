/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-guest: the host's side of a microVM's guest.
 *
 * PURPOSE  Take what a guest says, of which nothing is believed, and hand on what it may say: the
 *          command's output, what it left, how it ended.
 * READS    a GuestJob and signals on stdin, from the launcher; five streams of the guest's, by way
 *          of the VMM; the workload's own standard input.
 * WRITES   listening, started, exited, final on stdout; the job and signals to the guest; the
 *          command's output into --stdout-fd and --stderr-fd; its outputs below --tree-fd.
 * HOLDS    as root the workload's own uid; no capability. One connection for each stream.
 * FILTER   sandbox/filters/guest.filter; Landlock: makes and writes below --tree-fd, reads nothing.
 * REFUSES  a line that is too long, not canonical, or not at its place; data without a file; a path
 *          that leads out. What it refuses is a violation in its last record, and that stream ends.
 * WHY NOT  in the launcher, which has privilege and must not read what a guest wrote; and not in
 *          sr-monitor, which is to see the command's output as it sees any.
 */
#include "stages/guest/guest.h"
#include "stages/stage.h"

#include "sandbox/landlock.h"

#include <errno.h>
#include <string.h>

enum option {
	OPTION_PLACE_FD,
	OPTION_VMM,
	OPTION_STDIN_FD,
	OPTION_STDOUT_FD,
	OPTION_STDERR_FD,
	OPTION_TREE_FD,
	OPTION_AGAIN,
	OPTION_COUNT
};

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_PLACE_FD] = {"place-fd", STAGE_OPTION_FD, 0, 0, "N",
			     "the directory to listen in for the VMM"},
	[OPTION_VMM] = {"vmm", STAGE_OPTION_TEXT, 0, 0, "NAME",
			"qemu or firecracker: how the streams are called"},
	[OPTION_STDIN_FD] = {"stdin-fd", STAGE_OPTION_FD, 0, 0, "N", "the command's input"},
	[OPTION_STDOUT_FD] = {"stdout-fd", STAGE_OPTION_FD, 0, 0, "N", "the command's output"},
	[OPTION_STDERR_FD] = {"stderr-fd", STAGE_OPTION_FD, 0, 0, "N", "and its errors"},
	[OPTION_TREE_FD] = {"tree-fd", STAGE_OPTION_FD, 0, 0, "N",
			    "the directory for what the command leaves"},
	[OPTION_AGAIN] = {"again", STAGE_OPTION_FLAG, 0, 0, NULL,
			  "a second VMM may come when the first one is never heard"},
};

static enum stage_exit check(const struct stage_context *context)
{
	const struct stage_value *values = context->values;
	const char *vmm = values[OPTION_VMM].text;

	if (values[OPTION_PLACE_FD].fd >= 0 && vmm != NULL &&
	    (strcmp(vmm, "qemu") == 0 || strcmp(vmm, "firecracker") == 0))
		return STAGE_DONE;
	stage_complain(context->stage, "--place-fd and --vmm qemu|firecracker are needed");
	return STAGE_USAGE;
}

static enum stage_exit guest_open(struct stage_context *context)
{
	const struct stage_value *values = context->values;
	struct guest *guest = context->state;
	enum stage_exit status = check(context);

	if (status != STAGE_DONE)
		return status;
	guest->stdin_fd = values[OPTION_STDIN_FD].fd;
	guest->stdout_fd = values[OPTION_STDOUT_FD].fd;
	guest->stderr_fd = values[OPTION_STDERR_FD].fd;
	guest->tree_fd = values[OPTION_TREE_FD].fd;
	guest->again = values[OPTION_AGAIN].given;
	if (place_listen(&guest->place, values[OPTION_PLACE_FD].fd,
			 strcmp(values[OPTION_VMM].text, "firecracker") == 0) < 0) {
		stage_complain(context->stage, "cannot listen for the VMM: %s", strerror(errno));
		return STAGE_FAILED;
	}
	if (guest->tree_fd >= 0)
		context->fd_rules[context->fd_rule_count++] = (struct sandbox_fd_rule){
			.fd = guest->tree_fd,
			.landlock_access = SANDBOX_FS_MAKE_REG | SANDBOX_FS_MAKE_DIR |
					   SANDBOX_FS_MAKE_SYM | SANDBOX_FS_MAKE_FIFO |
					   SANDBOX_FS_MAKE_SOCK | SANDBOX_FS_WRITE_FILE |
					   SANDBOX_FS_TRUNCATE,
		};
	return STAGE_DONE;
}

static enum stage_exit guest_confined(struct stage_context *context)
{
	struct guest *guest = context->state;
	struct fault fault;
	enum fault_code code;

	guest->out = context->out;
	guest_init(guest);
	code = guest_run(guest, &fault);
	if (code != FAULT_NONE)
		stage_complain(context->stage, "%s: %s", fault.path, fault.message);
	guest_release(guest);
	return code == FAULT_NONE ? STAGE_DONE : STAGE_FAILED;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-guest",
		.summary = "the host's side of a microVM's guest",
		.profile = &sandbox_profile_guest,
		.options = options,
		.option_count = OPTION_COUNT,
		.survives_keyboard = true,
		.open = guest_open,
		.run = guest_confined,
	};
	/* Three pumps and a line: not on a stack of 128 KiB. */
	static struct guest guest;

	return stage_main(&stage, &guest, argc, argv);
}
