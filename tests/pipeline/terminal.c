/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/pipeline/terminal.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utmp.h>

#define PATIENCE_MS 30000

void terminal_start(struct terminal *terminal, const char *const argv[])
{
	struct winsize size = {.ws_row = 33, .ws_col = 77};
	int slave_fd;

	memset(terminal, 0, sizeof(*terminal));
	cr_assert_eq(openpty(&terminal->fd, &slave_fd, NULL, NULL, &size), 0);
	cr_assert_eq(tcgetattr(slave_fd, &terminal->original), 0);
	terminal->pid = fork();
	cr_assert_geq(terminal->pid, 0);
	if (terminal->pid == 0) {
		close(terminal->fd);
		login_tty(slave_fd);
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(slave_fd);
}

/* One read; 0 at the end: EIO is how a master sees that the last slave was closed. */
static size_t read_some(struct terminal *terminal)
{
	struct pollfd ready = {.fd = terminal->fd, .events = POLLIN};
	size_t room = sizeof(terminal->seen) - 1 - terminal->seen_len;
	ssize_t len;

	cr_assert_gt(room, 0);
	if (poll(&ready, 1, PATIENCE_MS) <= 0) {
		kill(terminal->pid, SIGKILL);
		cr_assert_fail("nothing more came; so far: %s", terminal->seen);
	}
	len = read(terminal->fd, terminal->seen + terminal->seen_len, room);
	if (len <= 0)
		return 0;
	terminal->seen_len += (size_t)len;
	terminal->seen[terminal->seen_len] = '\0';
	return (size_t)len;
}

void terminal_await(struct terminal *terminal, const char *text)
{
	while (strstr(terminal->seen, text) == NULL)
		cr_assert_gt(read_some(terminal), 0, "'%s' never came: %s", text, terminal->seen);
}

void terminal_type(struct terminal *terminal, const char *keys)
{
	cr_assert_eq(write(terminal->fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

int terminal_finish(struct terminal *terminal)
{
	int status;

	while (read_some(terminal) > 0)
		;
	cr_assert_eq(waitpid(terminal->pid, &status, 0), terminal->pid);
	close(terminal->fd);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
