/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In sr-machine's place: has the real one, which lies beside it, do its work, and then does what the
 * file "standin" in the artifact directory says, a word a line. So a test acts at one moment: when
 * all is hashed and nothing is used.
 *
 *   kvm              say that KVM is usable, whatever it is
 *   swap NAME OTHER  OTHER takes the place of NAME
 *   write NAME       its first byte is another one from now on, in place
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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
	int ends[2], status;
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
	unsigned char byte;

	if (fd < 0 || pread(fd, &byte, 1, 0) != 1)
		die(name);
	byte ^= 1;
	if (pwrite(fd, &byte, 1, 0) != 1)
		die(name);
	close(fd);
}

static void obey(int dir_fd)
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

		if (strcmp(word, "kvm") == 0)
			say_kvm();
		else if (strcmp(word, "swap") == 0 && renameat(dir_fd, line, dir_fd, name) < 0)
			die(name);
		else if (strcmp(word, "write") == 0)
			write_in_place(dir_fd, name);
	}
}

int main(int argc, char **argv)
{
	int status = run_real(argv, argc);
	size_t len;

	obey(artifacts(argv, argc));
	len = strlen(record);
	if (write(STDOUT_FILENO, record, len) != (ssize_t)len)
		die("standin");
	return status;
}
