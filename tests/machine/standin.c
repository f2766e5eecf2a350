/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In sr-machine's place: has the real one, which lies beside it, do its work, and then does what the
 * file "standin" in the artifact directory says, a word a line. So a test acts at one moment: when
 * it is known which files they are, and nothing is used; or, late-, when they are taken, and before
 * they are hashed.
 *
 *   kvm              say that KVM is usable, whatever it is
 *   swap NAME OTHER  OTHER takes the place of NAME
 *   write NAME       its first byte is another one from now on, in place
 *   late-swap NAME OTHER
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECORD_MAX 65536

static char record[RECORD_MAX], orders[4096];

static void die(const char *what)
{
	perror(what);
	_exit(3);
}

/* The real one checks who its parent is. */
static int run_real(char **argv, int argc)
{
	char path[PATH_MAX], parent[16];
	ssize_t len = readlink("/proc/self/exe", path, sizeof path - 8);
	size_t used = 0;
	int ends[2], status = 0;
	pid_t pid;

	if (len < 0 || pipe(ends) < 0)
		die("standin");
	path[len] = '\0';
	strcat(path, ".real");
	snprintf(parent, sizeof parent, "%d", getpid());
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "--parent-pid") == 0)
			argv[i + 1] = parent;
	pid = fork();
	if (pid == 0) {
		(void)dup2(ends[1], STDOUT_FILENO);
		execv(path, argv);
		die(path);
	}
	close(ends[1]);
	while ((len = read(ends[0], record + used, sizeof record - 1 - used)) > 0)
		used += (size_t)len;
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("standin");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

static int artifacts(char **argv, int argc)
{
	for (int i = 1; i + 1 < argc; i++)
		if (strcmp(argv[i], "--artifacts-fd") == 0)
			return atoi(argv[i + 1]);
	die("--artifacts-fd");
	return -1;
}

static void say_kvm(void)
{
	static const char word[] = "\"kvm\":", usable[] = "{\"reason\":\"\",\"usable\":true}";
	char *at = strstr(record, word), *end;
	static char rest[RECORD_MAX];

	if (at == NULL)
		return;
	at += strlen(word);
	end = *at == '{' ? strchr(at, '}') + 1 : at + strlen("null");
	strcpy(rest, end);
	strcpy(at, usable);
	strcat(at, rest);
}

static void write_in_place(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDWR);
	unsigned char byte = 0;

	if (fd < 0 || pread(fd, &byte, 1, 0) != 1)
		die(name);
	byte ^= 1;
	if (pwrite(fd, &byte, 1, 0) != 1)
		die(name);
	close(fd);
}

static void order(int dir_fd, const char *word, const char *name, const char *other)
{
	if (strcmp(word, "kvm") == 0)
		say_kvm();
	else if (strcmp(word, "swap") == 0 && renameat(dir_fd, other, dir_fd, name) < 0)
		die(name);
	else if (strcmp(word, "write") == 0)
		write_in_place(dir_fd, name);
}

/* The launcher has been told, and has had time to take the files. */
static void await_taken(int dir_fd)
{
	for (int i = 0; i < 10000 && faccessat(dir_fd, "told", F_OK, 0) < 0; i++)
		usleep(1000);
	usleep(500000);
}

static void obey(int dir_fd, bool late)
{
	int fd = openat(dir_fd, "standin", O_RDONLY);
	char *rest = orders, *line;

	if (fd < 0)
		return;
	if (read(fd, orders, sizeof orders - 1) < 0)
		die("standin");
	close(fd);
	while ((line = strsep(&rest, "\n")) != NULL) {
		char *word = strsep(&line, " "), *name = strsep(&line, " ");

		if (late != (strncmp(word, "late-", 5) == 0))
			continue;
		if (late)
			await_taken(dir_fd);
		order(dir_fd, late ? word + 5 : word, name, line);
	}
}

static bool given(char **argv, const char *option)
{
	while (*argv != NULL && strcmp(*argv, option) != 0)
		argv++;
	return *argv != NULL;
}

int main(int argc, char **argv)
{
	int dir_fd = artifacts(argv, argc), status;
	/* Beside the one that hashes, another one tells; where there is but one it does both. */
	bool tells = given(argv, "--promised") || given(argv, "--kernel");
	size_t len;

	if (!tells)
		obey(dir_fd, true);
	status = run_real(argv, argc);
	if (tells) {
		obey(dir_fd, false);
		close(openat(dir_fd, "told", O_WRONLY | O_CREAT, 0600));
	}
	len = strlen(record);
	if (write(STDOUT_FILENO, record, len) != (ssize_t)len)
		die("standin");
	return status;
}
