/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define READ_STEP 65536

enum { IN, OUT, ERR, STREAM_COUNT };

struct child {
	pid_t pid;
	int fd[STREAM_COUNT]; /* our ends; -1 when closed */
	const char *input;
	size_t input_len;
	size_t chunk_len;
	long long deadline_ms;
	struct child_result *result;
};

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void child_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void pass_descriptors(const struct child_options *options)
{
	const int *keep = options->keep_fds;

	close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC);
	for (size_t i = 0; i < sizeof options->keep_fds / sizeof *keep && keep[i] != 0; i++)
		fcntl(keep[i], F_SETFD, 0);
}

/* In the child: 0-2 become the pipes, everything not named is closed by the exec. */
_Noreturn static void child_exec(const char *const argv[], int ends[STREAM_COUNT],
				 const struct child_options *options)
{
	const char *path = strchr(argv[0], '/') ? argv[0] : child_path(argv[0]);
	struct sigaction usual = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int i = 0; i < STREAM_COUNT; i++)
		if (dup2(ends[i], i) < 0)
			_exit(127);
	pass_descriptors(options);
	sigaction(SIGPIPE, &usual, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (options->cwd && chdir(options->cwd) < 0)
		_exit(127);
	if (options->env)
		execve(path, (char *const *)argv, (char *const *)options->env);
	else
		execv(path, (char *const *)argv);
	dprintf(2, "child: cannot run %s: %s\n", path, strerror(errno));
	_exit(127);
}

/*
 * With a chunk length the input pipe is in packet mode (pipe2(2), O_DIRECT): each read of the child
 * gives one piece, however fast we write.
 */
static void open_pipes(int ours[STREAM_COUNT], int theirs[STREAM_COUNT], size_t chunk_len)
{
	int ends[2];

	for (int i = 0; i < STREAM_COUNT; i++) {
		cr_assert_eq(pipe2(ends, O_CLOEXEC | (i == IN && chunk_len ? O_DIRECT : 0)), 0);
		ours[i] = ends[i == IN ? 1 : 0];
		theirs[i] = ends[i == IN ? 0 : 1];
		fcntl(ours[i], F_SETFL, fcntl(ours[i], F_GETFL) | O_NONBLOCK);
	}
}

static void child_feed(struct child *child)
{
	size_t len = child->input_len;
	ssize_t done;

	if (child->chunk_len && len > child->chunk_len)
		len = child->chunk_len;
	done = len ? write(child->fd[IN], child->input, len) : 0;
	if (done > 0) {
		child->input += done;
		child->input_len -= (size_t)done;
	}
	if (child->input_len == 0 || (done < 0 && errno != EAGAIN && errno != EINTR))
		child_close(&child->fd[IN]);
}

static void child_collect(int *fd, char **text, size_t *len)
{
	ssize_t done;

	*text = realloc(*text, *len + READ_STEP + 1);
	cr_assert_not_null(*text);
	done = read(*fd, *text + *len, READ_STEP);
	if (done > 0)
		*len += (size_t)done;
	else if (done == 0 || (errno != EAGAIN && errno != EINTR))
		child_close(fd);
	(*text)[*len] = '\0';
}

static void child_overdue(struct child *child, const char *what)
{
	kill(child->pid, SIGKILL);
	waitpid(child->pid, NULL, 0);
	cr_assert_fail("child: %s; stderr: %s", what, child->result->err);
}

static int time_left(struct child *child)
{
	long long left = child->deadline_ms - now_ms();

	if (left <= 0)
		child_overdue(child, "outlived its time");
	return left > INT_MAX ? INT_MAX : (int)left;
}

static void child_pump(struct child *child)
{
	struct child_result *result = child->result;

	while (child->fd[OUT] >= 0 || child->fd[ERR] >= 0) {
		struct pollfd polls[STREAM_COUNT] = {
			{.fd = child->fd[IN], .events = POLLOUT},
			{.fd = child->fd[OUT], .events = POLLIN},
			{.fd = child->fd[ERR], .events = POLLIN},
		};

		if (poll(polls, STREAM_COUNT, time_left(child)) < 0 && errno != EINTR)
			child_overdue(child, "cannot be polled");
		if (polls[IN].revents)
			child_feed(child);
		if (polls[OUT].revents)
			child_collect(&child->fd[OUT], &result->out, &result->out_len);
		if (polls[ERR].revents)
			child_collect(&child->fd[ERR], &result->err, &result->err_len);
	}
	child_close(&child->fd[IN]);
}

static void child_reap(struct child *child)
{
	struct child_result *result = child->result;
	int pidfd = pidfd_open(child->pid, 0);
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};
	struct rusage usage;

	cr_assert_geq(pidfd, 0);
	while (poll(&ended, 1, time_left(child)) <= 0)
		;
	close(pidfd);
	cr_assert_eq(wait4(child->pid, &result->wait_status, 0, &usage), child->pid);
	result->max_rss_kib = usage.ru_maxrss;
	result->status = WIFSIGNALED(result->wait_status) ? 128 + WTERMSIG(result->wait_status)
							  : WEXITSTATUS(result->wait_status);
}

void child_run(const char *const argv[], const void *input, size_t input_len,
	       const struct child_options *options, struct child_result *result)
{
	static const struct child_options defaults;
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	struct child child = {.input = input, .input_len = input_len, .result = result};
	int theirs[STREAM_COUNT];

	options = options ? options : &defaults;
	*result = (struct child_result){.out = calloc(1, 1), .err = calloc(1, 1)};
	child.chunk_len = options->chunk_len;
	child.deadline_ms =
		now_ms() + (options->timeout_ms ? options->timeout_ms : CHILD_TIMEOUT_MS);
	open_pipes(child.fd, theirs, child.chunk_len);
	child.pid = fork();
	cr_assert_geq(child.pid, 0);
	if (child.pid == 0)
		child_exec(argv, theirs, options);
	for (int i = 0; i < STREAM_COUNT; i++)
		close(theirs[i]);
	sigaction(SIGPIPE, &ignore, &before);
	child_pump(&child);
	child_reap(&child);
	sigaction(SIGPIPE, &before, NULL);
}

void child_release(struct child_result *result)
{
	free(result->out);
	free(result->err);
	*result = (struct child_result){0};
}

/* "<directory of the running test>/<relative>/<name>", one of four buffers in turn. */
static const char *beside(const char *relative, const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned turn;
	char *path = paths[turn++ % 4];
	char self[PATH_MAX / 2];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);

	cr_assert_gt(len, 0);
	self[len] = '\0';
	*strrchr(self, '/') = '\0';
	snprintf(path, PATH_MAX, "%s/%s%s", self, relative, name);
	return path;
}

const char *child_path(const char *name)
{
	static char paths[4][PATH_MAX];
	static unsigned turn;
	const char *bin = getenv("SAFE_RUN_BIN");
	char *path = paths[turn++ % 4];

	if (!bin)
		return beside("../bin/", name);
	snprintf(path, PATH_MAX, "%s/%s", bin, name);
	return path;
}

const char *child_helper(const char *name)
{
	return beside("", name);
}

char *child_make_dir(const char *stem)
{
	const char *base = getenv("TMPDIR");
	char *path = NULL;

	cr_assert_gt(asprintf(&path, "%s/%s-XXXXXX", base && *base ? base : "/tmp", stem), 0);
	cr_assert_not_null(mkdtemp(path), "cannot make %s: %s", path, strerror(errno));
	return path;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
	(void)stat;
	(void)kind;
	(void)walk;
	return remove(path);
}

static int open_directory(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
	(void)stat;
	(void)walk;
	if (kind == FTW_D || kind == FTW_DNR)
		chmod(path, 0700);
	return 0;
}

void child_remove_dir(const char *path)
{
	nftw(path, open_directory, 16, FTW_PHYS | FTW_MOUNT);
	cr_expect_eq(nftw(path, remove_one, 16, FTW_PHYS | FTW_DEPTH | FTW_MOUNT), 0,
		     "cannot remove %s: %s", path, strerror(errno));
}

char *child_read_file(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = calloc(1, 1);
	size_t total = 0;

	if (fd < 0) {
		free(text);
		return NULL;
	}
	while (fd >= 0)
		child_collect(&fd, &text, &total);
	if (len)
		*len = total;
	return text;
}

void child_write_file(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0, "cannot write %s: %s", path, strerror(errno));
	while (len > 0) {
		ssize_t done = write(fd, data, len);

		cr_assert_gt(done, 0, "cannot write %s: %s", path, strerror(errno));
		data = (const char *)data + done;
		len -= (size_t)done;
	}
	close(fd);
}
