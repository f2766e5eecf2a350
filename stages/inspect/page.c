/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/inspect/page.h"

#include "stages/inspect/page_style.h"
#include "stages/inspect/units.h"
#include "stages/seal/base64.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

void page_put(const struct page *page, const char *markup)
{
	buf_append_text(page->out, markup);
}

void page_say(const struct page *page, const char *text)
{
	words_put_text(page->out, WORDS_HTML, text, PAGE_TEXT_MAX);
}

void page_value(const struct page *page, struct span value)
{
	words_put_value(page->out, WORDS_HTML, value, PAGE_TEXT_MAX);
}

void page_open_section(const struct page *page, const char *id, const char *title)
{
	page_put(page, "<section aria-labelledby=\"");
	page_put(page, id);
	page_put(page, "\"><h2 id=\"");
	page_put(page, id);
	page_put(page, "\">");
	page_put(page, title);
	page_put(page, "</h2>\n");
}

void page_close_section(const struct page *page)
{
	page_put(page, "</section>\n");
}

/* The one style of the page is allowed by its hash: an attribute or a second one would not run. */
static void put_policy(const struct page *page)
{
	uint8_t digest[DIGEST_SIZE];

	digest_bytes(page_style, sizeof(page_style), digest);
	page_put(page, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		       "base-uri 'none'; form-action 'none'; style-src 'sha256-");
	base64_append(page->out, digest, sizeof(digest));
	page_put(page, "'\">\n");
}

static void put_head(const struct page *page)
{
	page_put(page, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n");
	put_policy(page);
	page_put(page, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		       "<meta name=\"color-scheme\" content=\"light dark\">\n"
		       "<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
	page_value(page, view_member(page->view, REPORT_RUN_ID));
	page_put(page, " - safe-run report</title>\n<style>");
	buf_append(page->out, page_style, sizeof(page_style));
	page_put(page, "</style></head>\n<body><a class=\"skip\" href=\"#content\">To the "
		       "content</a>\n");
}

enum badge { BADGE_GOOD, BADGE_BAD, BADGE_WARN, BADGE_PLAIN };

static void open_badge(const struct page *page, enum badge badge)
{
	static const char *const classes[] = {"badge good", "badge bad", "badge warn", "badge"};
	static const char *const icons[] = {
		"M5 13l4 4L19 7",
		"M6 6l12 12M18 6L6 18",
		"M12 6v8M12 18v.01",
		"M6 12h12",
	};

	page_put(page, "<span class=\"");
	page_put(page, classes[badge]);
	page_put(page, "\"><svg viewBox=\"0 0 24 24\" aria-hidden=\"true\" fill=\"none\" "
		       "stroke=\"currentColor\" stroke-width=\"3\" stroke-linecap=\"round\" "
		       "stroke-linejoin=\"round\"><path d=\"");
	page_put(page, icons[badge]);
	page_put(page, "\"/></svg><span>");
}

static void close_badge(const struct page *page)
{
	page_put(page, "</span></span>\n");
}

static const char *verification(const struct page *page, const char *name)
{
	const char *text =
		json_object_get_string(json_object_object_get(page->view->verification, name));

	return text != NULL ? text : "-";
}

static void put_verification_badge(const struct page *page)
{
	const char *result = verification(page, "result");
	const char *trust = verification(page, "trust");
	enum badge badge = BADGE_BAD;

	if (strcmp(result, "incomplete") == 0)
		badge = BADGE_WARN;
	else if (strcmp(result, "valid") == 0)
		badge = strcmp(trust, "self") == 0 ? BADGE_PLAIN : BADGE_GOOD;
	open_badge(page, badge);
	page_put(page, "Report ");
	page_say(page, result);
	page_put(page, ", trust: ");
	page_say(page, trust);
	close_badge(page);
}

/* What a report that does not hold says of itself is no more than a claim, and has no colour. */
static void put_claim(const struct page *page, const char *name, struct span value,
		      enum badge badge)
{
	bool holds = strcmp(verification(page, "result"), "invalid") != 0;

	if (value.len == 0 || span_null(value))
		return;
	open_badge(page, holds ? badge : BADGE_PLAIN);
	page_put(page, holds ? "" : "claims: ");
	page_put(page, name);
	page_value(page, value);
	close_badge(page);
}

static void put_badges(const struct page *page)
{
	struct span state = view_member(page->view, REPORT_STATE);
	struct span verdict = view_member(page->view, REPORT_VERDICT);
	bool holds = strcmp(verification(page, "result"), "invalid") != 0;

	page_put(page, "<div class=\"badges\">\n");
	if (!holds)
		put_verification_badge(page);
	put_claim(page, "", state, span_says(state, "finished") ? BADGE_GOOD : BADGE_BAD);
	put_claim(page, "Policy ", verdict,
		  span_says(verdict, "enforced") ? BADGE_GOOD : BADGE_WARN);
	if (holds)
		put_verification_badge(page);
	page_put(page, "</div>\n");
}

static void put_fact(const struct page *page, const char *name, struct span value)
{
	page_put(page, "<div><dt>");
	page_put(page, name);
	page_put(page, "</dt><dd>");
	page_value(page, value);
	page_put(page, "</dd></div>\n");
}

static void put_started(const struct page *page)
{
	struct span started = view_member(page->view, REPORT_STARTED_AT);

	page_put(page, "<div><dt>Started</dt><dd title=\"");
	page_value(page, started);
	page_put(page, "\">");
	words_put_time(page->out, WORDS_HTML, started, PAGE_TEXT_MAX);
	page_put(page, "</dd></div>\n");
}

static void put_took(const struct page *page)
{
	char text[UNITS_SIZE] = "-";
	uint64_t wall_ms;

	if (view_number(view_get(page->view, REPORT_RESOURCE_USAGE, "wallMs"), &wall_ms) &&
	    wall_ms < UINT64_MAX / 1000000)
		units_duration(wall_ms * 1000000, text);
	page_put(page, "<div><dt>Took</dt><dd>");
	page_put(page, text);
	page_put(page, "</dd></div>\n");
}

static void put_header(const struct page *page)
{
	const struct view *view = page->view;
	struct span summary = view_member(view, REPORT_POLICY_SUMMARY);

	page_put(page, "<header><div class=\"frame\"><p class=\"brand\"><b>safe-run</b> run "
		       "report</p>\n");
	put_badges(page);
	page_put(page, "<h1>");
	if (view_member(view, REPORT_EVENTS).len == 0)
		page_put(page, "nothing of this report can be shown");
	else
		page_value(page, view_get(view, REPORT_OUTCOME, "summary"));
	page_put(page, "</h1>\n<p class=\"command\"><code>");
	page_value(page, span_get(summary, "command"));
	page_put(page, "</code> with ");
	page_value(page, span_get(summary, "argsCount"));
	page_put(page, " arguments</p>\n<dl class=\"facts\">\n");
	put_fact(page, "Run", view_member(view, REPORT_RUN_ID));
	put_started(page);
	put_took(page);
	put_fact(page, "Exit status", view_member(view, REPORT_EXIT_CODE));
	put_fact(page, "Policy", span_get(summary, "name"));
	put_fact(page, "Isolation", span_get(summary, "isolation"));
	put_fact(page, "Network", view_get(view, REPORT_NETWORK_AUDIT, "mode"));
	put_fact(page, "Launched as", span_get(view->first_payload, "mode"));
	page_put(page, "</dl></div></header>\n");
}

static void put_tile(const struct page *page, const char *name, const char *value)
{
	page_put(page, "<div><dt>");
	page_put(page, name);
	page_put(page, "</dt><dd>");
	page_put(page, value);
	page_put(page, "</dd></div>\n");
}

static void put_tiles(const struct page *page)
{
	const struct view *view = page->view;
	char text[UNITS_SIZE] = "-";
	uint64_t number;

	page_put(page, "<dl class=\"tiles\">\n");
	if (view_number(view_get(view, REPORT_RESOURCE_USAGE, "cpuUsageUs"), &number) &&
	    number < UINT64_MAX / 1000)
		units_duration(number * 1000, text);
	put_tile(page, "Processor time", text);
	snprintf(text, sizeof(text), "-");
	if (view_number(view_get(view, REPORT_RESOURCE_USAGE, "memoryPeakBytes"), &number))
		units_bytes(number, text);
	put_tile(page, "Most memory", text);
	snprintf(text, sizeof(text), "-");
	if (view_number(view_get(view, REPORT_RESOURCE_USAGE, "pidsPeak"), &number))
		snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	put_tile(page, "Most processes", text);
	snprintf(text, sizeof(text), "%zu", view->series.samples);
	put_tile(page, "Samples", text);
	page_put(page, "</dl>\n");
}

static void put_resources(const struct page *page)
{
	page_open_section(page, "resources", "Resources");
	put_tiles(page);
	if (page->view->series.count == 0) {
		page_put(page, "<p class=\"note\">No sample was taken.</p>\n");
	} else {
		page_plot(page, SERIES_CPU);
		page_plot(page, SERIES_MEMORY);
	}
	page_close_section(page);
}

static void put_footer(const struct page *page)
{
	page_put(page, "<footer><div class=\"frame\"><p>Made by sr-inspect " SAFE_RUN_VERSION
		       " from the report alone. This page holds no script and fetches nothing. "
		       "It is a view: the evidence is the report.</p></div></footer>\n"
		       "</body></html>\n");
}

void page_write(const struct view *view, bool all_events, struct buf *out)
{
	const struct page page = {view, out, all_events};
	bool readable = view_member(view, REPORT_EVENTS).len > 0;

	put_head(&page);
	put_header(&page);
	page_put(&page, "<main class=\"frame\" id=\"content\">\n");
	page_verification(&page);
	if (readable) {
		put_resources(&page);
		page_timeline(&page);
		page_enforcement(&page);
		page_decisions(&page);
		page_output(&page);
		page_proof(&page);
	}
	page_put(&page, "</main>\n");
	put_footer(&page);
}
