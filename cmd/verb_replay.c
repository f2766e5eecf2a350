/* SPDX-License-Identifier: Apache-2.0 */
/* safe-run replay: whether a run directory's stages come to the same once more. */
#include "cmd/option.h"
#include "cmd/replay.h"
#include "cmd/rerun.h"
#include "cmd/scope.h"
#include "cmd/verb.h"

#include <stdio.h>

#define SYNOPSIS "[--rerun] [--best-effort] [--workdir DIR] [--json] RUN_DIR"

enum replay_option { OPTION_RERUN, OPTION_BEST_EFFORT, OPTION_WORKDIR, OPTION_JSON, OPTION_COUNT };

static const struct option table[OPTION_COUNT] = {
	[OPTION_RERUN] = {"rerun", NULL,
			  "carry the run out again, when its inputs are all on record, and "
			  "compare what it came to"},
	[OPTION_BEST_EFFORT] = {"best-effort", NULL,
				"with --rerun, go on without limits that this host cannot enforce"},
	[OPTION_WORKDIR] = {"workdir", "DIR", "where the run directory of --rerun goes"},
	[OPTION_JSON] = {"json", NULL, "one record on stdout"},
};

struct replay_args {
	const char *run_dir;
	struct rerun_options again;
	bool rerun, json;
};

static int complain(const struct fault *fault)
{
	fprintf(stderr, "safe-run: %s\n", fault->message);
	/* What the directory holds is its maker's fault; what cannot be done, the system's. */
	return fault->code == FAULT_REPORT_SCHEMA ? VERB_REFUSED : VERB_FAILED;
}

static int tell(const struct replay *replay, bool json)
{
	struct fault fault;

	if (json && replay_send(replay, &fault) != FAULT_NONE)
		return complain(&fault);
	if (!json)
		replay_print(replay);
	if (!json && fflush(stdout) != 0)
		return VERB_FAILED;
	return replay_same(replay) ? VERB_DONE : VERB_REFUSED;
}

static int carry_out(const struct replay_args *args)
{
	struct run_record record = RUN_RECORD_NONE;
	struct replay replay;
	struct spawn_home home;
	struct fault fault;
	int status;

	replay_init(&replay);
	if (spawn_find_home(&home, &fault) != FAULT_NONE ||
	    run_record_open(&record, args->run_dir, &fault) != FAULT_NONE ||
	    replay_steps(&replay, &record, &home, &fault) != FAULT_NONE ||
	    (args->rerun && replay_same(&replay) &&
	     rerun(&replay, &record, &home, &args->again, &fault) != FAULT_NONE))
		status = complain(&fault);
	else
		status = tell(&replay, args->json);
	run_record_close(&record);
	replay_release(&replay);
	return status;
}

static void take(struct replay_args *args, enum replay_option option, const char *value)
{
	switch (option) {
	case OPTION_RERUN:
		args->rerun = true;
		break;
	case OPTION_BEST_EFFORT:
		args->again.best_effort = true;
		break;
	case OPTION_WORKDIR:
		args->again.workdir = value;
		break;
	case OPTION_JSON:
	case OPTION_COUNT:
		args->json = true;
		break;
	}
}

int verb_replay(int argc, char **argv)
{
	struct option_cursor cursor = {"replay", SYNOPSIS, table, OPTION_COUNT, argv, 1};
	struct replay_args args = {.run_dir = NULL};
	const char *value = NULL;
	size_t index;

	(void)argc;
	for (;;) {
		switch (option_next(&cursor, &index, &value)) {
		case OPTION_FOUND:
			take(&args, (enum replay_option)index, value);
			break;
		case OPTION_OPERAND:
			if (args.run_dir != NULL)
				return option_usage("replay", SYNOPSIS, "takes one directory");
			args.run_dir = value;
			break;
		case OPTION_COMMAND:
			return option_usage("replay", SYNOPSIS, "runs no command of yours");
		case OPTION_HELP:
			return VERB_DONE;
		case OPTION_WRONG:
			return VERB_USAGE;
		case OPTION_END:
			if (args.run_dir == NULL)
				return option_usage("replay", SYNOPSIS, "needs a RUN_DIR");
			if (args.rerun && scope_enter(argv, false) == SCOPE_WRONG)
				return VERB_FAILED;
			return carry_out(&args);
		}
	}
}
