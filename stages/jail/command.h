/* SPDX-License-Identifier: Apache-2.0 */
#ifndef JAIL_COMMAND_H
#define JAIL_COMMAND_H

#include "ipc/fault.h"
#include "stages/jail/place.h"
#include "stages/jail/request.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * jailer's command line, of its documented options alone (Firecracker's docs/jailer.md): --id,
 * --exec-file, --uid, --gid, --chroot-base-dir, --netns, --cgroup-version, --parent-cgroup, --cgroup,
 * --resource-limit, --new-pid-ns; behind -- Firecracker's own, --config-file and --api-sock. Without
 * --netns it stays where it starts, in an empty network namespace.
 */
#define COMMAND_WORDS 40
#define COMMAND_TEXT  16384

struct command {
	const char *argv[COMMAND_WORDS];
	size_t count;
	char text[COMMAND_TEXT];
	size_t used;
};

/* Texts are the command's own or the request's. One that restores is told of its snapshot by its API. */
enum fault_code command_make(struct command *command, const struct request *request,
			     const struct place *place, bool network, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
