/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/sealed_copy.h"

#include "ipc/record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

static const char report_name[] = "run_report.json";

static enum fault_code failed(const char *path, int error_number, struct fault *fault)
{
	return fault_set_errno(fault, FAULT_ARCHIVE, error_number, "archive.report", "%s", path);
}

/* The directory a report lies in: the one named, its artifacts/, or that of the file named. */
static int open_place(const char *path, bool *is_file)
{
	int fd = open(path, FLAGS | O_DIRECTORY), inner;
	char directory[PATH_MAX];
	char *slash;

	*is_file = fd < 0 && errno == ENOTDIR;
	if (fd >= 0) {
		inner = openat(fd, "artifacts", FLAGS | O_DIRECTORY);
		if (inner < 0)
			return fd;
		close(fd);
		return inner;
	}
	if (!*is_file ||
	    (size_t)snprintf(directory, sizeof(directory), "%s", path) >= sizeof(directory))
		return -1;
	slash = strrchr(directory, '/');
	if (slash != NULL)
		slash[1] = '\0';
	return open(slash == NULL ? "." : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int copy(int from_fd, int into_fd)
{
	unsigned long long total = 0;
	char piece[16384];

	for (;;) {
		ssize_t got = read(from_fd, piece, sizeof(piece));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno;
		if (got == 0)
			return 0;
		total += (unsigned long long)got;
		if (total > SEALED_COPY_MAX)
			return EFBIG;
		if (record_write_all(into_fd, piece, (size_t)got) != 0)
			return errno;
	}
}

/* from_fd is closed here. */
static enum fault_code seal(int from_fd, const char *path, int *fd, struct fault *fault)
{
	struct stat status;
	int error = 0;

	*fd = memfd_create("report", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0 || fstat(from_fd, &status) != 0)
		error = errno;
	else if (!S_ISREG(status.st_mode))
		error = EINVAL;
	else
		error = copy(from_fd, *fd);
	close(from_fd);
	if (error == 0 && (lseek(*fd, 0, SEEK_SET) != 0 ||
			   fcntl(*fd, F_ADD_SEALS,
				 F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0))
		error = errno;
	if (error == 0)
		return FAULT_NONE;
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	return failed(path, error, fault);
}

enum fault_code sealed_copy_report(const char *path, int *fd, struct fault *fault)
{
	bool is_file;
	int place = open_place(path, &is_file), from;

	*fd = -1;
	if (place < 0)
		return failed(path, errno, fault);
	from = is_file ? open(path, FLAGS) : openat(place, report_name, FLAGS);
	if (from < 0) {
		failed(path, errno, fault);
		close(place);
		return fault->code;
	}
	close(place);
	return seal(from, path, fd, fault);
}

/* Of a report X.json that is X.sigstore.json; false when it is called something else. */
static bool name_signature(const char *path, char name[NAME_MAX + 1])
{
	const char *slash = strrchr(path, '/'), *base = slash == NULL ? path : slash + 1;
	size_t len = strlen(base), ending = strlen(".json");

	if (len <= ending || strcmp(base + len - ending, ".json") != 0)
		return false;
	return snprintf(name, NAME_MAX + 1, "%.*s.sigstore.json", (int)(len - ending), base) <=
	       NAME_MAX;
}

enum fault_code sealed_copy_signature(const char *path, int *fd, struct fault *fault)
{
	char name[NAME_MAX + 1] = "run_report.sigstore.json";
	bool is_file;
	int place = open_place(path, &is_file), from;

	*fd = -1;
	if (place < 0)
		return failed(path, errno, fault);
	if (is_file && !name_signature(path, name)) {
		close(place);
		return FAULT_NONE;
	}
	from = openat(place, name, FLAGS);
	if (from < 0 && errno != ENOENT)
		failed(name, errno, fault);
	else
		fault->code = FAULT_NONE;
	close(place);
	return from < 0 ? fault->code : seal(from, name, fd, fault);
}
