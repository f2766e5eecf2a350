/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/usernet/program.h"

#include "ipc/buf.h"
#include "sandbox/landlock.h"
#include "stages/launch/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define OVERFLOW     65534 /* fs.overflowuid */
#define PATH	     "launch.network.uplink"
#define BLOCK_SIZE   ((size_t)64 << 10)
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const places[] = {"/usr/local/bin", "/usr/bin", "/bin"};

const char *program_name(enum program_kind kind)
{
	return kind == PROGRAM_PASTA ? "pasta" : "slirp4netns";
}

/*
 * In a user namespace without a number for the host's root, its files show as the overflow user's, who
 * is nobody who could act in here. An access control list that lets somebody write shows in the group's
 * bits (acl(5)).
 */
static bool is_roots(int fd, mode_t type)
{
	struct stat info;

	return fstat(fd, &info) == 0 && (info.st_mode & S_IFMT) == type &&
	       (info.st_mode & (S_IWGRP | S_IWOTH)) == 0 &&
	       (info.st_uid == 0 || (info.st_uid == OVERFLOW && namespace_has_user(OVERFLOW) == 0));
}

static int open_one(const char *place, const char *name)
{
	int dir_fd = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = -1;

	if (dir_fd >= 0 && is_roots(dir_fd, S_IFDIR))
		fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (dir_fd >= 0)
		(void)close(dir_fd);
	if (fd >= 0 && is_roots(fd, S_IFREG))
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

static enum fault_code hash_all(struct program *program, struct fault *fault)
{
	struct digest *digest = digest_new();
	unsigned char *block = malloc(BLOCK_SIZE);
	uint8_t value[DIGEST_SIZE];
	off_t at = 0;
	ssize_t len;

	if (block == NULL)
		buf_no_memory();
	while ((len = pread(program->fd, block, BLOCK_SIZE, at)) > 0) {
		digest_update(digest, block, (size_t)len);
		at += len;
	}
	if (len < 0)
		(void)fault_set_errno(fault, FAULT_RUN_LAUNCH, errno, PATH, "cannot read %s",
				      program->path);
	free(block);
	digest_value(digest, value);
	digest_free(digest);
	digest_text(value, program->hash);
	return len < 0 ? fault->code : FAULT_NONE;
}

enum fault_code program_find(struct program *program, struct fault *fault)
{
	for (int kind = 0; kind < PROGRAM_KIND_COUNT; kind++) {
		const char *name = program_name((enum program_kind)kind);

		for (size_t i = 0; i < COUNT(places); i++) {
			program->fd = open_one(places[i], name);
			if (program->fd < 0)
				continue;
			program->kind = (enum program_kind)kind;
			(void)snprintf(program->path, sizeof program->path, "%s/%s", places[i],
				       name);
			return hash_all(program, fault);
		}
	}
	return fault_set(
		fault, FAULT_RUN_LAUNCH, PATH,
		"an ordinary user's run reaches its network through pasta or slirp4netns, and "
		"neither is in /usr/local/bin, /usr/bin or /bin, root's and writable by nobody "
		"else: apt install passt");
}

void program_close(struct program *program)
{
	if (program->fd >= 0)
		(void)close(program->fd);
	program->fd = -1;
}

/*
 * slirp4netns's own sandbox needs a user 0 in the run's user namespace, which has none. This is
 * tighter: it may read programs, libraries and the one device it needs, and write nothing. pasta
 * leaves for an empty root by itself, which Landlock would forbid.
 */
static int restrict_slirp(void)
{
	static const struct sandbox_path_rule paths[] = {
		{"/usr", SANDBOX_FS_READ_FILE | SANDBOX_FS_EXECUTE},
		{"/lib", SANDBOX_FS_READ_FILE | SANDBOX_FS_EXECUTE},
		{"/lib64", SANDBOX_FS_READ_FILE | SANDBOX_FS_EXECUTE},
		{"/etc/ld.so.cache", SANDBOX_FS_READ_FILE},
		{"/dev/net/tun",
		 SANDBOX_FS_READ_FILE | SANDBOX_FS_WRITE_FILE | SANDBOX_FS_IOCTL_DEV},
	};

	return landlock_restrict_files(paths, COUNT(paths), NULL, 0, NULL);
}

static int arrange(int program_fd, int out_fd, const int kept[2])
{
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(out_fd, STDOUT_FILENO) < 0 ||
	    dup2(out_fd, STDERR_FILENO) < 0)
		return -1;
	/* Everything closes at exec, but for these. */
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if (kept[i] >= 0 && fcntl(kept[i], F_SETFD, 0) < 0)
			return -1;
	return program_fd;
}

/*
 * In the child. Out of the terminal's foreground: no key ends the network before the command. The
 * skeleton ignores SIGPIPE; pasta (2023) takes an ignored signal for an error.
 */
_Noreturn static void become(const struct program *program, const char *const *argv, int out_fd,
			     const int kept[2], pid_t parent)
{
	static char *const no_environment[] = {NULL};
	const struct sigaction usual = {.sa_handler = SIG_DFL};

	if (sigaction(SIGPIPE, &usual, NULL) < 0 || setpgid(0, 0) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent ||
	    arrange(program->fd, out_fd, kept) < 0 ||
	    (program->kind == PROGRAM_SLIRP && restrict_slirp() < 0)) {
		dprintf(STDERR_FILENO, "cannot be confined: errno %d\n", errno);
		_exit(EXIT_FAILURE);
	}
	(void)execveat(program->fd, "", (char *const *)argv, no_environment, AT_EMPTY_PATH);
	dprintf(STDERR_FILENO, "cannot be executed: errno %d\n", errno);
	_exit(EXIT_FAILURE);
}

int program_start(const struct program *program, const char *const *argv, int out_fd,
		  const int kept[2], pid_t *pid)
{
	pid_t parent = getpid();

	*pid = fork();
	if (*pid == 0)
		become(program, argv, out_fd, kept, parent);
	return *pid < 0 ? -1 : 0;
}
