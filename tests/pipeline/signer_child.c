/* SPDX-License-Identifier: Apache-2.0 */
/* cmd/signer_child.h: what a child of the front-end's is, held against what the program would be. */
#include "tests/pipeline/bench.h"
#include "tests/pipeline/run.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whose parent is pid and whose name this is; -1: none. */
static pid_t child_named(pid_t parent, const char *name)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	pid_t found = -1;

	cr_assert_not_null(proc);
	while (found < 0 && (entry = readdir(proc)) != NULL) {
		char path[PATH_MAX], line[64] = "";
		FILE *file;
		int of = 0;

		snprintf(path, sizeof(path), "/proc/%.20s/stat", entry->d_name);
		file = fopen(path, "r");
		if (file == NULL)
			continue;
		if (fscanf(file, "%*d (%63[^)]) %*c %d", line, &of) == 2 && of == parent &&
		    strcmp(line, name) == 0)
			found = atoi(entry->d_name);
		fclose(file);
	}
	closedir(proc);
	return found;
}

static char *read_proc(pid_t pid, const char *name, size_t *len)
{
	static char room[1 << 20];
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	file = fopen(path, "r");
	cr_assert_not_null(file, "%s", path);
	*len = fread(room, 1, sizeof(room) - 1, file);
	room[*len] = '\0';
	fclose(file);
	return room;
}

static void expect_status(pid_t pid, const char *line)
{
	size_t len;

	cr_expect_not_null(strstr(read_proc(pid, "status", &len), line), "not in its status: %s",
			   line);
}

/* How often what stands anywhere in what the process can write. */
static size_t count_in_memory(pid_t pid, const char *what)
{
	char path[64], line[512];
	size_t count = 0;
	FILE *maps;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "r");
	cr_assert(fd >= 0 && maps != NULL);
	while (fgets(line, sizeof(line), maps) != NULL) {
		unsigned long from, to;
		char *bytes;
		ssize_t got;

		if (sscanf(line, "%lx-%lx rw", &from, &to) != 2 || strstr(line, " rw") == NULL)
			continue;
		bytes = malloc(to - from);
		got = pread(fd, bytes, to - from, (off_t)from);
		for (char *at = bytes; got > 0 && (at = memmem(at, (size_t)(bytes + got - at), what,
							       strlen(what))) != NULL;
		     at++)
			count++;
		free(bytes);
	}
	fclose(maps);
	close(fd);
	return count;
}

#define SECRET "of-the-environment-alone"

static void examine_signer(pid_t run)
{
	pid_t signer = child_named(run, "sr-ed25519");
	size_t len;
	char *text;

	cr_assert_gt(signer, 0, "no signer");
	expect_status(signer, "NoNewPrivs:\t1\n");
	expect_status(signer, "Seccomp:\t2\n");
	expect_status(signer, "CapPrm:\t0000000000000000\n");
	expect_status(signer, "CapEff:\t0000000000000000\n");
	if (geteuid() != 0)
		return; /* the rest is not to be seen: PR_SET_DUMPABLE 0 */
	expect_status(signer, "Uid:\t65534\t65534\t65534\t65534\n");
	expect_status(signer, "Gid:\t65534\t65534\t65534\t65534\n");
	expect_status(signer, "CapBnd:\t0000000000000000\n");
	text = read_proc(signer, "environ", &len);
	for (size_t i = 0; i < len; i++)
		cr_assert_eq(text[i], '\0', "its environment is still there");
	text = read_proc(signer, "cmdline", &len);
	cr_expect_null(memmem(text, len, "seal-key", strlen("seal-key")));
	cr_expect_eq(count_in_memory(signer, SECRET), 0);
	cr_expect_gt(count_in_memory(run, SECRET), 0, "the control");
}

struct live {
	struct bench bench;
	char key[PATH_MAX];
	const char **argv;
	pid_t pid;
	int in_fd;
};

/* A signed run whose command has begun, with SECRET in its environment, and waits. */
static void live_begin(struct live *live)
{
	char line[16];
	int in[2], out[2];

	bench_open(&live->bench);
	bench_shell(&live->bench, "$SR key generate --out key", 0, NULL);
	snprintf(live->key, sizeof(live->key), "%s/key", live->bench.directory);
	live->argv = run_argv(live->bench.directory, WORDS("--quiet", "--seal-key", live->key),
			      WORDS("sh", "-c", "echo here; read line"));
	cr_assert_eq(pipe(in), 0);
	cr_assert_eq(pipe(out), 0);
	live->pid = fork();
	if (live->pid == 0) {
		setenv("SAFE_RUN_TEST_WORD", SECRET, 1);
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		execv(live->argv[0], (char *const *)live->argv);
		_exit(99);
	}
	close(out[1]);
	live->in_fd = in[1];
	cr_assert_eq(read(out[0], line, sizeof(line)), 5);
}

static void live_end(struct live *live)
{
	int status;

	cr_assert_eq(write(live->in_fd, "\n", 1), 1);
	cr_assert_eq(waitpid(live->pid, &status, 0), live->pid);
	cr_expect_eq(status, 0);
	free(live->argv);
	bench_close(&live->bench);
}

Test(signer_child, is_what_the_program_is)
{
	struct live live;

	live_begin(&live);
	examine_signer(live.pid);
	live_end(&live);
}

/* How many descriptors of processes that we may look at lead to this file. */
static size_t holders_of(const char *path)
{
	DIR *processes = opendir("/proc");
	struct dirent *process;
	size_t count = 0;

	while ((process = readdir(processes)) != NULL) {
		char place[300], link[PATH_MAX];
		struct dirent *file;
		DIR *files;

		if (process->d_name[0] < '1' || process->d_name[0] > '9')
			continue; /* self, and what is no process */
		snprintf(place, sizeof(place), "/proc/%.64s/fd", process->d_name);
		files = opendir(place);
		if (files == NULL)
			continue;
		while ((file = readdir(files)) != NULL) {
			ssize_t len =
				readlinkat(dirfd(files), file->d_name, link, sizeof(link) - 1);

			link[len < 0 ? 0 : len] = '\0';
			count += strcmp(link, path) == 0;
		}
		closedir(files);
	}
	closedir(processes);
	return count;
}

/*
 * EV5: while the command runs, nobody has the key's file open, not even its signer, who has read
 * it. As an ordinary user the stages' descriptors are not to be seen at all (PR_SET_DUMPABLE 0).
 */
Test(signing, ev5_nobody_holds_the_key_while_the_command_runs)
{
	struct live live;
	int key_fd;

	live_begin(&live);
	cr_expect_eq(holders_of(live.key), 0);
	key_fd = open(live.key, O_RDONLY | O_CLOEXEC);
	cr_expect_eq(holders_of(live.key), 1, "the control: %zu", holders_of(live.key));
	close(key_fd);
	live_end(&live);
}
