/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/inspect/view.h"

#include "stages/inspect/units.h"

#include <json-c/json.h>
#include <string.h>

static void split_members(struct view *view, struct span text)
{
	struct span_walk walk;
	struct span key, value;

	if (!span_walk_object(text, &walk))
		return;
	while (span_next_member(&walk, &key, &value))
		for (size_t i = 0; i < REPORT_MEMBER_COUNT; i++)
			if (span_equal(key, report_member_name((enum report_member)i)))
				view->members[i] = value;
}

static bool boot_ns_of(struct span payload, uint64_t *out)
{
	struct span text;

	return span_string(span_get(payload, "bootNs"), &text) && span_decimal(text, out);
}

static enum event_type type_of(struct span name)
{
	char text[64];
	struct span inside;

	if (!span_string(name, &inside) || !span_copy(inside, text, sizeof(text)))
		return EVENT_TYPE_COUNT;
	return event_type_parse(text);
}

bool view_walk(const struct view *view, struct span_walk *walk)
{
	return span_walk_array(view->members[REPORT_EVENTS], walk);
}

bool view_next(const struct view *view, struct span_walk *walk, struct view_event *event)
{
	struct span value;
	uint64_t boot_ns;

	*event = (struct view_event){.type = EVENT_TYPE_COUNT};
	if (!span_next_element(walk, &value))
		return false;
	event->type_name = span_get(value, "type");
	event->stage = span_get(value, "stage");
	event->timestamp = span_get(value, "timestamp");
	event->payload = span_get(value, "payload");
	event->type = type_of(event->type_name);
	(void)view_number(span_get(value, "seq"), &event->seq);
	if (boot_ns_of(event->payload, &boot_ns) && boot_ns > view->start_ns)
		event->offset_ns = boot_ns - view->start_ns;
	return true;
}

static void note(struct view *view, const struct view_event *event)
{
	uint64_t boot_ns;

	if (boot_ns_of(event->payload, &boot_ns)) {
		if (view->start_ns == 0)
			view->start_ns = boot_ns;
		if (boot_ns > view->end_ns)
			view->end_ns = boot_ns;
	}
	if (view->event_count == 0)
		view->first_payload = event->payload;
	if (event->type == EVENT_RUN_PREPARED)
		view->prepared = event->payload;
	if (event->type == EVENT_VM_STARTED)
		view->started = event->payload;
	view->event_count++;
}

static size_t count_samples(const struct view *view)
{
	struct view_event event;
	struct span_walk walk;
	size_t count = 0;

	for (bool more = view_walk(view, &walk); more && view_next(view, &walk, &event);)
		count += event.type == EVENT_RESOURCE_SAMPLED ? 1 : 0;
	return count;
}

static void read_events(struct view *view)
{
	struct view_event event;
	struct span_walk walk;

	series_init(&view->series, count_samples(view));
	for (bool more = view_walk(view, &walk); more && view_next(view, &walk, &event);) {
		note(view, &event);
		if (view->event_count == 1 && view->start_ns != 0)
			event.offset_ns = 0;
		if (event.type == EVENT_RESOURCE_SAMPLED)
			series_take(&view->series, event.offset_ns, event.payload);
	}
}

void view_open(struct view *view, struct span text)
{
	*view = (struct view){0};
	split_members(view, text);
	read_events(view);
}

void view_release(struct view *view)
{
	json_object_put(view->verification);
	json_object_put(view->archived);
	view->archived = NULL;
	view->verification = NULL;
}

bool view_event_matters(const struct view_event *event)
{
	return event->type != EVENT_RESOURCE_SAMPLED;
}

bool view_event_decides(const struct view_event *event)
{
	return event->type >= EVENT_MOUNT_VALIDATED &&
	       event->type <= EVENT_NETWORK_RULE_CLEANUP_FAILED;
}

bool view_next_clause(struct span_walk *walk, struct view_clause *clause)
{
	struct span value;
	uint8_t digest[DIGEST_SIZE];

	if (!span_next_element(walk, &value))
		return false;
	*clause = (struct view_clause){
		.name = span_get(value, "clause"),
		.asked = span_get(value, "requested"),
		.got = span_get(value, "effective"),
		.mechanism = span_get(value, "mechanism"),
		.reason = span_get(value, "reason"),
		.answer = span_get(value, "evidence"),
		.enforced = span_equal(span_get(value, "enforced"), "true"),
	};
	digest_bytes(clause->answer.len > 0 ? clause->answer.at : "", clause->answer.len, digest);
	digest_text(digest, clause->evidence);
	return true;
}

/* The clauses whose numbers are bytes. */
static bool counts_bytes(struct span name)
{
	return span_says(name, "resources.memory.max") || span_says(name, "resources.disk.max") ||
	       span_says(name, "resources.output.max");
}

size_t view_put_limit(struct buf *out, enum words_target target, const struct view_clause *clause,
		      struct span value, size_t max)
{
	char text[UNITS_SIZE];
	uint64_t bytes;

	if (!counts_bytes(clause->name) || !view_number(value, &bytes))
		return words_put_value(out, target, value, max);
	units_bytes(bytes, text);
	return words_put_text(out, target, text, max);
}

struct span view_member(const struct view *view, enum report_member member)
{
	return view->members[member];
}

struct span view_get(const struct view *view, enum report_member member, const char *name)
{
	return span_get(view->members[member], name);
}

bool view_number(struct span value, uint64_t *out)
{
	int64_t number;

	*out = 0;
	if (!span_integer(value, &number) || number < 0)
		return false;
	*out = (uint64_t)number;
	return true;
}
