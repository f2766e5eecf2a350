/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/body.h"

#include "ipc/record.h"
#include "stages/verify/hash_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE	   ((size_t)32 << 10)
#define READ_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

/* A dot in front: no body's name. */
static const char *const waiting_names[BODY_KIND_COUNT] = {
	[BODY_REPORT] = ".new-report",
	[BODY_SIGNATURE] = ".new-signature",
};

static enum fault_code failed(const char *name, int error_number, const char *what,
			      struct fault *fault)
{
	char path[FAULT_PATH_SIZE];

	snprintf(path, sizeof(path), BODY_DIRECTORY "/%s", name);
	return fault_set_errno(fault, FAULT_ARCHIVE, error_number, path, "%s", what);
}

void body_name(const uint8_t hash[DIGEST_SIZE], char out[BODY_NAME_SIZE])
{
	char text[DIGEST_TEXT_SIZE];

	digest_text(hash, text);
	memcpy(out, text + strlen("sha256:"), BODY_NAME_SIZE);
}

bool body_name_read(const char *name, uint8_t hash[DIGEST_SIZE])
{
	char text[DIGEST_TEXT_SIZE];

	if (strlen(name) != BODY_NAME_SIZE - 1)
		return false;
	snprintf(text, sizeof(text), "sha256:%s", name);
	return hash_text_read((struct span){text, strlen(text)}, hash);
}

bool body_name_waits(const char *name)
{
	for (size_t i = 0; i < BODY_KIND_COUNT; i++)
		if (strcmp(name, waiting_names[i]) == 0)
			return true;
	return false;
}

/* Hash all of from_fd, writing it to into_fd when that is not -1. 0, or an errno. */
static int pour(int from_fd, int into_fd, struct leaf_body *body)
{
	struct digest *running = digest_new();
	char piece[PIECE];
	int error = 0;

	body->len = 0;
	while (error == 0) {
		ssize_t got = pread(from_fd, piece, sizeof(piece), (off_t)body->len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			error = errno;
		if (got <= 0)
			break;
		body->len += (uint64_t)got;
		digest_update(running, piece, (size_t)got);
		if (body->len > BODY_LEN_MAX)
			error = EFBIG;
		else if (into_fd >= 0 && record_write_all(into_fd, piece, (size_t)got) != 0)
			error = errno;
	}
	digest_value(running, body->hash);
	digest_free(running);
	return error;
}

enum fault_code body_receive(int bodies_fd, enum body_kind kind, int source_fd,
			     struct leaf_body *body, struct fault *fault)
{
	const char *name = waiting_names[kind];
	int fd, error;

	/* One that an earlier crash left was looked at under the lock: it belongs to no leaf. */
	if (body_discard(bodies_fd, kind, fault) != FAULT_NONE)
		return fault->code;
	fd = openat(bodies_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return failed(name, errno, "cannot be made", fault);
	error = pour(source_fd, fd, body);
	if (error == 0 && fsync(fd) != 0)
		error = errno;
	if (close(fd) != 0 && error == 0)
		error = errno;
	return error == 0 ? FAULT_NONE : failed(name, error, "cannot be written", fault);
}

enum fault_code body_settle(int bodies_fd, enum body_kind kind, const struct leaf_body *body,
			    struct fault *fault)
{
	char name[BODY_NAME_SIZE];

	body_name(body->hash, name);
	if (renameat2(bodies_fd, waiting_names[kind], bodies_fd, name, 0) != 0)
		return failed(name, errno, "cannot be put in place", fault);
	return FAULT_NONE;
}

/* Opens a regular file; -1 with errno, ENOENT when there is none. */
static int open_regular(int bodies_fd, const char *name)
{
	int fd = openat(bodies_fd, name, READ_FLAGS);
	struct stat status;

	if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	return fd;
}

enum fault_code body_waiting(int bodies_fd, enum body_kind kind, bool *waits,
			     struct leaf_body *body, struct fault *fault)
{
	const char *name = waiting_names[kind];
	int fd = open_regular(bodies_fd, name), error;

	*waits = fd >= 0;
	if (fd < 0)
		return errno == ENOENT ? FAULT_NONE
				       : failed(name, errno, "cannot be opened", fault);
	error = pour(fd, -1, body);
	close(fd);
	return error == 0 || error == EFBIG ? FAULT_NONE
					    : failed(name, error, "cannot be read", fault);
}

enum fault_code body_discard(int bodies_fd, enum body_kind kind, struct fault *fault)
{
	if (unlinkat(bodies_fd, waiting_names[kind], 0) != 0 && errno != ENOENT)
		return failed(waiting_names[kind], errno, "cannot be removed", fault);
	return FAULT_NONE;
}

enum fault_code body_check(int bodies_fd, const struct leaf_body *body, enum body_state *state,
			   struct fault *fault)
{
	struct leaf_body found;
	char name[BODY_NAME_SIZE];
	int fd, error;

	body_name(body->hash, name);
	fd = open_regular(bodies_fd, name);
	*state = BODY_MISSING;
	if (fd < 0 && errno == ENOENT)
		return FAULT_NONE;
	*state = BODY_CHANGED;
	if (fd < 0 && (errno == EINVAL || errno == ELOOP || errno == ENXIO))
		return FAULT_NONE; /* no regular file: somebody else's */
	if (fd < 0)
		return failed(name, errno, "cannot be opened", fault);
	error = pour(fd, -1, &found);
	close(fd);
	if (error != 0 && error != EFBIG)
		return failed(name, error, "cannot be read", fault);
	if (error == 0 && found.len == body->len &&
	    memcmp(found.hash, body->hash, DIGEST_SIZE) == 0)
		*state = BODY_PRESENT;
	return FAULT_NONE;
}

bool body_exists(int bodies_fd, const struct leaf_body *body)
{
	char name[BODY_NAME_SIZE];
	struct stat status;

	body_name(body->hash, name);
	return fstatat(bodies_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(status.st_mode) && (uint64_t)status.st_size == body->len;
}

enum fault_code body_remove(int bodies_fd, const struct leaf_body *body, struct fault *fault)
{
	char name[BODY_NAME_SIZE];

	body_name(body->hash, name);
	if (unlinkat(bodies_fd, name, 0) != 0 && errno != ENOENT)
		return failed(name, errno, "cannot be removed", fault);
	return FAULT_NONE;
}
