/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-init: pid 1 of a microVM's guest.
 *
 * PURPOSE  Bring up a guest that was booted for one command, run the command in the same sandbox a
 *          run without a machine has, and tell the host how it went.
 * READS    one GuestJob and then signals on the control stream; the command's input on another.
 * WRITES   hello, started, failed, exited and done on the control stream; the command's output and
 *          what it left on three more.
 * HOLDS    everything in the guest, which is nothing outside it. The command holds what it always
 *          does: an unprivileged uid, no capability, no_new_privs, Landlock, seccomp.
 * FILTER   none of its own: it loads modules, mounts, and ends the machine. The sandbox's pid 1
 *          has launch-init, the command the policy's.
 * REFUSES  a job it does not understand to the last member, and a sandbox that does not read back.
 * WHY NOT  on the host: this is what the guest's kernel needs in it. Nothing of what it says is
 *          believed there (sr-guest(1)).
 */
#include "ipc/event.h"
#include "ipc/object.h"
#include "stages/init/cargo.h"
#include "stages/init/command.h"
#include "stages/init/disk.h"
#include "stages/init/group.h"
#include "stages/init/job.h"
#include "stages/init/ports.h"
#include "stages/init/relay.h"
#include "stages/init/system.h"
#include "stages/launch/plan.h"
#include "stages/seal/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define CODE	     FAULT_RUN_LAUNCH
#define LINE_MAX_OUT RECORD_EVENT_MAX

struct guest {
	uint64_t began_ns;
	int ports[PORT_COUNT];
	struct record_reader control;
	struct job job;
	struct plan *plan;
	struct command command;
	struct relay relay;
	int root_fd, group_fd;
};

static void say(const struct guest *guest, struct json_object *line)
{
	struct json_object *owned OBJECT_CLEANUP = line;
	const struct record_sink sink = {.fd = guest->ports[PORT_CONTROL], .record_fd = -1};
	struct fault fault;

	/* Waits for a host that is slow; one that is gone has given the machine up, and ends it. */
	(void)fcntl(sink.fd, F_SETFL, 0);
	(void)!record_send(&sink, owned, LINE_MAX_OUT, &fault);
	(void)fcntl(sink.fd, F_SETFL, O_NONBLOCK);
}

static struct json_object *line_new(const char *type)
{
	struct json_object *line = object_new();

	object_add_string(line, "type", type);
	return line;
}

/* The console is for people who look into a guest that does not come up. */
static void tell_failure(const struct guest *guest, const struct fault *fault)
{
	struct json_object *line = line_new("failed");
	struct json_object *setup = fault_to_json(fault);

	(void)fprintf(stderr, "sr-init: %s: %s\n", fault->path, fault->message);
	object_add_integer(setup, "errno", guest->command.exec_errno);
	object_add(line, "setup", setup);
	if (guest->ports[PORT_CONTROL] >= 0)
		say(guest, line);
	else
		object_release(&line);
}

static void say_hello(const struct guest *guest)
{
	struct json_object *line = line_new("hello");
	struct utsname kernel;

	(void)uname(&kernel);
	object_add_integer(line, "bootMs", (int64_t)(event_boot_ns() / 1000000));
	object_add_integer(line, "kernelMs", (int64_t)(guest->began_ns / 1000000));
	object_add_escaped(line, "release", kernel.release, strlen(kernel.release));
	object_add_escaped(line, "version", kernel.version, strlen(kernel.version));
	say(guest, line);
}

static enum fault_code await_job(struct guest *guest, struct fault *fault)
{
	enum record_status status = RECORD_AGAIN;
	const char *line = NULL;
	size_t len = 0;

	record_reader_init(&guest->control, guest->ports[PORT_CONTROL], RECORD_BUNDLE_MAX);
	while (status == RECORD_AGAIN) {
		struct pollfd item = {.fd = guest->ports[PORT_CONTROL], .events = POLLIN};

		(void)poll(&item, 1, -1);
		status = record_read_once(&guest->control, &line, &len, CODE, fault);
	}
	if (status == RECORD_END)
		return fault_set(fault, CODE, "init.job", "the host sent no job");
	if (status == RECORD_FAULT)
		return fault->code;
	return job_parse(line, len, &guest->job, guest->plan, fault);
}

static enum fault_code boot(struct guest *guest, struct fault *fault)
{
	enum fault_code code = system_modules(fault);

	if (code == FAULT_NONE)
		code = system_mount(fault);
	if (code == FAULT_NONE)
		code = ports_open(guest->ports, fault);
	if (code != FAULT_NONE)
		return code;
	say_hello(guest);
	guest->plan = plan_new();
	if (guest->plan == NULL || digest_prewarm() < 0)
		return fault_set_errno(fault, CODE, errno, "init.memory", "no memory");
	return await_job(guest, fault);
}

static enum fault_code start(struct guest *guest, struct fault *fault)
{
	struct plan *plan = guest->plan;
	enum fault_code code = system_clock(guest->job.wall_ns, fault);

	if (code == FAULT_NONE)
		code = system_seed(guest->job.seed, sizeof guest->job.seed, fault);
	if (code == FAULT_NONE)
		code = disk_mount(&guest->job, plan, &guest->root_fd, fault);
	if (code == FAULT_NONE)
		code = group_make(&guest->job, &guest->group_fd, fault);
	if (code == FAULT_NONE)
		code = relay_open(&guest->relay, plan, fault);
	if (code == FAULT_NONE)
		code = command_start(&guest->command, plan, &guest->job.network, guest->root_fd,
				     guest->group_fd, fault);
	relay_started(plan);
	return code;
}

static void say_started(const struct guest *guest)
{
	struct json_object *line = line_new("started");

	object_add_integer(line, "initMs", (int64_t)(event_boot_ns() / 1000000));
	say(guest, line);
}

static struct json_object *describe_exit(const struct command *command)
{
	struct json_object *exit = object_new();
	int status = command->wait_status;
	bool signaled = !command->known || WIFSIGNALED(status);

	object_add_bool(exit, "coreDumped",
			command->known && WIFSIGNALED(status) && WCOREDUMP(status));
	if (signaled)
		object_add_null(exit, "exitCode");
	else
		object_add_integer(exit, "exitCode", WEXITSTATUS(status));
	if (signaled)
		object_add_integer(exit, "signalNumber",
				   command->known ? WTERMSIG(status) : SIGKILL);
	else
		object_add_null(exit, "signalNumber");
	return exit;
}

static void say_exited(const struct guest *guest)
{
	const struct command *command = &guest->command;
	struct json_object *line = line_new("exited");
	struct json_object *rusage = object_new();

	object_add_integer(rusage, "maxRssBytes", command->max_rss_bytes);
	object_add_integer(rusage, "systemUs", command->system_us);
	object_add_integer(rusage, "userUs", command->user_us);
	object_add(line, "exit", describe_exit(command));
	object_add_integer(line, "oomKills", (int64_t)group_oom_kills(guest->group_fd));
	object_add_integer(line, "pidsMaxHits", (int64_t)group_pids_refused(guest->group_fd));
	object_add(line, "rusage", rusage);
	object_add_integer(line, "stderrBytes", (int64_t)guest->relay.stderr_bytes);
	object_add_integer(line, "stdoutBytes", (int64_t)guest->relay.stdout_bytes);
	say(guest, line);
}

static enum fault_code deliver(struct guest *guest, struct fault *fault)
{
	struct json_object *line;
	uint64_t entries = 0;
	enum fault_code code = FAULT_NONE;

	if (guest->plan->output_count > 0 && guest->command.workdir_fd >= 0)
		code = cargo_send(guest->ports[PORT_OUTPUTS], guest->command.workdir_fd,
				  guest->plan, &entries, fault);
	if (code != FAULT_NONE)
		return code;
	line = line_new("done");
	object_add_integer(line, "entries", (int64_t)entries);
	say(guest, line);
	return FAULT_NONE;
}

#define RECEIVED    "{\"received\":true}"
#define RECEIVED_MS 60000 /* the launcher has no more patience either */

/*
 * Until the host has it all, or is gone: what a port was given lies with the VMM, which a machine
 * that ends takes with it. Signals for a command that has ended are passed over.
 */
static void await_received(struct guest *guest)
{
	enum record_status status = RECORD_LINE;
	const char *line = "";
	size_t len = 0;
	struct fault fault;

	while (status == RECORD_LINE || status == RECORD_AGAIN) {
		struct pollfd item = {.fd = guest->ports[PORT_CONTROL], .events = POLLIN};

		if (status == RECORD_LINE && len == strlen(RECEIVED) &&
		    memcmp(line, RECEIVED, len) == 0)
			return;
		if (status == RECORD_AGAIN && poll(&item, 1, RECEIVED_MS) <= 0)
			return;
		status = record_read_once(&guest->control, &line, &len, CODE, &fault);
	}
}

static enum fault_code serve(struct guest *guest, struct fault *fault)
{
	enum fault_code code = boot(guest, fault);

	if (code == FAULT_NONE)
		code = start(guest, fault);
	if (code != FAULT_NONE)
		return code;
	say_started(guest);
	code = relay_run(&guest->relay, &guest->command, guest->ports, &guest->control, fault);
	command_end(&guest->command);
	if (code != FAULT_NONE)
		return code;
	say_exited(guest);
	code = deliver(guest, fault);
	if (code == FAULT_NONE)
		await_received(guest);
	return code;
}

/* For a person who meets it on the host. */
static int explain(int argc, char **argv)
{
	bool asked = argc == 2 && strcmp(argv[1], "--help") == 0;

	(void)fprintf(asked ? stdout : stderr,
		      "sr-init: pid 1 of a microVM's guest; it takes no option, see sr-init(1)\n");
	return asked ? 0 : 2;
}

int main(int argc, char **argv)
{
	static struct guest guest = {.root_fd = -1, .group_fd = -1};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct fault fault;

	/* Anywhere else it would mount, load and reboot what is not its own. */
	if (getpid() != 1)
		return explain(argc, argv);
	guest.began_ns = event_boot_ns();
	for (unsigned port = 0; port < PORT_COUNT; port++)
		guest.ports[port] = -1;
	command_init(&guest.command);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	if (serve(&guest, &fault) != FAULT_NONE) {
		tell_failure(&guest, &fault);
		command_end(&guest.command);
	}
	system_end();
}
