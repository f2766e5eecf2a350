/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/diff/compare.h"

#include "ipc/buf.h"
#include "ipc/record.h"
#include "stages/diff/visible.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CODE	 FAULT_RUN_INIT
#define PATH	 "diff.compare"
#define RIGHT_FD 3
#define RIGHT	 "/proc/self/fd/3"
#define TROUBLE	 2 /* diff(1): 0 the same, 1 different, 2 trouble */

/* Text for a header line: names of a stranger's choosing are always made visible. */
static void name_file(struct buf *out, const char *prefix, const char *path)
{
	struct visible visible = {.tail_len = 0};

	buf_append_text(out, prefix);
	for (const char *at = path; *at != '\0'; at++) {
		/* A line of its own could be taken for another header. */
		if (*at == '\n' || *at == '\t')
			buf_append_text(out, *at == '\n' ? "\\x0a" : "\\x09");
		else
			visible_append(&visible, at, 1, out);
	}
	visible_end(&visible, out);
	buf_append(out, "", 1);
}

_Noreturn static void become_diff(int program_fd, int left_fd, int right_fd, int out_fd,
				  const char *left, const char *right)
{
	static char *const no_environment[] = {NULL};
	const char *const argv[] = {"diff", "-u", "--label", left,  "--label",
				    right,  "--", "-",	     RIGHT, NULL};

	/* Above the numbers they get, so that none is closed by another. */
	left_fd = fcntl(left_fd, F_DUPFD_CLOEXEC, 10);
	right_fd = fcntl(right_fd, F_DUPFD_CLOEXEC, 10);
	out_fd = fcntl(out_fd, F_DUPFD_CLOEXEC, 10);
	program_fd = fcntl(program_fd, F_DUPFD_CLOEXEC, 10);
	if (left_fd >= 0 && right_fd >= 0 && out_fd >= 0 && dup2(left_fd, STDIN_FILENO) == 0 &&
	    dup2(out_fd, STDOUT_FILENO) == STDOUT_FILENO && dup2(right_fd, RIGHT_FD) == RIGHT_FD)
		(void)execveat(program_fd, "", (char *const *)argv, no_environment, AT_EMPTY_PATH);
	_exit(TROUBLE);
}

static enum fault_code pass_on(const struct compare *compare, int from_fd, struct fault *fault)
{
	struct visible visible = {.tail_len = 0};
	struct buf out BUF_CLEANUP;
	char data[16384];
	ssize_t len = 1;

	buf_init(&out, INT_MAX);
	while (len > 0) {
		len = read(from_fd, data, sizeof(data));
		if (len < 0 && errno == EINTR) {
			len = 1;
			continue;
		}
		buf_clear(&out);
		if (len > 0 && compare->visible)
			visible_append(&visible, data, (size_t)len, &out);
		else if (len > 0)
			buf_append(&out, data, (size_t)len);
		else
			visible_end(&visible, &out);
		if (out.len > 0 && record_write_all(compare->out_fd, out.data, out.len) < 0)
			return fault_set_errno(fault, CODE, errno, PATH, "cannot write the diff");
	}
	return FAULT_NONE;
}

static enum fault_code check_end(pid_t pid, const char *path, struct fault *fault)
{
	int status = 0;
	pid_t ended;

	do
		ended = waitpid(pid, &status, 0);
	while (ended < 0 && errno == EINTR);
	if (ended == pid && WIFEXITED(status) && WEXITSTATUS(status) < TROUBLE)
		return FAULT_NONE;
	return fault_set(fault, CODE, PATH, COMPARE_PROGRAM " failed on %s", path);
}

enum fault_code compare_files(const struct compare *compare, int left_fd, int right_fd,
			      const char *path, struct fault *fault)
{
	struct buf left BUF_CLEANUP;
	struct buf right BUF_CLEANUP;
	enum fault_code code, ended;
	int ends[2];
	pid_t pid;

	buf_init(&left, INT_MAX);
	buf_init(&right, INT_MAX);
	name_file(&left, left_fd < 0 ? "/dev/null" : "a/", left_fd < 0 ? "" : path);
	name_file(&right, "b/", path);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "pipe");
	pid = fork();
	/* Standard input, which the skeleton opened on /dev/null or the front-end did: no file. */
	if (pid == 0)
		become_diff(compare->program_fd, left_fd < 0 ? STDIN_FILENO : left_fd, right_fd,
			    ends[1], left.data, right.data);
	(void)close(ends[1]);
	if (pid < 0)
		code = fault_set_errno(fault, CODE, errno, PATH, "fork");
	else
		code = pass_on(compare, ends[0], fault);
	(void)close(ends[0]);
	if (pid < 0)
		return code;
	ended = check_end(pid, path, code == FAULT_NONE ? fault : &(struct fault){0});
	return code == FAULT_NONE ? ended : code;
}
