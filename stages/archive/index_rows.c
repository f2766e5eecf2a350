/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the index: adding leaves, and finding them by bundle, run and time. */
#include "stages/archive/index_db.h"

enum fault_code index_add(struct index *index, const struct index_row *row, const struct leaf *leaf,
			  struct fault *fault)
{
	sqlite3_stmt *statement = index_db_ready(index, STATEMENT_ADD, fault);

	if (statement == NULL)
		return fault->code;
	index_db_bind_number(statement, 1, row->number);
	index_db_bind_number(statement, 2, row->offset);
	index_db_bind_text(statement, 3, leaf->bundle_id);
	index_db_bind_text(statement, 4, leaf->run_id);
	index_db_bind_number(statement, 5, retention_end(leaf->stored_at, leaf->retention));
	return index_db_run(index, statement, fault);
}

enum fault_code index_set_pruned(struct index *index, const char *bundle_id, struct fault *fault)
{
	sqlite3_stmt *statement = index_db_ready(index, STATEMENT_PRUNED, fault);

	if (statement == NULL)
		return fault->code;
	index_db_bind_text(statement, 1, bundle_id);
	return index_db_run(index, statement, fault);
}

static enum fault_code visit_rows(struct index *index, sqlite3_stmt *statement,
				  index_visit_fn *visit, void *context, struct fault *fault)
{
	int code = sqlite3_step(statement);

	while (code == SQLITE_ROW) {
		struct index_row row = {
			.number = index_db_column_number(statement, 0),
			.offset = index_db_column_number(statement, 1),
			.pruned = sqlite3_column_int(statement, 2) != 0,
		};

		if (!visit(&row, context)) {
			(void)sqlite3_reset(statement);
			return FAULT_NONE;
		}
		code = sqlite3_step(statement);
	}
	(void)sqlite3_reset(statement);
	return code == SQLITE_DONE ? FAULT_NONE : index_db_failed(index, code, fault);
}

static enum fault_code each_named(struct index *index, enum statement which, const char *name,
				  index_visit_fn *visit, void *context, struct fault *fault)
{
	sqlite3_stmt *statement = index_db_ready(index, which, fault);

	if (statement == NULL)
		return fault->code;
	index_db_bind_text(statement, 1, name);
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
	sqlite3_stmt *statement = index_db_ready(index, STATEMENT_EACH_DUE, fault);

	if (statement == NULL)
		return fault->code;
	index_db_bind_number(statement, 1, now);
	return visit_rows(index, statement, visit, context, fault);
}
