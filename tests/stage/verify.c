/* SPDX-License-Identifier: Apache-2.0 */
/* sr-verify on what is no report, on what is too much of one, and on good ones. */
#include "tests/support/answer.h"
#include "tests/support/child.h"
#include "tests/support/evidence.h"
#include "tests/support/tamper.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct fixture {
	char *directory;
	char path[512];
	struct buf report;
};

static void fixture_open(struct fixture *fixture)
{
	struct buf stream;

	fixture->directory = child_make_dir("verify");
	snprintf(fixture->path, sizeof(fixture->path), "%s/report", fixture->directory);
	buf_init(&stream, EVIDENCE_MAX);
	buf_init(&fixture->report, EVIDENCE_MAX);
	evidence_finished(&stream);
	evidence_seal(&stream, &fixture->report);
	buf_release(&stream);
}

static void fixture_close(struct fixture *fixture)
{
	buf_release(&fixture->report);
	child_remove_dir(fixture->directory);
	free(fixture->directory);
}

static void expect_invalid(const char *name, const char *path, const char *code)
{
	int status;
	struct json_object *answer = answer_get(path, &status);

	cr_expect_eq(status, 1, "%s: status %d", name, status);
	cr_expect_str_eq(answer_text(answer, "result"), "invalid", "%s", name);
	cr_expect_not_null(strstr(json_object_get_string(answer), code), "%s: %s", name,
			   json_object_get_string(answer));
	json_object_put(answer);
}

Test(stage_verify, h_what_is_no_regular_file)
{
	struct fixture fixture;
	char other[600];
	int status;

	fixture_open(&fixture);
	child_write_file(fixture.path, fixture.report.data, fixture.report.len);
	snprintf(other, sizeof(other), "%s/link", fixture.directory);
	cr_assert_eq(symlink(fixture.path, other), 0);
	expect_invalid("symbolic link", other, "SR-EVD-301");
	snprintf(other, sizeof(other), "%s/fifo", fixture.directory);
	cr_assert_eq(mkfifo(other, 0600), 0);
	expect_invalid("FIFO without a writer", other, "SR-EVD-301");
	expect_invalid("device", "/dev/zero", "SR-EVD-301");
	snprintf(other, sizeof(other), "%s/empty", fixture.directory);
	cr_assert_eq(mkdir(other, 0700), 0);
	expect_invalid("directory with nothing", other, "SR-EVD-301");
	snprintf(other, sizeof(other), "%s/missing", fixture.directory);
	json_object_put(answer_get(other, &status));
	cr_expect_eq(status, 3);
	fixture_close(&fixture);
}

/* Files nobody should have to build a document of. # in a piece is its number. */
static void write_large(const char *path, const char *before, const char *piece, size_t count,
			const char *behind)
{
	FILE *file = fopen(path, "w");
	const char *number = strchr(piece, '#');
	int before_number = number != NULL ? (int)(number - piece) : (int)strlen(piece);

	cr_assert_not_null(file);
	fputs(before, file);
	for (size_t i = 0; i < count; i++) {
		fprintf(file, "%.*s", before_number, piece);
		if (number != NULL)
			fprintf(file, "%07zu%s", i, number + 1);
	}
	fputs(behind, file);
	cr_assert_eq(fclose(file), 0);
}

Test(stage_verify, h_loads)
{
	struct fixture fixture;
	const char *path = fixture.path;

	fixture_open(&fixture);
	write_large(path, "{\"events\":[\"", "xxxxxxxxxxxxxxxx", 3 << 20, "\"]}");
	expect_invalid("48 MiB string", path, "SR-EVD-301");
	write_large(path, "{\"a0\":0", ",\"b#\":0", 1000000, "}");
	expect_invalid("a million keys", path, "SR-EVD-301");
	write_large(path, "{\"events\":[{\"a\":0", ",\"b#\":0", 1000000, "}]}");
	expect_invalid("a million keys in an event", path, "SR-EVD-301");
	write_large(path, "{\"events\":[0", ",0", 4000000, "]}");
	expect_invalid("four million events", path, "SR-EVD-301");
	write_large(path, "", "[", 100000, "");
	expect_invalid("depth, open", path, "SR-EVD-306");
	write_large(path, "{\"events\":", "[", 100000, "1]}");
	expect_invalid("depth", path, "SR-EVD-306");
	cr_assert_eq(truncate(path, (off_t)64 << 20), 0);
	expect_invalid("64 MiB of NUL", path, "SR-EVD-306");
	cr_assert_eq(truncate(path, ((off_t)64 << 20) + 1), 0);
	expect_invalid("64 MiB and a byte", path, "64 MiB");
	cr_assert_eq(truncate(path, (off_t)1 << 30), 0);
	expect_invalid("1 GiB", path, "64 MiB");
	cr_assert_eq(truncate(path, 0), 0);
	expect_invalid("empty", path, "SR-EVD-306");
	fixture_close(&fixture);
}

/* 1, 2, 2^k and beside it. One event alone has no closing event, so it is never valid. */
Test(stage_verify, positive_controls)
{
	static const size_t counts[] = {2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 255, 256, 257, 1023, 1024};
	struct fixture fixture;
	int status;

	fixture_open(&fixture);
	for (size_t i = 0; i < COUNT(counts); i++) {
		struct buf stream, report;

		buf_init(&stream, EVIDENCE_MAX);
		buf_init(&report, EVIDENCE_MAX);
		evidence_failed(&stream, counts[i]);
		evidence_seal(&stream, &report);
		child_write_file(fixture.path, report.data, report.len);
		json_object_put(answer_get(fixture.path, &status));
		cr_expect_eq(status, 0, "%zu events", counts[i]);
		buf_release(&stream);
		buf_release(&report);
	}
	fixture_close(&fixture);
}

static const struct {
	const char *name;
	const char *find; /* the events are cut in front of it; NULL: not at all */
	size_t keep;	  /* and so many bytes of it are kept */
	const char *result, *message;
} remains[] = {
	{"closed", NULL, 0, "incomplete", "up to the closing one, 11"},
	{"no closing event", "{\"hashPrev\"", 0, "incomplete", "up to event 10 and no further"},
	{"torn event", "{\"hashPrev\"", 40, "incomplete",
	 "the last 40 bytes, behind 11 whole events"},
};

static void write_events(const struct fixture *fixture, const char *path, size_t cut_behind,
			 bool cut, size_t keep)
{
	struct buf lines;
	size_t len;

	buf_init(&lines, EVIDENCE_MAX);
	for (int i = 0; i < 12; i++) {
		char *event = tamper_find_event(&fixture->report, i, &len);

		if (cut && (size_t)i == cut_behind) {
			buf_append(&lines, event, keep);
			break;
		}
		buf_append(&lines, event, len);
		buf_append(&lines, "\n", 1);
	}
	child_write_file(path, lines.data, lines.len);
	buf_release(&lines);
}

/* A seal killed before the first event came: nothing is covered, and nothing is wrong either. */
Test(stage_verify, a_run_directory_without_events)
{
	struct fixture fixture;
	struct json_object *answer;
	char events[700];
	int status;

	fixture_open(&fixture);
	snprintf(events, sizeof(events), "%s/events.ndjson", fixture.directory);
	child_write_file(events, "", 0);
	answer = answer_get(fixture.directory, &status);
	cr_expect_eq(status, 1);
	cr_expect_str_eq(answer_text(answer, "result"), "incomplete", "%s",
			 json_object_get_string(answer));
	cr_expect_not_null(strstr(json_object_get_string(answer), "there are no events"));
	cr_expect_null(strstr(json_object_get_string(answer), "up to event"));
	json_object_put(answer);
	fixture_close(&fixture);
}

/* What a killed seal leaves is named for what it is: as good as its last whole event. */
Test(stage_verify, a_run_directory_without_a_report)
{
	struct fixture fixture;
	char artifacts[600], events[700], report[700];
	size_t len;
	int status;

	fixture_open(&fixture);
	snprintf(artifacts, sizeof(artifacts), "%s/artifacts", fixture.directory);
	snprintf(events, sizeof(events), "%s/events.ndjson", artifacts);
	snprintf(report, sizeof(report), "%s/run_report.json", artifacts);
	cr_assert_eq(mkdir(artifacts, 0700), 0);
	for (size_t i = 0; i < COUNT(remains); i++) {
		struct json_object *answer;

		write_events(&fixture, events, 11, remains[i].find != NULL, remains[i].keep);
		answer = answer_get(fixture.directory, &status);
		cr_expect_eq(status, 1);
		cr_expect_str_eq(answer_text(answer, "result"), remains[i].result, "%s: %s",
				 remains[i].name, json_object_get_string(answer));
		cr_expect_not_null(strstr(json_object_get_string(answer), remains[i].message),
				   "%s: %s", remains[i].name, json_object_get_string(answer));
		cr_expect_str_eq(answer_text(answer, "runId"), EVIDENCE_RUN_ID);
		json_object_put(answer);
	}
	child_write_file(report, fixture.report.data, fixture.report.len);
	json_object_put(answer_get(fixture.directory, &status));
	cr_expect_eq(status, 0, "the report goes before the events");
	cr_assert_eq(unlink(report), 0);
	tamper_spoil(&fixture.report,
		     (size_t)(tamper_find_event(&fixture.report, 5, &len) - fixture.report.data),
		     "\"hashSelf\"");
	write_events(&fixture, events, 11, true, 0);
	expect_invalid("edited events", artifacts, "events[5].hashSelf");
	fixture_close(&fixture);
}

Test(stage_verify, usage)
{
	static const char *const none[] = {"sr-verify", NULL};
	static const char *const two[] = {"sr-verify", "a", "b", NULL};
	struct child_result result;

	child_run(none, "", 0, NULL, &result);
	cr_expect_eq(result.status, 2);
	child_release(&result);
	child_run(two, "", 0, NULL, &result);
	cr_expect_eq(result.status, 2);
	child_release(&result);
}

static bool tool_there(const char *path)
{
	if (access(path, X_OK) == 0)
		return true;
	cr_assert(getenv("MUST_WORK") == NULL, "%s is not there", path);
	cr_skip("%s is not there", path);
	return false;
}

/* The recipe of README and safe-run-report(5), with the tools named there. */
Test(stage_verify, by_hand_with_jq_and_sha256sum)
{
	struct fixture fixture;
	struct child_result result, sum;
	const char *whole[] = {"/usr/bin/jq", "-cSj", ".", fixture.path, NULL};
	const char *blank[] = {"/usr/bin/jq", "-cSj", ".integrity.digest=\"\"", fixture.path, NULL};
	const char *hash[] = {"/usr/bin/sha256sum", NULL};

	if (!tool_there(whole[0]) || !tool_there(hash[0]))
		return;
	fixture_open(&fixture);
	child_write_file(fixture.path, fixture.report.data, fixture.report.len);
	child_run(whole, "", 0, NULL, &result);
	cr_assert_eq(result.out_len, fixture.report.len);
	cr_expect_arr_eq(result.out, fixture.report.data, result.out_len);
	child_release(&result);
	child_run(blank, "", 0, NULL, &result);
	child_run(hash, result.out, result.out_len, NULL, &sum);
	cr_assert_gt(sum.out_len, 64);
	cr_expect_not_null(memmem(fixture.report.data, fixture.report.len, sum.out, 64));
	child_release(&sum);
	child_release(&result);
	fixture_close(&fixture);
}
