/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/archive.h"

#include "stages/archive/body.h"
#include "stages/archive/file.h"
#include "stages/archive/recovery.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static enum fault_code failed(const char *path, int error_number, const char *what,
			      struct fault *fault)
{
	return fault_set_errno(fault, FAULT_ARCHIVE, error_number, path, "%s", what);
}

uint64_t archive_now(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec > 0 ? (uint64_t)now.tv_sec : 0;
}

/* What this user may do here. Others who can write could put leaves and bodies under our
 * checkpoint. */
static enum fault_code check_owner(struct archive *archive, enum archive_use use,
				   struct fault *fault)
{
	struct stat status;
	bool ours;

	if (fstat(archive->fd, &status) != 0)
		return failed("archive", errno, "cannot be looked at", fault);
	ours = status.st_uid == geteuid();
	archive->writable = use != ARCHIVE_READ && ours && (status.st_mode & 022) == 0;
	if (archive->writable || use == ARCHIVE_READ || use == ARCHIVE_ASK)
		return FAULT_NONE;
	if (!ours)
		return fault_set(fault, FAULT_ARCHIVE, "archive",
				 "belongs to user %u: only its owner writes an archive",
				 status.st_uid);
	return fault_set(fault, FAULT_ARCHIVE, "archive",
			 "others may write here; an archive is its owner's alone: chmod go-w");
}

/* A file system that is mounted read-only makes an asker a reader. */
static enum ledger_use leaves_use(const struct archive *archive, enum archive_use use)
{
	if (!archive->writable)
		return LEDGER_READ;
	return use == ARCHIVE_CREATE ? LEDGER_CREATE : LEDGER_WRITE;
}

static enum fault_code open_leaves(struct archive *archive, enum archive_use use,
				   struct fault *fault)
{
	enum ledger_use leaves = leaves_use(archive, use);
	int error;

	if (ledger_open(&archive->leaves, archive->fd, ARCHIVE_LEAVES, leaves, fault) == FAULT_NONE)
		return FAULT_NONE;
	error = errno;
	if (use != ARCHIVE_ASK || (error != EROFS && error != EACCES))
		return fault->code;
	archive->writable = false;
	return ledger_open(&archive->leaves, archive->fd, ARCHIVE_LEAVES, LEDGER_READ, fault);
}

/* Waits for it, then looks at what there is: the holder before may have written. */
static enum fault_code take_lock(struct archive *archive, int operation, struct fault *fault)
{
	int answer;

	do
		answer = flock(archive->leaves.fd, operation);
	while (answer != 0 && errno == EINTR);
	if (answer != 0)
		return failed(ARCHIVE_LEAVES, errno, "cannot be locked", fault);
	return ledger_measure(&archive->leaves, fault);
}

static enum fault_code lock(struct archive *archive, enum archive_use use, struct fault *fault)
{
	if (open_leaves(archive, use, fault) != FAULT_NONE)
		return fault->code;
	if (archive->leaves.fd < 0)
		return fault_set(fault, FAULT_ARCHIVE, ARCHIVE_LEAVES,
				 "there is no archive here; safe-run archive add makes one in an "
				 "empty directory");
	return take_lock(archive, archive->writable ? LOCK_EX : LOCK_SH, fault);
}

enum fault_code archive_share(struct archive *archive, struct fault *fault)
{
	archive->writable = false;
	if (take_lock(archive, LOCK_SH, fault) != FAULT_NONE)
		return fault->code;
	return archive->prunes.fd < 0 ? FAULT_NONE : ledger_measure(&archive->prunes, fault);
}

/* Names that making an archive may have left behind before it was cut short. */
static bool belongs_to_start(const char *name)
{
	static const char *const names[] = {".", "..", BODY_DIRECTORY, ARCHIVE_LEAVES,
					    SETTINGS_FILE ".new"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool is_empty(const struct archive *archive)
{
	int fd = openat(archive->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	bool empty = directory != NULL && archive->leaves.len == 0;
	struct dirent *entry;

	while (empty && (entry = readdir(directory)) != NULL)
		empty = belongs_to_start(entry->d_name);
	if (directory != NULL)
		closedir(directory);
	else if (fd >= 0)
		close(fd);
	return empty;
}

static enum fault_code create(struct archive *archive, const char *new_origin, struct fault *fault)
{
	if (!is_empty(archive))
		return fault_set(fault, FAULT_ARCHIVE, SETTINGS_FILE,
				 "this directory holds other things and is no archive: name one "
				 "that is empty");
	if (mkdirat(archive->fd, BODY_DIRECTORY, 0700) != 0 && errno != EEXIST)
		return failed(BODY_DIRECTORY, errno, "cannot be made", fault);
	memcpy(archive->settings.origin, new_origin, strlen(new_origin) + 1);
	return settings_store(archive->fd, &archive->settings, fault);
}

static enum fault_code load(struct archive *archive, enum archive_use use, const char *new_origin,
			    struct fault *fault)
{
	bool known;
	enum fault_code code = settings_load(archive->fd, &archive->settings, &known, fault);

	if (code == FAULT_NONE && !known)
		code = use == ARCHIVE_CREATE
			       ? create(archive, new_origin, fault)
			       : fault_set(fault, FAULT_ARCHIVE, SETTINGS_FILE,
					   "is missing: the archive was not made by safe-run, or "
					   "not whole");
	if (code != FAULT_NONE)
		return code;
	archive->bodies_fd = openat(archive->fd, BODY_DIRECTORY,
				    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (archive->bodies_fd < 0)
		return failed(BODY_DIRECTORY, errno, "cannot be opened", fault);
	return ledger_open(&archive->prunes, archive->fd, ARCHIVE_PRUNES,
			   archive->writable ? LEDGER_CREATE : LEDGER_READ, fault);
}

enum fault_code archive_open(struct archive *archive, int fd, enum archive_use use,
			     const char *new_origin, struct fault *fault)
{
	enum fault_code code;

	*archive = (struct archive){.fd = fd, .bodies_fd = -1, .leaves.fd = -1, .prunes.fd = -1};
	code = check_owner(archive, use, fault);
	if (code == FAULT_NONE)
		code = lock(archive, use, fault);
	if (code == FAULT_NONE)
		code = load(archive, use, new_origin, fault);
	if (code == FAULT_NONE && archive->writable)
		code = recovery_run(archive, fault);
	return code;
}

void archive_close(struct archive *archive)
{
	if (archive->index != NULL)
		index_close(archive->index);
	archive->index = NULL;
	if (archive->bodies_fd >= 0)
		close(archive->bodies_fd);
	archive->bodies_fd = -1;
	ledger_close(&archive->prunes);
	ledger_close(&archive->leaves); /* and the lock with it */
}

enum fault_code archive_leaf(const struct archive *archive, uint64_t offset, struct leaf *leaf,
			     struct fault *fault)
{
	char text[LEAF_LEN_MAX + 1];
	const char *end;
	ssize_t got;

	if (offset >= archive->leaves.len)
		return fault_set(fault, FAULT_ARCHIVE, ARCHIVE_LEAVES, "no leaf stands there");
	got = pread(archive->leaves.fd, text, sizeof(text), (off_t)offset);
	if (got < 0)
		return failed(ARCHIVE_LEAVES, errno, "cannot be read", fault);
	end = memchr(text, '\n', (size_t)got);
	if (end == NULL)
		return fault_set(fault, FAULT_ARCHIVE, ARCHIVE_LEAVES, "no leaf stands there");
	return leaf_read((struct span){text, (size_t)(end - text)}, leaf, fault);
}
