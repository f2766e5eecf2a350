/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/index.h"

#include "ipc/buf.h"
#include "stages/archive/index_files.h"

#include <errno.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of the schema below: a file with another number is thrown away and made anew. */
#define SCHEMA_VERSION 1
#define VERSION_TEXT   "1"

/* How long to wait for another process's transaction. The archive's lock keeps ours apart. */
#define BUSY_MS 5000

enum statement {
	STATEMENT_MARK_GET,
	STATEMENT_MARK_SET,
	STATEMENT_FRONTIER_GET,
	STATEMENT_FRONTIER_SET,
	STATEMENT_ADD,
	STATEMENT_PRUNED,
	STATEMENT_EACH,
	STATEMENT_EACH_BUNDLE,
	STATEMENT_EACH_RUN,
	STATEMENT_EACH_DUE,
	STATEMENT_KEEPERS,
	STATEMENT_COUNT
};

struct index {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENT_COUNT]; /* prepared at first use */
	bool damaged;
};

static const char *const statement_texts[STATEMENT_COUNT] = {
	[STATEMENT_MARK_GET] = "SELECT leaves, leaves_len, prunes_len FROM mark",
	[STATEMENT_MARK_SET] = "UPDATE mark SET leaves = ?1, leaves_len = ?2, prunes_len = ?3",
	[STATEMENT_FRONTIER_GET] = "SELECT size, leaves_len, subtrees FROM frontier",
	[STATEMENT_FRONTIER_SET] = "UPDATE frontier SET size = ?1, leaves_len = ?2, subtrees = ?3",
	[STATEMENT_ADD] = "INSERT OR IGNORE INTO leaf(number, offset, bundle_id, run_id, report, "
			  "signature, ends, pruned) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 0)",
	[STATEMENT_PRUNED] = "UPDATE leaf SET pruned = 1 WHERE bundle_id = ?1",
	[STATEMENT_EACH] = "SELECT number, offset, pruned FROM leaf WHERE number >= ?1 "
			   "ORDER BY number",
	[STATEMENT_EACH_BUNDLE] = "SELECT number, offset, pruned FROM leaf WHERE bundle_id = ?1",
	[STATEMENT_EACH_RUN] = "SELECT number, offset, pruned FROM leaf WHERE run_id = ?1 "
			       "ORDER BY number",
	[STATEMENT_EACH_DUE] = "SELECT number, offset, pruned FROM leaf WHERE ends <= ?1 AND "
			       "pruned = 0 ORDER BY number",
	[STATEMENT_KEEPERS] = "SELECT (SELECT count(*) FROM leaf WHERE report = ?1 AND ends > ?2)"
			      " + (SELECT count(*) FROM leaf WHERE signature = ?1 AND ends > ?2)",
};

/* ends is the last number there is for a leaf that is kept forever. */
static const char schema[] =
	"CREATE TABLE leaf(number INTEGER PRIMARY KEY, offset INTEGER NOT NULL, bundle_id TEXT NOT "
	"NULL UNIQUE, run_id TEXT NOT NULL, report BLOB NOT NULL, signature BLOB, ends INTEGER NOT "
	"NULL, pruned INTEGER NOT NULL);"
	"CREATE INDEX leaf_run ON leaf(run_id);"
	"CREATE INDEX leaf_due ON leaf(ends) WHERE pruned = 0;"
	"CREATE INDEX leaf_report ON leaf(report);"
	"CREATE INDEX leaf_signature ON leaf(signature) WHERE signature IS NOT NULL;"
	"CREATE TABLE mark(leaves INTEGER, leaves_len INTEGER, prunes_len INTEGER);"
	"INSERT INTO mark VALUES(0, 0, 0);"
	"CREATE TABLE frontier(size INTEGER, leaves_len INTEGER, subtrees BLOB);"
	"INSERT INTO frontier VALUES(0, 0, x'');"
	"PRAGMA user_version = " VERSION_TEXT ";";

static enum fault_code failed(struct index *index, int code, struct fault *fault)
{
	int primary = code & 0xff;

	if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_SCHEMA ||
	    primary == SQLITE_ERROR || primary == SQLITE_MISMATCH || primary == SQLITE_FORMAT)
		index->damaged = true;
	return fault_set(fault, FAULT_ARCHIVE, INDEX_FILE, "%s (SQLite %d)",
			 index->db != NULL ? sqlite3_errmsg(index->db) : sqlite3_errstr(code),
			 code);
}

static enum fault_code execute(struct index *index, const char *text, struct fault *fault)
{
	int code = sqlite3_exec(index->db, text, NULL, NULL, NULL);

	return code == SQLITE_OK ? FAULT_NONE : failed(index, code, fault);
}

static enum fault_code read_version(struct index *index, int *version, struct fault *fault)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(index->db, "PRAGMA user_version", -1, &statement, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	*version = code == SQLITE_ROW ? sqlite3_column_int(statement, 0) : 0;
	sqlite3_finalize(statement);
	return code == SQLITE_ROW ? FAULT_NONE : failed(index, code, fault);
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
	return execute(index,
		       "PRAGMA cell_size_check = 1; PRAGMA mmap_size = 0; PRAGMA temp_store = 2;",
		       fault);
}

static enum fault_code prepare(struct index *index, struct fault *fault)
{
	int version;
	enum fault_code code = distrust(index, fault);

	if (code == FAULT_NONE)
		code = execute(index, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;",
			       fault);
	if (code == FAULT_NONE)
		code = read_version(index, &version, fault);
	if (code != FAULT_NONE || version == SCHEMA_VERSION)
		return code;
	if (version != 0) {
		index->damaged = true;
		return fault_set(fault, FAULT_ARCHIVE, INDEX_FILE,
				 "made by another version of safe-run");
	}
	code = execute(index, "BEGIN IMMEDIATE;", fault);
	if (code == FAULT_NONE)
		code = execute(index, schema, fault);
	return code == FAULT_NONE ? execute(index, "COMMIT;", fault) : code;
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
		failed(index, code, fault);
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

/* The prepared statement, reset and without values; NULL with a fault. */
static sqlite3_stmt *ready(struct index *index, enum statement which, struct fault *fault)
{
	sqlite3_stmt **statement = &index->statements[which];
	int code = SQLITE_OK;

	if (*statement == NULL)
		code = sqlite3_prepare_v3(index->db, statement_texts[which], -1,
					  SQLITE_PREPARE_PERSISTENT, statement, NULL);
	if (code != SQLITE_OK) {
		failed(index, code, fault);
		return NULL;
	}
	(void)sqlite3_reset(*statement);
	(void)sqlite3_clear_bindings(*statement);
	return *statement;
}

static void bind_number(sqlite3_stmt *statement, int place, uint64_t number)
{
	(void)sqlite3_bind_int64(statement, place,
				 number > INT64_MAX ? INT64_MAX : (sqlite3_int64)number);
}

static void bind_text(sqlite3_stmt *statement, int place, const char *text)
{
	(void)sqlite3_bind_text(statement, place, text, -1, SQLITE_STATIC);
}

static uint64_t column_number(sqlite3_stmt *statement, int place)
{
	sqlite3_int64 number = sqlite3_column_int64(statement, place);

	return number < 0 ? 0 : (uint64_t)number;
}

/* A statement that gives no row. */
static enum fault_code run(struct index *index, sqlite3_stmt *statement, struct fault *fault)
{
	int code = sqlite3_step(statement);

	(void)sqlite3_reset(statement);
	return code == SQLITE_DONE ? FAULT_NONE : failed(index, code, fault);
}

/* A statement that must give one row; the caller resets it. */
static enum fault_code fetch(struct index *index, sqlite3_stmt *statement, struct fault *fault)
{
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		return FAULT_NONE;
	if (code == SQLITE_DONE)
		code = SQLITE_CORRUPT;
	return failed(index, code, fault);
}

enum fault_code index_begin(struct index *index, struct fault *fault)
{
	return execute(index, "BEGIN IMMEDIATE;", fault);
}

void index_rollback(struct index *index)
{
	/* SQLite takes it back itself when the handle is closed, or the process dies. */
	(void)sqlite3_exec(index->db, "ROLLBACK;", NULL, NULL, NULL);
}

static enum fault_code mark_set(struct index *index, const struct index_mark *mark,
				struct fault *fault)
{
	sqlite3_stmt *statement = ready(index, STATEMENT_MARK_SET, fault);

	if (statement == NULL)
		return fault->code;
	bind_number(statement, 1, mark->leaves);
	bind_number(statement, 2, mark->leaves_len);
	bind_number(statement, 3, mark->prunes_len);
	return run(index, statement, fault);
}

enum fault_code index_commit(struct index *index, const struct index_mark *mark,
			     struct fault *fault)
{
	if (mark != NULL && mark_set(index, mark, fault) != FAULT_NONE)
		return fault->code;
	return execute(index, "COMMIT;", fault);
}

enum fault_code index_mark_get(struct index *index, struct index_mark *mark, struct fault *fault)
{
	sqlite3_stmt *statement = ready(index, STATEMENT_MARK_GET, fault);

	if (statement == NULL || fetch(index, statement, fault) != FAULT_NONE)
		return fault->code;
	mark->leaves = column_number(statement, 0);
	mark->leaves_len = column_number(statement, 1);
	mark->prunes_len = column_number(statement, 2);
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
	sqlite3_stmt *statement = ready(index, STATEMENT_FRONTIER_GET, fault);

	*known = false;
	if (statement == NULL || fetch(index, statement, fault) != FAULT_NONE)
		return fault->code;
	frontier->tree.count = column_number(statement, 0);
	frontier->leaves_len = column_number(statement, 1);
	*known = subtrees_take(&frontier->tree, sqlite3_column_blob(statement, 2),
			       (size_t)sqlite3_column_bytes(statement, 2));
	(void)sqlite3_reset(statement);
	return FAULT_NONE;
}

enum fault_code index_frontier_set(struct index *index, const struct index_frontier *frontier,
				   struct fault *fault)
{
	sqlite3_stmt *statement = ready(index, STATEMENT_FRONTIER_SET, fault);
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
	bind_number(statement, 1, frontier->tree.count);
	bind_number(statement, 2, frontier->leaves_len);
	(void)sqlite3_bind_blob(statement, 3, roots, len, SQLITE_STATIC);
	return run(index, statement, fault);
}

enum fault_code index_add(struct index *index, const struct index_row *row, const struct leaf *leaf,
			  struct fault *fault)
{
	sqlite3_stmt *statement = ready(index, STATEMENT_ADD, fault);

	if (statement == NULL)
		return fault->code;
	bind_number(statement, 1, row->number);
	bind_number(statement, 2, row->offset);
	bind_text(statement, 3, leaf->bundle_id);
	bind_text(statement, 4, leaf->run_id);
	(void)sqlite3_bind_blob(statement, 5, leaf->report.hash, DIGEST_SIZE, SQLITE_STATIC);
	if (leaf->is_signed)
		(void)sqlite3_bind_blob(statement, 6, leaf->signature.hash, DIGEST_SIZE,
					SQLITE_STATIC);
	bind_number(statement, 7, retention_end(leaf->stored_at, leaf->retention));
	return run(index, statement, fault);
}

enum fault_code index_set_pruned(struct index *index, const char *bundle_id, struct fault *fault)
{
	sqlite3_stmt *statement = ready(index, STATEMENT_PRUNED, fault);

	if (statement == NULL)
		return fault->code;
	bind_text(statement, 1, bundle_id);
	return run(index, statement, fault);
}

static enum fault_code visit_rows(struct index *index, sqlite3_stmt *statement,
				  index_visit_fn *visit, void *context, struct fault *fault)
{
	int code = sqlite3_step(statement);

	while (code == SQLITE_ROW) {
		struct index_row row = {
			.number = column_number(statement, 0),
			.offset = column_number(statement, 1),
			.pruned = sqlite3_column_int(statement, 2) != 0,
		};

		if (!visit(&row, context)) {
			(void)sqlite3_reset(statement);
			return FAULT_NONE;
		}
		code = sqlite3_step(statement);
	}
	(void)sqlite3_reset(statement);
	return code == SQLITE_DONE ? FAULT_NONE : failed(index, code, fault);
}

enum fault_code index_each(struct index *index, uint64_t first, index_visit_fn *visit,
			   void *context, struct fault *fault)
{
	sqlite3_stmt *statement = ready(index, STATEMENT_EACH, fault);

	if (statement == NULL)
		return fault->code;
	bind_number(statement, 1, first);
	return visit_rows(index, statement, visit, context, fault);
}

static enum fault_code each_named(struct index *index, enum statement which, const char *name,
				  index_visit_fn *visit, void *context, struct fault *fault)
{
	sqlite3_stmt *statement = ready(index, which, fault);

	if (statement == NULL)
		return fault->code;
	bind_text(statement, 1, name);
	return visit_rows(index, statement, visit, context, fault);
}

enum fault_code index_each_bundle(struct index *index, const char *bundle_id, index_visit_fn *visit,
				  void *context, struct fault *fault)
{
	return each_named(index, STATEMENT_EACH_BUNDLE, bundle_id, visit, context, fault);
}

enum fault_code index_each_run(struct index *index, const char *run_id, index_visit_fn *visit,
			       void *context, struct fault *fault)
{
	return each_named(index, STATEMENT_EACH_RUN, run_id, visit, context, fault);
}

enum fault_code index_each_due(struct index *index, uint64_t now, index_visit_fn *visit,
			       void *context, struct fault *fault)
{
	sqlite3_stmt *statement = ready(index, STATEMENT_EACH_DUE, fault);

	if (statement == NULL)
		return fault->code;
	bind_number(statement, 1, now);
	return visit_rows(index, statement, visit, context, fault);
}

enum fault_code index_count_keepers(struct index *index, const uint8_t hash[DIGEST_SIZE],
				    uint64_t now, uint64_t *count, struct fault *fault)
{
	sqlite3_stmt *statement = ready(index, STATEMENT_KEEPERS, fault);

	if (statement == NULL)
		return fault->code;
	(void)sqlite3_bind_blob(statement, 1, hash, DIGEST_SIZE, SQLITE_STATIC);
	bind_number(statement, 2, now);
	if (fetch(index, statement, fault) != FAULT_NONE)
		return fault->code;
	*count = column_number(statement, 0);
	(void)sqlite3_reset(statement);
	return FAULT_NONE;
}
