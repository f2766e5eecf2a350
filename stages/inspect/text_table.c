/* SPDX-License-Identifier: Apache-2.0 */
/* What happened when, what was enforced, what was decided about mounts and network. */
#include "stages/inspect/event_words.h"
#include "stages/inspect/text.h"
#include "stages/inspect/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EVENTS_SHOWN	    40 /* unless all are asked for */
#define OFFSET_COLUMNS	    10
#define TYPE_COLUMNS	    23
#define TYPE_COLUMNS_NARROW 16
#define NARROW_TIMELINE	    64
#define EVIDENCE_DIGITS	    12
#define NARROW		    84 /* below this a clause takes two lines */

static enum text_paint event_paint(enum event_type type)
{
	switch (type) {
	case EVENT_RUN_FAILED:
	case EVENT_STAGE_KILLED:
	case EVENT_MOUNT_REJECTED:
	case EVENT_NETWORK_RULE_CLEANUP_FAILED:
		return TEXT_BAD;
	case EVENT_OUTPUT_TRUNCATED:
	case EVENT_VM_FALLBACK:
		return TEXT_WARN;
	case EVENT_RESOURCE_SAMPLED:
		return TEXT_FAINT;
	case EVENT_COMPILE:
	case EVENT_RUN_PREPARED:
	case EVENT_MOUNT_VALIDATED:
	case EVENT_MOUNT_APPLIED:
	case EVENT_NETWORK_PLAN_GENERATED:
	case EVENT_NETWORK_RULE_APPLIED:
	case EVENT_NETWORK_RULE_HIT:
	case EVENT_NETWORK_RULE_RELEASED:
	case EVENT_VM_STARTED:
	case EVENT_VM_EXITED:
	case EVENT_OUTPUTS_COLLECTED:
	case EVENT_RUN_CLEANED:
	case EVENT_TYPE_COUNT:
		break;
	}
	return TEXT_PLAIN;
}

static void put_event(const struct text *text, const struct view_event *event)
{
	size_t type = text->style->width < NARROW_TIMELINE ? TYPE_COLUMNS_NARROW : TYPE_COLUMNS;
	char offset[UNITS_SIZE];
	size_t used;

	units_offset(event->offset_ns, offset);
	used = strlen(offset) < OFFSET_COLUMNS ? OFFSET_COLUMNS : strlen(offset);
	text_pad(text, strlen(offset), used + 2);
	text_say(text, TEXT_FAINT, offset);
	buf_append_text(text->out, "  ");
	used += 2 + 2 + type + 1;
	text_paint(text, event_paint(event->type));
	text_cell(text, event->type_name, type);
	buf_append_text(text->out, " ");
	event_words_put(text->out, text->target, event,
			text->style->width > used ? text->style->width - used : 0);
	text_paint(text, TEXT_PLAIN);
	text_end(text);
}

void text_timeline(const struct text *text)
{
	struct view_event event;
	struct span_walk walk;
	uint64_t shown = 0, left_out = 0;
	char note[96];

	text_heading(text, "Timeline in seconds");
	for (bool more = view_walk(text->view, &walk);
	     more && view_next(text->view, &walk, &event);) {
		bool wanted = text->style->all_events ||
			      (view_event_matters(&event) &&
			       (shown < EVENTS_SHOWN || event_type_closes(event.type)));

		if (wanted)
			put_event(text, &event);
		*(wanted ? &shown : &left_out) += 1;
	}
	if (left_out == 0)
		return;
	snprintf(note, sizeof(note), "  %" PRIu64 " of %" PRIu64 " events left out: --events",
		 left_out, text->view->event_count);
	text_say(text, TEXT_FAINT, note);
	text_end(text);
}

static void put_reason(const struct text *text, const struct view_clause *clause)
{
	struct span reason;

	if (!span_string(clause->reason, &reason))
		return;
	buf_append_text(text->out, "      ");
	text_paint(text, TEXT_WARN);
	text_wrap(text, 6, reason, true);
	text_paint(text, TEXT_PLAIN);
}

static void put_clause(const struct text *text, const struct view_clause *clause)
{
	bool narrow = text->style->width < NARROW;
	size_t name = narrow ? text->style->width - 4 - EVIDENCE_DIGITS - 2 : 26;
	size_t rest = text->style->width - 4 - name - 1 - EVIDENCE_DIGITS - 2;
	char evidence[EVIDENCE_DIGITS + 1];
	size_t half = narrow ? (text->style->width - 12) / 2 : rest / 2 - 1;
	const char *sign = text->style->ascii ? (clause->enforced ? "ok" : "NO")
					      : (clause->enforced ? "\u2713" : "\u2717");

	snprintf(evidence, sizeof(evidence), "%.*s", EVIDENCE_DIGITS,
		 clause->evidence + strlen("sha256:"));
	buf_append_text(text->out, "  ");
	text_say(text, clause->enforced ? TEXT_GOOD : TEXT_BAD, sign);
	buf_append_text(text->out, text->style->ascii ? "" : " ");
	buf_append_text(text->out, " ");
	text_cell(text, clause->name, name - 1);
	if (narrow) {
		buf_append_text(text->out, " ");
		text_say(text, TEXT_FAINT, evidence);
		buf_append_text(text->out, "\n      ");
	} else {
		buf_append_text(text->out, " ");
	}
	text_pad(text, view_put_limit(text->out, text->target, clause, clause->asked, half), half);
	buf_append_text(text->out, " ");
	text_pad(text, view_put_limit(text->out, text->target, clause, clause->got, half), half);
	buf_append_text(text->out, " ");
	if (!narrow)
		text_say(text, TEXT_FAINT, evidence);
	text_end(text);
	put_reason(text, clause);
}

void text_enforcement(const struct text *text)
{
	struct view_clause clause;
	struct span_walk walk;
	size_t count = 0;

	text_heading(text, "Enforcement: asked, got, evidence");
	for (bool more = span_walk_array(view_member(text->view, REPORT_ENFORCEMENT), &walk);
	     more && view_next_clause(&walk, &clause); count++)
		put_clause(text, &clause);
	if (count > 0)
		return;
	text_say(text, TEXT_FAINT, "  none: the sandbox was never finished");
	text_end(text);
}

static void put_pair(const struct text *text, const char *name, struct span value)
{
	buf_append_text(text->out, "  ");
	text_cell_say(text, name, 18);
	words_put_value(text->out, text->target, value, text->style->width - 20);
	text_end(text);
}

static void put_decisions(const struct text *text)
{
	struct view_event event;
	struct span_walk walk;
	size_t shown = 0, left_out = 0;
	char note[64];

	for (bool more = view_walk(text->view, &walk);
	     more && view_next(text->view, &walk, &event);) {
		bool wanted = text->style->all_events || shown < EVENTS_SHOWN;

		if (!view_event_decides(&event))
			continue;
		if (wanted)
			put_event(text, &event);
		*(wanted ? &shown : &left_out) += 1;
	}
	if (left_out == 0)
		return;
	snprintf(note, sizeof(note), "  %zu more", left_out);
	text_say(text, TEXT_FAINT, note);
	text_end(text);
}

void text_decisions(const struct text *text)
{
	static const struct {
		enum report_member member;
		const char *field, *name;
	} rows[] = {
		{REPORT_NETWORK_AUDIT, "mode", "network"},
		{REPORT_NETWORK_AUDIT, "rulesTotal", "rules"},
		{REPORT_NETWORK_AUDIT, "allowedHits", "allowed"},
		{REPORT_NETWORK_AUDIT, "blockedHits", "blocked"},
		{REPORT_MOUNT_AUDIT, "requested", "mounts asked for"},
		{REPORT_MOUNT_AUDIT, "accepted", "mounts made"},
		{REPORT_MOUNT_AUDIT, "rejected", "mounts refused"},
	};

	text_heading(text, "Network and mounts");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		put_pair(text, rows[i].name, view_get(text->view, rows[i].member, rows[i].field));
	put_decisions(text);
}
