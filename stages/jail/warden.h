/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JAIL_WARDEN_H
#define JAIL_WARDEN_H

#include "stages/jail/command.h"
#include "stages/jail/place.h"
#include "stages/jail/request.h"

/*
 * Pid 1 above a jailer: enters the run's version 1 cgroups, executes jailer, and waits for it and for
 * the Firecracker it leaves behind, whose parent it becomes. It ends with sr-jail (PDEATHSIG) and with
 * the launcher (its end of the channel).
 */
struct warden {
	const struct place *place;
	const struct request *request;
	struct command command;
	int channel_fd;
	int jailer_fd; /* open on what is executed */
	int netns_fd;  /* the machine's network namespace; -1: none */
};

_Noreturn void warden_main(const struct warden *warden);

#endif
