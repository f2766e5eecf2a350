/* SPDX-License-Identifier: Apache-2.0 */
/* sr-inspect: what it shows, and that a hostile report can do nothing to who looks at it. */
#include "ipc/utf8.h"
#include "stages/seal/digest.h"
#include "tests/support/child.h"
#include "tests/support/evidence.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define WORDS(...)   ((const char *const[]){__VA_ARGS__, NULL})
#define LONG_LEN     100000
#define ARCHIVE_FD   50

struct fixture {
	char *directory;
	char path[512];
	struct buf stream, report;
};

static void fixture_open(struct fixture *fixture)
{
	fixture->directory = child_make_dir("inspect");
	snprintf(fixture->path, sizeof(fixture->path), "%s/report", fixture->directory);
	buf_init(&fixture->stream, EVIDENCE_MAX);
	buf_init(&fixture->report, EVIDENCE_MAX);
	evidence_finished(&fixture->stream);
}

static void fixture_write(struct fixture *fixture)
{
	evidence_seal(&fixture->stream, &fixture->report);
	child_write_file(fixture->path, fixture->report.data, fixture->report.len);
}

static void fixture_close(struct fixture *fixture)
{
	buf_release(&fixture->stream);
	buf_release(&fixture->report);
	child_remove_dir(fixture->directory);
	free(fixture->directory);
}

/* options is a NULL-terminated list. The caller releases the result. */
static void inspect(const char *const options[], const char *path, struct child_result *result)
{
	const char *argv[16] = {"sr-inspect"};
	size_t count = 1;

	for (size_t i = 0; options[i] != NULL; i++)
		argv[count++] = options[i];
	argv[count++] = path;
	child_run(argv, "", 0, NULL, result);
}

Test(stage_inspect, says_what_the_report_says)
{
	static const char *const texts[] = {
		EVIDENCE_RUN_ID,
		"finished: exited with status 0",
		"2026-01-01 00:00:00 UTC",
		"valid, trust self",
		"default.no_new_privs",
		"/bin/echo",
		"run.cleaned",
		"caller-closed",
		"memoryMax",
	};
	static const char *const page_texts[] = {
		EVIDENCE_RUN_ID,
		"exited with status 0",
		"Content-Security-Policy",
		"default-src 'none'",
		"Report valid, trust: self",
		"default.no_new_privs",
		"prefers-color-scheme:dark",
		"<svg",
		"width=device-width",
		"jq -cSj",
	};
	struct fixture fixture;
	struct child_result result;

	fixture_open(&fixture);
	fixture_write(&fixture);
	inspect(WORDS("--width", "120"), fixture.path, &result);
	cr_expect_eq(result.status, 0, "%s", result.err);
	for (size_t i = 0; i + 1 < COUNT(texts); i++)
		cr_expect_not_null(strstr(result.out, texts[i]), "%s\n%s", texts[i], result.out);
	child_release(&result);
	inspect(WORDS("--html"), fixture.path, &result);
	cr_expect_eq(result.status, 0, "%s", result.err);
	for (size_t i = 0; i < COUNT(page_texts); i++)
		cr_expect_not_null(strstr(result.out, page_texts[i]), "%s", page_texts[i]);
	child_release(&result);
	fixture_close(&fixture);
}

Test(stage_inspect, the_samples_are_listed_when_every_event_is)
{
	struct fixture fixture;
	struct child_result result;

	fixture_open(&fixture);
	fixture_write(&fixture);
	inspect(WORDS("--ascii"), fixture.path, &result);
	cr_expect_null(strstr(result.out, "resource.sampled"));
	cr_expect_not_null(strstr(result.out, "4 of 12 events left out"), "%s", result.out);
	child_release(&result);
	inspect(WORDS("--events"), fixture.path, &result);
	cr_expect_not_null(strstr(result.out, "resource.sampled"));
	cr_expect_null(strstr(result.out, "left out"));
	child_release(&result);
	fixture_close(&fixture);
}

/* The verdict is over the bytes shown, and nobody can miss it. */
Test(stage_inspect, what_does_not_verify_is_shown_as_that)
{
	struct fixture fixture;
	struct child_result result;

	fixture_open(&fixture);
	evidence_seal(&fixture.stream, &fixture.report);
	evidence_replace(&fixture.report, "exited with status 0", "exited with status 1", -1);
	child_write_file(fixture.path, fixture.report.data, fixture.report.len);
	inspect(WORDS("--ascii"), fixture.path, &result);
	cr_expect_eq(result.status, 1);
	cr_expect_not_null(strstr(result.out, "invalid, trust none"), "%s", result.out);
	cr_expect_not_null(strstr(result.out, "FAIL event_chain"), "%s", result.out);
	cr_expect_eq(strncmp(result.out, "INVALID", 7), 0, "%s", result.out);
	child_release(&result);
	inspect(WORDS("--html"), fixture.path, &result);
	cr_expect_eq(result.status, 1);
	cr_expect_not_null(strstr(result.out, "Report invalid, trust: none"));
	cr_expect_not_null(strstr(result.out, "claims: finished"));
	cr_expect_null(strstr(result.out, "badge good"));
	cr_expect_not_null(strstr(result.out, "believe nothing on this page"));
	child_release(&result);
	fixture_close(&fixture);
}

Test(stage_inspect, what_is_no_report)
{
	static const struct {
		const char *name, *text;
		int status;
	} rows[] = {
		{"empty", "", 1},
		{"no JSON", "<script>alert(1)</script>", 1},
		{"an array", "[]", 1},
		{"a number", "7", 1},
		{"an empty object", "{}", 1},
		{"events that are none", "{\"events\":[1,null,{},{\"payload\":[]}]}", 1},
		{"members of the wrong kind",
		 "{\"artifacts\":[],\"enforcement\":{},\"events\":[],\"integrity\":1,"
		 "\"mountAudit\":\"x\",\"outcome\":[],\"output\":null,\"policySummary\":7}",
		 1},
	};
	struct fixture fixture;
	struct child_result result;

	fixture_open(&fixture);
	for (size_t i = 0; i < COUNT(rows); i++)
		for (int html = 0; html < 2; html++) {
			child_write_file(fixture.path, rows[i].text, strlen(rows[i].text));
			inspect(html ? WORDS("--html") : WORDS("--ascii"), fixture.path, &result);
			cr_expect_eq(result.status, rows[i].status, "%s: %d %s", rows[i].name,
				     result.status, result.err);
			cr_expect_not_null(strstr(result.out, "invalid"), "%s", rows[i].name);
			cr_expect_null(strstr(result.out, "<script"), "%s", rows[i].name);
			child_release(&result);
		}
	unlink(fixture.path);
	inspect(WORDS("--ascii"), fixture.path, &result);
	cr_expect_eq(result.status, 3);
	child_release(&result);
	cr_assert_eq(mkfifo(fixture.path, 0600), 0);
	inspect(WORDS("--ascii"), fixture.path, &result);
	cr_expect_eq(result.status, 1);
	child_release(&result);
	fixture_close(&fixture);
}

/* JSON, and what may not come out of it. */
static const struct {
	const char *name, *json, *forbidden;
} hostile[] = {
	{"a script", "<script>alert(1)</script>", "<script"},
	{"an end of the element", "</code></dd><img src=x onerror=alert(1)>", "<img"},
	{"an end of the attribute", "\\\" onmouseover=\\\"alert(1)", "\" onmouseover"},
	{"a single quote", "' onmouseover='alert(1)", "' onmouseover"},
	{"an entity", "&lt;b&gt;&#60;script&#62;", " &lt;b&gt;"},
	{"an end of the style", "</style><script>", "</style><script>"},
	{"a terminal sequence", "\\u001b[31mred\\u001b]0;title\\u0007", "\033["},
	{"an eight-bit sequence",
	 "\xc2\x9b"
	 "31m",
	 "\xc2\x9b"},
	{"a line feed", "one\\ntwo\\r", "one\ntwo"},
	{"writing from the right",
	 "\xe2\x80\xae"
	 "gpj.exe",
	 "\xe2\x80\xae"},
	{"an isolate", "\xe2\x81\xa6x", "\xe2\x81\xa6"},
	{"what cannot be seen",
	 "a\xe2\x80\x8b"
	 "b\xef\xbb\xbf",
	 "\xe2\x80\x8b"},
	{"a tag character", "\xf3\xa0\x81\x81", "\xf3\xa0\x81\x81"},
};

/* Every place of a report that holds a stranger's text, as far as a valid report can. */
static void poison(struct buf *stream, const char *json)
{
	static const char *const places[] = {
		"\"name\":\"hello\"",
		"\"command\":\"/bin/echo\"",
		"\"source\":\"/srv\"",
		"\"target\":\"/data\"",
		"\"mechanism\":\"prctl\"",
		"\"summary\":\"exited with status 0\"",
		"\"evidence\":{\"NoNewPrivs\":1}",
		"\"seccomp\":\"standard\"",
	};
	char *with = malloc(strlen(json) + 64);

	for (size_t i = 0; i < COUNT(places); i++) {
		const char *colon = strchr(places[i], ':');

		if (colon[1] == '{')
			sprintf(with, "\"evidence\":{\"NoNewPrivs\":\"%s\"}", json);
		else
			sprintf(with, "%.*s:\"%s\"", (int)(colon - places[i]), places[i], json);
		evidence_replace(stream, places[i], with, -1);
	}
	free(with);
}

static void expect_harmless_text(const char *name, const struct child_result *result)
{
	for (size_t i = 0; i < result->out_len; i++) {
		unsigned char byte = (unsigned char)result->out[i];

		cr_expect(byte >= 0x20 || byte == '\n', "%s: byte %#x at %zu", name, byte, i);
		if (byte < 0x20 && byte != '\n')
			return;
	}
}

/* Elements and attributes of a page of ours, no more. */
static void expect_harmless_page(const char *name, const struct child_result *result)
{
	static const char *const elements[] = {
		"!DOCTYPE", "html",	  "head",    "meta",	"title", "style", "body", "a",
		"header",   "div",	  "p",	     "b",	"span",	 "svg",	  "path", "h1",
		"h2",	    "h3",	  "code",    "dl",	"dt",	 "dd",	  "main", "section",
		"ul",	    "li",	  "figure",  "table",	"thead", "tr",	  "th",	  "tbody",
		"td",	    "figcaption", "details", "summary", "ol",	 "time",  "pre",  "footer",
	};

	for (const char *at = strchr(result->out, '<'); at != NULL; at = strchr(at + 1, '<')) {
		const char *word = at[1] == '/' ? at + 2 : at + 1;
		size_t len = strcspn(word, " >\n/");
		bool known = false;

		for (size_t i = 0; i < COUNT(elements); i++)
			known = known || (strlen(elements[i]) == len &&
					  strncmp(elements[i], word, len) == 0);
		cr_expect(known, "%s: <%.40s", name, word);
		if (!known)
			return;
	}
}

static void expect_harmless(const char *name, const char *json, const char *forbidden)
{
	struct fixture fixture;
	struct child_result result;

	fixture_open(&fixture);
	poison(&fixture.stream, json);
	fixture_write(&fixture);
	inspect(WORDS("--events", "--width", "160"), fixture.path, &result);
	cr_expect_eq(result.status, 0, "%s: %s", name, result.err);
	expect_harmless_text(name, &result);
	if (!isprint((unsigned char)forbidden[0]))
		cr_expect_null(strstr(result.out, forbidden), "%s", name);
	child_release(&result);
	inspect(WORDS("--html", "--events"), fixture.path, &result);
	cr_expect_eq(result.status, 0, "%s: %s", name, result.err);
	expect_harmless_page(name, &result);
	cr_expect_null(strstr(result.out, forbidden), "%s", name);
	child_release(&result);
	fixture_close(&fixture);
}

Test(stage_inspect, a_hostile_report_shows_and_does_nothing)
{
	for (size_t i = 0; i < COUNT(hostile); i++)
		expect_harmless(hostile[i].name, hostile[i].json, hostile[i].forbidden);
}

Test(stage_inspect, a_long_text_is_cut_and_says_so)
{
	struct fixture fixture;
	struct child_result result;
	char *text = malloc(LONG_LEN + 1);

	memset(text, 'x', LONG_LEN);
	text[LONG_LEN] = '\0';
	fixture_open(&fixture);
	poison(&fixture.stream, text);
	fixture_write(&fixture);
	inspect(WORDS("--html"), fixture.path, &result);
	cr_expect_eq(result.status, 0, "%s", result.err);
	cr_expect_null(strstr(result.out, text));
	cr_expect_not_null(strstr(result.out, "98001 characters more"));
	cr_expect_lt(result.out_len, 100000);
	child_release(&result);
	inspect(WORDS("--ascii"), fixture.path, &result);
	cr_expect_lt(result.out_len, 20000);
	child_release(&result);
	fixture_close(&fixture);
	free(text);
}

/* The widest line, in characters: the fixture has none that is wide or combining. */
static size_t widest(const char *text, bool *ascii)
{
	size_t width = 0, most = 0, step;

	*ascii = true;
	for (; *text != '\0'; text += step) {
		step = utf8_sequence(text, 4);
		cr_assert_neq(step, 0);
		*ascii = *ascii && step == 1;
		width = *text == '\n' ? 0 : width + 1;
		most = width > most ? width : most;
	}
	return most;
}

Test(stage_inspect, lines_keep_to_the_width)
{
	static const struct {
		const char *width;
		size_t columns;
		int status;
	} rows[] = {{"39", 39, 2},   {"40", 40, 0},   {"41", 41, 0},  {"79", 79, 0},
		    {"80", 80, 0},   {"83", 83, 0},   {"84", 84, 0},  {"85", 85, 0},
		    {"159", 159, 0}, {"160", 160, 0}, {"161", 161, 2}};
	struct fixture fixture;
	struct child_result result;
	bool ascii;

	fixture_open(&fixture);
	fixture_write(&fixture);
	for (size_t i = 0; i < COUNT(rows); i++)
		for (int plain = 0; plain < 2; plain++) {
			inspect(plain ? WORDS("--width", rows[i].width, "--ascii")
				      : WORDS("--width", rows[i].width),
				fixture.path, &result);
			cr_expect_eq(result.status, rows[i].status, "%s", rows[i].width);
			cr_expect_leq(widest(result.out, &ascii), rows[i].columns, "%s:\n%s",
				      rows[i].width, result.out);
			cr_expect(ascii || !plain, "%s", rows[i].width);
			child_release(&result);
		}
	fixture_close(&fixture);
}

Test(stage_inspect, colour_only_when_asked_for)
{
	struct fixture fixture;
	struct child_result result;

	fixture_open(&fixture);
	fixture_write(&fixture);
	inspect(WORDS("--ascii"), fixture.path, &result);
	cr_expect_null(strchr(result.out, '\033'));
	child_release(&result);
	inspect(WORDS("--ascii", "--colour"), fixture.path, &result);
	cr_expect_not_null(strstr(result.out, "\033[32m"));
	child_release(&result);
	fixture_close(&fixture);
}

/* Only a record about these very bytes counts. */
Test(stage_inspect, what_an_archive_has)
{
	static const struct {
		const char *name, *before, *behind;
		bool right;
		const char *wanted;
	} rows[] = {
		{"its record", "{\"archive\":{\"bundleId\":\"sb-1\"},\"report\":{\"sha256\":\"",
		 "\"}}\n", true, "sb-1"},
		{"another's", "{\"archive\":{\"bundleId\":\"sb-1\"},\"report\":{\"sha256\":\"",
		 "\"}}\n", false, "holds no report of these bytes"},
		{"a reason", "{\"errors\":[{\"message\":\"is shut\"}],\"report\":\"", "\"}\n", true,
		 "is shut"},
		{"no JSON", "<script>", "\n", true, "holds no report of these bytes"},
		{"the wrong kinds", "{\"errors\":[7],\"report\":[\"", "\"]}\n", true,
		 "holds no report of these bytes"},
	};
	const struct child_options options = {.keep_fds = {ARCHIVE_FD}};
	struct fixture fixture;
	uint8_t value[DIGEST_SIZE];
	char digest[DIGEST_TEXT_SIZE], path[600], text[512];

	fixture_open(&fixture);
	fixture_write(&fixture);
	snprintf(path, sizeof(path), "%s/archived", fixture.directory);
	for (size_t i = 0; i < COUNT(rows); i++)
		for (int html = 0; html < 2; html++) {
			struct child_result result;
			const char *argv[] = {"sr-inspect",   html ? "--html" : "--ascii",
					      "--archive-fd", "50",
					      fixture.path,   NULL};
			int fd;

			digest_bytes(fixture.report.data, fixture.report.len - !rows[i].right,
				     value);
			digest_text(value, digest);
			snprintf(text, sizeof(text), "%s%s%s", rows[i].before, digest,
				 rows[i].behind);
			child_write_file(path, text, strlen(text));
			fd = open(path, O_RDONLY | O_CLOEXEC);
			cr_assert(fd >= 0 && dup2(fd, ARCHIVE_FD) == ARCHIVE_FD);
			child_run(argv, "", 0, &options, &result);
			cr_expect_eq(result.status, 0, "%s: %s", rows[i].name, result.err);
			cr_expect_not_null(strstr(result.out, rows[i].wanted), "%s: %s",
					   rows[i].name, result.out);
			cr_expect_null(strstr(result.out, "<script"), "%s", rows[i].name);
			child_release(&result);
			close(fd);
			close(ARCHIVE_FD);
		}
	fixture_close(&fixture);
}

Test(stage_inspect, needs_one_report)
{
	struct child_result result;

	inspect(WORDS("--html"), NULL, &result);
	cr_expect_eq(result.status, 2);
	child_release(&result);
	inspect(WORDS("one"), "two", &result);
	cr_expect_eq(result.status, 2);
	child_release(&result);
}
