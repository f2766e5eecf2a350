/* SPDX-License-Identifier: Apache-2.0 */
/* safe-run compile --dry-run: policy -> sr-validate -> sr-compile -> stdout. */
#include "cmd/policy_args.h"
#include "cmd/policy_input.h"
#include "cmd/response.h"
#include "cmd/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int complain(const struct fault *fault)
{
	fprintf(stderr, "safe-run: %s\n", fault->message);
	return VERB_FAILED;
}

/* sr-validate into the pipe; for a policy that cannot be had, the refusal it would have written. */
static enum fault_code feed(const struct policy_args *args, const struct spawn_home *home,
			    int checked_fd, struct process *validate, struct fault *fault)
{
	struct spawn spawn;
	struct fault reason;
	int policy_fd;

	if (policy_input_open(args->policy, &policy_fd, &reason) != FAULT_NONE)
		return response_invalid(checked_fd, &reason, fault);
	policy_args_plan(args, policy_fd, checked_fd, &spawn);
	return spawn_start(&spawn, home, validate, fault);
}

static int wait_for(struct process *process)
{
	const char *name = process->name;
	struct process_end end;

	if (!process_runs(process))
		return VERB_DONE;
	end = process_reap(process);
	return process_status(name, &end);
}

static int compile(const struct policy_args *args)
{
	struct process validate = PROCESS_NONE;
	struct spawn_home home;
	struct spawn spawn;
	struct fault fault;
	int checked[2];
	int validated;
	int status = VERB_FAILED;

	if (spawn_find_home(&home, &fault) != FAULT_NONE)
		return complain(&fault);
	if (pipe2(checked, O_CLOEXEC) != 0) {
		fault_set_errno(&fault, FAULT_RUN_INIT, errno, "safe-run", "pipe");
		return complain(&fault);
	}
	if (feed(args, &home, checked[1], &validate, &fault) == FAULT_NONE) {
		close(checked[1]);
		spawn_begin(&spawn, "sr-compile", checked[0], STDOUT_FILENO);
		status = spawn_and_wait(&spawn, &home);
	} else {
		complain(&fault);
	}
	close(checked[0]);
	validated = wait_for(&validate);
	/* A refused policy is in the bundle's errors; a lost sr-validate is worse than that. */
	return validated > status ? validated : status;
}

/* What is asked for without --dry-run, running the plans, is another verb's. */
static int refuse(void)
{
	struct fault reason;
	struct fault fault;

	fault_set(&reason, FAULT_COMPILE_REQUEST, "compile",
		  "compile only prints plans: say --dry-run; safe-run run carries them out");
	if (response_refuse(&reason, &fault) != FAULT_NONE)
		return complain(&fault);
	return VERB_REFUSED;
}

int verb_compile(int argc, char **argv)
{
	struct policy_args args;

	(void)argc;
	switch (policy_args_read(&args, "compile", "--dry-run [--policy] FILE", argv)) {
	case POLICY_ARGS_READ:
		return args.dry_run ? compile(&args) : refuse();
	case POLICY_ARGS_HELP:
		return VERB_DONE;
	case POLICY_ARGS_WRONG:
		break;
	}
	return VERB_USAGE;
}
