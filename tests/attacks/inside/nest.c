/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FS3: nest DIR COMMAND ARG...: in a mount namespace of its own, mount writable file systems at
 * DIR/tmp, DIR/tmp/deep and DIR/bound, with a file in each, run the command, and say on standard
 * error what has become of them: "DIR untouched", or "DIR TOUCHED".
 */
#include "tell.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const below[] = {"", "tmp", "tmp/deep", "bound"};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "nest: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd))
		fail(path);
}

/* An ordinary user's mount namespace has a user namespace around it, in which he stays himself. */
static void own_namespace(void)
{
	char map[64];
	unsigned uid = geteuid(), gid = getegid();

	if (unshare(CLONE_NEWNS | (uid ? CLONE_NEWUSER : 0)))
		fail("unshare");
	if (uid) {
		put("/proc/self/setgroups", "deny");
		snprintf(map, sizeof map, "%u %u 1", uid, uid);
		put("/proc/self/uid_map", map);
		snprintf(map, sizeof map, "%u %u 1", gid, gid);
		put("/proc/self/gid_map", map);
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		fail("private");
}

/* DIR/bound is what DIR is in: a directory anybody may write to, and not /tmp, where the host's own
 * mounts may be, which a user namespace cannot leave out (EINVAL). */
static void prepare(const char *dir)
{
	int above = (int)(strrchr(dir, '/') - dir);

	for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
		char path[4096], file[4200], parent[4096];

		snprintf(path, sizeof path, "%s/%s", dir, below[i]);
		snprintf(parent, sizeof parent, "%.*s", above, dir);
		if (i && mkdir(path, 0755) && errno != EEXIST)
			fail(path);
		if (i && i < 3 && mount("tmpfs", path, "tmpfs", 0, "mode=0777"))
			fail(path);
		if (i == 3 && mount(parent, path, NULL, MS_BIND, NULL))
			fail(path);
		snprintf(file, sizeof file, "%s/file", path);
		if (i < 3)
			put(file, "given");
	}
}

static int look(const char *dir)
{
	int bad = 0;

	for (size_t i = 0; i < 3; i++) {
		char path[4096], text[16] = "";
		int fd;

		snprintf(path, sizeof path, "%s/%s/file", dir, below[i]);
		fd = open(path, O_RDONLY);
		if (fd < 0 || read(fd, text, sizeof text - 1) < 0)
			text[0] = '\0';
		snprintf(path, sizeof path, "%s/%s/made", dir, below[i]);
		int touched = strcmp(text, "given") != 0 || access(path, F_OK) == 0;
		fprintf(stderr, "%s/%s %s\n", dir, below[i], touched ? "TOUCHED" : "untouched");
		bad |= touched;
	}
	return bad;
}

int main(int argc, char **argv)
{
	int status;

	if (argc < 3)
		return fprintf(stderr, "usage: nest DIR COMMAND ARG...\n"), 2;
	own_namespace();
	prepare(argv[1]);
	pid_t pid = fork();
	if (pid == 0) {
		execv(argv[2], argv + 2);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		fail("wait");
	look(argv[1]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
