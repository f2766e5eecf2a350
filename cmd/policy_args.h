/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_POLICY_ARGS_H
#define CMD_POLICY_ARGS_H

#include "cmd/spawn.h"

#include <stdbool.h>

/* The command line of the verbs that look at one policy: validate and compile. */
struct policy_args {
	const char *policy;
	const char *mount_allowlist; /* NULL: sr-validate's own */
	bool dry_run;
};

enum policy_args_answer {
	POLICY_ARGS_READ,
	POLICY_ARGS_HELP,  /* printed */
	POLICY_ARGS_WRONG, /* said on stderr */
};

enum policy_args_answer policy_args_read(struct policy_args *args, const char *verb,
					 const char *synopsis, char **argv);

/*
 * The mount allowlist's file: what --mount-allowlist gave, else what SAFE_RUN_MOUNT_ALLOWLIST names
 * (empty is unset), else NULL. Stages start without an environment, so it goes on as an option.
 */
const char *policy_args_allowlist(const char *given);

/* sr-validate over these bytes, writing to stdout_fd. */
void policy_args_plan(const struct policy_args *args, int policy_fd, int stdout_fd,
		      struct spawn *spawn);

#endif
