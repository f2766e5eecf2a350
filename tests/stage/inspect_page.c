/* SPDX-License-Identifier: Apache-2.0 */
/* The page as a browser shows it: nothing fetched, nothing cut off, everything readable. */
#include "tests/support/browser.h"
#include "tests/support/child.h"
#include "tests/support/evidence.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SAMPLES	     30

static const struct {
	const char *name;
	struct browser_view view;
} views[] = {
	{"desktop, light", {1280, 900, false, false}}, {"desktop, dark", {1280, 900, true, false}},
	{"tablet", {768, 1024, false, true}},	       {"phone, light", {375, 812, false, true}},
	{"phone, dark", {375, 812, true, true}},       {"small phone", {320, 568, false, true}},
};

/* The least contrast (WCAG 2.1, 1.4.3) of any text that is shown, and where it is. */
static const char contrast[] =
	"(()=>{const lum=c=>{const[r,g,b]=c.map(v=>{v/=255;return "
	"v<=.03928?v/12.92:((v+.055)/1.055)"
	"**2.4});return .2126*r+.7152*g+.0722*b};"
	"const parse=t=>(t.match(/[\\d.]+/g)||[]).map(Number);"
	"const ground=e=>{for(;e;e=e.parentElement){const c=parse(getComputedStyle(e)."
	"backgroundColor);if(c.length===3||c[3]===1)return c.slice(0,3)}return[255,255,255]};"
	"let least=99,where='';"
	"for(const e of document.querySelectorAll('body *')){"
	"if(![...e.childNodes].some(n=>n.nodeType===3&&n.data.trim())||!e.getClientRects().length)"
	"continue;const a=lum(parse(getComputedStyle(e).color).slice(0,3)),b=lum(ground(e));"
	"const r=(Math.max(a,b)+.05)/(Math.min(a,b)+.05);"
	"if(r<least){least=r;where=e.tagName+'.'+e.className}}"
	"return (least>=4.5?'ok':'low')+' '+least.toFixed(2)+' '+where})()";

/* What sticks out to the right of the window, and is not inside something that scrolls. */
static const char sticking_out[] =
	"[...document.querySelectorAll('body *')].filter(e=>e.getBoundingClientRect().right>"
	"innerWidth+1&&!e.closest('.scroll,pre,svg')).map(e=>e.tagName+'.'+e.className).join(' ')+"
	"(document.documentElement.scrollWidth>innerWidth?' scrolls':'')";

static const char structure[] =
	"[document.querySelectorAll('header').length,document.querySelectorAll('main').length,"
	"document.querySelectorAll('footer').length,document.querySelectorAll('h1').length,"
	"document.scripts.length,document.documentElement.lang,"
	"[...document.querySelectorAll('thead th,tbody th')].every(e=>e.scope),"
	"[...document.querySelectorAll('svg[role=img]')].every(e=>e.getAttribute('aria-label')),"
	"document.querySelectorAll('.curve').length].join(' ')";

static void append_samples(struct buf *stream)
{
	static const char head[] = "{\"payload\":{\"bootNs\":\"";
	struct buf rest;

	buf_init(&rest, EVIDENCE_MAX);
	buf_clear(stream);
	evidence_failed(&rest, 2);
	/* The first event, the samples, the last one: that one's number and time come behind. */
	buf_append(stream, rest.data, (size_t)(strchr(rest.data, '\n') + 1 - rest.data));
	for (unsigned i = 1; i <= SAMPLES; i++) {
		char payload[256];

		snprintf(payload, sizeof(payload),
			 "{\"bootNs\":\"%" PRIu64 "\",\"cpu\":{\"usageUs\":%u},\"memory\":{"
			 "\"currentBytes\":%u,\"peakBytes\":%u},\"observedBy\":\"monitor\","
			 "\"pids\":{\"current\":1},\"sample\":\"periodic\"}",
			 UINT64_C(100000000) * i, 40000 * i, i % 7 << 20, 8U << 20);
		evidence_event(stream, i, "monitor", "resource.sampled", payload);
	}
	cr_assert_eq(strncmp(rest.data, head, 10), 0);
	evidence_event(stream, SAMPLES + 1, "monitor", "run.failed",
		       "{\"bootNs\":\"3100000000\",\"cleanup\":[],\"errors\":[],\"observedBy\":"
		       "\"monitor\",\"outcome\":{\"cause\":\"setup\",\"evidence\":{\"execErrno\":"
		       "\"ENOENT\"},\"exitCode\":127,\"signal\":null,\"state\":\"failed\","
		       "\"summary\":\"not found\"},\"output\":{\"captured\":false,\"stderr\":null,"
		       "\"stdin\":null,\"stdout\":null}}");
	buf_release(&rest);
}

/* Names that would run, fetch, or push the page wide. */
static void make_hostile(struct buf *stream)
{
	char *wide = malloc(100001);

	memset(wide, 'W', 100000);
	memcpy(wide, "\"name\":\"", 8);
	strcpy(wide + 99999, "\"");
	evidence_replace(stream, "\"name\":\"hello\"", wide, 0);
	evidence_replace(stream, "\"command\":\"/bin/echo\"",
			 "\"command\":\"<script>console.log(1)</script><img src=http://127.0.0.1/x>"
			 "<style>*{color:red}</style>\"",
			 0);
	free(wide);
}

/* The page of a stream's report; the caller frees its path. */
static char *make_page(const char *directory, const struct buf *stream, const char *name)
{
	char report_path[600];
	char *page_path = malloc(600);
	struct child_result result;
	struct buf report;

	buf_init(&report, EVIDENCE_MAX);
	evidence_seal(stream, &report);
	snprintf(report_path, sizeof(report_path), "%s/%s.json", directory, name);
	snprintf(page_path, 600, "%s/%s.html", directory, name);
	child_write_file(report_path, report.data, report.len);
	child_run((const char *const[]){"sr-inspect", "--html", "--events", report_path, NULL}, "",
		  0, NULL, &result);
	cr_assert_eq(result.status, 0, "%s", result.err);
	child_write_file(page_path, result.out, result.out_len);
	child_release(&result);
	buf_release(&report);
	return page_path;
}

static void expect_page(struct browser *browser, const char *path, const char *name,
			const struct browser_view *view)
{
	char *answer;

	browser_show(browser, path, view);
	answer = browser_ask(browser, sticking_out);
	cr_expect_str_eq(answer, "", "%s: %s", name, answer);
	free(answer);
	answer = browser_ask(browser, contrast);
	cr_expect_eq(strncmp(answer, "ok", 2), 0, "%s: %s", name, answer);
	free(answer);
}

static char *ground_of(struct browser *browser, const char *path, const struct browser_view *view)
{
	browser_show(browser, path, view);
	return browser_ask(browser, "getComputedStyle(document.body).backgroundColor");
}

static void expect_all(struct browser *browser, const char *plain, const char *hostile)
{
	char *light, *dark, *built;

	for (size_t i = 0; i < COUNT(views); i++) {
		expect_page(browser, plain, views[i].name, &views[i].view);
		expect_page(browser, hostile, views[i].name, &views[i].view);
	}
	built = browser_ask(browser, structure);
	cr_expect_str_eq(built, "1 1 1 1 0 en true true 2");
	light = ground_of(browser, plain, &views[0].view);
	dark = ground_of(browser, plain, &views[1].view);
	cr_expect_str_eq(light, "rgb(247, 247, 244)"); /* the style was let through by its hash */
	cr_expect_str_neq(light, dark);
	cr_expect_eq(browser_complaints(browser), 0);
	cr_expect_eq(browser_requests(browser), 0);
	free(light);
	free(dark);
	free(built);
}

Test(inspect_page, in_a_browser, .timeout = 300)
{
	struct browser *browser = browser_open();
	const char *must_work = getenv("MUST_WORK");
	char *directory, *plain, *hostile;
	struct buf stream;

	if (browser == NULL && must_work != NULL && strcmp(must_work, "1") == 0)
		cr_assert_fail("MUST_WORK is set, but there is no /usr/bin/chromium");
	if (browser == NULL)
		cr_skip_test("there is no /usr/bin/chromium: tests/setup installs it");
	directory = child_make_dir("page");
	buf_init(&stream, EVIDENCE_MAX);
	append_samples(&stream);
	plain = make_page(directory, &stream, "plain");
	make_hostile(&stream);
	hostile = make_page(directory, &stream, "hostile");
	expect_all(browser, plain, hostile);
	browser_close(browser);
	buf_release(&stream);
	child_remove_dir(directory);
	free(directory);
	free(plain);
	free(hostile);
}
