/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/replay.h"

#include "cmd/comparison.h"
#include "ipc/object.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What a step is made of; every file but aside must be there. */
struct recipe {
	const char *program;
	enum record_file input;
	const char *aside_option; /* NULL: none */
	enum record_file aside;
	bool needs_aside;
	const char *mode;
	enum record_file recorded;
};

static const struct recipe recipes[] = {
	[REPLAY_VALIDATE] = {"sr-validate", RECORD_POLICY, "--host-facts-fd", RECORD_VALIDATE, true,
			     "bytes", RECORD_VALIDATE},
	[REPLAY_COMPILE] = {"sr-compile", RECORD_VALIDATE, NULL, RECORD_VALIDATE, false, "bytes",
			    RECORD_COMPILE},
	[REPLAY_REPORT] = {"sr-seal", RECORD_MONITOR, "--recorded-fd", RECORD_EVENTS, false,
			   "bytes", RECORD_REPORT},
	[REPLAY_EVENTS] = {"sr-seal", RECORD_MONITOR, "--recorded-fd", RECORD_EVENTS, true,
			   "events", RECORD_EVENTS},
};

#define RECIPE_COUNT (sizeof(recipes) / sizeof(recipes[0]))

const char *replay_step_name(enum replay_step step)
{
	switch (step) {
	case REPLAY_VALIDATE:
		return "validate";
	case REPLAY_COMPILE:
		return "compile";
	case REPLAY_REPORT:
		return "report";
	case REPLAY_EVENTS:
		return "events";
	case REPLAY_OUTCOME:
		return "rerun";
	case REPLAY_STEP_COUNT:
		break;
	}
	__builtin_unreachable();
}

const char *replay_result_name(enum replay_result result)
{
	switch (result) {
	case REPLAY_SAME:
		return "same";
	case REPLAY_DIFFERENT:
		return "different";
	case REPLAY_REFUSED:
		return "refused";
	case REPLAY_ABSENT:
		return "absent";
	case REPLAY_SKIPPED:
		return "skipped";
	}
	__builtin_unreachable();
}

void replay_init(struct replay *replay)
{
	*replay = (struct replay){0};
	for (size_t i = 0; i < REPLAY_STEP_COUNT; i++)
		replay->steps[i].result = REPLAY_SKIPPED;
}

void replay_release(struct replay *replay)
{
	for (size_t i = 0; i < REPLAY_STEP_COUNT; i++)
		object_release(&replay->steps[i].answer);
}

void replay_note(struct replay *replay, enum replay_step step, struct json_object *answer)
{
	const char *result = comparison_result(answer);

	replay->steps[step].answer = answer;
	replay->steps[step].result = strcmp(result, "same") == 0	? REPLAY_SAME
				     : strcmp(result, "different") == 0 ? REPLAY_DIFFERENT
									: REPLAY_REFUSED;
}

struct open_files {
	int input_fd, aside_fd, recorded_fd;
};

/* Each gets a description of its own: stages read them from their start. */
static enum fault_code open_files(const struct recipe *recipe, const struct run_record *record,
				  struct open_files *files, struct fault *fault)
{
	enum fault_code code = run_record_file(record, recipe->input, &files->input_fd, fault);

	if (code == FAULT_NONE && recipe->aside_option != NULL)
		code = run_record_file(record, recipe->aside, &files->aside_fd, fault);
	if (code == FAULT_NONE)
		code = run_record_file(record, recipe->recorded, &files->recorded_fd, fault);
	return code;
}

static void close_files(struct open_files *files)
{
	if (files->input_fd >= 0)
		close(files->input_fd);
	if (files->aside_fd >= 0)
		close(files->aside_fd);
	if (files->recorded_fd >= 0)
		close(files->recorded_fd);
}

static bool all_there(struct replay *replay, enum replay_step step, const struct recipe *recipe,
		      const struct open_files *files)
{
	enum record_file missing = RECORD_FILE_COUNT;

	if (files->input_fd < 0)
		missing = recipe->input;
	else if (recipe->needs_aside && files->aside_fd < 0)
		missing = recipe->aside;
	else if (files->recorded_fd < 0)
		missing = recipe->recorded;
	if (missing == RECORD_FILE_COUNT)
		return true;
	replay->steps[step].result = REPLAY_ABSENT;
	replay->steps[step].missing = missing;
	return false;
}

static enum fault_code run_step(struct replay *replay, enum replay_step step,
				const struct run_record *record, const struct spawn_home *home,
				struct fault *fault)
{
	const struct recipe *recipe = &recipes[step];
	struct open_files files = {-1, -1, -1};
	struct json_object *answer = NULL;
	struct comparison comparison;
	struct spawn spawn;
	enum fault_code code = open_files(recipe, record, &files, fault);

	if (code == FAULT_NONE && all_there(replay, step, recipe, &files)) {
		spawn_begin(&spawn, recipe->program, files.input_fd, -1);
		if (recipe->aside_option != NULL)
			spawn_fd(&spawn, recipe->aside_option, files.aside_fd);
		comparison = (struct comparison){&spawn, -1, recipe->mode, files.recorded_fd};
		code = comparison_run(&comparison, home, &answer, fault);
		if (code == FAULT_NONE)
			replay_note(replay, step, answer);
	}
	close_files(&files);
	return code;
}

enum fault_code replay_steps(struct replay *replay, const struct run_record *record,
			     const struct spawn_home *home, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	for (enum replay_step step = 0; step < RECIPE_COUNT && code == FAULT_NONE; step++)
		code = run_step(replay, step, record, home, fault);
	return code;
}

/* Every run leaves every file, or what is not there was taken away, or never came from a lost stage. */
bool replay_same(const struct replay *replay)
{
	bool any = false;

	for (size_t i = 0; i < REPLAY_STEP_COUNT; i++) {
		enum replay_result result = replay->steps[i].result;

		if (result != REPLAY_SAME && result != REPLAY_SKIPPED)
			return false;
		any = any || result == REPLAY_SAME;
	}
	return any;
}
