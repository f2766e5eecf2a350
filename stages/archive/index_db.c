/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/index_db.h"

static const char *const statement_texts[STATEMENT_COUNT] = {
	[STATEMENT_MARK_GET] = "SELECT leaves, leaves_len, prunes_len FROM mark",
	[STATEMENT_MARK_SET] = "UPDATE mark SET leaves = ?1, leaves_len = ?2, prunes_len = ?3",
	[STATEMENT_FRONTIER_GET] = "SELECT size, leaves_len, subtrees FROM frontier",
	[STATEMENT_FRONTIER_SET] = "UPDATE frontier SET size = ?1, leaves_len = ?2, subtrees = ?3",
	[STATEMENT_ADD] = "INSERT OR IGNORE INTO leaf(number, offset, bundle_id, run_id, ends, "
			  "pruned) VALUES(?1, ?2, ?3, ?4, ?5, 0)",
	[STATEMENT_PRUNED] = "UPDATE leaf SET pruned = 1 WHERE bundle_id = ?1",
	[STATEMENT_EACH_BUNDLE] = "SELECT number, offset, pruned FROM leaf WHERE bundle_id = ?1",
	[STATEMENT_EACH_RUN] = "SELECT number, offset, pruned FROM leaf WHERE run_id = ?1 "
			       "ORDER BY number",
	[STATEMENT_EACH_DUE] = "SELECT number, offset, pruned FROM leaf WHERE ends <= ?1 AND "
			       "pruned = 0 ORDER BY number",
};

enum fault_code index_db_failed(struct index *index, int code, struct fault *fault)
{
	int primary = code & 0xff;

	if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_SCHEMA ||
	    primary == SQLITE_ERROR || primary == SQLITE_MISMATCH || primary == SQLITE_FORMAT)
		index->damaged = true;
	return fault_set(fault, FAULT_ARCHIVE, INDEX_FILE, "%s (SQLite %d)",
			 index->db != NULL ? sqlite3_errmsg(index->db) : sqlite3_errstr(code),
			 code);
}

enum fault_code index_db_execute(struct index *index, const char *text, struct fault *fault)
{
	int code = sqlite3_exec(index->db, text, NULL, NULL, NULL);

	return code == SQLITE_OK ? FAULT_NONE : index_db_failed(index, code, fault);
}

sqlite3_stmt *index_db_ready(struct index *index, enum statement which, struct fault *fault)
{
	sqlite3_stmt **statement = &index->statements[which];
	int code = SQLITE_OK;

	if (*statement == NULL)
		code = sqlite3_prepare_v3(index->db, statement_texts[which], -1,
					  SQLITE_PREPARE_PERSISTENT, statement, NULL);
	if (code != SQLITE_OK) {
		index_db_failed(index, code, fault);
		return NULL;
	}
	(void)sqlite3_reset(*statement);
	(void)sqlite3_clear_bindings(*statement);
	return *statement;
}

void index_db_bind_number(sqlite3_stmt *statement, int place, uint64_t number)
{
	(void)sqlite3_bind_int64(statement, place,
				 number > INT64_MAX ? INT64_MAX : (sqlite3_int64)number);
}

void index_db_bind_text(sqlite3_stmt *statement, int place, const char *text)
{
	(void)sqlite3_bind_text(statement, place, text, -1, SQLITE_STATIC);
}

uint64_t index_db_column_number(sqlite3_stmt *statement, int place)
{
	sqlite3_int64 number = sqlite3_column_int64(statement, place);

	return number < 0 ? 0 : (uint64_t)number;
}

enum fault_code index_db_run(struct index *index, sqlite3_stmt *statement, struct fault *fault)
{
	int code = sqlite3_step(statement);

	(void)sqlite3_reset(statement);
	return code == SQLITE_DONE ? FAULT_NONE : index_db_failed(index, code, fault);
}

enum fault_code index_db_fetch(struct index *index, sqlite3_stmt *statement, struct fault *fault)
{
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		return FAULT_NONE;
	if (code == SQLITE_DONE)
		code = SQLITE_CORRUPT;
	return index_db_failed(index, code, fault);
}
