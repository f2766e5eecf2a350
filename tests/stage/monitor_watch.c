/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/stage/monitor_watch.h"

#include "ipc/event.h"
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define ARGS_MAX 40
#define FDS_MAX	 16

struct launch_plan {
	const char *argv[ARGS_MAX];
	char numbers[FDS_MAX][12];
	int theirs[FDS_MAX]; /* closed on our side once it runs */
	size_t argc;
	size_t fd_count;
};

static void give(struct launch_plan *plan, const char *option, int fd)
{
	cr_assert(plan->fd_count < FDS_MAX && plan->argc + 2 < ARGS_MAX);
	(void)snprintf(plan->numbers[plan->fd_count], sizeof(plan->numbers[0]), "%d", fd);
	plan->argv[plan->argc++] = option;
	plan->argv[plan->argc++] = plan->numbers[plan->fd_count];
	plan->theirs[plan->fd_count++] = fd;
}

/* A pipe of which the monitor gets one end under option; the other one is ours. */
static int wire(struct launch_plan *plan, const char *option, bool they_read)
{
	int ends[2];

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	give(plan, option, ends[they_read ? 0 : 1]);
	return ends[they_read ? 1 : 0];
}

static int log_file(struct launch_plan *plan, const char *option, int flags)
{
	char path[] = "/tmp/monitor-log-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);
	int theirs = open(path, flags | O_CLOEXEC);

	cr_assert(fd >= 0 && theirs >= 0);
	cr_assert_eq(unlink(path), 0);
	give(plan, option, theirs);
	return fd;
}

static int terminal(struct launch_plan *plan)
{
	struct termios raw;
	int master = -1;
	int slave = -1;

	cr_assert_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	cr_assert_eq(tcgetattr(slave, &raw), 0);
	raw.c_oflag &= ~(tcflag_t)OPOST;
	raw.c_lflag &= ~(tcflag_t)ECHO;
	cr_assert_eq(tcsetattr(slave, TCSANOW, &raw), 0);
	(void)fcntl(master, F_SETFD, FD_CLOEXEC);
	(void)fcntl(slave, F_SETFD, FD_CLOEXEC);
	give(plan, "--pty-fd", master);
	return slave;
}

static void plan_parts(struct watch *watch, struct launch_plan *plan, unsigned parts)
{
	if ((parts & WATCH_OUT) != 0)
		watch->out_fd = wire(plan, "--stdout-fd", true);
	if ((parts & WATCH_ERR) != 0)
		watch->err_fd = wire(plan, "--stderr-fd", true);
	if ((parts & WATCH_IN) != 0)
		watch->in_fd = wire(plan, "--stdin-fd", false);
	if ((parts & WATCH_COPY_OUT) != 0)
		watch->copy_out_fd = wire(plan, "--copy-stdout-fd", false);
	if ((parts & WATCH_COPY_IN) != 0)
		watch->copy_in_fd = wire(plan, "--copy-stdin-fd", true);
	if ((parts & WATCH_CONTROL) != 0)
		watch->control_fd = wire(plan, "--control-fd", false);
	if ((parts & WATCH_PTY) != 0)
		watch->terminal_fd = terminal(plan);
	if ((parts & WATCH_BAD_LOG) != 0)
		watch->out_log_fd = log_file(plan, "--stdout-file-fd", O_RDONLY);
	if ((parts & WATCH_LOGS) != 0) {
		watch->out_log_fd = log_file(plan, "--stdout-file-fd", O_WRONLY);
		watch->err_log_fd = log_file(plan, "--stderr-file-fd", O_WRONLY);
	}
}

_Noreturn static void become(const struct launch_plan *plan, int in, int out)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0)
		_exit(99);
	for (size_t i = 0; i < plan->fd_count; i++)
		(void)fcntl(plan->theirs[i], F_SETFD, 0);
	execv(plan->argv[0], (char *const *)plan->argv);
	_exit(99);
}

void watch_start(struct watch *watch, unsigned parts, const char *const extra[])
{
	struct launch_plan plan = {.argv = {child_path("sr-monitor")}, .argc = 1};
	int in[2];
	int out[2];

	*watch = (struct watch){.out_fd = -1,
				.err_fd = -1,
				.in_fd = -1,
				.terminal_fd = -1,
				.copy_out_fd = -1,
				.copy_in_fd = -1,
				.control_fd = -1,
				.out_log_fd = -1,
				.err_log_fd = -1};
	watch->text = calloc(1, 1);
	(void)signal(SIGPIPE, SIG_IGN);
	plan_parts(watch, &plan, parts);
	for (size_t i = 0; extra != NULL && extra[i] != NULL; i++)
		plan.argv[plan.argc++] = extra[i];
	cr_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
	watch->pid = fork();
	if (watch->pid == 0)
		become(&plan, in[0], out[1]);
	watch->events_fd = in[1];
	watch->records_fd = out[0];
	(void)close(in[0]);
	(void)close(out[1]);
	for (size_t i = 0; i < plan.fd_count; i++)
		(void)close(plan.theirs[i]);
}

void watch_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

void watch_write(int fd, const void *data, size_t len)
{
	const char *rest = data;

	while (len > 0) {
		ssize_t put = write(fd, rest, len);

		cr_assert_gt(put, 0, "write: %s", strerror(errno));
		rest += put;
		len -= (size_t)put;
	}
}

static void await_readable(int fd)
{
	struct pollfd entry = {.fd = fd, .events = POLLIN};

	cr_assert_eq(poll(&entry, 1, WATCH_MS), 1, "nothing came");
}

size_t watch_read(int fd, void *data, size_t len)
{
	size_t have = 0;

	while (have < len) {
		await_readable(fd);
		ssize_t got = read(fd, (char *)data + have, len - have);
		if (got <= 0)
			break;
		have += (size_t)got;
	}
	return have;
}

void watch_send(struct watch *watch, const char *type, const char *before, const char *after)
{
	char line[2048];
	int len = snprintf(line, sizeof(line),
			   "{\"payload\":{\"bootNs\":\"%llu\",%s\"observedBy\":\"launcher\"%s},"
			   "\"runId\":\"" WATCH_RUN "\",\"seq\":%u,\"stage\":\"launch\","
			   "\"timestamp\":\"2026-01-01T00:00:00.000000000Z\",\"type\":\"%s\"}\n",
			   (unsigned long long)event_boot_ns(), before, after, watch->seq++, type);

	cr_assert(len > 0 && (size_t)len < sizeof(line));
	watch_write(watch->events_fd, line, (size_t)len);
}

void watch_begin(struct watch *watch, unsigned long long output_max)
{
	char summary[256];

	(void)snprintf(summary, sizeof(summary),
		       ",\"policySummary\":{\"memoryMax\":268435456,\"outputMax\":%llu,"
		       "\"pidsMax\":256,\"seccomp\":\"standard\",\"timeoutSec\":300}",
		       output_max);
	watch_send(watch, "compile", "\"errors\":[],", summary);
	watch_send(watch, "run.prepared",
		   "\"cgroup\":{\"mode\":\"none\",\"paths\":{}},\"enforcement\":[],", "");
	watch_send(watch, "vm.started", "", "");
}

void watch_end(struct watch *watch)
{
	watch_send(watch, "vm.exited", "\"deadline\":false,\"exitCode\":0,\"forwarded\":[],",
		   ",\"oomKills\":0,\"pidsMaxHits\":0,\"setup\":null,\"signal\":null,"
		   "\"signalNumber\":null,\"stopReason\":null,\"wallNs\":\"1\"");
	watch_send(watch, "run.cleaned", "\"cleanup\":[],", "");
	watch_close(&watch->events_fd);
}

/* More of the records; false at their end. */
static bool read_more(struct watch *watch)
{
	char chunk[65536];

	await_readable(watch->records_fd);
	ssize_t got = read(watch->records_fd, chunk, sizeof(chunk));
	if (got <= 0)
		return false;
	watch->text = realloc(watch->text, watch->text_len + (size_t)got + 1);
	cr_assert_not_null(watch->text);
	memcpy(watch->text + watch->text_len, chunk, (size_t)got);
	watch->text_len += (size_t)got;
	watch->text[watch->text_len] = '\0';
	return true;
}

const char *watch_await(struct watch *watch, const char *text)
{
	for (;;) {
		char *found = strstr(watch->text, text);
		if (found != NULL && strchr(found, '\n') != NULL) {
			while (found > watch->text && found[-1] != '\n')
				found--;
			return found;
		}
		cr_assert(read_more(watch), "no record with %s in %s", text, watch->text);
	}
}

void watch_reap(struct watch *watch, int *status)
{
	int pidfd = pidfd_open(watch->pid, 0);

	cr_assert_geq(pidfd, 0);
	await_readable(pidfd);
	(void)close(pidfd);
	cr_assert_eq(waitpid(watch->pid, status, 0), watch->pid);
}

const char *watch_finish(struct watch *watch)
{
	int status = 0;

	watch_close(&watch->events_fd);
	watch_close(&watch->out_fd);
	watch_close(&watch->err_fd);
	watch_close(&watch->terminal_fd);
	watch_close(&watch->copy_in_fd);
	while (read_more(watch))
		;
	watch_reap(watch, &status);
	watch->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	char *last = watch->text + watch->text_len;
	if (last > watch->text)
		last--;
	while (last > watch->text && last[-1] != '\n')
		last--;
	return last;
}

void watch_release(struct watch *watch)
{
	watch_close(&watch->records_fd);
	watch_close(&watch->in_fd);
	watch_close(&watch->copy_out_fd);
	watch_close(&watch->control_fd);
	watch_close(&watch->out_log_fd);
	watch_close(&watch->err_log_fd);
	free(watch->text);
}

static char process_state(pid_t pid)
{
	char path[64];
	char text[512] = "";

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_gt(read(fd, text, sizeof(text) - 1), 0);
	(void)close(fd);
	const char *end = strrchr(text, ')');
	return end != NULL && end[1] != '\0' ? end[2] : '?';
}

bool watch_sleeps(const struct watch *watch)
{
	enum { TRIES = 200000, IN_A_ROW = 200 };
	int row = 0;

	for (int i = 0; i < TRIES && row < IN_A_ROW; i++)
		row = process_state(watch->pid) == 'S' ? row + 1 : 0;
	return row == IN_A_ROW;
}

long watch_peak_kib(const struct watch *watch)
{
	char path[64];
	char text[4096] = "";

	(void)snprintf(path, sizeof(path), "/proc/%d/status", watch->pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_gt(read(fd, text, sizeof(text) - 1), 0);
	(void)close(fd);
	const char *line = strstr(text, "VmHWM:");
	cr_assert_not_null(line);
	return strtol(line + strlen("VmHWM:"), NULL, 10);
}
