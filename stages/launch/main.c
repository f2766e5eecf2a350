/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-launch: makes the sandbox and runs the command in it.
 *
 * PURPOSE  Turn one bundle into one confined process, watch over it until it ends, and leave
 *          evidence of every step. The only stage with privilege.
 * READS    one CompileBundle on stdin, from nobody it trusts; records on --control-fd; the host's
 *          ceiling, /etc/safe-run/host.yaml, which sr-validate parses for it.
 * WRITES   the event stream on stdout: compile, mount.*, run.prepared, vm.started,
 *          resource.sampled, vm.exited, and run.cleaned or run.failed at the end, always.
 * HOLDS    as root CAP_SYS_ADMIN and what identity needs, until the workload runs; then CAP_KILL
 *          and CAP_DAC_OVERRIDE. As an ordinary user nothing: all capabilities are those of its own
 *          user namespace.
 * FILTER   launch, then launch-parent once the workload runs; its pid 1 launch-init; the workload
 *          its own. No Landlock for the launcher itself, because that forbids mounting.
 * REFUSES  a bundle that is not exactly what it should be, a plan its policy does not say, a host
 *          path that changed since validation, and a sandbox that does not read back as asked.
 * WHY NOT  let the front-end do this: whoever parses a policy or holds a workload's output must not
 *          hold CAP_SYS_ADMIN.
 */
#include "stages/launch/assistant.h"
#include "stages/launch/identity.h"
#include "stages/launch/launch.h"
#include "stages/launch/namespace.h"
#include "stages/launch/plan.h"
#include "stages/launch/readback.h"
#include "stages/launch/summary.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

enum option {
	OPTION_RUN_ID,
	OPTION_CHALLENGE,
	OPTION_STDIN_FD,
	OPTION_STDOUT_FD,
	OPTION_STDERR_FD,
	OPTION_CONTROL_FD,
	OPTION_GO_FD,
	OPTION_ARTIFACTS_FD,
	OPTION_PTY_FD,
	OPTION_TTY,
	OPTION_BEST_EFFORT,
	OPTION_STORE_FD,
	OPTION_MACHINE_FD,
	OPTION_VMM,
	OPTION_ACCEL,
	OPTION_FIRECRACKER_DIR,
	OPTION_SNAPSHOT,
	OPTION_COUNT
};

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_RUN_ID] = {"run-id", STAGE_OPTION_TEXT, 0, 0, "ID", "name of the run"},
	[OPTION_CHALLENGE] = {"challenge", STAGE_OPTION_TEXT, 0, 0, "TEXT",
			      "put TEXT into the first event"},
	[OPTION_STDIN_FD] = {"stdin-fd", STAGE_OPTION_FD, 0, 0, "N", "the workload's stdin"},
	[OPTION_STDOUT_FD] = {"stdout-fd", STAGE_OPTION_FD, 0, 0, "N", "the workload's stdout"},
	[OPTION_STDERR_FD] = {"stderr-fd", STAGE_OPTION_FD, 0, 0, "N", "the workload's stderr"},
	[OPTION_CONTROL_FD] = {"control-fd", STAGE_OPTION_FD, 0, 0, "N",
			       "records that signal or stop the workload"},
	[OPTION_GO_FD] = {"go-fd", STAGE_OPTION_FD, 0, 0, "N",
			  "let the command start when a byte comes from there"},
	[OPTION_ARTIFACTS_FD] = {"artifacts-fd", STAGE_OPTION_FD, 0, 0, "N",
				 "the directory for outputs/ and outputs.ndjson"},
	[OPTION_PTY_FD] = {"pty-fd", STAGE_OPTION_FD, 0, 0, "N",
			   "with --tty: the terminal's slave side"},
	[OPTION_TTY] = {"tty", STAGE_OPTION_FLAG, 0, 0, NULL,
			"give the workload the terminal of --pty-fd"},
	[OPTION_BEST_EFFORT] = {"best-effort", STAGE_OPTION_FLAG, 0, 0, NULL,
				"run even where a protection is missing, and say so"},
	[OPTION_STORE_FD] = {"store-fd", STAGE_OPTION_FD, 0, 0, "N",
			     "the directory for unpacked images"},
	[OPTION_MACHINE_FD] = {"machine-fd", STAGE_OPTION_FD, 0, 0, "N",
			       "the directory a microVM is started from"},
	[OPTION_VMM] = {"vmm", STAGE_OPTION_TEXT, 0, 0, "NAME",
			"who runs a microVM: auto (default), qemu, firecracker"},
	[OPTION_ACCEL] = {"accel", STAGE_OPTION_TEXT, 0, 0, "NAME",
			  "with what: auto (default), kvm, tcg"},
	[OPTION_FIRECRACKER_DIR] = {"firecracker-dir", STAGE_OPTION_TEXT, 0, 0, "DIR",
				    "where firecracker and jailer are"},
	[OPTION_SNAPSHOT] = {"snapshot", STAGE_OPTION_FLAG, 0, 0, NULL,
			     "start a Firecracker machine as it was saved, or save it"},
};

#define CHALLENGE_MAX 1024

static enum stage_exit usage(const struct stage_context *context, const char *message)
{
	stage_complain(context->stage, "%s", message);
	return STAGE_USAGE;
}

/* --pty-fd must be a terminal, and not the one we are run from. */
static bool pty_usable(int fd)
{
	pid_t session = -1;

	if (!isatty(fd))
		return false;
	return ioctl(fd, TIOCGSID, &session) < 0 || session != getsid(0);
}

static enum stage_exit check_options(const struct stage_context *context)
{
	const struct stage_value *values = context->values;

	if (values[OPTION_RUN_ID].given && !runid_valid(values[OPTION_RUN_ID].text))
		return usage(context, "--run-id takes letters, digits and hyphens, at most 64");
	if (values[OPTION_CHALLENGE].given && strlen(values[OPTION_CHALLENGE].text) > CHALLENGE_MAX)
		return usage(context, "--challenge takes at most 1024 bytes");
	if (values[OPTION_TTY].given != values[OPTION_PTY_FD].given)
		return usage(context, "--tty and --pty-fd go together");
	if (values[OPTION_PTY_FD].given && !pty_usable(values[OPTION_PTY_FD].fd))
		return usage(context, "--pty-fd must be a terminal, and not the caller's own");
	return STAGE_DONE;
}

static enum stage_exit machine_options(const struct stage_context *context,
				       struct machine_options *out)
{
	const struct stage_value *values = context->values;

	out->artifacts_fd = values[OPTION_MACHINE_FD].fd;
	if (values[OPTION_VMM].given && !machine_vmm_parse(values[OPTION_VMM].text, &out->vmm))
		return usage(context, "--vmm takes auto, qemu or firecracker");
	if (values[OPTION_ACCEL].given &&
	    !machine_accel_parse(values[OPTION_ACCEL].text, &out->accel))
		return usage(context, "--accel takes auto, kvm or tcg");
	out->firecracker_dir = values[OPTION_FIRECRACKER_DIR].text;
	out->snapshot = values[OPTION_SNAPSHOT].given;
	return STAGE_DONE;
}

static int fill_plan(struct plan *plan, const struct stage_value *values, const char *run_id)
{
	int rootless;

	plan->uid = plan->gid = identity_for_run(run_id);
	rootless = namespace_needs_user(plan->uid);
	if (rootless < 0)
		return -1;
	plan->rootless = rootless != 0;
	if (plan->rootless)
		plan->uid = plan->gid = NAMESPACE_ROOTLESS_ID;
	plan->best_effort = values[OPTION_BEST_EFFORT].given;
	plan->stdin_fd = values[OPTION_STDIN_FD].fd;
	plan->stdout_fd = values[OPTION_STDOUT_FD].fd;
	plan->stderr_fd = values[OPTION_STDERR_FD].fd;
	plan->pty_fd = values[OPTION_PTY_FD].fd;
	return 0;
}

/* While it can still be given what jailer needs. Anybody but root is refused later, in words. */
static enum stage_exit start_jail(const struct stage_context *context, struct launch *launch)
{
	if (launch->machine_options.vmm != MACHINE_VMM_FIRECRACKER || launch->plan->rootless ||
	    geteuid() != 0 || jail_start(&launch->jail, launch->home_fd) == 0)
		return STAGE_DONE;
	stage_complain(context->stage, "cannot start sr-jail: %s", strerror(errno));
	return STAGE_FAILED;
}

/* Before confinement, but of no consequence there: names and memory. */
static enum stage_exit launch_open(struct stage_context *context)
{
	struct launch *launch = context->state;
	const struct stage_value *values = context->values;
	enum stage_exit status = check_options(context);

	if (status == STAGE_DONE)
		status = machine_options(context, &launch->machine_options);
	if (status != STAGE_DONE)
		return status;
	launch->plan = plan_new();
	if (launch->plan == NULL) {
		stage_complain(context->stage, "cannot map shared memory: %s", strerror(errno));
		return STAGE_FAILED;
	}
	if (values[OPTION_RUN_ID].given)
		(void)snprintf(launch->events.run_id, sizeof launch->events.run_id, "%s",
			       values[OPTION_RUN_ID].text);
	else if (runid_make(launch->events.run_id) < 0) {
		stage_complain(context->stage, "cannot make a run id: %s", strerror(errno));
		return STAGE_FAILED;
	}
	launch->challenge = values[OPTION_CHALLENGE].text;
	launch->control_fd = values[OPTION_CONTROL_FD].fd;
	launch->go_fd = values[OPTION_GO_FD].fd;
	launch->artifacts_fd = values[OPTION_ARTIFACTS_FD].fd;
	/* -1 is told of when an assistant is needed, and by whom. */
	launch->home_fd = assistant_home();
	ceiling_open(&launch->ceiling, launch->home_fd);
	launch->store_fd = values[OPTION_STORE_FD].fd;
	launch->best_effort = values[OPTION_BEST_EFFORT].given;
	if (fill_plan(launch->plan, values, launch->events.run_id) < 0) {
		stage_complain(context->stage, "cannot learn which user namespace this is: %s",
			       strerror(errno));
		return STAGE_FAILED;
	}
	return start_jail(context, launch);
}

static enum stage_exit launch_prewarm(struct stage_context *context)
{
	if (digest_prewarm() == 0)
		return STAGE_DONE;
	stage_complain(context->stage, "libcrypto does not compute SHA-256");
	return STAGE_FAILED;
}

/* From here signals are read, not taken: each has a meaning for the workload. */
static int watch_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGQUIT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static enum stage_exit launch_confined(struct stage_context *context)
{
	struct launch *launch = context->state;

	launch->events.sink = context->out;
	launch->filter_count = readback_filter_count();
	launch->kernel = summary_kernel();
	launch->signal_fd = watch_signals();
	if (launch->signal_fd < 0) {
		stage_complain(context->stage, "cannot watch signals: %s", strerror(errno));
		return STAGE_FAILED;
	}
	return launch_run(launch);
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-launch",
		.summary = "run a bundle's command in its sandbox",
		.profile = &sandbox_profile_launch,
		.ends_output = true,
		.options = options,
		.option_count = OPTION_COUNT,
		.hashes = true,
		.open = launch_open,
		.prewarm = launch_prewarm,
		.run = launch_confined,
	};
	struct launch launch;

	launch_init(&launch);
	return stage_main(&stage, &launch, argc, argv);
}
