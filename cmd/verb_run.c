/* SPDX-License-Identifier: Apache-2.0 */
/* safe-run run: the whole pipeline, and the workload's exit status passed through. */
#include "cmd/forward_key.h"
#include "cmd/machine_place.h"
#include "cmd/outputs.h"
#include "cmd/pipeline.h"
#include "cmd/policy_args.h"
#include "cmd/policy_input.h"
#include "cmd/response.h"
#include "cmd/run_options.h"
#include "cmd/rundir.h"
#include "cmd/rundir_remove.h"
#include "cmd/scope.h"
#include "cmd/signals.h"
#include "cmd/signing.h"
#include "cmd/store.h"
#include "cmd/summary.h"
#include "cmd/supervise.h"
#include "cmd/verb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct run {
	struct run_options options;
	struct rundir rundir;
	struct spawn_home home;
	struct signals signals;
	struct tty tty;
	struct signing signing;
	struct forward_key forward;
	struct pipeline pipeline;
	struct result result;
	struct outputs outputs;
	int source_fd; /* what --policy names; -1: the built-in policy */
	int policy_fd; /* the copy in the run directory */
	int overrides_fd;
	int machine_fd;	      /* what a microVM is started from */
	char **words;	      /* our command line */
	struct fault refusal; /* code FAULT_NONE, or why there is no policy to validate */
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void close_fd(int *fd)
{
	if (*fd > STDERR_FILENO)
		close(*fd);
	*fd = -1;
}

/*
 * sr-validate reads the copy, so what the run directory holds is what was validated, whatever
 * happens to the original meanwhile.
 */
static enum fault_code copy_policy(struct run *run, struct fault *fault)
{
	int copy_fd;
	enum fault_code code;

	code = rundir_create(run->rundir.dir_fd, "policy.yaml", &copy_fd, fault);
	if (code != FAULT_NONE)
		return code;
	code = run->options.policy != NULL ? policy_input_copy(run->source_fd, copy_fd, fault)
					   : policy_input_builtin(copy_fd, fault);
	close_fd(&copy_fd);
	if (code != FAULT_NONE)
		return code;
	run->policy_fd =
		openat(run->rundir.dir_fd, "policy.yaml", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (run->policy_fd < 0)
		return fault_set_errno(fault, FAULT_RUN_INIT, errno, "workdir", "policy.yaml");
	return FAULT_NONE;
}

/* A policy that cannot be had is refused as a bad one is: in a sealed report. */
static enum fault_code take_policy(struct run *run, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	if (run->options.policy != NULL)
		code = policy_input_open(run->options.policy, &run->source_fd, fault);
	if (code == FAULT_NONE)
		code = copy_policy(run, fault);
	if (code != FAULT_POLICY_MISSING && code != FAULT_POLICY_FORMAT)
		return code;
	run->refusal = *fault;
	fault->code = FAULT_NONE;
	return FAULT_NONE;
}

/* First of all: without a key nothing is made that had to be taken back. */
static enum fault_code start_signer(struct run *run, struct fault *fault)
{
	const struct signing_plan plan = {
		.key = run->options.seal_key,
		.passphrase = run->options.seal_passphrase,
		.socket = run->options.signer,
		.words = run->words,
	};

	return signing_start(&run->signing, &plan, &run->home, fault);
}

static enum fault_code prepare(struct run *run, struct fault *fault)
{
	char base[PATH_MAX];
	enum fault_code code = spawn_find_home(&run->home, fault);

	if (code == FAULT_NONE)
		code = outputs_open(&run->outputs, &run->options, fault);
	if (code == FAULT_NONE)
		code = machine_place_open(run->options.artifacts, &run->machine_fd, fault);
	if (code == FAULT_NONE)
		code = start_signer(run, fault);
	if (code == FAULT_NONE)
		code = rundir_base(run->options.workdir, base, fault);
	if (code == FAULT_NONE)
		code = rundir_make(&run->rundir, base, fault);
	if (code == FAULT_NONE)
		code = take_policy(run, fault);
	if (code == FAULT_NONE)
		code = overrides_file(&run->options.overrides, &run->overrides_fd, fault);
	if (code == FAULT_NONE && run->options.tty)
		code = tty_open(&run->tty, fault);
	if (code == FAULT_NONE)
		code = signals_open(&run->signals, fault);
	if (code == FAULT_NONE)
		code = forward_key_make(&run->forward, run->options.forward_seal,
					run->rundir.run_id, fault);
	return code;
}

static enum fault_code start(struct run *run, struct fault *fault)
{
	const struct run_options *options = &run->options;
	enum fault_code code;
	struct pipeline_plan plan = {
		.home = &run->home,
		.rundir = &run->rundir,
		.refusal = run->refusal.code != FAULT_NONE ? &run->refusal : NULL,
		.tty = options->tty ? &run->tty : NULL,
		.signing = &run->signing,
		.forward = &run->forward,
		.challenge = options->challenge,
		.mount_allowlist = policy_args_allowlist(options->mount_allowlist),
		.sample_ms = options->sample_ms,
		.policy_fd = run->policy_fd,
		.overrides_fd = run->overrides_fd,
		.host_facts_fd = -1,
		.store_fd = store_open(),
		.machine_fd = run->machine_fd,
		.vmm = options->vmm,
		.accel = options->accel,
		.firecracker_dir = machine_place_firecracker(options->vmm),
		.snapshot = options->snapshot,
		.apart = run->signals.apart,
		.best_effort = options->best_effort,
		.copies_output = !options->json,
	};

	code = pipeline_start(&run->pipeline, &plan, fault);
	signing_hand_over(&run->signing);
	forward_key_close(&run->forward);
	if (plan.store_fd >= 0)
		close(plan.store_fd);
	return code;
}

/* Nothing was started: nothing stays behind. */
static void take_back(struct run *run)
{
	struct fault fault;

	forward_key_discard(&run->forward);
	if (run->rundir.dir_fd >= 0 && rundir_discard(&run->rundir, &fault) != FAULT_NONE)
		fprintf(stderr, "safe-run: %s\n", fault.message);
}

/* Prepare, start, watch; the result says how it went in every case. */
static void carry_out(struct run *run)
{
	struct fault fault = {.code = FAULT_NONE};

	if (prepare(run, &fault) == FAULT_NONE && start(run, &fault) == FAULT_NONE &&
	    run->options.tty)
		tty_set_raw(&run->tty);
	if (pipeline_started(&run->pipeline))
		supervise(&run->pipeline, &run->signals, &run->tty, run->rundir.run_id,
			  &run->result);
	else
		take_back(run);
	/* Seal has sealed what it saw of a run that did not start; the reason is known here. */
	if (fault.code != FAULT_NONE)
		result_blame(&run->result, &fault);
	else
		outputs_bring(&run->outputs, &run->options, &run->home, &run->rundir, &run->result);
}

/* The status is the run's, unless the caller asked for a record and cannot get it. */
static int tell(const struct run *run, uint64_t elapsed_ms)
{
	struct fault fault;

	if (!run->options.json) {
		summary_print(&run->result, &run->rundir, elapsed_ms, run->options.quiet);
		return run->result.exit_code;
	}
	if (response_print(&run->result, &run->rundir, &fault) == FAULT_NONE)
		return run->result.exit_code;
	fprintf(stderr, "safe-run: %s\n", fault.message);
	return VERB_RUN_FAILED;
}

/* A command line nothing is made of: a person has read why on stderr, a program gets its record. */
static int tell_wrong(struct run *run, const struct fault *fault)
{
	if (!run->options.json)
		return VERB_RUN_FAILED;
	result_fail(&run->result, fault);
	return tell(run, 0);
}

static void release(struct run *run)
{
	tty_close(&run->tty);
	signals_close(&run->signals);
	signing_close(&run->signing);
	forward_key_close(&run->forward);
	pipeline_close(&run->pipeline);
	close_fd(&run->source_fd);
	close_fd(&run->policy_fd);
	close_fd(&run->overrides_fd);
	close_fd(&run->machine_fd);
	rundir_close(&run->rundir);
	outputs_close(&run->outputs);
	overrides_release(&run->options.overrides);
	result_release(&run->result);
}

int verb_run(int argc, char **argv)
{
	uint64_t started_ms = now_ms();
	struct fault fault;
	struct run run = {
		.rundir = RUNDIR_NONE,
		.outputs = OUTPUTS_NONE,
		.signals = {.fd = -1},
		.tty = TTY_NONE,
		.signing = SIGNING_NONE,
		.forward = FORWARD_KEY_NONE,
		.source_fd = -1,
		.policy_fd = -1,
		.overrides_fd = -1,
		.machine_fd = -1,
		.words = argv,
	};
	int status = VERB_RUN_FAILED;

	(void)argc;
	pipeline_init(&run.pipeline);
	result_init(&run.result);
	if (runid_make(run.rundir.run_id) != 0)
		abort(); /* getrandom(2) has no way to fail here */
	switch (run_options_read(&run.options, argv, &fault)) {
	case RUN_OPTIONS_HELP:
		status = VERB_DONE;
		break;
	case RUN_OPTIONS_WRONG:
		status = tell_wrong(&run, &fault);
		break;
	case RUN_OPTIONS_REFUSED:
		result_fail(&run.result, &fault);
		status = tell(&run, now_ms() - started_ms);
		break;
	case RUN_OPTIONS_READ:
		if (scope_enter(argv, run.options.quiet) == SCOPE_WRONG) {
			fault_set(&fault, FAULT_RUN_INIT, "run.scope",
				  "the command line is not the one " SCOPE_GUARD " was set for");
			status = tell_wrong(&run, &fault);
			break;
		}
		carry_out(&run);
		status = tell(&run, now_ms() - started_ms);
		break;
	}
	release(&run);
	return status;
}
