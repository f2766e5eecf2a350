/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/prune_record.h"

#include "ipc/canon.h"
#include "stages/seal/shape.h"

#include <string.h>

static const struct shape_field fields[] = {
	SHAPE_FIELD("bundleId", SHAPE_STRING),
	SHAPE_FIELD("prunedAt", SHAPE_STRING),
	SHAPE_FIELD("schemaVersion", SHAPE_STRING),
};
static const struct shape record_shape = {fields, 3, SHAPE_CLOSED};

void prune_record_write(const struct prune_record *record, struct buf *out)
{
	buf_append_text(out, "{\"bundleId\":\"");
	buf_append_text(out, record->bundle_id);
	buf_append_text(out, "\",\"prunedAt\":\"");
	buf_append_text(out, record->pruned_at);
	buf_append_text(out, "\",\"schemaVersion\":\"" PRUNE_RECORD_SCHEMA "\"}");
}

enum fault_code prune_record_read(struct span line, struct prune_record *record,
				  struct fault *fault)
{
	struct span text;
	enum fault_code code;

	if (!canon_check(line.at, line.len, NULL) || span_kind(line) != SPAN_OBJECT)
		return fault_set(fault, FAULT_REPORT_CANONICAL, "", "not a canonical object");
	code = shape_check(&record_shape, line, "", FAULT_REPORT_SCHEMA, fault);
	if (code != FAULT_NONE)
		return code;
	if (!span_says(span_get(line, "schemaVersion"), PRUNE_RECORD_SCHEMA))
		return fault_set(fault, FAULT_REPORT_SCHEMA, "schemaVersion",
				 "only " PRUNE_RECORD_SCHEMA " is known here");
	if (!span_string(span_get(line, "bundleId"), &text) ||
	    !span_copy(text, record->bundle_id, sizeof(record->bundle_id)) ||
	    !leaf_id_valid(record->bundle_id))
		return fault_set(fault, FAULT_REPORT_SCHEMA, "bundleId", "not a bundle id");
	if (!span_string(span_get(line, "prunedAt"), &text) ||
	    !span_copy(text, record->pruned_at, sizeof(record->pruned_at)) ||
	    !event_timestamp_valid(record->pruned_at))
		return fault_set(fault, FAULT_REPORT_SCHEMA, "prunedAt", "not a time");
	return FAULT_NONE;
}
