/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/head.h"

#include "ipc/canon.h"
#include "ipc/field.h"
#include "stages/seal/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The fields in canonical order; a travelling event starts at FIELD_PAYLOAD. */
enum field {
	FIELD_HASH_PREV,
	FIELD_HASH_SELF,
	FIELD_PAYLOAD,
	FIELD_RUN_ID,
	FIELD_SEQ,
	FIELD_STAGE,
	FIELD_TIMESTAMP,
	FIELD_TYPE,
	FIELD_COUNT
};

#define NAME(text)                                                                                 \
	{                                                                                          \
		(text), sizeof(text) - 1                                                           \
	}

static const struct span field_names[FIELD_COUNT] = {
	[FIELD_HASH_PREV] = NAME("hashPrev"),
	[FIELD_HASH_SELF] = NAME("hashSelf"),
	[FIELD_PAYLOAD] = NAME("payload"),
	[FIELD_RUN_ID] = NAME("runId"),
	[FIELD_SEQ] = NAME("seq"),
	[FIELD_STAGE] = NAME("stage"),
	[FIELD_TIMESTAMP] = NAME("timestamp"),
	[FIELD_TYPE] = NAME("type"),
};

#define TYPE_NAME_SIZE 32 /* longer than the longest type name, and its NUL */

static enum fault_code refuse(struct fault *fault, enum fault_code code, const char *path,
			      struct span text, const char *why)
{
	int shown = text.len < 80 ? (int)text.len : 80;

	return fault_set(fault, code, path, "%.*s %s", shown, text.at, why);
}

static enum fault_code split_fields(struct span line, enum head_form form, enum fault_code code,
				    struct span values[FIELD_COUNT], struct fault *fault)
{
	size_t field = form == HEAD_SEALED ? FIELD_HASH_PREV : FIELD_PAYLOAD;
	struct span_walk walk;
	struct span key;

	if (!span_walk_object(line, &walk))
		return fault_set(fault, code, "", "an event must be an object");
	for (; field < FIELD_COUNT; field++) {
		if (!span_next_member(&walk, &key, &values[field]))
			return fault_set(fault, code, field_names[field].at,
					 "the field is missing");
		if (!span_same(key, field_names[field]))
			return fault_set(fault, code, field_names[field].at,
					 "the field is missing, or %.*s is no field of an event",
					 key.len < 80 ? (int)key.len : 80, key.at);
	}
	if (span_next_member(&walk, &key, &values[0]))
		return refuse(fault, code, "", key, "is no field of an event");
	return FAULT_NONE;
}

static bool read_hash(struct span value, struct span *text)
{
	char copy[DIGEST_TEXT_SIZE];

	return span_string(value, text) && span_copy(*text, copy, sizeof(copy)) &&
	       digest_text_valid(copy);
}

static bool read_run_id(struct span value, struct span *text)
{
	char copy[RUNID_SIZE];

	return span_string(value, text) && span_copy(*text, copy, sizeof(copy)) &&
	       runid_valid(copy);
}

static bool read_timestamp(struct span value, struct span *text)
{
	char copy[EVENT_TIMESTAMP_SIZE];

	return span_string(value, text) && span_copy(*text, copy, sizeof(copy)) &&
	       event_timestamp_valid(copy);
}

static bool read_type(struct span value, enum event_type *type)
{
	char copy[TYPE_NAME_SIZE];
	struct span text;

	if (!span_string(value, &text) || !span_copy(text, copy, sizeof(copy)))
		return false;
	*type = EVENT_RESOURCE_SAMPLED; /* nearly every event is one */
	if (span_equal(text, "resource.sampled"))
		return true;
	*type = event_type_parse(copy);
	return *type != EVENT_TYPE_COUNT;
}

static bool stage_byte(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || memchr("._:+-", byte, 5) != NULL;
}

static bool read_stage(struct span value, struct span *text)
{
	if (!span_string(value, text) || text->len == 0)
		return false;
	for (size_t i = 0; i < text->len; i++)
		if (!stage_byte(text->at[i]))
			return false;
	return true;
}

static bool read_seq(struct span value, uint64_t *seq)
{
	return span_decimal(value, seq) && *seq <= CANON_INTEGER_MAX;
}

static bool observer_known(struct span value)
{
	struct span text;

	if (!span_string(value, &text))
		return false;
	for (size_t i = 0; i < EVENT_OBSERVER_COUNT; i++)
		if (span_equal(text, event_observer_name((enum event_observer)i)))
			return true;
	return false;
}

static enum fault_code scan_payload(struct head *head, enum fault_code code, struct fault *fault)
{
	struct span_walk walk;
	struct span key, value, text = {0}, boot_ns = {0}, observer = {0};
	size_t count = 0;

	if (!span_walk_object(head->payload, &walk))
		return fault_set(fault, code, "payload", "the value must be an object");
	for (; span_next_member(&walk, &key, &value); count++) {
		if (count < HEAD_MEMBERS_MAX)
			head->members[count] = (struct head_member){key, value};
		if (span_equal(key, "bootNs"))
			boot_ns = value;
		else if (span_equal(key, "observedBy"))
			observer = value;
	}
	if (count > FIELDS_MAX)
		return fault_set(fault, code, "payload", "the object has more than %d fields",
				 FIELDS_MAX);
	if (!span_string(boot_ns, &text) || !span_decimal(text, &head->boot_ns))
		return refuse(fault, code, "payload.bootNs", boot_ns, "is no decimal string");
	if (!observer_known(observer))
		return refuse(fault, code, "payload.observedBy", observer, "is no observer");
	head->depth = walk.depth + 2;
	head->member_count = count;
	return FAULT_NONE;
}

enum fault_code head_scan(struct span line, enum head_form form, enum fault_code code,
			  struct head *head, struct fault *fault)
{
	struct span values[FIELD_COUNT] = {0};
	enum fault_code failed = split_fields(line, form, code, values, fault);
	enum field bad = FIELD_COUNT;

	if (failed != FAULT_NONE)
		return failed;
	/* Field by field: members is large, and filled by scan_payload. */
	head->line = line;
	head->payload = values[FIELD_PAYLOAD];
	head->hash_prev = head->hash_self = (struct span){.at = "", .len = 0};
	if (form == HEAD_SEALED && !read_hash(values[FIELD_HASH_PREV], &head->hash_prev))
		bad = FIELD_HASH_PREV;
	else if (form == HEAD_SEALED && !read_hash(values[FIELD_HASH_SELF], &head->hash_self))
		bad = FIELD_HASH_SELF;
	else if (!read_run_id(values[FIELD_RUN_ID], &head->run_id))
		bad = FIELD_RUN_ID;
	else if (!read_seq(values[FIELD_SEQ], &head->seq))
		bad = FIELD_SEQ;
	else if (!read_stage(values[FIELD_STAGE], &head->stage))
		bad = FIELD_STAGE;
	else if (!read_timestamp(values[FIELD_TIMESTAMP], &head->timestamp))
		bad = FIELD_TIMESTAMP;
	else if (!read_type(values[FIELD_TYPE], &head->type))
		bad = FIELD_TYPE;
	if (bad != FIELD_COUNT)
		return refuse(fault, code, field_names[bad].at, values[bad], "is not of its form");
	return scan_payload(head, code, fault);
}

enum fault_code head_read(const char *line, size_t len, enum head_form form, enum fault_code code,
			  struct head *head, struct fault *fault)
{
	size_t offset = 0;

	if (!canon_check(line, len, &offset))
		return fault_set(fault, code, "", "the record is not canonical JSON at byte %zu",
				 offset);
	return head_scan((struct span){.at = line, .len = len}, form, code, head, fault);
}

void head_place(struct fault *fault, uint64_t index)
{
	char path[FAULT_PATH_SIZE];

	memcpy(path, fault->path, sizeof(path));
	snprintf(fault->path, sizeof(fault->path), "events[%" PRIu64 "]%s%.150s", index,
		 path[0] == '\0' ? "" : ".", path);
}
