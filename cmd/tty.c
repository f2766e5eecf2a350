/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int find_terminal(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (isatty(fd))
			return fd;
	return -1;
}

enum fault_code tty_open(struct tty *tty, struct fault *fault)
{
	struct winsize size = {.ws_row = 24, .ws_col = 80};

	tty->master_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty->master_fd < 0 || unlockpt(tty->master_fd) != 0)
		return fault_set_errno(fault, FAULT_HOST_LACKS, errno, "tty",
				       "cannot make a pseudo-terminal");
	/* TIOCGPTPEER opens the peer itself, whatever is mounted on /dev/pts (Linux 4.13). */
	tty->slave_fd = ioctl(tty->master_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tty->slave_fd < 0)
		return fault_set_errno(fault, FAULT_HOST_LACKS, errno, "tty",
				       "cannot open the pseudo-terminal");
	tty->caller_fd = find_terminal();
	ioctl(tty->master_fd, TIOCSWINSZ, &size);
	tty_resize(tty);
	return FAULT_NONE;
}

void tty_resize(const struct tty *tty)
{
	struct winsize size;

	if (tty->caller_fd >= 0 && ioctl(tty->caller_fd, TIOCGWINSZ, &size) == 0)
		ioctl(tty->master_fd, TIOCSWINSZ, &size);
}

void tty_set_raw(struct tty *tty)
{
	struct termios raw;

	/* Keys typed before go to whoever reads next: TCSANOW keeps them. */
	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &tty->saved) != 0)
		return;
	raw = tty->saved;
	cfmakeraw(&raw);
	tty->raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

void tty_restore(struct tty *tty)
{
	sigset_t stop;
	sigset_t before;

	if (!tty->raw)
		return;
	/* From the background tcsetattr would stop us with SIGTTOU, unless that is blocked. */
	sigemptyset(&stop);
	sigaddset(&stop, SIGTTOU);
	sigprocmask(SIG_BLOCK, &stop, &before);
	tcsetattr(STDIN_FILENO, TCSADRAIN, &tty->saved);
	sigprocmask(SIG_SETMASK, &before, NULL);
	tty->raw = false;
}

void tty_close(struct tty *tty)
{
	tty_restore(tty);
	if (tty->master_fd >= 0)
		close(tty->master_fd);
	if (tty->slave_fd >= 0)
		close(tty->slave_fd);
	tty->master_fd = tty->slave_fd = -1;
}
