/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hand SR-GUEST JOB QEMU...: a microVM started by hand, with the command line of a run's and somebody
 * who gives its guest the job in the file JOB: what a run is measured against. Ends with status 0
 * when the guest has said that its command ended with 0, and the VMM has ended.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOB_MAX 65536

static void fail(const char *what)
{
	fprintf(stderr, "hand: %s\n", what);
	exit(1);
}

static int open_directory(const char *path)
{
	int fd;

	(void)mkdir(path, 0700);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		fail(path);
	return fd;
}

/* stdin and stdout become the pipes; the command's output goes where ours does. */
static pid_t start_guest(const char *program, int to_guest[2], int from_guest[2])
{
	char place[16], tree[16], out[16];
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(place, sizeof place, "%d", open_directory("sockets"));
	snprintf(tree, sizeof tree, "%d", open_directory("tree"));
	snprintf(out, sizeof out, "%d", dup(STDERR_FILENO));
	(void)dup2(to_guest[0], STDIN_FILENO);
	(void)dup2(from_guest[1], STDOUT_FILENO);
	close(to_guest[1]);
	close(from_guest[0]);
	execl(program, "sr-guest", "--vmm", "qemu", "--place-fd", place, "--tree-fd", tree,
	      "--stdout-fd", out, "--stderr-fd", out, NULL);
	_exit(127);
}

static pid_t start_vmm(char **words, int from_guest)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(from_guest);
	(void)dup2(open("/dev/null", O_RDWR), STDIN_FILENO);
	(void)dup2(STDIN_FILENO, STDOUT_FILENO);
	if (chdir("sockets") == 0)
		execv(words[0], words);
	_exit(127);
}

static void give_job(const char *path, int to_guest)
{
	char job[JOB_MAX];
	int fd = open(path, O_RDONLY);
	ssize_t len = read(fd, job, sizeof job);

	if (len <= 0 || write(to_guest, job, (size_t)len) != len)
		fail(path);
	close(fd);
}

int main(int argc, char **argv)
{
	char work[] = "/tmp/safe-run-hand.XXXXXX", said[65536] = "", line[32768];
	static const char *const left[] = {"sockets/control",
					   "sockets/stdin",
					   "sockets/stdout",
					   "sockets/stderr",
					   "sockets/outputs",
					   "sockets",
					   "tree"};
	char program[4096], job[4096];
	int to_guest[2], from_guest[2], status;
	FILE *records;
	pid_t guest, vmm;

	if (argc < 4 || realpath(argv[1], program) == NULL || realpath(argv[2], job) == NULL)
		fail("usage: hand SR-GUEST JOB QEMU...");
	if (mkdtemp(work) == NULL || chdir(work) < 0 || pipe(to_guest) < 0 || pipe(from_guest) < 0)
		fail("set-up");
	guest = start_guest(program, to_guest, from_guest);
	close(to_guest[0]);
	close(from_guest[1]);
	give_job(job, to_guest[1]);
	records = fdopen(from_guest[0], "r");
	if (fgets(line, sizeof line, records) == NULL)
		fail("sr-guest does not listen");
	vmm = start_vmm(argv + 3, from_guest[0]);
	while (fgets(line, sizeof line, records) != NULL)
		if (strstr(line, "\"type\":\"final\"") != NULL)
			snprintf(said, sizeof said, "%s", line);
	(void)waitpid(guest, &status, 0);
	(void)waitpid(vmm, &status, 0);
	for (unsigned i = 0; i < sizeof left / sizeof *left; i++)
		(void)remove(left[i]);
	(void)rmdir(work);
	if (strstr(said, "\"exitCode\":0") == NULL)
		fail(said);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
