/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rerun.h"

#include "cmd/comparison.h"
#include "cmd/descriptor.h"
#include "cmd/machine_place.h"
#include "cmd/pipeline.h"
#include "cmd/policy_input.h"
#include "cmd/store.h"
#include "cmd/supervise.h"
#include "ipc/object.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct again {
	struct rundir rundir;
	struct signals signals;
	struct tty tty; /* none */
	struct pipeline pipeline;
	struct result result;
	int policy_fd;	   /* the copy in the new run directory */
	int host_facts_fd; /* stages/validate.json of the record */
};

static enum fault_code require(const struct run_record *record, enum record_file file, int *fd,
			       struct fault *fault)
{
	enum fault_code code = run_record_file(record, file, fd, fault);

	if (code == FAULT_NONE && *fd < 0)
		code = fault_set(fault, FAULT_REPORT_SCHEMA, run_record_name(file),
				 "no %s: what was not recorded cannot be run again",
				 run_record_name(file));
	return code;
}

/* One comparison of two files that are there already. */
static enum fault_code compare_files(const char *mode, int replayed_fd, int recorded_fd,
				     const struct spawn_home *home, struct json_object **answer,
				     struct fault *fault)
{
	const struct comparison comparison = {NULL, replayed_fd, mode, recorded_fd};

	return comparison_run(&comparison, home, answer, fault);
}

/* Whether all that went in is on record; *reasons is the answer that says why not, or NULL. */
static enum fault_code check_inputs(const struct run_record *record, const struct spawn_home *home,
				    struct json_object **reasons, struct fault *fault)
{
	int report_fd = -1, bundle_fd = -1;
	enum fault_code code = require(record, RECORD_REPORT, &report_fd, fault);

	*reasons = NULL;
	if (code == FAULT_NONE)
		code = require(record, RECORD_COMPILE, &bundle_fd, fault);
	if (code == FAULT_NONE)
		code = compare_files("inputs", report_fd, bundle_fd, home, reasons, fault);
	descriptor_close(&report_fd);
	descriptor_close(&bundle_fd);
	if (code == FAULT_NONE && strcmp(comparison_result(*reasons), "same") == 0)
		object_release(reasons);
	return code;
}

static enum fault_code copy_policy(const struct run_record *record, struct again *again,
				   struct fault *fault)
{
	int from_fd = -1, to_fd = -1;
	enum fault_code code = require(record, RECORD_POLICY, &from_fd, fault);

	if (code == FAULT_NONE)
		code = rundir_create(again->rundir.dir_fd, "policy.yaml", &to_fd, fault);
	if (code == FAULT_NONE)
		code = policy_input_copy(from_fd, to_fd, fault);
	descriptor_close(&from_fd);
	descriptor_close(&to_fd);
	if (code != FAULT_NONE)
		return code;
	again->policy_fd =
		openat(again->rundir.dir_fd, "policy.yaml", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (again->policy_fd < 0)
		return fault_set_errno(fault, FAULT_RUN_INIT, errno, "workdir", "policy.yaml");
	return FAULT_NONE;
}

/* Nothing was on standard input then, so nothing is now. */
static enum fault_code close_stdin(struct fault *fault)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0)
		return fault_set_errno(fault, FAULT_RUN_INIT, errno, "safe-run", "/dev/null");
	close(fd);
	return FAULT_NONE;
}

static enum fault_code prepare(struct again *again, const struct run_record *record,
			       const char *workdir, struct fault *fault)
{
	char base[PATH_MAX];
	enum fault_code code = rundir_base(workdir, base, fault);

	if (code == FAULT_NONE)
		code = rundir_make(&again->rundir, base, fault);
	if (code == FAULT_NONE)
		code = copy_policy(record, again, fault);
	if (code == FAULT_NONE)
		code = require(record, RECORD_VALIDATE, &again->host_facts_fd, fault);
	if (code == FAULT_NONE)
		code = close_stdin(fault);
	if (code == FAULT_NONE)
		code = signals_open(&again->signals, fault);
	return code;
}

static enum fault_code carry_out(struct again *again, const struct run_record *record,
				 const struct spawn_home *home, const struct rerun_options *options,
				 struct fault *fault)
{
	struct pipeline_plan plan = {
		.home = home,
		.rundir = &again->rundir,
		.overrides_fd = -1,
		.store_fd = store_open(),
		.machine_fd = -1,
		.best_effort = options->best_effort,
	};
	enum fault_code code = prepare(again, record, options->workdir, fault);

	if (code == FAULT_NONE)
		code = machine_place_open(NULL, &plan.machine_fd, fault);
	if (code == FAULT_NONE) {
		plan.policy_fd = again->policy_fd;
		plan.host_facts_fd = again->host_facts_fd;
		plan.apart = again->signals.apart;
		code = pipeline_start(&again->pipeline, &plan, fault);
	}
	if (pipeline_started(&again->pipeline))
		supervise(&again->pipeline, &again->signals, &again->tty, again->rundir.run_id,
			  &again->result);
	if (plan.store_fd >= 0)
		close(plan.store_fd);
	if (plan.machine_fd >= 0)
		close(plan.machine_fd);
	return code;
}

/* The report it left, against the recorded one. */
static enum fault_code compare_outcome(const struct again *again, const struct run_record *record,
				       const struct spawn_home *home, struct json_object **answer,
				       struct fault *fault)
{
	int recorded_fd = -1;
	int replayed_fd = openat(again->rundir.artifacts_fd, RUNDIR_REPORT,
				 O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	enum fault_code code = FAULT_NONE;

	if (replayed_fd < 0)
		code = fault_set_errno(fault, FAULT_RUN_INIT, errno, "rerun",
				       "the run that was carried out again left no report");
	if (code == FAULT_NONE)
		code = require(record, RECORD_REPORT, &recorded_fd, fault);
	if (code == FAULT_NONE)
		code = compare_files("outcome", replayed_fd, recorded_fd, home, answer, fault);
	descriptor_close(&replayed_fd);
	descriptor_close(&recorded_fd);
	return code;
}

static void release(struct again *again)
{
	signals_close(&again->signals);
	pipeline_close(&again->pipeline);
	descriptor_close(&again->policy_fd);
	descriptor_close(&again->host_facts_fd);
	rundir_close(&again->rundir);
	result_release(&again->result);
}

static void tell_where(const struct rundir *rundir)
{
	struct fault said;

	/* A fault's message is escaped: the base directory's name is anybody's. */
	fault_set(&said, FAULT_RUN_INIT, "", "carried out again in %s", rundir->path);
	fprintf(stderr, "safe-run: %s\n", said.message);
}

enum fault_code rerun(struct replay *replay, const struct run_record *record,
		      const struct spawn_home *home, const struct rerun_options *options,
		      struct fault *fault)
{
	struct again again = {.rundir = RUNDIR_NONE,
			      .signals = {.fd = -1},
			      .tty = TTY_NONE,
			      .policy_fd = -1,
			      .host_facts_fd = -1};
	struct json_object *answer = NULL;
	enum fault_code code = check_inputs(record, home, &answer, fault);

	if (code != FAULT_NONE || answer != NULL) {
		if (answer != NULL)
			replay_note(replay, REPLAY_OUTCOME, answer);
		return code;
	}
	pipeline_init(&again.pipeline);
	result_init(&again.result);
	if (runid_make(again.rundir.run_id) != 0)
		abort(); /* getrandom(2) has no way to fail here */
	code = carry_out(&again, record, home, options, fault);
	if (code == FAULT_NONE) {
		tell_where(&again.rundir);
		code = compare_outcome(&again, record, home, &answer, fault);
	}
	if (code == FAULT_NONE)
		replay_note(replay, REPLAY_OUTCOME, answer);
	release(&again);
	return code;
}
