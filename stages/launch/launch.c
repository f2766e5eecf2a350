/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/launch.h"

#include "ipc/object.h"
#include "ipc/record.h"
#include "stages/launch/admit.h"
#include "stages/launch/collect.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/loop.h"
#include "stages/launch/machine_hold.h"
#include "stages/launch/machine_watch.h"
#include "stages/launch/plan.h"
#include "stages/launch/report.h"
#include "stages/launch/rootfs.h"
#include "stages/launch/setup.h"
#include "stages/launch/summary.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define CODE FAULT_RUN_LAUNCH

void launch_init(struct launch *launch)
{
	memset(launch, 0, sizeof *launch);
	ceiling_init(&launch->ceiling);
	launch->events.stage = "launch";
	launch->control_fd = launch->go_fd = launch->signal_fd = launch->home_fd = -1;
	launch->artifacts_fd = launch->workdir_fd = -1;
	launch->reader = launch->writer = (struct assistant)ASSISTANT_NONE;
	network_init(&launch->network);
	launch->store_fd = launch->root_fd = -1;
	launch->machine_options.artifacts_fd = -1;
	jail_init(&launch->jail);
	launch->init_fd = launch->workload_fd = launch->pidfd = launch->mounts_fd = -1;
	(void)sigemptyset(&launch->forwarded);
}

void launch_note(struct launch *launch, const char *step, bool ok, const char *detail)
{
	struct json_object *note = object_new();

	object_add_escaped(note, "detail", detail, strlen(detail));
	object_add_bool(note, "ok", ok);
	object_add_string(note, "step", step);
	array_append(launch->cleanup, note);
}

/* Blocks until there is input, or a signal that ends the run before it began. */
static enum fault_code await_input(const struct launch *launch, int fd, const char *path,
				   const char *what, struct fault *fault)
{
	struct pollfd items[] = {{.fd = fd, .events = POLLIN},
				 {.fd = launch->signal_fd, .events = POLLIN}};
	int ready;

	do
		ready = poll(items, 2, -1);
	while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return fault_set_errno(fault, CODE, errno, path, "poll");
	if (items[1].revents != 0)
		return fault_set(fault, CODE, path, "a signal ended the run before %s", what);
	return FAULT_NONE;
}

/* Who started us may call the run off until its command starts: there is no key to sign it with. */
static enum fault_code await_go(struct launch *launch, struct fault *fault)
{
	char byte;
	ssize_t len;

	if (launch->go_fd < 0)
		return FAULT_NONE;
	if (await_input(launch, launch->go_fd, "launch.go", "its command was let go", fault) !=
	    FAULT_NONE)
		return fault->code;
	len = read(launch->go_fd, &byte, sizeof byte);
	descriptor_close(&launch->go_fd);
	if (len == sizeof byte)
		return FAULT_NONE;
	return fault_set(fault, CODE, "launch.go",
			 "the run was called off before its command started");
}

static enum fault_code no_bundle(struct fault *fault)
{
	return fault_set(fault, CODE, "launch.bundle",
			 "no bundle came on stdin: the stage before this one ended without a "
			 "word. Its own messages say why");
}

static enum fault_code read_bundle(struct launch *launch, struct fault *fault)
{
	struct record_reader reader;
	const char *line = NULL, *more = NULL;
	size_t len = 0, more_len = 0;
	enum record_status status;
	enum fault_code code;

	record_reader_init(&reader, STDIN_FILENO, RECORD_BUNDLE_MAX);
	do {
		code = await_input(launch, STDIN_FILENO, "launch.bundle", "the bundle had come",
				   fault);
		status = code != FAULT_NONE ? RECORD_FAULT
					    : record_read_once(&reader, &line, &len, CODE, fault);
	} while (status == RECORD_AGAIN);
	if (status == RECORD_END)
		code = no_bundle(fault);
	else if (status == RECORD_FAULT)
		code = fault->code;
	else
		code = bundle_parse(line, len, &launch->bundle, launch->plan, fault);
	/* One bundle, one run: what follows it would be somebody else's. */
	if (code == FAULT_NONE && record_read(&reader, &more, &more_len, CODE, fault) != RECORD_END)
		code = fault_set(fault, CODE, "launch.bundle", "more than one record on stdin");
	record_reader_release(&reader);
	return code;
}

static enum fault_code identify_root(struct launch *launch, struct fault *fault)
{
	const char *bad_path = "";

	if (launch->plan->machine.wanted)
		return machine_identify(launch, fault);
	if (launch->machine_options.snapshot)
		return fault_set(fault, CODE, "launch.machine.snapshot",
				 "--snapshot is for microVMs: add --isolation microvm --vmm "
				 "firecracker, or leave it out");
	if (launch->plan->root.kind != PLAN_ROOT_HOST)
		return rootfs_identify(launch, fault);
	launch->root_identity = summary_root(launch->plan, &bad_path);
	if (launch->root_identity != NULL)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, "launch.root.bind",
			       "cannot open %s, which the sandbox's root needs", bad_path);
}

/* An earlier stage's first error is the run's: the closing event repeats all of them. */
static enum fault_code refused_upstream(struct launch *launch, struct fault *fault)
{
	struct json_object *path = NULL, *message = NULL;
	struct json_object *first = json_object_array_get_idx(launch->bundle.errors, 0);

	(void)json_object_object_get_ex(first, "path", &path);
	(void)json_object_object_get_ex(first, "message", &message);
	return fault_set(fault, CODE, json_object_get_string(path), "%s",
			 json_object_get_string(message));
}

static enum fault_code admit_host(struct launch *launch, struct fault *fault)
{
	const struct ceiling *ceiling = &launch->ceiling;
	enum fault_code code = ceiling_read(&launch->ceiling, launch->signal_fd, fault);

	if (code != FAULT_NONE || !ceiling->present)
		return code;
	return ceiling_admit(&ceiling->limits, &ceiling->caller, launch->plan,
			     launch->bundle.policy, fault);
}

static enum fault_code understand(struct launch *launch, struct fault *fault)
{
	enum fault_code code = read_bundle(launch, fault);

	if (code == FAULT_NONE && launch->bundle.errors != NULL)
		return refused_upstream(launch, fault);
	if (code == FAULT_NONE)
		code = admit_plan(launch->plan, fault);
	if (code == FAULT_NONE)
		code = admit_host(launch, fault);
	return code == FAULT_NONE ? identify_root(launch, fault) : code;
}

enum fault_code launch_announce(struct launch *launch, struct fault *fault)
{
	struct fault report_fault;
	enum fault_code code;

	if (launch->announced)
		return FAULT_NONE;
	launch->announced = true;
	code = machine_verify(launch, fault);
	if (report_compile(launch, code == FAULT_NONE ? NULL : fault, &report_fault) == FAULT_NONE)
		return code;
	*fault = report_fault;
	return fault->code;
}

/* Everything until the program runs. The compile event goes out whatever was found. */
static enum fault_code start(struct launch *launch, struct fault *fault)
{
	struct fault setup_fault;
	/* With a machine's jail at hand the sandbox waits until the bundle says it is wanted. */
	bool jail = launch->jail.pid > 0;
	enum fault_code setup_code = jail ? FAULT_NONE : setup_start(launch, &setup_fault);
	enum fault_code code = understand(launch, fault);
	struct fault report_fault;

	if (jail && code == FAULT_NONE && launch->machine == NULL)
		setup_code = setup_start(launch, &setup_fault);
	if (code == FAULT_NONE && setup_code != FAULT_NONE) {
		*fault = setup_fault;
		code = setup_code;
	}
	if (code == FAULT_NONE)
		code = setup_build(launch, fault);
	launch->announced =
		code != FAULT_NONE || launch->machine == NULL || !launch->machine->verifies_late;
	if (launch->announced && report_compile(launch, code == FAULT_NONE ? NULL : fault,
						&report_fault) != FAULT_NONE) {
		*fault = report_fault;
		return fault->code;
	}
	if (code == FAULT_NONE)
		code = setup_prepare(launch, fault);
	/* What failed goes first; that there is no event either is seen at the next one. */
	if (code != FAULT_NONE)
		(void)!launch_announce(launch, &report_fault);
	if (code == FAULT_NONE)
		code = await_go(launch, fault);
	return code == FAULT_NONE ? setup_exec(launch, fault) : code;
}

/*
 * Whatever became of the command, what it tried is told and its rules are taken back. One that ended, or
 * was ended because its network was lost, is told of whatever becomes of that.
 */
static enum fault_code finish(struct launch *launch, enum fault_code code, struct fault *fault)
{
	const bool ended = code == FAULT_NONE || launch->end.stop == LAUNCH_STOP_NETWORK;
	struct fault telling;
	enum fault_code told;

	code = network_finish(launch, code, fault);
	if (!ended)
		return code;
	/* What it did on the network is not known, or not taken back: its own end is not the run's. */
	if (code != FAULT_NONE)
		launch->end.stop = LAUNCH_STOP_NETWORK;
	told = report_sample(launch, "last", &telling);
	if (told == FAULT_NONE)
		told = report_exited(launch, &telling);
	if (told != FAULT_NONE)
		*fault = telling;
	return told != FAULT_NONE ? told : code;
}

static enum fault_code supervise(struct launch *launch, struct fault *fault)
{
	enum fault_code code = report_sample(launch, "first", fault);

	if (code == FAULT_NONE)
		code = loop_tighten(fault);
	if (code == FAULT_NONE)
		code = loop_run(launch, fault);
	machine_finish(launch);
	/* init tells only when all others have ended; its own end is then waited for afterwards. */
	if (!launch->end.known)
		loop_end(launch);
	code = finish(launch, code, fault);
	if (code == FAULT_NONE && launch->machine != NULL &&
	    launch->machine->loss.code != FAULT_NONE) {
		*fault = launch->machine->loss;
		return fault->code;
	}
	/* The VMM has read for the last time: was it what the hashes say? */
	if (code == FAULT_NONE && launch->machine != NULL)
		code = machine_hold_check(launch->machine, fault);
	return code == FAULT_NONE ? collect_finish(launch, fault) : code;
}

enum stage_exit launch_run(struct launch *launch)
{
	struct fault fault, closing_fault;
	enum fault_code code;
	bool started = false;

	clock_sample(&launch->clock);
	launch->cleanup = array_new();
	code = start(launch, &fault);
	if (code == FAULT_NONE) {
		started = true;
		code = supervise(launch, &fault);
	}
	if (!launch->end.known)
		loop_end(launch);
	loop_clean(launch);
	loop_end(launch);
	collect_stop(launch);
	network_stop(launch);
	ceiling_release(&launch->ceiling);
	machine_release(launch);
	jail_dismiss(&launch->jail);
	/* A stream that has no reader has no end either; nobody would read it. */
	if (report_closing(launch, code == FAULT_NONE ? NULL : &fault, &closing_fault) !=
	    FAULT_NONE)
		return STAGE_FAILED;
	return started ? STAGE_DONE : STAGE_REFUSED;
}
