/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INSPECT_VIEW_H
#define INSPECT_VIEW_H

#include "ipc/event.h"
#include "stages/inspect/series.h"
#include "stages/inspect/words.h"
#include "stages/seal/digest.h"
#include "stages/seal/report.h"
#include "stages/seal/span.h"

#include <stdbool.h>
#include <stdint.h>

struct json_object;

/*
 * What there is to show of one report, as pieces of its own bytes. The report may be anything that
 * is canonical JSON: a piece that is missing or of another kind is an empty span, shown as a dash.
 */
struct view {
	struct span members[REPORT_MEMBER_COUNT];
	struct span first_payload; /* of event 0 */
	struct span prepared;	   /* payload of run.prepared */
	struct span started;	   /* payload of vm.started */
	uint64_t event_count;
	uint64_t start_ns, end_ns; /* CLOCK_BOOTTIME of the first and the last event */
	struct series series;
	struct json_object *verification; /* ReportVerify, owned; never NULL once shown */
	bool archive_asked;
	bool archive_found;
	struct json_object *archived; /* owned; NULL: it said nothing */
};

/* One event of the report, read as far as it can be. */
struct view_event {
	uint64_t seq;
	uint64_t offset_ns;   /* behind the first one */
	enum event_type type; /* EVENT_TYPE_COUNT: none that is known */
	struct span type_name, stage, timestamp, payload;
};

/* text has passed canon_check and stays the caller's, for as long as the view. */
void view_open(struct view *view, struct span text);
void view_release(struct view *view);

bool view_walk(const struct view *view, struct span_walk *walk);
bool view_next(const struct view *view, struct span_walk *walk, struct view_event *event);

/* Whether the timeline shows it when not every event is asked for: samples have their plot. */
bool view_event_matters(const struct view_event *event);

/* One entry of enforcement; answer is the kernel's, evidence its hash. */
struct view_clause {
	struct span name, asked, got, mechanism, reason, answer;
	char evidence[DIGEST_TEXT_SIZE];
	bool enforced;
};

/* asked or got in words: sizes with their unit, else the value as it is. */
size_t view_put_limit(struct buf *out, enum words_target target, const struct view_clause *clause,
		      struct span value, size_t max);

bool view_next_clause(struct span_walk *walk, struct view_clause *clause);

/* Whether it is about a mount or a rule of the network: listed with those too. */
bool view_event_decides(const struct view_event *event);

struct span view_member(const struct view *view, enum report_member member);
/* A member of a member, "" when there is none. */
struct span view_get(const struct view *view, enum report_member member, const char *name);
/* A counter that must not be negative; false when it is unknown. */
bool view_number(struct span value, uint64_t *out);

#endif
