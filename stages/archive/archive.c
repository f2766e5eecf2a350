/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/archive.h"

#include "stages/archive/body.h"
#include "stages/archive/file.h"
#include "stages/archive/prune_record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
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

/* The last whole line; false when there is none or it is no leaf. */
static bool last_leaf(const struct archive *archive, struct leaf *leaf)
{
	uint64_t from =
		archive->leaves.len > LEAF_LEN_MAX + 2 ? archive->leaves.len - LEAF_LEN_MAX - 2 : 0;
	size_t len = (size_t)(archive->leaves.len - from);
	char text[LEAF_LEN_MAX + 2];
	struct fault fault;
	const char *start;

	if (len == 0 || pread(archive->leaves.fd, text, len, (off_t)from) != (ssize_t)len)
		return false;
	len--; /* its LF */
	start = memrchr(text, '\n', len);
	start = start == NULL ? text : start + 1;
	return leaf_read((struct span){start, len - (size_t)(start - text)}, leaf, &fault) ==
	       FAULT_NONE;
}

static bool same_body(const struct leaf_body *one, const struct leaf_body *other)
{
	return one->len == other->len && memcmp(one->hash, other->hash, DIGEST_SIZE) == 0;
}

/*
 * A body waits only between its being written and its getting its name, and its leaf was written in
 * between: it belongs to the last leaf or to none.
 */
static enum fault_code recover_body(struct archive *archive, enum body_kind kind,
				    struct fault *fault)
{
	struct leaf_body waiting;
	struct leaf leaf;
	bool waits, last, wanted = false;

	if (body_waiting(archive->bodies_fd, kind, &waits, &waiting, fault) != FAULT_NONE)
		return fault->code;
	if (!waits)
		return FAULT_NONE;
	last = last_leaf(archive, &leaf);
	switch (kind) {
	case BODY_REPORT:
		wanted = last && same_body(&waiting, &leaf.report);
		break;
	case BODY_SIGNATURE:
		wanted = last && leaf.is_signed && same_body(&waiting, &leaf.signature);
		break;
	case BODY_KIND_COUNT:
		abort();
	}
	if (!wanted)
		return body_discard(archive->bodies_fd, kind, fault);
	if (body_settle(archive->bodies_fd, kind, &waiting, fault) != FAULT_NONE)
		return fault->code;
	return file_sync_directory(archive->bodies_fd, BODY_DIRECTORY, fault);
}

static enum fault_code recover(struct archive *archive, struct fault *fault)
{
	enum fault_code code = ledger_repair(&archive->leaves, fault);

	if (code == FAULT_NONE)
		code = ledger_repair(&archive->prunes, fault);
	for (enum body_kind kind = 0; kind < BODY_KIND_COUNT && code == FAULT_NONE; kind++)
		code = recover_body(archive, kind, fault);
	return code;
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
		code = recover(archive, fault);
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

/* Adds the leaves that the index has not seen. One that cannot be read is verify's to complain of.
 */
static enum fault_code index_leaves(struct archive *archive, struct index_mark *mark,
				    struct fault *fault)
{
	struct ledger_walk walk;
	struct index_row row = {.number = mark->leaves};
	struct span line;
	enum fault_code code = FAULT_NONE;

	ledger_walk_init(&walk, &archive->leaves, mark->leaves_len);
	while (code == FAULT_NONE && ledger_next(&walk, &line, &row.offset, fault)) {
		struct leaf leaf;
		struct fault unread;

		if (leaf_read(line, &leaf, &unread) == FAULT_NONE)
			code = index_add(archive->index, &row, &leaf, fault);
		row.number++;
	}
	if (code == FAULT_NONE)
		code = fault->code;
	ledger_walk_release(&walk);
	mark->leaves = row.number;
	mark->leaves_len = archive->leaves.len;
	return code;
}

static enum fault_code index_prunes(struct archive *archive, struct index_mark *mark,
				    struct fault *fault)
{
	struct ledger_walk walk;
	struct span line;
	uint64_t offset;
	enum fault_code code = FAULT_NONE;

	if (archive->prunes.fd < 0)
		return FAULT_NONE;
	ledger_walk_init(&walk, &archive->prunes, mark->prunes_len);
	while (code == FAULT_NONE && ledger_next(&walk, &line, &offset, fault)) {
		struct prune_record record;
		struct fault unread;

		if (prune_record_read(line, &record, &unread) == FAULT_NONE)
			code = index_set_pruned(archive->index, record.bundle_id, fault);
	}
	if (code == FAULT_NONE)
		code = fault->code;
	ledger_walk_release(&walk);
	mark->prunes_len = archive->prunes.len;
	return code;
}

enum fault_code archive_catch_up(struct archive *archive, struct fault *fault)
{
	struct index_mark mark;
	enum fault_code code = index_mark_get(archive->index, &mark, fault);

	if (code != FAULT_NONE ||
	    (mark.leaves_len == archive->leaves.len && mark.prunes_len == archive->prunes.len))
		return code;
	code = index_begin(archive->index, fault);
	if (code != FAULT_NONE)
		return code;
	code = index_leaves(archive, &mark, fault);
	if (code == FAULT_NONE)
		code = index_prunes(archive, &mark, fault);
	if (code == FAULT_NONE)
		code = index_commit(archive->index, &mark, fault);
	if (code != FAULT_NONE)
		index_rollback(archive->index);
	return code;
}

static bool is_ahead(struct archive *archive)
{
	struct index_mark mark;
	struct fault fault;

	return index_mark_get(archive->index, &mark, &fault) == FAULT_NONE &&
	       (mark.leaves_len > archive->leaves.len || mark.prunes_len > archive->prunes.len);
}

enum fault_code archive_reindex(struct archive *archive, struct fault *fault)
{
	if (archive->index != NULL)
		index_close(archive->index);
	archive->index = NULL;
	if (index_forget(archive->fd, fault) != FAULT_NONE)
		return fault->code;
	archive->index = index_open(fault);
	return index_usable(archive->index) ? archive_catch_up(archive, fault) : fault->code;
}

enum fault_code archive_index(struct archive *archive, struct fault *fault)
{
	enum fault_code code;

	if (archive->index != NULL)
		return FAULT_NONE;
	archive->index = index_open(fault);
	if (!index_usable(archive->index))
		return index_damaged(archive->index) ? archive_reindex(archive, fault)
						     : fault->code;
	if (is_ahead(archive))
		return archive_reindex(archive, fault);
	code = archive_catch_up(archive, fault);
	return code != FAULT_NONE && index_damaged(archive->index) ? archive_reindex(archive, fault)
								   : code;
}
