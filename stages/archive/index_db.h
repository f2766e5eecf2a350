/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_INDEX_DB_H
#define ARCHIVE_INDEX_DB_H

#include "stages/archive/index.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

/* What the files of the index share: its handle, and its statements, each prepared at first use. */
enum statement {
	STATEMENT_MARK_GET,
	STATEMENT_MARK_SET,
	STATEMENT_FRONTIER_GET,
	STATEMENT_FRONTIER_SET,
	STATEMENT_ADD,
	STATEMENT_PRUNED,
	STATEMENT_EACH_BUNDLE,
	STATEMENT_EACH_RUN,
	STATEMENT_EACH_DUE,
	STATEMENT_COUNT
};

struct index {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENT_COUNT]; /* prepared at first use */
	bool damaged;
};

/* The fault of an SQLite code; notes when it means that the file is no usable index. */
enum fault_code index_db_failed(struct index *index, int code, struct fault *fault);
enum fault_code index_db_execute(struct index *index, const char *text, struct fault *fault)
	__attribute__((warn_unused_result));

/* The prepared statement, reset and without values; NULL with a fault. */
sqlite3_stmt *index_db_ready(struct index *index, enum statement which, struct fault *fault);
void index_db_bind_number(sqlite3_stmt *statement, int place, uint64_t number);
/* text must live until the statement has run. */
void index_db_bind_text(sqlite3_stmt *statement, int place, const char *text);
uint64_t index_db_column_number(sqlite3_stmt *statement, int place);

/* A statement that gives no row; one that must give one, which the caller resets. */
enum fault_code index_db_run(struct index *index, sqlite3_stmt *statement, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code index_db_fetch(struct index *index, sqlite3_stmt *statement, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
