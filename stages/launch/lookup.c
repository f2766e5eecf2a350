/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/lookup.h"

#include "ipc/buf.h"
#include "stages/launch/exec.h"
#include "stages/launch/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_SIZE 16384 /* larger is no faster, and each page of it is a fault */

/* execve(2)'s own conditions, before anything is read: a regular file with an execute bit. */
int lookup_open(const char *path)
{
	struct stat info;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -1;
	if (fstat(fd, &info) == 0) {
		if (!S_ISREG(info.st_mode))
			errno = EACCES;
		else if (faccessat(fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) == 0)
			return fd;
	}
	int error_number = errno;

	(void)close(fd);
	errno = error_number;
	return -1;
}

static const char *search_path(const struct plan *plan)
{
	for (char **entry = plan->envp; *entry != NULL; entry++)
		if (strncmp(*entry, "PATH=", 5) == 0)
			return *entry + 5;
	return "";
}

/* execvp(3)'s walk: the first that can be run; EACCES is remembered, a missing file is not. */
static int open_in_path(const struct plan *plan, const char *name, char found[PLAN_PATH_MAX])
{
	const char *directory = search_path(plan);
	int error_number = ENOENT;

	while (*directory != '\0') {
		size_t len = strcspn(directory, ":");
		int fd = -1;

		/* Relative entries would make the work directory a source of commands. */
		if (directory[0] == '/' && snprintf(found, PLAN_PATH_MAX, "%.*s/%s", (int)len,
						    directory, name) < PLAN_PATH_MAX)
			fd = lookup_open(found);
		else
			errno = ENOENT;
		if (fd >= 0)
			return fd;
		if (errno == EACCES)
			error_number = EACCES;
		directory += len;
		if (*directory == ':')
			directory++;
	}
	errno = error_number;
	return -1;
}

int lookup_command(const struct plan *plan, char found[PLAN_PATH_MAX])
{
	const char *name = plan->argv[0];

	if (strchr(name, '/') == NULL)
		return open_in_path(plan, name, found);
	(void)snprintf(found, PLAN_PATH_MAX, "%s", name);
	return lookup_open(name);
}

/* The hash of all of it, through the descriptor that will be executed. */
int lookup_hash(struct exec_file *file)
{
	struct digest *digest = digest_new();
	uint8_t value[DIGEST_SIZE];
	char *block = malloc(BLOCK_SIZE);
	off_t offset = 0;
	ssize_t len;

	if (block == NULL)
		buf_no_memory();
	while ((len = pread(file->fd, block, BLOCK_SIZE, offset)) > 0) {
		digest_update(digest, block, (size_t)len);
		offset += len;
	}
	free(block);
	digest_value(digest, value);
	digest_free(digest);
	digest_text(value, file->hash);
	return len < 0 ? -1 : 0;
}

int lookup_name(struct exec_file *file)
{
	/* /proc is our own instance, so what it says of the descriptor is the kernel's word. */
	return mount_name(-1, file->fd, file->path, sizeof file->path);
}
