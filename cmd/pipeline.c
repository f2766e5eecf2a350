/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process graph of a run. Arrows are pipes, named as in wires.h; (in brackets): files.
 *
 *   (policy) -> validate -CHECKED-> compile -BUNDLE-> launch -EVENTS-> monitor -WITNESSED-> seal
 *                                                                                            |
 *                                                     front-end <----------SEALED------------+
 *
 *   caller's stdin  -> monitor -INPUT--> launch: the workload's 0       front-end -CONTROL-> launch
 *   caller's stdout <- monitor <-OUTPUT- launch: the workload's 1       monitor   -CONTROL-> launch
 *   caller's stderr <- monitor <-ERRORS- launch: the workload's 2       front-end -NOTICE--> seal
 *
 *   validate -> (stages/validate.json)        monitor -> (stages/monitor.ndjson)
 *   compile  -> (stages/compile.json)         monitor -> (artifacts/stdout.log, stderr.log)
 *   launch   -> (stages/launch.ndjson)        seal    -> (artifacts/events.ndjson, run_report.json)
 *
 * Nobody holds an end it does not use: when a stage dies its neighbours see end of file or EPIPE,
 * and that alone ends the run. The launcher's witness is the pipe EVENTS.
 */
#include "cmd/pipeline.h"

#include "cmd/affinity.h"
#include "cmd/response.h"
#include "cmd/wires.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void plan_validate(struct spawn *spawn, const struct pipeline_plan *plan,
			  const struct wires *wires)
{
	spawn_begin(spawn, "sr-validate", plan->policy_fd, wires_into(wires, WIRE_CHECKED));
	if (plan->mount_allowlist != NULL)
		spawn_text(spawn, "--mount-allowlist", plan->mount_allowlist);
	spawn_fd(spawn, "--set-fd", plan->overrides_fd);
	spawn_fd(spawn, "--host-facts-fd", plan->host_facts_fd);
}

static void plan_compile(struct spawn *spawn, const struct pipeline_plan *plan,
			 const struct wires *wires)
{
	(void)plan;
	spawn_begin(spawn, "sr-compile", wires_from(wires, WIRE_CHECKED),
		    wires_into(wires, WIRE_BUNDLE));
}

static bool is_signed(const struct pipeline_plan *plan)
{
	return plan->signing != NULL && plan->signing->signer_fd >= 0;
}

static void plan_launch(struct spawn *spawn, const struct pipeline_plan *plan,
			const struct wires *wires)
{
	spawn_begin(spawn, "sr-launch", wires_from(wires, WIRE_BUNDLE),
		    wires_into(wires, WIRE_EVENTS));
	/* Witness and seal ignore the terminal's signals, and the witness reads from it: it stays.
	 */
	spawn->apart = plan->apart;
	spawn_text(spawn, "--run-id", plan->rundir->run_id);
	if (plan->challenge != NULL)
		spawn_text(spawn, "--challenge", plan->challenge);
	if (plan->best_effort)
		spawn_flag(spawn, "--best-effort");
	spawn_fd(spawn, "--control-fd", wires_from(wires, WIRE_CONTROL));
	if (is_signed(plan))
		spawn_fd(spawn, "--go-fd", wires_from(wires, WIRE_GO));
	spawn_fd(spawn, "--artifacts-fd", plan->rundir->artifacts_fd);
	spawn_fd(spawn, "--store-fd", plan->store_fd);
	spawn_fd(spawn, "--machine-fd", plan->machine_fd);
	if (plan->vmm != NULL)
		spawn_text(spawn, "--vmm", plan->vmm);
	if (plan->accel != NULL)
		spawn_text(spawn, "--accel", plan->accel);
	if (plan->firecracker_dir != NULL)
		spawn_text(spawn, "--firecracker-dir", plan->firecracker_dir);
	if (plan->snapshot)
		spawn_flag(spawn, "--snapshot");
	if (plan->tty != NULL) {
		spawn_flag(spawn, "--tty");
		spawn_fd(spawn, "--pty-fd", plan->tty->slave_fd);
		return;
	}
	spawn_fd(spawn, "--stdin-fd", wires_from(wires, WIRE_INPUT));
	spawn_fd(spawn, "--stdout-fd", wires_into(wires, WIRE_OUTPUT));
	spawn_fd(spawn, "--stderr-fd", wires_into(wires, WIRE_ERRORS));
}

static void plan_monitor(struct spawn *spawn, const struct pipeline_plan *plan,
			 const struct wires *wires)
{
	spawn_begin(spawn, "sr-monitor", wires_from(wires, WIRE_EVENTS),
		    wires_into(wires, WIRE_WITNESSED));
	if (plan->sample_ms != NULL)
		spawn_text(spawn, "--sample-ms", plan->sample_ms);
	spawn_fd(spawn, "--control-fd", wires_into(wires, WIRE_CONTROL));
	spawn_fd(spawn, "--stdout-file-fd", wires->copies[COPY_STDOUT]);
	spawn_fd(spawn, "--stderr-file-fd", wires->copies[COPY_STDERR]);
	spawn_fd(spawn, "--copy-stdin-fd", wires->caller[STDIN_FILENO]);
	if (plan->copies_output)
		spawn_fd(spawn, "--copy-stdout-fd", wires->caller[STDOUT_FILENO]);
	if (plan->tty != NULL) {
		spawn_fd(spawn, "--pty-fd", plan->tty->master_fd);
		return;
	}
	if (plan->copies_output)
		spawn_fd(spawn, "--copy-stderr-fd", wires->caller[STDERR_FILENO]);
	spawn_fd(spawn, "--stdin-fd", wires_into(wires, WIRE_INPUT));
	spawn_fd(spawn, "--stdout-fd", wires_from(wires, WIRE_OUTPUT));
	spawn_fd(spawn, "--stderr-fd", wires_from(wires, WIRE_ERRORS));
}

static void plan_seal(struct spawn *spawn, const struct pipeline_plan *plan,
		      const struct wires *wires)
{
	spawn_begin(spawn, "sr-seal", wires_from(wires, WIRE_WITNESSED),
		    wires_into(wires, WIRE_SEALED));
	spawn_text(spawn, "--run-id", plan->rundir->run_id);
	spawn_fd(spawn, "--artifacts-fd", plan->rundir->artifacts_fd);
	spawn_fd(spawn, "--notice-fd", wires_from(wires, WIRE_NOTICE));
	if (plan->signing != NULL) {
		spawn_fd(spawn, "--signer-fd", plan->signing->signer_fd);
		spawn_fd(spawn, "--chain-fd", plan->signing->chain_fd);
	}
	if (plan->forward != NULL)
		spawn_fd(spawn, "--forward-fd", plan->forward->seal_fd);
}

static const struct {
	void (*plan)(struct spawn *spawn, const struct pipeline_plan *plan,
		     const struct wires *wires);
	int copy; /* where its exact output goes; seal's is the report */
} stages[PIPELINE_STAGE_COUNT] = {
	[PIPELINE_VALIDATE] = {plan_validate, COPY_VALIDATE},
	[PIPELINE_COMPILE] = {plan_compile, COPY_COMPILE},
	[PIPELINE_LAUNCH] = {plan_launch, COPY_LAUNCH},
	[PIPELINE_MONITOR] = {plan_monitor, COPY_MONITOR},
	[PIPELINE_SEAL] = {plan_seal, -1},
};

#define START_MS    20
#define CALL_OFF_MS 10000

/*
 * Validation first, which the bundle waits for, on another processor than ours, and beside it on ours
 * the launcher, which makes its namespaces meanwhile; sr-compile has nothing to read before. The
 * witness and seal have nothing to do until the launcher speaks, and start behind these
 * (await_bundle). We keep off the launcher's processor until all have started: it is in one call for
 * half a millisecond, which a bundle would wait for.
 */
static const enum pipeline_stage start_order[PIPELINE_STAGE_COUNT] = {
	PIPELINE_VALIDATE, PIPELINE_LAUNCH, PIPELINE_COMPILE, PIPELINE_MONITOR, PIPELINE_SEAL,
};

/*
 * There is no policy to validate: the answer that sr-validate would give to one it cannot read goes
 * where its answer would go. A pipe holds it (4 KiB, and a record of one fault is below 2).
 */
static enum fault_code refuse(const struct pipeline_plan *plan, const struct wires *wires,
			      struct fault *fault)
{
	enum fault_code code =
		response_invalid(wires_into(wires, WIRE_CHECKED), plan->refusal, fault);

	if (code == FAULT_NONE)
		code = response_invalid(wires->copies[COPY_VALIDATE], plan->refusal, fault);
	return code;
}

static enum fault_code start_stage(struct pipeline *pipeline, enum pipeline_stage stage,
				   const struct pipeline_plan *plan, const struct wires *wires,
				   struct fault *fault)
{
	char parent[sizeof("2147483647")];
	struct spawn spawn;

	if (stage == PIPELINE_VALIDATE && plan->refusal != NULL)
		return refuse(plan, wires, fault);
	snprintf(parent, sizeof(parent), "%d", (int)getpid());
	stages[stage].plan(&spawn, plan, wires);
	if (stages[stage].copy >= 0)
		spawn_fd(&spawn, "--record-fd", wires->copies[stages[stage].copy]);
	spawn_text(&spawn, "--parent-pid", parent);
	spawn.elsewhere = stage == PIPELINE_VALIDATE;
	spawn.avoided = pipeline->avoided;
	return spawn_start(&spawn, plan->home, &pipeline->stages[stage], fault);
}

/* Bounded: whatever keeps it, we go on. False: it has not ended. */
static bool await_end(const struct pipeline *pipeline, enum pipeline_stage stage, int limit_ms)
{
	struct pollfd ended = {.fd = pipeline->stages[stage].fd, .events = POLLIN};

	return !process_runs(&pipeline->stages[stage]) || poll(&ended, 1, limit_ms) > 0;
}

static void go_anywhere(struct pipeline *pipeline)
{
	if (pipeline->avoided != AFFINITY_NONE)
		affinity_restore(AFFINITY_NONE);
	pipeline->avoided = AFFINITY_NONE;
}

static void end_stage(struct process *stage)
{
	if (!process_runs(stage))
		return;
	process_kill(stage);
	(void)process_reap(stage);
}

/*
 * The launcher takes its sandbox back itself: at once when it is told to end, and when the end of
 * --go-fd comes without an order. What it tells of that goes nowhere.
 */
static void call_off(struct pipeline *pipeline, const char *run_id, struct wires *wires)
{
	const struct process *launcher = &pipeline->stages[PIPELINE_LAUNCH];

	end_stage(&pipeline->stages[PIPELINE_MONITOR]);
	wires_close(wires);
	if (process_runs(launcher))
		(void)kill(launcher->pid, SIGTERM);
	if (!await_end(pipeline, PIPELINE_LAUNCH, CALL_OFF_MS))
		fprintf(stderr,
			"safe-run: sr-launch did not take its sandbox back in %d s and was killed; "
			"cgroups of %s may have stayed\n",
			CALL_OFF_MS / 1000, run_id);
	for (size_t i = 0; i < PIPELINE_STAGE_COUNT; i++)
		end_stage(&pipeline->stages[i]);
}

/*
 * Until the signer has shown that it has a key the command does not start. It is asked for one while
 * the launcher builds; before that, its start would keep the bundle waiting.
 */
static enum fault_code await_signer(struct pipeline *pipeline, const struct pipeline_plan *plan,
				    struct wires *wires, bool complete, struct fault *fault)
{
	if (!is_signed(plan))
		return FAULT_NONE;
	go_anywhere(pipeline); /* with the signer, who is a child without an exec */
	if (signing_ready(plan->signing, plan->rundir, fault) != FAULT_NONE) {
		call_off(pipeline, plan->rundir->run_id, wires);
		return fault->code;
	}
	/* EPIPE: it has ended already, and said why. */
	if (complete)
		(void)!write(wires_into(wires, WIRE_GO), "g", 1);
	return FAULT_NONE;
}

/*
 * Two processors have enough to do until there is a bundle: the witness and seal start when
 * sr-compile has ended. To see the end of its input it needs our ends of its pipes closed.
 */
static void await_bundle(const struct pipeline *pipeline, struct wires *wires)
{
	wires_hand_over(wires, WIRE_CHECKED);
	wires_hand_over(wires, WIRE_BUNDLE);
	(void)await_end(pipeline, PIPELINE_COMPILE, START_MS);
}

/*
 * Both processors of two are busy with sr-validate and sr-launch: sr-compile would take its start
 * from the one it waits for. With more, it starts meanwhile.
 */
static void await_policy(const struct pipeline *pipeline, const struct pipeline_plan *plan)
{
	if (plan->home->processors > 0 && plan->home->processors <= 2)
		(void)await_end(pipeline, PIPELINE_VALIDATE, START_MS);
}

/* A stage that cannot start leaves its neighbours an end of file, and seal seals that. */
static enum fault_code start_stages(struct pipeline *pipeline, const struct pipeline_plan *plan,
				    struct wires *wires, struct fault *fault)
{
	enum fault_code first = FAULT_NONE;

	for (size_t k = 0; k < PIPELINE_STAGE_COUNT; k++) {
		struct fault later;
		enum fault_code code;

		if (start_order[k] == PIPELINE_MONITOR)
			await_bundle(pipeline, wires);
		if (start_order[k] == PIPELINE_COMPILE)
			await_policy(pipeline, plan);
		if (start_order[k] == PIPELINE_SEAL &&
		    await_signer(pipeline, plan, wires, first == FAULT_NONE, &later) !=
			    FAULT_NONE) {
			*fault = later;
			return later.code;
		}
		code = start_stage(pipeline, start_order[k], plan, wires,
				   first == FAULT_NONE ? fault : &later);

		if (first == FAULT_NONE)
			first = code;
		if (start_order[k] == PIPELINE_LAUNCH && plan->home->free)
			pipeline->avoided = affinity_leave();
	}
	return first;
}

void pipeline_init(struct pipeline *pipeline)
{
	for (size_t i = 0; i < PIPELINE_STAGE_COUNT; i++)
		pipeline->stages[i] = (struct process)PROCESS_NONE;
	pipeline->control_fd = pipeline->notice_fd = pipeline->result_fd = -1;
	pipeline->avoided = AFFINITY_NONE;
}

enum fault_code pipeline_start(struct pipeline *pipeline, const struct pipeline_plan *plan,
			       struct fault *fault)
{
	struct wires wires;
	enum fault_code code;

	code = wires_open(&wires, plan->rundir, fault);
	if (code == FAULT_NONE) {
		code = start_stages(pipeline, plan, &wires, fault);
		go_anywhere(pipeline);
		pipeline->control_fd = wires_take_into(&wires, WIRE_CONTROL);
		pipeline->notice_fd = wires_take_into(&wires, WIRE_NOTICE);
		pipeline->result_fd = wires_take_from(&wires, WIRE_SEALED);
	}
	wires_close(&wires);
	return code;
}

bool pipeline_started(const struct pipeline *pipeline)
{
	for (size_t i = 0; i < PIPELINE_STAGE_COUNT; i++)
		if (process_runs(&pipeline->stages[i]))
			return true;
	return false;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void pipeline_close(struct pipeline *pipeline)
{
	close_fd(&pipeline->control_fd);
	close_fd(&pipeline->notice_fd);
	close_fd(&pipeline->result_fd);
}
