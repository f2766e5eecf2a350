/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-monitor: the run's witness.
 *
 * PURPOSE  Watch a run from outside: sample its cgroup, copy its output to the caller and to capped
 *          logs while hashing all of it, relay the caller's input, decide how the run ended.
 * READS    The launcher's events on stdin. The workload's output, the caller's input, on the
 *          descriptors it is given. Counters below /sys/fs/cgroup.
 * WRITES   The events again, in its own order, with its own samples and closing record, on stdout.
 *          Output to the caller and the logs; {"stop":...} to the launcher (--control-fd).
 * HOLDS    No privilege. As root it becomes nobody. Landlock leaves it reading below
 *          /sys/fs/cgroup, nothing else.
 * FILTER   read, write, poll, the clock, opening below one directory.
 * REFUSES  Events that are not canonical, out of order or of two runs; a cgroup of another run. It
 *          then has the run stopped and reports it lost.
 * WHY NOT  in the launcher: whoever copies a hostile program's output and parses nothing of it
 *          still touches it all; that one holds no privilege. And in the sealer: what decides how a
 *          run ended is not what vouches for the record.
 */
#include "stages/monitor/monitor.h"
#include "stages/seal/digest.h"
#include "stages/stage.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum {
	OPTION_SAMPLE_MS,
	OPTION_STDOUT,
	OPTION_STDERR,
	OPTION_STDIN,
	OPTION_COPY_STDOUT,
	OPTION_COPY_STDERR,
	OPTION_COPY_STDIN,
	OPTION_STDOUT_FILE,
	OPTION_STDERR_FILE,
	OPTION_CONTROL,
	OPTION_PTY,
	OPTION_COUNT
};

#define SAMPLE_MS_DEFAULT 100
#define SAMPLE_MS_MAX	  3600000
#define PIPE_SIZE	  (1 << 20) /* /proc/sys/fs/pipe-max-size, what anybody may ask for */

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_SAMPLE_MS] = {"sample-ms", STAGE_OPTION_NUMBER, 1, SAMPLE_MS_MAX, "N",
			      "sample the run's counters every N ms (100)"},
	[OPTION_STDOUT] = {"stdout-fd", STAGE_OPTION_FD, 0, 0, "N", "the workload's stdout"},
	[OPTION_STDERR] = {"stderr-fd", STAGE_OPTION_FD, 0, 0, "N", "the workload's stderr"},
	[OPTION_STDIN] = {"stdin-fd", STAGE_OPTION_FD, 0, 0, "N", "the workload's stdin"},
	[OPTION_COPY_STDOUT] = {"copy-stdout-fd", STAGE_OPTION_FD, 0, 0, "N",
				"the caller's stdout"},
	[OPTION_COPY_STDERR] = {"copy-stderr-fd", STAGE_OPTION_FD, 0, 0, "N",
				"the caller's stderr"},
	[OPTION_COPY_STDIN] = {"copy-stdin-fd", STAGE_OPTION_FD, 0, 0, "N", "the caller's stdin"},
	[OPTION_STDOUT_FILE] = {"stdout-file-fd", STAGE_OPTION_FD, 0, 0, "N",
				"log of the workload's stdout, a file"},
	[OPTION_STDERR_FILE] = {"stderr-file-fd", STAGE_OPTION_FD, 0, 0, "N",
				"log of the workload's stderr, a file"},
	[OPTION_CONTROL] = {"control-fd", STAGE_OPTION_FD, 0, 0, "N",
			    "where the launcher listens for {\"stop\":...}"},
	[OPTION_PTY] = {"pty-fd", STAGE_OPTION_FD, 0, 0, "N",
			"the workload's terminal (its master end), instead of the three"},
};

static bool logs_are_files(const struct stage_value *values)
{
	for (int i = OPTION_STDOUT_FILE; i <= OPTION_STDERR_FILE; i++) {
		struct stat info;

		if (values[i].given && (fstat(values[i].fd, &info) != 0 || !S_ISREG(info.st_mode)))
			return false;
	}
	return true;
}

/*
 * The workload's ends belong to this run alone, so their description may be changed: larger pipes
 * mean fewer, larger reads, and input that the workload does not take must not stop the loop.
 */
static bool prepare_ends(const struct stage_value *values)
{
	static const int pipes[] = {OPTION_STDOUT, OPTION_STDERR};
	static const int written[] = {OPTION_STDIN, OPTION_PTY};

	for (size_t i = 0; i < sizeof(pipes) / sizeof(pipes[0]); i++) {
		if (values[pipes[i]]
			    .given) /* refused past the user's share of pipe pages: as it is */
			(void)fcntl(values[pipes[i]].fd, F_SETPIPE_SZ, PIPE_SIZE);
	}
	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		const struct stage_value *value = &values[written[i]];
		int flags = value->given ? fcntl(value->fd, F_GETFL) : 0;

		if (value->given &&
		    (flags < 0 || fcntl(value->fd, F_SETFL, flags | O_NONBLOCK) != 0))
			return false;
	}
	return true;
}

static enum stage_exit monitor_open(struct stage_context *context)
{
	struct monitor *monitor = context->state;
	const struct stage_value *values = context->values;
	bool pipes = values[OPTION_STDOUT].given || values[OPTION_STDERR].given ||
		     values[OPTION_STDIN].given;

	if (values[OPTION_PTY].given && pipes) {
		stage_complain(context->stage, "--pty-fd stands instead of --stdin-fd, --stdout-fd "
					       "and --stderr-fd");
		return STAGE_USAGE;
	}
	if (!logs_are_files(values)) {
		stage_complain(context->stage, "a log must be a regular file: anything else could "
					       "keep the monitor waiting");
		return STAGE_USAGE;
	}
	if (!prepare_ends(values)) {
		stage_complain(context->stage, "cannot use the workload's ends");
		return STAGE_FAILED;
	}
	monitor->wiring = (struct monitor_wiring){
		.out_fd = values[OPTION_STDOUT].fd,
		.err_fd = values[OPTION_STDERR].fd,
		.in_fd = values[OPTION_STDIN].fd,
		.terminal_fd = values[OPTION_PTY].fd,
		.out_log_fd = values[OPTION_STDOUT_FILE].fd,
		.err_log_fd = values[OPTION_STDERR_FILE].fd,
		.control_fd = values[OPTION_CONTROL].fd,
		.copy_out = endpoint_open(values[OPTION_COPY_STDOUT].fd, O_WRONLY),
		.copy_err = endpoint_open(values[OPTION_COPY_STDERR].fd, O_WRONLY),
		.copy_in = endpoint_open(values[OPTION_COPY_STDIN].fd, O_RDONLY),
	};
	sampler_init(&monitor->sampler, values[OPTION_SAMPLE_MS].given
						? values[OPTION_SAMPLE_MS].number
						: SAMPLE_MS_DEFAULT);
	return STAGE_DONE;
}

static enum stage_exit monitor_prewarm(struct stage_context *context)
{
	if (digest_prewarm() == 0)
		return STAGE_DONE;
	stage_complain(context->stage, "libcrypto has no SHA-256");
	return STAGE_FAILED;
}

/* As any program would whose output goes nowhere; a caller that closed its end knows. */
static void tell_undelivered(const struct stage *stage, const struct relay *relay)
{
	if (relay->copy_errno != 0)
		stage_complain(stage, "the command's %s cannot be passed on: %s. It was closed",
			       relay->name, strerror(relay->copy_errno));
}

static enum stage_exit monitor_confined(struct stage_context *context)
{
	struct monitor *monitor = context->state;
	struct fault fault;
	enum fault_code code = monitor_run(monitor, context->out, &fault);

	stage_end_output(context);
	tell_undelivered(context->stage, &monitor->out);
	tell_undelivered(context->stage, &monitor->err);
	monitor_release(monitor);
	if (code == FAULT_NONE)
		return STAGE_DONE;
	stage_complain(context->stage, "%s", fault.message);
	return STAGE_FAILED;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-monitor",
		.summary = "watch a run, copy and hash its output, decide how it ended",
		.profile = &sandbox_profile_monitor,
		.ends_output = true,
		.options = options,
		.option_count = OPTION_COUNT,
		.survives_keyboard = true,
		.hashes = true,
		.open = monitor_open,
		.prewarm = monitor_prewarm,
		.run = monitor_confined,
	};
	struct monitor monitor = {.reading = false};

	return stage_main(&stage, &monitor, argc, argv);
}
