/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_JAIL_H
#define LAUNCH_JAIL_H

#include "ipc/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct json_object;

/*
 * sr-jail, which executes jailer. It is started before the launcher confines itself, for later nothing
 * the launcher starts can get a capability; so before anybody knows what the bundle says, and only
 * where --vmm firecracker and root do. From then on it waits for one request, and ends when its
 * channel does, taking the machine and its jail with it.
 */
struct jail {
	pid_t pid;		/* 0: none */
	int pidfd;		/* -1 when there is none, as the others */
	int channel_fd;		/* as between launcher and init (channel.h) */
	int console_fd, log_fd; /* of the machine, non-blocking */
	bool taken;		/* the run's init is it: launch->init_fd, ->pidfd */
};

#define JAIL_END_MS 10000 /* for the end of a machine and the removal of its jail */

void jail_init(struct jail *jail);

/* Before confinement. 0, or -1 with errno. */
int jail_start(struct jail *jail, int home_fd) __attribute__((warn_unused_result));

/* Its one request, with the tasks files of the run's cgroups. */
enum fault_code jail_ask(int channel_fd, struct json_object *request, const int *fds, size_t count,
			 struct fault *fault) __attribute__((warn_unused_result));

/* Nobody needs it: close everything, and wait for its end. */
void jail_dismiss(struct jail *jail);

#endif
