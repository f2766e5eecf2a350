/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/page_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

static enum fault_code fail(struct fault *fault, const char *what, const char *name)
{
	return fault_set_errno(fault, FAULT_EVIDENCE_REPORT, errno, "report.html", "%s '%.200s'",
			       what, name);
}

/* "a/b" into the directory "a" and the name "b". */
static enum fault_code open_directory(struct page_file *file, const char *path, struct fault *fault)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	char directory[PATH_MAX] = ".";
	size_t len = slash != NULL ? (size_t)(slash - path) : 0;

	if (*name == '\0' || strlen(name) > NAME_MAX || len >= sizeof(directory)) {
		errno = *name == '\0' ? EISDIR : ENAMETOOLONG;
		return fail(fault, "cannot write", path);
	}
	snprintf(file->name, sizeof(file->name), "%s", name);
	if (slash != NULL)
		snprintf(directory, sizeof(directory), "%.*s", len > 0 ? (int)len : 1, path);
	file->directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return file->directory_fd < 0 ? fail(fault, "cannot open the directory", directory)
				      : FAULT_NONE;
}

/* A device, a pipe or a link is not what somebody wants to lose to a page; root could. */
static enum fault_code check_replaced(const struct page_file *file, struct fault *fault)
{
	struct stat status;

	if (fstatat(file->directory_fd, file->name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? FAULT_NONE : fail(fault, "cannot look at", file->name);
	if (S_ISREG(status.st_mode))
		return FAULT_NONE;
	return fault_set(fault, FAULT_EVIDENCE_REPORT, "report.html",
			 "'%.200s' is there and is no regular file: a page takes the place of "
			 "nothing else; name another file",
			 file->name);
}

enum fault_code page_file_open(struct page_file *file, const char *path, struct fault *fault)
{
	uint64_t random = 0;

	*file = (struct page_file)PAGE_FILE_NONE;
	if (open_directory(file, path, fault) != FAULT_NONE ||
	    check_replaced(file, fault) != FAULT_NONE)
		return fault->code;
	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return fail(fault, "cannot name a file for", path);
	snprintf(file->partial, sizeof(file->partial), ".safe-run-%016llx.partial",
		 (unsigned long long)random);
	file->fd = openat(file->directory_fd, file->partial,
			  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return file->fd < 0 ? fail(fault, "cannot write", path) : FAULT_NONE;
}

enum fault_code page_file_keep(struct page_file *file, struct fault *fault)
{
	if (fsync(file->fd) != 0 ||
	    renameat(file->directory_fd, file->partial, file->directory_fd, file->name) != 0)
		return fail(fault, "cannot write", file->name);
	file->partial[0] = '\0';
	if (fsync(file->directory_fd) != 0)
		return fail(fault, "cannot write", file->name);
	return FAULT_NONE;
}

void page_file_close(struct page_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	if (file->fd >= 0 && file->partial[0] != '\0')
		unlinkat(file->directory_fd, file->partial, 0);
	if (file->directory_fd >= 0)
		close(file->directory_fd);
	*file = (struct page_file)PAGE_FILE_NONE;
}
