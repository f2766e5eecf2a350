/* SPDX-License-Identifier: Apache-2.0 */
/* --vmm firecracker: what is left when somebody dies (stand-ins, tests/firecracker), and gc. */
#include "tests/firecracker/standin.h"
#include "tests/machine/firecracker_host.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct firecracker_host host;

static void make_host(void)
{
	firecracker_host_make(&host);
}

static void remove_host(void)
{
	firecracker_host_remove(&host);
}

TestSuite(firecracker_killed, .init = make_host, .fini = remove_host);

/* A run that goes on: its stages' pids, by who is whose parent. */
struct going {
	pid_t front, firecracker, warden, jail, launch;
	struct run run;
};

static pid_t parent_of(pid_t pid)
{
	char path[64];
	char *text;
	const char *at;
	pid_t parent = -1;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	text = child_read_file(path, &(size_t){0});
	at = text != NULL ? strstr(text, "\nPPid:\t") : NULL;
	if (at != NULL)
		parent = (pid_t)strtol(at + 7, NULL, 10);
	free(text);
	return parent;
}

static pid_t started_pid(const char *base)
{
	DIR *dir = opendir(base);
	const struct dirent *entry;
	pid_t pid = -1;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char path[4096];
		char *text;
		const char *at;

		snprintf(path, sizeof path, "%s/%s/stages/launch.ndjson", base, entry->d_name);
		text = strncmp(entry->d_name, "sr-", 3) == 0 ? child_read_file(path, &(size_t){0})
							     : NULL;
		at = text != NULL ? strstr(text, "\"pid\":") : NULL;
		if (at != NULL)
			pid = (pid_t)strtol(at + 6, NULL, 10);
		free(text);
	}
	if (dir != NULL)
		closedir(dir);
	return pid;
}

static void start_going(struct going *going)
{
	const char **argv;

	memset(going, 0, sizeof *going);
	firecracker_host_set(&host, "fc/firecracker", STANDIN_MODE_MARK, "hangs");
	going->run.base = child_make_dir("firecracker");
	argv = firecracker_host_argv(&host, going->run.base, NULL, WORDS("true"));
	going->front = fork();
	if (going->front == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	for (int i = 0; i < 3000 && (going->firecracker = started_pid(going->run.base)) <= 0; i++)
		usleep(10000);
	cr_assert_gt(going->firecracker, 1, "it did not start");
	going->warden = parent_of(going->firecracker);
	going->jail = parent_of(going->warden);
	going->launch = parent_of(going->jail);
	cr_assert_gt(going->launch, 1);
	free(argv);
}

static void await_end(pid_t pid)
{
	for (int i = 0; i < 1000 && kill(pid, 0) == 0; i++)
		usleep(10000);
	cr_expect_neq(kill(pid, 0), 0, "process %d lives on", pid);
}

static void end_going(struct going *going)
{
	int status;

	cr_assert_eq(waitpid(going->front, &status, 0), going->front);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 125, "%x", status);
	run_collect(&going->run);
	run_sweep(&going->run);
}

/* Whoever dies, the machine does; what sr-jail cannot take away any more, gc does. */
Test(firecracker_killed, killed_launcher)
{
	struct going going;

	start_going(&going);
	cr_assert_eq(kill(going.launch, SIGKILL), 0);
	await_end(going.firecracker);
	await_end(going.jail);
	end_going(&going);
	firecracker_expect_no_jail(&going.run);
}

Test(firecracker_killed, killed_jail)
{
	struct going going;
	char path[4096];

	start_going(&going);
	cr_assert_eq(kill(going.jail, SIGKILL), 0);
	await_end(going.firecracker);
	cr_assert_eq(waitpid(going.front, NULL, 0), going.front);
	run_collect(&going.run);
	firecracker_jail(&going.run, path, sizeof path);
	cr_expect_eq(access(path, F_OK), 0, "who took %s away?", path);
	run_sweep(&going.run);
	firecracker_expect_no_jail(&going.run);
}

/* gc leaves alone what is locked, what is young, and what no run is called. */
Test(firecracker_killed, gc_takes_what_nobody_holds)
{
	char *base = child_make_dir("firecracker-gc");
	struct child_result swept;
	int fd;

	cr_assert_eq(mkdir(FIRECRACKER_JAILS, 0700), 0);
	cr_assert_eq(mkdir(FIRECRACKER_JAILS "/sr-20200101-000000-0000000a", 0700), 0);
	cr_assert_eq(mkdir(FIRECRACKER_JAILS "/sr-20200101-000000-0000000a/root", 0777), 0);
	cr_assert_eq(symlink("/etc", FIRECRACKER_JAILS "/sr-20200101-000000-0000000a/root/link"),
		     0);
	cr_assert_eq(mkdir(FIRECRACKER_JAILS "/sr-20200101-000000-0000000b", 0700), 0);
	cr_assert_eq(mkdir(FIRECRACKER_JAILS "/not-a-run", 0700), 0);
	fd = open(FIRECRACKER_JAILS "/sr-20200101-000000-0000000b", O_RDONLY | O_CLOEXEC);
	cr_assert_eq(flock(fd, LOCK_EX), 0);
	cr_assert_eq(mkdir("/srv/jailer/images", 0700), 0);
	child_write_file("/srv/jailer/images/unused", "x", 1);
	child_write_file("/srv/jailer/images/used", "x", 1);
	cr_assert_eq(link("/srv/jailer/images/used",
			  FIRECRACKER_JAILS "/sr-20200101-000000-0000000b/rootfs.img"),
		     0);
	child_run(WORDS("safe-run", "gc", "--workdir", base), "", 0, NULL, &swept);
	cr_expect_eq(swept.status, 0, "%s", swept.err);
	cr_expect_not_null(strstr(swept.out, "sr-20200101-000000-0000000a"), "%s", swept.out);
	cr_expect_neq(access(FIRECRACKER_JAILS "/sr-20200101-000000-0000000a", F_OK), 0);
	cr_expect_eq(access(FIRECRACKER_JAILS "/sr-20200101-000000-0000000b", F_OK), 0);
	cr_expect_eq(access(FIRECRACKER_JAILS "/not-a-run", F_OK), 0);
	cr_expect_eq(access("/etc/passwd", F_OK), 0);
	cr_expect_neq(access("/srv/jailer/images/unused", F_OK), 0);
	cr_expect_eq(access("/srv/jailer/images/used", F_OK), 0);
	child_release(&swept);
	close(fd);
	child_remove_dir(base);
	free(base);
}
