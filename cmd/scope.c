/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/scope.h"

#include "ipc/buf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A build for tests names stand-ins; nothing at run time does. */
#ifndef SCOPE_PROGRAM
#define SCOPE_PROGRAM	  "/usr/bin/systemd-run"
#define SCOPE_MOUNTINFO	  "/proc/self/mountinfo"
#define SCOPE_SELF_CGROUP "/proc/self/cgroup"
#define SCOPE_CGROUP_ROOT CGROUP_ROOT
#endif

#define PROC_FILE_MAX ((size_t)1 << 20)
#define GUARD_SIZE    17

static bool read_text(const char *path, struct buf *out)
{
	char piece[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = -1;

	while (fd >= 0 && (len = read(fd, piece, sizeof(piece))) > 0)
		buf_append(out, piece, (size_t)len);
	if (fd >= 0)
		close(fd);
	return len == 0 && !out->overflowed;
}

static bool read_layout(struct cgroup_layout *layout)
{
	struct buf mountinfo BUF_CLEANUP;
	struct buf self_cgroup BUF_CLEANUP;

	buf_init(&mountinfo, PROC_FILE_MAX);
	buf_init(&self_cgroup, PROC_FILE_MAX);
	if (!read_text(SCOPE_MOUNTINFO, &mountinfo) || !read_text(SCOPE_SELF_CGROUP, &self_cgroup))
		return false;
	buf_append(&mountinfo, "", 1);
	buf_append(&self_cgroup, "", 1);
	if (mountinfo.overflowed || self_cgroup.overflowed)
		return false;
	cgroup_layout_parse(mountinfo.data, self_cgroup.data, layout);
	return true;
}

bool scope_can_help(const struct cgroup_layout *layout)
{
	return layout->places[CGROUP_UNIFIED].visible && !layout->on_v1[CGROUP_MEMORY] &&
	       !layout->on_v1[CGROUP_PIDS] && !layout->on_v1[CGROUP_CPU];
}

/* As systemd.resource-control(5) delegates: the directory is the user's. */
static bool own_cgroup_writable(const struct cgroup_layout *layout)
{
	char path[sizeof(SCOPE_CGROUP_ROOT) + CGROUP_PATH_SIZE];

	snprintf(path, sizeof(path), "%s/%s", SCOPE_CGROUP_ROOT,
		 layout->places[CGROUP_UNIFIED].own);
	return faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) == 0;
}

bool scope_socket_ours(const struct stat *status, uid_t uid)
{
	return S_ISSOCK(status->st_mode) && status->st_uid == uid;
}

/* Whether somebody of ours listens there: a manager that is gone leaves its sockets behind. */
static bool answers(int runtime_fd, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct ucred peer = {.uid = (uid_t)-1};
	socklen_t len = sizeof(peer);
	struct stat status;
	bool good;
	int fd;

	if (fstatat(runtime_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
	    !scope_socket_ours(&status, geteuid()))
		return false;
	/* Through the directory's descriptor: its path may be longer than an address. */
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", runtime_fd,
		 name);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	good = connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == geteuid();
	close(fd);
	return good;
}

/* XDG Base Directory Specification: the runtime directory is the user's own, mode 0700. */
static bool manager_runs(void)
{
	const char *path = getenv("XDG_RUNTIME_DIR");
	struct stat status;
	bool runs;
	int fd;

	if (path == NULL || *path != '/')
		return false;
	fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	runs = fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
	       (answers(fd, "systemd/private") || answers(fd, "bus"));
	close(fd);
	return runs;
}

/*
 * FNV-1a over the words: systemd-run can expand $VARIABLES on its command line, in a scope only
 * when asked to, so far (systemd-run(1), --expand-environment, since 254; older ones refuse the
 * option). A command that was changed on its way must not run.
 */
static void digest_words(char *const argv[], char out[GUARD_SIZE])
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *argv != NULL; argv++)
		for (const char *byte = *argv;; byte++) {
			hash = (hash ^ (unsigned char)*byte) * UINT64_C(0x100000001b3);
			if (*byte == '\0')
				break;
		}
	snprintf(out, GUARD_SIZE, "%016" PRIx64, hash);
}

/* main marked what the caller left open close-on-exec; it must be there behind the next exec. */
static void keep_descriptors(void)
{
	DIR *list = opendir("/proc/self/fd");
	const struct dirent *entry;

	while (list != NULL && (entry = readdir(list)) != NULL) {
		int fd = (int)strtol(entry->d_name, NULL, 10);

		if (fd > STDERR_FILENO && fd != dirfd(list))
			fcntl(fd, F_SETFD, 0);
	}
	if (list != NULL)
		closedir(list);
}

/* Returns only when it cannot be done. */
static void execute_again(char *const argv[])
{
	static const char *const first[] = {SCOPE_PROGRAM, "--user", "--scope",	     "--quiet",
					    "--collect",   "-p",     "Delegate=yes", "--"};
	enum { FIRST = sizeof(first) / sizeof(first[0]) };
	char self[PATH_MAX], digest[GUARD_SIZE];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self));
	const char **words;
	size_t count = 0;

	if (len < 0 || (size_t)len >= sizeof(self))
		return;
	self[len] = '\0';
	while (argv[count] != NULL)
		count++;
	words = calloc(FIRST + count + 2, sizeof(*words));
	if (words == NULL)
		return;
	memcpy(words, first, sizeof(first));
	words[FIRST] = self;
	memcpy(words + FIRST + 1, argv, count * sizeof(*words));
	digest_words(argv, digest);
	if (setenv(SCOPE_GUARD, digest, 1) == 0) {
		keep_descriptors();
		execv(SCOPE_PROGRAM, (char *const *)words);
	}
	unsetenv(SCOPE_GUARD);
	free(words);
}

/* Behind the second exec: nobody else is to see the guard, a workload with --env least of all. */
static enum scope_answer arrive(char *const argv[], const char *guard)
{
	char digest[GUARD_SIZE];
	bool same;

	digest_words(argv, digest);
	same = strcmp(guard, digest) == 0;
	unsetenv(SCOPE_GUARD);
	if (same)
		return SCOPE_HERE;
	fputs("safe-run: the command line is not the one " SCOPE_GUARD " was set for: either "
	      "systemd-run changed it, or the variable is a stranger's. Unset it, or start "
	      "safe-run in a delegated cgroup\n",
	      stderr);
	return SCOPE_WRONG;
}

enum scope_answer scope_enter(char *const argv[], bool quiet)
{
	const char *guard = getenv(SCOPE_GUARD);
	struct cgroup_layout layout;

	if (guard != NULL)
		return arrive(argv, guard);
	if (geteuid() == 0 || getuid() != geteuid() || !read_layout(&layout) ||
	    !scope_can_help(&layout) || own_cgroup_writable(&layout) || !manager_runs() ||
	    access(SCOPE_PROGRAM, X_OK) != 0)
		return SCOPE_HERE;
	if (!quiet)
		fputs("safe-run: this cgroup is not ours to divide; going on in a scope of the "
		      "user's systemd manager\n",
		      stderr);
	execute_again(argv);
	fprintf(stderr, "safe-run: cannot execute %s: %s\n", SCOPE_PROGRAM, strerror(errno));
	return SCOPE_HERE;
}
