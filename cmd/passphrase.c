/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/passphrase.h"

#include "cmd/option.h"
#include "ipc/record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define LINE_MAX_LEN 1025 /* sr-signer(1): 1024 bytes and the line feed */

static enum fault_code refuse_errno(struct fault *fault, const char *what)
{
	return fault_set_errno(fault, FAULT_RUN_INIT, errno, "passphrase", "%s", what);
}

static enum fault_code take_descriptor(const char *from, int *fd, struct fault *fault)
{
	uint64_t number;

	if (!option_number(from, 0, INT_MAX, &number))
		return fault_set(fault, FAULT_RUN_INIT, "passphrase",
				 "'%.40s' is no descriptor; give the number of one that is open, "
				 "or prompt",
				 from);
	*fd = fcntl((int)number, F_DUPFD_CLOEXEC, 3);
	return *fd >= 0 ? FAULT_NONE : refuse_errno(fault, "the descriptor is not open");
}

/* A line with its LF; the length, 0 when there is none. Canonical mode hands out whole lines. */
static size_t ask(int terminal_fd, const char *question, char line[LINE_MAX_LEN])
{
	ssize_t len;

	if (record_write_all(terminal_fd, question, strlen(question)) != 0)
		return 0;
	len = read(terminal_fd, line, LINE_MAX_LEN);
	(void)!write(terminal_fd, "\n", 1);
	return len > 1 && line[len - 1] == '\n' ? (size_t)len : 0;
}

static enum fault_code ask_for_it(int terminal_fd, bool twice, int into_fd, struct fault *fault)
{
	char first[LINE_MAX_LEN], second[LINE_MAX_LEN];
	size_t len = ask(terminal_fd, "Passphrase of the key: ", first);
	enum fault_code code = FAULT_NONE;

	if (len == 0)
		code = fault_set(fault, FAULT_RUN_INIT, "passphrase",
				 "there was no passphrase of 1 to 1024 bytes");
	else if (twice && (ask(terminal_fd, "Once more: ", second) != len ||
			   memcmp(first, second, len) != 0))
		code = fault_set(fault, FAULT_RUN_INIT, "passphrase", "they are not the same");
	else if (record_write_all(into_fd, first, len) != 0)
		code = refuse_errno(fault, "it cannot be handed on");
	explicit_bzero(first, sizeof(first));
	explicit_bzero(second, sizeof(second));
	return code;
}

/* TCSAFLUSH: what was typed before the question is no answer to it. */
static enum fault_code prompt(bool twice, int into_fd, struct fault *fault)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct termios before, quiet;
	enum fault_code code;

	if (fd < 0)
		return refuse_errno(fault, "there is no terminal to ask on; use a descriptor");
	if (tcgetattr(fd, &before) != 0) {
		code = refuse_errno(fault, "the terminal cannot be asked");
		close(fd);
		return code;
	}
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	quiet.c_lflag |= ICANON;
	if (tcsetattr(fd, TCSAFLUSH, &quiet) != 0)
		code = refuse_errno(fault, "the terminal's echo cannot be turned off");
	else
		code = ask_for_it(fd, twice, into_fd, fault);
	(void)tcsetattr(fd, TCSAFLUSH, &before);
	close(fd);
	return code;
}

enum fault_code passphrase_open(const char *from, bool twice, int *fd, struct fault *fault)
{
	int ends[2];
	enum fault_code code;

	*fd = -1;
	if (strcmp(from, "prompt") != 0)
		return take_descriptor(from, fd, fault);
	if (pipe2(ends, O_CLOEXEC) != 0)
		return refuse_errno(fault, "pipe");
	code = prompt(twice, ends[1], fault);
	close(ends[1]);
	if (code != FAULT_NONE)
		close(ends[0]);
	else
		*fd = ends[0];
	return code;
}
