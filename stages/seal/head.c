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

#define FIELDS_KEPT (FIELD_COUNT + 1) /* one more than belongs there shows */

_Static_assert(CANON_NOTED_MAX >= FIELDS_KEPT && CANON_NOTED_MAX >= HEAD_MEMBERS_MAX,
	       "what canon_check_index notes is all that is kept");

static enum fault_code check_fields(const struct head_member *fields, size_t count,
				    enum head_form form, enum fault_code code,
				    struct span values[FIELD_COUNT], struct fault *fault)
{
	size_t first = form == HEAD_SEALED ? FIELD_HASH_PREV : FIELD_PAYLOAD;
	size_t expected = FIELD_COUNT - first;

	for (size_t i = 0; i < expected; i++) {
		const struct head_member *member = &fields[i];
		const struct span *name = &field_names[first + i];

		if (i == count)
			return fault_set(fault, code, name->at, "the field is missing");
		if (!span_same(member->key, *name))
			return fault_set(fault, code, name->at,
					 "the field is missing, or %.*s is no field of an event",
					 member->key.len < 80 ? (int)member->key.len : 80,
					 member->key.at);
		values[first + i] = member->value;
	}
	if (count > expected)
		return refuse(fault, code, "", fields[expected].key, "is no field of an event");
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

static void walk_payload(struct head *head)
{
	struct span_walk walk;
	struct head_member member;

	head->member_count = 0;
	if (!span_walk_object(head->payload, &walk))
		return;
	for (; span_next_member(&walk, &member.key, &member.value); head->member_count++)
		if (head->member_count < HEAD_MEMBERS_MAX)
			head->members[head->member_count] = member;
	head->depth = walk.depth + 2;
}

/* A member of the payload; most payloads are short enough to be known whole. */
static struct span payload_member(const struct head *head, const char *name)
{
	if (head->member_count > HEAD_MEMBERS_MAX)
		return span_get(head->payload, name);
	for (size_t i = 0; i < head->member_count; i++)
		if (span_equal(head->members[i].key, name))
			return head->members[i].value;
	return (struct span){.at = "", .len = 0};
}

static enum fault_code check_payload(struct head *head, enum fault_code code, struct fault *fault)
{
	struct span boot_ns, observer, text = {0};

	if (span_kind(head->payload) != SPAN_OBJECT)
		return fault_set(fault, code, "payload", "the value must be an object");
	if (head->member_count > FIELDS_MAX)
		return fault_set(fault, code, "payload", "the object has more than %d fields",
				 FIELDS_MAX);
	boot_ns = payload_member(head, "bootNs");
	if (!span_string(boot_ns, &text) || !span_decimal(text, &head->boot_ns))
		return refuse(fault, code, "payload.bootNs", boot_ns, "is no decimal string");
	observer = payload_member(head, "observedBy");
	if (!observer_known(observer))
		return refuse(fault, code, "payload.observedBy", observer, "is no observer");
	return FAULT_NONE;
}

static enum fault_code check_values(struct head *head, const struct span values[FIELD_COUNT],
				    enum head_form form, enum fault_code code, struct fault *fault)
{
	enum field bad = FIELD_COUNT;

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
	return check_payload(head, code, fault);
}

enum fault_code head_scan(struct span line, enum head_form form, enum fault_code code,
			  struct head *head, struct fault *fault)
{
	struct head_member fields[FIELDS_KEPT] __attribute__((uninitialized));
	struct span values[FIELD_COUNT] __attribute__((uninitialized));
	struct span_walk walk;
	size_t count = 0;
	enum fault_code failed;

	if (!span_walk_object(line, &walk))
		return fault_set(fault, code, "", "an event must be an object");
	while (count < FIELDS_KEPT &&
	       span_next_member(&walk, &fields[count].key, &fields[count].value))
		count++;
	failed = check_fields(fields, count, form, code, values, fault);
	if (failed != FAULT_NONE)
		return failed;
	head->line = line;
	head->payload = values[FIELD_PAYLOAD];
	walk_payload(head);
	return check_values(head, values, form, code, fault);
}

static struct head_member member_of(const struct canon_noted *noted)
{
	return (struct head_member){.key = {noted->key, noted->key_len},
				    .value = {noted->value, noted->value_len}};
}

/*
 * The inner members are the payload's: where another field holds an object, that field is refused
 * before anybody looks at them.
 */
static enum fault_code head_take(const struct canon_index *index, struct span line,
				 enum head_form form, enum fault_code code, struct head *head,
				 struct fault *fault)
{
	struct head_member fields[FIELDS_KEPT] __attribute__((uninitialized));
	struct span values[FIELD_COUNT] __attribute__((uninitialized));
	size_t count = index->count[0] < FIELDS_KEPT ? index->count[0] : FIELDS_KEPT;
	enum fault_code failed;

	if (span_kind(line) != SPAN_OBJECT)
		return fault_set(fault, code, "", "an event must be an object");
	for (size_t i = 0; i < count; i++)
		fields[i] = member_of(&index->members[0][i]);
	failed = check_fields(fields, count, form, code, values, fault);
	if (failed != FAULT_NONE)
		return failed;
	head->line = line;
	head->payload = values[FIELD_PAYLOAD];
	head->depth = index->depth;
	head->member_count = index->count[1];
	for (size_t i = 0; i < head->member_count && i < HEAD_MEMBERS_MAX; i++)
		head->members[i] = member_of(&index->members[1][i]);
	return check_values(head, values, form, code, fault);
}

enum fault_code head_read(const char *line, size_t len, enum head_form form, enum fault_code code,
			  struct head *head, struct fault *fault)
{
	struct canon_index index __attribute__((uninitialized));
	size_t offset = 0;

	if (!canon_check_index(line, len, &offset, &index))
		return fault_set(fault, code, "", "the record is not canonical JSON at byte %zu",
				 offset);
	return head_take(&index, (struct span){.at = line, .len = len}, form, code, head, fault);
}

void head_place(struct fault *fault, uint64_t index)
{
	char path[FAULT_PATH_SIZE];

	memcpy(path, fault->path, sizeof(path));
	snprintf(fault->path, sizeof(fault->path), "events[%" PRIu64 "]%s%.150s", index,
		 path[0] == '\0' ? "" : ".", path);
}
