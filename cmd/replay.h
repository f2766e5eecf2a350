/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_REPLAY_H
#define CMD_REPLAY_H

#include "cmd/run_record.h"
#include "cmd/spawn.h"
#include "ipc/fault.h"

#include <stdbool.h>

struct json_object;

/*
 * A recorded run, stage by stage once more: each is given what it was given then and has to give
 * what it gave then, byte for byte.
 *
 *   policy.yaml           -> sr-validate --host-facts-fd validate.json  = stages/validate.json
 *   stages/validate.json  -> sr-compile                                 = stages/compile.json
 *   stages/monitor.ndjson -> sr-seal --recorded-fd events.ndjson        = artifacts/run_report.json
 *                                                                       = artifacts/events.ndjson
 *
 * The launcher and the monitor between them met the world, and are not repeated here.
 */
enum replay_step {
	REPLAY_VALIDATE,
	REPLAY_COMPILE,
	REPLAY_REPORT,
	REPLAY_EVENTS,
	REPLAY_OUTCOME, /* run again: --rerun */
	REPLAY_STEP_COUNT
};

enum replay_result {
	REPLAY_SAME,
	REPLAY_DIFFERENT,
	REPLAY_REFUSED, /* why is in the answer */
	REPLAY_ABSENT,	/* a file is not there: missing says which */
	REPLAY_SKIPPED, /* not asked for, or nothing came before it */
};

struct replay {
	struct {
		enum replay_result result;
		enum record_file missing;   /* REPLAY_ABSENT */
		struct json_object *answer; /* sr-compare's; owned; NULL unless it was asked */
	} steps[REPLAY_STEP_COUNT];
};

const char *replay_step_name(enum replay_step step);
const char *replay_result_name(enum replay_result result);

void replay_init(struct replay *replay);
void replay_release(struct replay *replay);

/* Everything but REPLAY_OUTCOME. A fault is the system's, or a file that is none. */
enum fault_code replay_steps(struct replay *replay, const struct run_record *record,
			     const struct spawn_home *home, struct fault *fault)
	__attribute__((warn_unused_result));

/* Keep an answer of sr-compare's as that step's; takes it over. */
void replay_note(struct replay *replay, enum replay_step step, struct json_object *answer);

/* Every step done is the same, none lacked a file, and there was one. */
bool replay_same(const struct replay *replay);

/* Lines for a person, on standard output. */
void replay_print(const struct replay *replay);
/* One record: {"result","steps":[...]}. */
enum fault_code replay_send(const struct replay *replay, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
