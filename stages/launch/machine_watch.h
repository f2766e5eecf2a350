/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_MACHINE_WATCH_H
#define LAUNCH_MACHINE_WATCH_H

#include "ipc/fault.h"

#include <poll.h>
#include <stdbool.h>

struct json_object;
struct launch;

/*
 * A machine while it runs, as parts of the launcher's loop. The guest's word decides when the
 * command began and how it ended, and nothing else: the time for its boot and for its shutdown, the
 * deadline in between and the VMM's own end are the launcher's.
 */
enum machine_source {
	MACHINE_SOURCE_GUEST,
	MACHINE_SOURCE_TIMER,
	MACHINE_SOURCE_CONSOLE,
	MACHINE_SOURCE_LOG,
	MACHINE_SOURCE_COUNT
};

enum machine_news {
	MACHINE_NOTHING,
	MACHINE_STARTED, /* the command runs: its deadline begins */
	MACHINE_EXITED,	 /* it has ended: no deadline any more */
	MACHINE_OVER,	 /* nothing is left to wait for */
};

/* Sets the boot's timer. items[] of a run without a machine wait for nothing. */
enum fault_code machine_watch_open(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));
void machine_watch_items(const struct launch *launch, struct pollfd items[MACHINE_SOURCE_COUNT]);
enum machine_news machine_watch(struct launch *launch, struct pollfd items[MACHINE_SOURCE_COUNT]);

/* init's message that the first of two VMMs has ended. */
enum machine_news machine_first_ended(struct launch *launch, struct json_object *message);

/* init's last message: the VMM has ended. message NULL: init itself has. */
enum machine_news machine_vmm_ended(struct launch *launch, struct json_object *message);

/* For the command; a guest that is gone has nobody to signal. */
void machine_signal(struct launch *launch, int number);

/*
 * Behind the loop: end the VMM, hear sr-guest out, and put into launch->end what is known of the
 * command. machine->loss says what is not.
 */
void machine_finish(struct launch *launch);

/* Whether all of the outputs came out of the guest; a run without a machine has them at hand. */
enum fault_code machine_outputs(const struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/* Whether what vm.exited says of the command, its start that failed included, is the guest's word. */
bool machine_told(const struct launch *launch);

/* "machine" of vm.started and vm.exited; the caller owns it. */
struct json_object *machine_describe_start(const struct launch *launch);
struct json_object *machine_describe_end(const struct launch *launch);

/* vm.exited's setup, when the command never ran: a fault as JSON, or NULL. */
struct json_object *machine_describe_setup(const struct launch *launch);

#endif
