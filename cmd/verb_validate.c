/* SPDX-License-Identifier: Apache-2.0 */
/* safe-run validate: sr-validate's answer, and its exit status. */
#include "cmd/policy_args.h"
#include "cmd/policy_input.h"
#include "cmd/response.h"
#include "cmd/verb.h"

#include <stdio.h>
#include <unistd.h>

static int validate(const struct policy_args *args)
{
	struct spawn_home home;
	struct spawn spawn;
	struct fault reason;
	struct fault fault;
	int policy_fd;

	if (policy_input_open(args->policy, &policy_fd, &reason) != FAULT_NONE) {
		if (response_invalid(STDOUT_FILENO, &reason, &fault) == FAULT_NONE)
			return VERB_REFUSED;
	} else if (spawn_find_home(&home, &fault) == FAULT_NONE) {
		policy_args_plan(args, policy_fd, STDOUT_FILENO, &spawn);
		return spawn_and_wait(&spawn, &home);
	}
	fprintf(stderr, "safe-run: %s\n", fault.message);
	return VERB_FAILED;
}

int verb_validate(int argc, char **argv)
{
	struct policy_args args;

	(void)argc;
	switch (policy_args_read(&args, "validate", "[--policy] FILE", argv)) {
	case POLICY_ARGS_READ:
		return validate(&args);
	case POLICY_ARGS_HELP:
		return VERB_DONE;
	case POLICY_ARGS_WRONG:
		break;
	}
	return VERB_USAGE;
}
