/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/index.h"

#include "ipc/buf.h"
#include "stages/archive/index_db.h"
#include "stages/archive/index_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of the schema below: a file with another number is thrown away and made anew. */
#define SCHEMA_VERSION 2
#define VERSION_TEXT   "2"

/* How long to wait for another process's transaction. The archive's lock keeps ours apart. */
#define BUSY_MS 5000

/* ends is the last number there is for a leaf that is kept forever. */
static const char schema[] =
	"CREATE TABLE leaf(number INTEGER PRIMARY KEY, offset INTEGER NOT NULL, bundle_id TEXT NOT "
	"NULL UNIQUE, run_id TEXT NOT NULL, ends INTEGER NOT NULL, pruned INTEGER NOT NULL);"
	"CREATE INDEX leaf_run ON leaf(run_id);"
	"CREATE INDEX leaf_due ON leaf(ends) WHERE pruned = 0;"
	"CREATE TABLE mark(leaves INTEGER, leaves_len INTEGER, prunes_len INTEGER);"
	"INSERT INTO mark VALUES(0, 0, 0);"
	"CREATE TABLE frontier(size INTEGER, leaves_len INTEGER, subtrees BLOB);"
	"INSERT INTO frontier VALUES(0, 0, x'');"
	"PRAGMA user_version = " VERSION_TEXT ";";

static enum fault_code read_version(struct index *index, int *version, struct fault *fault)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(index->db, "PRAGMA user_version", -1, &statement, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	*version = code == SQLITE_ROW ? sqlite3_column_int(statement, 0) : 0;
	sqlite3_finalize(statement);
	return code == SQLITE_ROW ? FAULT_NONE : index_db_failed(index, code, fault);
}

/*
 * The file may be anybody's who could write the archive. SQLite is told to run nothing the file's
 * own schema asks for, and not to take the shape of its cells on trust.
 */
static enum fault_code distrust(struct index *index, struct fault *fault)
{
	(void)sqlite3_db_config(index->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(index->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(index->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	(void)sqlite3_db_config(index->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	(void)sqlite3_busy_timeout(index->db, BUSY_MS);
	return index_db_execute(
		index, "PRAGMA cell_size_check = 1; PRAGMA mmap_size = 0; PRAGMA temp_store = 2;",
		fault);
}

static enum fault_code prepare(struct index *index, struct fault *fault)
{
	int version;
	enum fault_code code = distrust(index, fault);

	if (code == FAULT_NONE)
		code = index_db_execute(
			index, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;", fault);
	if (code == FAULT_NONE)
		code = read_version(index, &version, fault);
	if (code != FAULT_NONE || version == SCHEMA_VERSION)
		return code;
	if (version != 0) {
		index->damaged = true;
		return fault_set(fault, FAULT_ARCHIVE, INDEX_FILE,
				 "made by another version of safe-run");
	}
	code = index_db_execute(index, "BEGIN IMMEDIATE;", fault);
	if (code == FAULT_NONE)
		code = index_db_execute(index, schema, fault);
	return code == FAULT_NONE ? index_db_execute(index, "COMMIT;", fault) : code;
}

struct index *index_open(struct fault *fault)
{
	struct index *index = calloc(1, sizeof(*index));
	int code;

	if (index == NULL)
		buf_no_memory();
	code = index_files_register();
	if (code == SQLITE_OK)
		code = sqlite3_open_v2("/" INDEX_FILE, &index->db,
				       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
					       SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
				       NULL);
	if (code != SQLITE_OK)
		index_db_failed(index, code, fault);
	else if (prepare(index, fault) == FAULT_NONE)
		return index;
	/* The caller asks whether it was damaged, so it gets the closed handle back. */
	sqlite3_close_v2(index->db);
	index->db = NULL;
	return index;
}

void index_close(struct index *index)
{
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(index->statements[i]);
	sqlite3_close_v2(index->db);
	free(index);
}

bool index_usable(const struct index *index)
{
	return index->db != NULL;
}

bool index_damaged(const struct index *index)
{
	return index->damaged;
}

enum fault_code index_forget(int archive_fd, struct fault *fault)
{
	static const char *const names[] = {INDEX_FILE, INDEX_FILE "-wal", INDEX_FILE "-shm",
					    INDEX_FILE "-journal"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (unlinkat(archive_fd, names[i], 0) != 0 && errno != ENOENT)
			return fault_set_errno(fault, FAULT_ARCHIVE, errno, names[i],
					       "cannot be removed");
	return FAULT_NONE;
}

enum fault_code index_begin(struct index *index, struct fault *fault)
{
	return index_db_execute(index, "BEGIN IMMEDIATE;", fault);
}

void index_rollback(struct index *index)
{
	/* SQLite takes it back itself when the handle is closed, or the process dies. */
	(void)sqlite3_exec(index->db, "ROLLBACK;", NULL, NULL, NULL);
}

static enum fault_code mark_set(struct index *index, const struct index_mark *mark,
				struct fault *fault)
{
	sqlite3_stmt *statement = index_db_ready(index, STATEMENT_MARK_SET, fault);

	if (statement == NULL)
		return fault->code;
	index_db_bind_number(statement, 1, mark->leaves);
	index_db_bind_number(statement, 2, mark->leaves_len);
	index_db_bind_number(statement, 3, mark->prunes_len);
	return index_db_run(index, statement, fault);
}

enum fault_code index_commit(struct index *index, const struct index_mark *mark,
			     struct fault *fault)
{
	if (mark != NULL && mark_set(index, mark, fault) != FAULT_NONE)
		return fault->code;
	return index_db_execute(index, "COMMIT;", fault);
}

enum fault_code index_mark_get(struct index *index, struct index_mark *mark, struct fault *fault)
{
	sqlite3_stmt *statement = index_db_ready(index, STATEMENT_MARK_GET, fault);

	if (statement == NULL || index_db_fetch(index, statement, fault) != FAULT_NONE)
		return fault->code;
	mark->leaves = index_db_column_number(statement, 0);
	mark->leaves_len = index_db_column_number(statement, 1);
	mark->prunes_len = index_db_column_number(statement, 2);
	(void)sqlite3_reset(statement);
	return FAULT_NONE;
}

/* One root for each bit that is set in the number of leaves, the lowest first. */
static size_t subtree_count(uint64_t size)
{
	return (size_t)__builtin_popcountll(size);
}

static bool subtrees_take(struct merkle *tree, const uint8_t *roots, size_t len)
{
	if (len != subtree_count(tree->count) * DIGEST_SIZE)
		return false;
	for (size_t level = 0; level < MERKLE_LEVEL_MAX; level++) {
		if ((tree->count >> level & 1) == 0)
			continue;
		memcpy(tree->subtree[level], roots, DIGEST_SIZE);
		roots += DIGEST_SIZE;
	}
	return true;
}

enum fault_code index_frontier_get(struct index *index, struct index_frontier *frontier,
				   bool *known, struct fault *fault)
{
	sqlite3_stmt *statement = index_db_ready(index, STATEMENT_FRONTIER_GET, fault);

	*known = false;
	if (statement == NULL || index_db_fetch(index, statement, fault) != FAULT_NONE)
		return fault->code;
	frontier->tree.count = index_db_column_number(statement, 0);
	frontier->leaves_len = index_db_column_number(statement, 1);
	*known = subtrees_take(&frontier->tree, sqlite3_column_blob(statement, 2),
			       (size_t)sqlite3_column_bytes(statement, 2));
	(void)sqlite3_reset(statement);
	return FAULT_NONE;
}

enum fault_code index_frontier_set(struct index *index, const struct index_frontier *frontier,
				   struct fault *fault)
{
	sqlite3_stmt *statement = index_db_ready(index, STATEMENT_FRONTIER_SET, fault);
	uint8_t roots[MERKLE_LEVEL_MAX * DIGEST_SIZE];
	int len = 0;

	if (statement == NULL)
		return fault->code;
	for (size_t level = 0; level < MERKLE_LEVEL_MAX; level++) {
		if ((frontier->tree.count >> level & 1) == 0)
			continue;
		memcpy(roots + len, frontier->tree.subtree[level], DIGEST_SIZE);
		len += DIGEST_SIZE;
	}
	index_db_bind_number(statement, 1, frontier->tree.count);
	index_db_bind_number(statement, 2, frontier->leaves_len);
	(void)sqlite3_bind_blob(statement, 3, roots, len, SQLITE_STATIC);
	return index_db_run(index, statement, fault);
}
