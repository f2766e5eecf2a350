/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/degraded.h"

#include "ipc/field.h"
#include "ipc/record.h"

#include <string.h>

static bool entry_enforced(struct span entry)
{
	return span_equal(span_get(entry, "enforced"), "true");
}

void degraded_list(struct span enforcement, struct buf *out)
{
	struct span_walk walk;
	struct span entry;
	const char *comma = "";

	buf_append_text(out, "[");
	if (span_walk_array(enforcement, &walk))
		while (span_next_element(&walk, &entry)) {
			struct span clause = span_get(entry, "clause");

			if (entry_enforced(entry))
				continue;
			buf_append_text(out, comma);
			buf_append(out, clause.at, clause.len);
			comma = ",";
		}
	buf_append_text(out, "]");
}

static bool all_enforced(struct span enforcement)
{
	struct span_walk walk;
	struct span entry;

	if (!span_walk_array(enforcement, &walk))
		return false;
	while (span_next_element(&walk, &entry))
		if (!entry_enforced(entry))
			return false;
	return true;
}

void degraded_verdict(struct span enforcement, struct buf *out)
{
	if (enforcement.len == 0)
		buf_append_text(out, "null");
	else
		buf_append_text(out, all_enforced(enforcement) ? "\"enforced\"" : "\"degraded\"");
}

static enum fault_code check_entries(struct span enforcement, enum fault_code code,
				     struct fault *fault)
{
	char path[FAULT_PATH_SIZE];
	struct span_walk walk;
	struct span entry;

	if (!span_walk_array(enforcement, &walk))
		return fault_set(fault, code, "payload.enforcement", "an array must stand here");
	for (size_t i = 0; span_next_element(&walk, &entry); i++) {
		struct span enforced = span_get(entry, "enforced");
		struct span clause = span_get(entry, "clause");

		if (span_kind(entry) == SPAN_OBJECT && clause.len > 0 &&
		    span_kind(clause) == SPAN_STRING && enforced.len > 0 &&
		    span_kind(enforced) == SPAN_BOOL)
			continue;
		field_path_index(path, sizeof(path), "payload.enforcement", i);
		return fault_set(fault, code, path,
				 "an entry names its clause and says whether it is enforced");
	}
	return FAULT_NONE;
}

/* A member that is there must be what the entries give. */
static enum fault_code check_claim(struct span claimed, const struct buf *derived, const char *path,
				   enum fault_code code, struct fault *fault)
{
	if (claimed.len == 0 ||
	    (claimed.len == derived->len && memcmp(claimed.at, derived->data, claimed.len) == 0))
		return FAULT_NONE;
	return fault_set(fault, code, path, "the entries of enforcement say %.*s",
			 derived->len < 200 ? (int)derived->len : 200, derived->data);
}

enum fault_code degraded_check(const struct head *event, enum fault_code code, struct fault *fault)
{
	struct span enforcement = span_get(event->payload, "enforcement");
	struct buf list BUF_CLEANUP;
	struct buf verdict BUF_CLEANUP;
	enum fault_code failed = check_entries(enforcement, code, fault);

	buf_init(&list, RECORD_EVENT_MAX);
	buf_init(&verdict, 64);
	if (failed != FAULT_NONE)
		return failed;
	degraded_list(enforcement, &list);
	degraded_verdict(enforcement, &verdict);
	failed = check_claim(span_get(event->payload, "degraded"), &list, "payload.degraded", code,
			     fault);
	if (failed == FAULT_NONE)
		failed = check_claim(span_get(event->payload, "verdict"), &verdict,
				     "payload.verdict", code, fault);
	if (failed == FAULT_NONE && !all_enforced(enforcement) &&
	    !span_equal(span_get(event->payload, "bestEffort"), "true"))
		failed = fault_set(fault, code, "payload.bestEffort",
				   "only a run with best effort may start with less than asked");
	return failed;
}
