/* SPDX-License-Identifier: Apache-2.0 */
/* What happened when, what was enforced, what was decided about mounts and network. */
#include "stages/inspect/event_words.h"
#include "stages/inspect/page.h"
#include "stages/inspect/units.h"

#include <stdio.h>
#include <string.h>

#define EVENTS_SHOWN 400 /* unless all are asked for */

static const char *event_class(enum event_type type)
{
	if (type == EVENT_RUN_FAILED || type == EVENT_STAGE_KILLED ||
	    type == EVENT_MOUNT_REJECTED || type == EVENT_NETWORK_RULE_CLEANUP_FAILED)
		return "failed";
	return type == EVENT_RESOURCE_SAMPLED ? "minor" : "usual";
}

static void put_event(const struct page *page, const struct view_event *event)
{
	char offset[UNITS_SIZE];

	units_offset(event->offset_ns, offset);
	page_put(page, "<li class=\"");
	page_put(page, event_class(event->type));
	page_put(page, "\"><time>");
	page_put(page, offset);
	page_put(page, " s</time><div><b>");
	page_value(page, event->type_name);
	page_put(page, "</b><span class=\"by\">seen by ");
	page_value(page, span_get(event->payload, "observedBy"));
	page_put(page, "</span><p>");
	event_words_put(page->out, WORDS_HTML, event, PAGE_TEXT_MAX);
	page_put(page, "</p></div></li>\n");
}

void page_timeline(const struct page *page)
{
	struct view_event event;
	struct span_walk walk;
	uint64_t shown = 0, left_out = 0;

	page_open_section(page, "timeline", "Timeline");
	page_put(page, "<p class=\"lead\">Seconds since the first event, by the host's clock that "
		       "never stands still.</p>\n<ol class=\"timeline\">\n");
	for (bool more = view_walk(page->view, &walk);
	     more && view_next(page->view, &walk, &event);) {
		bool wanted = page->all_events ||
			      (view_event_matters(&event) &&
			       (shown < EVENTS_SHOWN || event_type_closes(event.type)));

		if (wanted)
			put_event(page, &event);
		*(wanted ? &shown : &left_out) += 1;
	}
	page_put(page, "</ol>\n");
	if (left_out > 0) {
		page_put(page, "<p class=\"note\">");
		buf_append_u64(page->out, left_out);
		page_put(page, " of ");
		buf_append_u64(page->out, page->view->event_count);
		page_put(page, " events are not listed: the samples are in the plots above. "
			       "--events lists them all.</p>\n");
	}
	page_close_section(page);
}

static void put_evidence(const struct page *page, const struct view_clause *clause)
{
	char start[sizeof("sha256:0123456789ab")];

	snprintf(start, sizeof(start), "%.*s", (int)sizeof(start) - 1, clause->evidence);
	page_put(page, "<td data-label=\"Evidence\"><details><summary>");
	page_put(page, start + strlen("sha256:"));
	page_put(page, "</summary><p><code>");
	page_value(page, clause->answer);
	page_put(page, "</code></p><p><code>");
	page_put(page, clause->evidence);
	page_put(page, "</code></p></details></td>");
}

static void put_limit(const struct page *page, const char *column, const struct view_clause *clause,
		      struct span value)
{
	page_put(page, "<td data-label=\"");
	page_put(page, column);
	page_put(page, "\"><span>");
	view_put_limit(page->out, WORDS_HTML, clause, value, PAGE_TEXT_MAX);
	page_put(page, "</span></td>");
}

static void put_clause(const struct page *page, const struct view_clause *clause)
{
	page_put(page, "<tr><th scope=\"row\">");
	page_value(page, clause->name);
	page_put(page, "</th><td data-label=\"Enforced\"><span class=\"state ");
	page_put(page, clause->enforced ? "yes\">yes" : "no\">no");
	page_put(page, "</span></td>");
	put_limit(page, "Asked", clause, clause->asked);
	put_limit(page, "Got", clause, clause->got);
	page_put(page, "<td data-label=\"How\"><span>");
	page_value(page, clause->mechanism);
	if (clause->reason.len > 0) {
		page_put(page, ": ");
		page_value(page, clause->reason);
	}
	page_put(page, "</span></td>");
	put_evidence(page, clause);
	page_put(page, "</tr>\n");
}

void page_enforcement(const struct page *page)
{
	struct view_clause clause;
	struct span_walk walk;
	size_t count = 0;

	page_open_section(page, "enforcement", "Enforcement");
	page_put(page, "<p class=\"lead\">What the policy asked for, what the kernel said it got "
		       "when it was asked afterwards, and the SHA-256 of that answer.</p>\n"
		       "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
		       "aria-labelledby=\"enforcement\"><table><thead><tr>"
		       "<th scope=\"col\">Clause</th><th scope=\"col\">Enforced</th>"
		       "<th scope=\"col\">Asked</th><th scope=\"col\">Got</th>"
		       "<th scope=\"col\">How</th><th scope=\"col\">Evidence</th>"
		       "</tr></thead><tbody>\n");
	for (bool more = span_walk_array(view_member(page->view, REPORT_ENFORCEMENT), &walk);
	     more && view_next_clause(&walk, &clause); count++)
		put_clause(page, &clause);
	page_put(page, "</tbody></table></div>\n");
	if (count == 0)
		page_put(page, "<p class=\"note\">None: the sandbox was never finished.</p>\n");
	page_close_section(page);
}

static void put_pair(const struct page *page, const char *name, struct span value)
{
	page_put(page, "<dt>");
	page_put(page, name);
	page_put(page, "</dt><dd>");
	page_value(page, value);
	page_put(page, "</dd>\n");
}

/* Mounts and rules one by one: the same events as in the timeline, by themselves. */
static void put_decisions(const struct page *page)
{
	struct view_event event;
	struct span_walk walk;
	uint64_t count = 0;

	for (bool more = view_walk(page->view, &walk);
	     more && view_next(page->view, &walk, &event);) {
		if (!view_event_decides(&event) || (count >= EVENTS_SHOWN && !page->all_events))
			continue;
		if (count++ == 0)
			page_put(page, "<h3>One by one</h3>\n<ol class=\"timeline\">\n");
		put_event(page, &event);
	}
	if (count > 0)
		page_put(page, "</ol>\n");
}

void page_decisions(const struct page *page)
{
	const struct view *view = page->view;

	page_open_section(page, "decisions", "Network and mounts");
	page_put(page, "<dl class=\"pairs\">\n");
	put_pair(page, "Network", view_get(view, REPORT_NETWORK_AUDIT, "mode"));
	put_pair(page, "Rules", view_get(view, REPORT_NETWORK_AUDIT, "rulesTotal"));
	put_pair(page, "Connections allowed", view_get(view, REPORT_NETWORK_AUDIT, "allowedHits"));
	put_pair(page, "Connections blocked", view_get(view, REPORT_NETWORK_AUDIT, "blockedHits"));
	put_pair(page, "Mounts asked for", view_get(view, REPORT_MOUNT_AUDIT, "requested"));
	put_pair(page, "Mounts made", view_get(view, REPORT_MOUNT_AUDIT, "accepted"));
	put_pair(page, "Mounts refused", view_get(view, REPORT_MOUNT_AUDIT, "rejected"));
	page_put(page, "</dl>\n");
	put_decisions(page);
	page_close_section(page);
}

static void put_stream(const struct page *page, const char *name)
{
	struct span stream = view_get(page->view, REPORT_OUTPUT, name);
	char size[UNITS_SIZE] = "-";
	uint64_t bytes;

	if (view_number(span_get(stream, "bytes"), &bytes))
		units_bytes(bytes, size);
	page_put(page, "<tr><th scope=\"row\">");
	page_put(page, name);
	page_put(page, "</th><td data-label=\"Size\"><span>");
	page_put(page, size);
	page_put(page, span_equal(span_get(stream, "truncated"), "true")
			       ? ", its log is cut</span></td>"
			       : "</span></td>");
	page_put(page, "<td data-label=\"SHA-256\"><code>");
	page_value(page, span_get(stream, "sha256"));
	page_put(page, "</code></td></tr>\n");
}

/* What the run left and was asked for (outputs of the policy). */
static void put_outputs(const struct page *page)
{
	struct span outputs = view_member(page->view, REPORT_OUTPUTS);
	struct span output;
	struct span_walk walk;

	if (span_kind(outputs) != SPAN_OBJECT)
		return;
	page_put(page, "<h3>Files kept</h3>\n<dl class=\"pairs\">\n");
	put_pair(page, "Files", span_get(outputs, "files"));
	put_pair(page, "Bytes", span_get(outputs, "bytes"));
	put_pair(page, "Manifest", span_get(outputs, "manifestHash"));
	for (bool more = span_walk_array(span_get(outputs, "outputs"), &walk);
	     more && span_next_element(&walk, &output);) {
		page_put(page, "<dt><code>");
		page_value(page, span_get(output, "path"));
		page_put(page, "</code></dt><dd>");
		page_value(page, span_get(output, "status"));
		page_put(page, "</dd>\n");
	}
	page_put(page, "</dl>\n");
}

void page_output(const struct page *page)
{
	page_open_section(page, "output", "Output");
	if (!span_equal(view_get(page->view, REPORT_OUTPUT, "captured"), "true")) {
		page_put(page, "<p class=\"note\">Not captured: nobody saw it.</p>\n");
		put_outputs(page);
		page_close_section(page);
		return;
	}
	page_put(page, "<table><thead><tr><th scope=\"col\">Stream</th><th scope=\"col\">Size</th>"
		       "<th scope=\"col\">SHA-256</th></tr></thead><tbody>\n");
	put_stream(page, "stdin");
	put_stream(page, "stdout");
	put_stream(page, "stderr");
	page_put(page, "</tbody></table>\n");
	put_outputs(page);
	page_close_section(page);
}
