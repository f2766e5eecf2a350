/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/policy_args.h"

#include "cmd/option.h"

#include <stdlib.h>
#include <string.h>

enum policy_option { POLICY_FILE, POLICY_ALLOWLIST, POLICY_DRY_RUN, POLICY_OPTION_COUNT };

/* --dry-run last: validate has the table without it. */
static const struct option table[POLICY_OPTION_COUNT] = {
	[POLICY_FILE] = {"policy", "FILE", "the policy; - is standard input"},
	[POLICY_ALLOWLIST] = {"mount-allowlist", "FILE", "where mount sources may lie"},
	[POLICY_DRY_RUN] = {"dry-run", NULL, "print the plans, run nothing"},
};

static enum policy_args_answer finish(const struct policy_args *args, const char *verb,
				      const char *synopsis)
{
	if (args->policy != NULL)
		return POLICY_ARGS_READ;
	option_usage(verb, synopsis, "needs a policy");
	return POLICY_ARGS_WRONG;
}

enum policy_args_answer policy_args_read(struct policy_args *args, const char *verb,
					 const char *synopsis, char **argv)
{
	size_t known = strcmp(verb, "compile") == 0 ? POLICY_OPTION_COUNT : POLICY_DRY_RUN;
	struct option_cursor cursor = {verb, synopsis, table, known, argv, 1};
	const char *value;
	size_t index;

	memset(args, 0, sizeof(*args));
	for (;;) {
		switch (option_next(&cursor, &index, &value)) {
		case OPTION_FOUND:
			if (index == POLICY_DRY_RUN)
				args->dry_run = true;
			else if (index == POLICY_FILE)
				args->policy = value;
			else
				args->mount_allowlist = value;
			break;
		case OPTION_OPERAND:
			if (args->policy != NULL) {
				option_usage(verb, synopsis, "takes one policy");
				return POLICY_ARGS_WRONG;
			}
			args->policy = value;
			break;
		case OPTION_COMMAND:
			option_usage(verb, synopsis, "runs no command");
			return POLICY_ARGS_WRONG;
		case OPTION_HELP:
			return POLICY_ARGS_HELP;
		case OPTION_WRONG:
			return POLICY_ARGS_WRONG;
		case OPTION_END:
			return finish(args, verb, synopsis);
		}
	}
}

const char *policy_args_allowlist(const char *given)
{
	const char *named = getenv("SAFE_RUN_MOUNT_ALLOWLIST");

	if (given != NULL)
		return given;
	return named != NULL && named[0] != '\0' ? named : NULL;
}

void policy_args_plan(const struct policy_args *args, int policy_fd, int stdout_fd,
		      struct spawn *spawn)
{
	const char *allowlist = policy_args_allowlist(args->mount_allowlist);

	spawn_begin(spawn, "sr-validate", policy_fd, stdout_fd);
	if (allowlist != NULL)
		spawn_text(spawn, "--mount-allowlist", allowlist);
}
