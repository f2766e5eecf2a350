/* SPDX-License-Identifier: Apache-2.0 */
/* sr-seal as it is, over pipes: whatever a lost stage leaves and whatever the disk does. */
#include "tests/support/answer.h"
#include "tests/support/child.h"
#include "tests/support/evidence.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FAULT_AT_MAX 200

struct place {
	char *directory;
	char events[600], report[600];
	int fd;
	char fd_text[16];
};

static void place_open(struct place *place)
{
	place->directory = child_make_dir("seal");
	snprintf(place->events, sizeof(place->events), "%s/events.ndjson", place->directory);
	snprintf(place->report, sizeof(place->report), "%s/run_report.json", place->directory);
	place->fd = open(place->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(place->fd, 3);
	snprintf(place->fd_text, sizeof(place->fd_text), "%d", place->fd);
}

static void place_close(struct place *place)
{
	close(place->fd);
	child_remove_dir(place->directory);
	free(place->directory);
}

static size_t count_files(const struct place *place)
{
	DIR *directory = opendir(place->directory);
	size_t count = 0;

	cr_assert_not_null(directory);
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
		if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2)
			count++;
	closedir(directory);
	return count;
}

static void seal_into(const struct place *place, const struct buf *stream, const char *program,
		      const char *const *env, struct child_result *result)
{
	const char *argv[] = {program, "--artifacts-fd", place->fd_text, NULL};
	struct child_options options = {.env = env, .keep_fds = {place->fd}};

	child_run(argv, stream->data, stream->len, &options, result);
}

static void finished(struct buf *stream)
{
	buf_init(stream, EVIDENCE_MAX);
	evidence_finished(stream);
}

static void expect_verified(const char *path)
{
	int status;
	struct json_object *answer = answer_get(path, &status);

	cr_expect_eq(status, 0, "%s", json_object_get_string(answer));
	json_object_put(answer);
}

/* The confined program over a pipe, however the bytes arrive, writes what the library writes. */
Test(stage_seal, by_hand_is_the_same_report_in_pieces_of_any_size)
{
	static const char *const argv[] = {"sr-seal", NULL};
	static const size_t pieces[] = {0, 1, 7, 4096};
	struct buf stream, expected;

	finished(&stream);
	buf_init(&expected, EVIDENCE_MAX);
	evidence_seal(&stream, &expected);
	for (size_t i = 0; i < COUNT(pieces); i++) {
		struct child_options options = {.chunk_len = pieces[i]};
		struct child_result result;

		child_run(argv, stream.data, stream.len, &options, &result);
		cr_expect_eq(result.status, 0, "%s", result.err);
		cr_assert_eq(result.out_len, expected.len);
		cr_expect_arr_eq(result.out, expected.data, expected.len);
		child_release(&result);
	}
	buf_release(&stream);
	buf_release(&expected);
}

Test(stage_seal, into_a_directory)
{
	struct buf stream, expected;
	struct place place;
	struct child_result result;
	struct json_object *answer;
	struct stat status;
	size_t len;
	char *report;

	finished(&stream);
	buf_init(&expected, EVIDENCE_MAX);
	evidence_seal(&stream, &expected);
	place_open(&place);
	seal_into(&place, &stream, "sr-seal", NULL, &result);
	cr_expect_eq(result.status, 0, "%s", result.err);
	answer = json_tokener_parse(result.out);
	cr_expect_str_eq(answer_text(answer, "runId"), EVIDENCE_RUN_ID);
	cr_expect_str_eq(answer_text(answer, "state"), "finished");
	cr_expect_str_eq(answer_text(answer, "exitCode"), "0");
	report = child_read_file(place.report, &len);
	cr_assert_not_null(report);
	cr_assert_eq(len, expected.len);
	cr_expect_arr_eq(report, expected.data, len);
	cr_expect_not_null(strstr(report, answer_text(answer, "reportDigest")));
	cr_expect(stat(place.report, &status) == 0 && (status.st_mode & 07777) == 0600);
	cr_expect(stat(place.events, &status) == 0 && (status.st_mode & 07777) == 0600);
	cr_expect_eq(count_files(&place), 2);
	expect_verified(place.report);
	free(report);
	json_object_put(answer);
	child_release(&result);
	/* Sealed once, never rewritten. */
	seal_into(&place, &stream, "sr-seal", NULL, &result);
	cr_expect_eq(result.status, 3);
	cr_expect_not_null(strstr(result.out, "SR-EVD-002"));
	child_release(&result);
	cr_assert_eq(unlink(place.events), 0);
	seal_into(&place, &stream, "sr-seal", NULL, &result);
	cr_expect_eq(result.status, 3);
	cr_expect_not_null(strstr(result.out, "take its name"), "%s", result.out);
	child_release(&result);
	expect_verified(place.report);
	place_close(&place);
	buf_release(&stream);
	buf_release(&expected);
}

/* Each line of events.ndjson is an element of events, in order. */
Test(stage_seal, the_event_file_holds_the_reports_events)
{
	struct buf stream;
	struct place place;
	struct child_result result;
	size_t events_len, report_len;
	char *events, *report;

	finished(&stream);
	place_open(&place);
	seal_into(&place, &stream, "sr-seal", NULL, &result);
	events = child_read_file(place.events, &events_len);
	report = child_read_file(place.report, &report_len);
	cr_assert(events != NULL && report != NULL && events_len > 1);
	cr_expect_eq(events[events_len - 1], '\n');
	for (size_t i = 0; i + 1 < events_len; i++)
		if (events[i] == '\n')
			events[i] = ',';
	cr_expect_not_null(memmem(report, report_len, events, events_len - 1));
	free(events);
	free(report);
	child_release(&result);
	place_close(&place);
	buf_release(&stream);
}

Test(stage_seal, no_place_for_the_report)
{
	struct buf stream;
	struct place place;
	struct child_result result;

	finished(&stream);
	place_open(&place);
	cr_assert_eq(rmdir(place.directory), 0);
	seal_into(&place, &stream, "sr-seal", NULL, &result);
	cr_expect_eq(result.status, 3);
	cr_expect_not_null(strstr(result.out, "SR-EVD-002"), "directory gone: %s", result.out);
	child_release(&result);
	close(place.fd);
	child_write_file(place.directory, "", 0);
	place.fd = open(place.directory, O_RDONLY | O_CLOEXEC);
	seal_into(&place, &stream, "sr-seal", NULL, &result);
	cr_expect_eq(result.status, 3);
	cr_expect_not_null(strstr(result.out, "SR-EVD-002"), "no directory: %s", result.out);
	child_release(&result);
	close(place.fd);
	cr_assert_eq(unlink(place.directory), 0);
	free(place.directory);
	buf_release(&stream);
}

static const struct {
	const char *name;
	const char *notices;
	bool closed;		 /* the stream has a closing event */
	const char *expected[4]; /* in the report */
} losses[] = {
	{"nothing known", "", false, {"\"code\":\"SR-EVD-305\"", "\"cause\":\"stage-lost\""}},
	{"killed by its filter",
	 "{\"signal\":31,\"stage\":\"launch\",\"status\":null}\n",
	 false,
	 {"\"type\":\"stage.killed\"", "\"killedStage\":\"launch\"",
	  "\"signal\":\"SIGSYS\",\"signalNumber\":31,\"status\":null",
	  "launch was killed by SIGSYS (signal 31)"}},
	{"two of them",
	 "{\"signal\":9,\"stage\":\"launch\",\"status\":null}\n"
	 "{\"signal\":null,\"stage\":\"monitor\",\"status\":3}\n",
	 false,
	 {"\"killedStage\":\"launch\"", "\"killedStage\":\"monitor\"",
	  "\"signal\":null,\"signalNumber\":null,\"status\":3", "monitor exited with status 3"}},
	{"not a notice",
	 "{\"stage\":\"launch\"}\n",
	 false,
	 {"\"code\":\"SR-EVD-001\"", "\"path\":\"seal.notice.signal\"", "SR-EVD-305"}},
	{"cut notice", "{\"stage\":\"la", false, {"\"code\":\"SR-EVD-001\"", "inside a record"}},
	{"not asked for after a good end",
	 "{\"signal\":9,\"stage\":\"launch\",\"status\":null}\n",
	 true,
	 {"\"state\":\"finished\"", "\"eventCount\":12,"}},
};

static int pipe_with(const char *text)
{
	int ends[2];

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	cr_assert_eq(write(ends[1], text, strlen(text)), (ssize_t)strlen(text));
	close(ends[1]);
	return ends[0];
}

Test(stage_seal, lost_stages_are_told_by_the_front_end)
{
	for (size_t i = 0; i < COUNT(losses); i++) {
		int notice_fd = pipe_with(losses[i].notices);
		struct child_options options = {.keep_fds = {notice_fd}};
		char number[16], path[600], *directory = child_make_dir("loss");
		const char *argv[] = {"sr-seal", "--notice-fd", number, NULL};
		struct child_result result;
		struct buf stream;

		finished(&stream);
		if (!losses[i].closed)
			stream.len = (size_t)((char *)memrchr(stream.data, '\n', stream.len - 1) -
					      stream.data + 1);
		snprintf(number, sizeof(number), "%d", notice_fd);
		snprintf(path, sizeof(path), "%s/report", directory);
		child_run(argv, stream.data, stream.len, &options, &result);
		cr_expect_eq(result.status, 0, "%s: %s", losses[i].name, result.err);
		for (size_t j = 0; j < COUNT(losses[i].expected) && losses[i].expected[j]; j++)
			cr_expect_not_null(strstr(result.out, losses[i].expected[j]),
					   "%s: no %s in %s", losses[i].name, losses[i].expected[j],
					   result.out);
		child_write_file(path, result.out, result.out_len);
		expect_verified(path);
		child_remove_dir(directory);
		free(directory);
		child_release(&result);
		buf_release(&stream);
		close(notice_fd);
	}
}

/* The monitor lived and closed; who killed the launcher stands in front of its closing event. */
Test(stage_seal, a_loss_the_monitor_closed_is_told_too)
{
	int notice_fd = pipe_with("{\"signal\":9,\"stage\":\"launch\",\"status\":null}\n");
	struct child_options options = {.keep_fds = {notice_fd}};
	char number[16];
	const char *argv[] = {"sr-seal", "--notice-fd", number, NULL};
	struct child_result result;
	struct buf stream;
	char *killed, *closing;

	finished(&stream);
	evidence_replace(&stream, "\"cause\":\"exit\"", "\"cause\":\"stage-lost\"", 0);
	evidence_replace(&stream, "\"evidence\":{},\"exitCode\":0",
			 "\"evidence\":{},\"exitCode\":125", 0);
	evidence_replace(&stream, "\"finished\"", "\"failed\"", 0);
	evidence_replace(&stream, "\"run.cleaned\"", "\"run.failed\"", 0);
	snprintf(number, sizeof(number), "%d", notice_fd);
	child_run(argv, stream.data, stream.len, &options, &result);
	killed = strstr(result.out, "\"type\":\"stage.killed\"");
	closing = strstr(result.out, "\"type\":\"run.failed\"");
	cr_assert(killed != NULL && closing != NULL, "status %d: %s%s", result.status, result.out,
		  result.err);
	cr_expect_lt(killed, closing);
	cr_expect_not_null(strstr(result.out, "\"seq\":12,\"stage\":\"monitor\""));
	cr_expect_not_null(strstr(result.out, "\"eventCount\":13,\"observedBy\":\"monitor\""));
	child_release(&result);
	buf_release(&stream);
	close(notice_fd);
}

static const struct {
	const char *run_id;
	int status;
	const char *expected;
} run_ids[] = {
	{EVIDENCE_RUN_ID, 0, "\"state\":\"finished\",\"verdict\""},
	{"sr-another", 0, "but the run is sr-another"},
	{"not_an_id", 2, NULL},
	{"", 2, NULL},
};

Test(stage_seal, run_id_option)
{
	for (size_t i = 0; i < COUNT(run_ids); i++) {
		const char *argv[] = {"sr-seal", "--run-id", run_ids[i].run_id, NULL};
		struct child_result result;
		struct buf stream;

		finished(&stream);
		child_run(argv, stream.data, stream.len, NULL, &result);
		cr_expect_eq(result.status, run_ids[i].status, "%s", run_ids[i].run_id);
		if (run_ids[i].expected != NULL)
			cr_expect_not_null(strstr(result.out, run_ids[i].expected), "%s",
					   result.out);
		child_release(&result);
		/* A stream that says nothing is the run's all the same. */
		child_run(argv, "", 0, NULL, &result);
		cr_expect_eq(result.status, run_ids[i].status);
		if (result.status == 0)
			cr_expect_not_null(strstr(result.out, run_ids[i].run_id));
		child_release(&result);
		buf_release(&stream);
	}
}

/* The longest event there may be, one byte less, one more. */
Test(stage_seal, length_of_an_event)
{
	static const char *const argv[] = {"sr-seal", NULL};
	const size_t event_max = (size_t)1 << 20;

	for (size_t len = event_max - 1; len <= event_max + 1; len++) {
		struct buf stream;
		struct child_result result;
		const char *second;
		size_t usual;
		char *note;

		buf_init(&stream, EVIDENCE_MAX);
		evidence_failed(&stream, 3);
		evidence_replace(&stream, "\"periodic\"", "\"#\"", 0);
		second = (char *)memchr(stream.data, '\n', stream.len) + 1;
		usual = strcspn(second, "\n") - strlen("#");
		note = calloc(1, len - usual + 1);
		memset(note, 'x', len - usual);
		evidence_replace(&stream, "#", note, 1);
		child_run(argv, stream.data, stream.len, NULL, &result);
		cr_expect_eq(result.status, 0);
		cr_expect_eq(strstr(result.out, "longer than") != NULL, len > event_max, "%zu",
			     len);
		free(note);
		child_release(&result);
		buf_release(&stream);
	}
}

/* The most memory a stage may hold, less its program: RLIMIT_DATA counts heap and mappings. */
Test(stage_seal, memory_does_not_grow_with_the_run)
{
	static const char prlimit[] = "/usr/bin/prlimit";
	const char *argv[] = {prlimit, "--data=3145728", "--", child_path("sr-seal"), NULL};
	struct buf stream;
	struct child_result result;

#ifdef SAFE_RUN_SANITIZED
	cr_skip("a sanitizer needs memory of its own");
#endif
	if (access(prlimit, X_OK) != 0) {
		cr_assert_null(getenv("MUST_WORK"), "%s is not there", prlimit);
		cr_skip("%s is not there", prlimit);
	}
	buf_init(&stream, EVIDENCE_MAX);
	evidence_failed(&stream, 100000);
	child_run(argv, stream.data, stream.len, NULL, &result);
	cr_expect_eq(result.status, 0, "%s", result.err);
	cr_expect_gt(result.out_len, stream.len);
	child_release(&result);
	buf_release(&stream);
}

static void expect_nothing_half(const struct place *place, long at,
				const struct child_result *result)
{
	cr_expect_eq(result->status, 3, "call %ld: status %d, %s", at, result->status, result->out);
	cr_expect_not_null(strstr(result->out, "SR-EVD-002"), "call %ld: %s", at, result->out);
	cr_expect_not_null(strstr(result->out, "\"reportDigest\":null"), "call %ld", at);
	cr_expect_neq(access(place->report, F_OK), 0, "call %ld left a report", at);
	cr_expect_eq(count_files(place), 1, "call %ld left more than the events", at);
}

/* Every call on a file fails once, then the disk is full from there on, for every one of them. */
Test(stage_seal, no_failing_call_leaves_half_a_report)
{
	static const char *const sticky[] = {"", "FAULT_STICKY=1"};
	struct buf stream;

	finished(&stream);
	for (size_t mode = 0; mode < COUNT(sticky); mode++) {
		bool done = false;
		long at = 0;

		while (!done && ++at < FAULT_AT_MAX) {
			char fault_at[32];
			const char *env[] = {fault_at, mode > 0 ? sticky[mode] : NULL, NULL};
			struct place place;
			struct child_result result;

			snprintf(fault_at, sizeof(fault_at), "FAULT_AT=%ld", at);
			place_open(&place);
			seal_into(&place, &stream, child_path("../tests/sr-seal-faulty"), env,
				  &result);
			done = result.status == 0;
			if (done)
				expect_verified(place.report);
			else
				expect_nothing_half(&place, at, &result);
			child_release(&result);
			place_close(&place);
		}
		cr_expect(done, "every call failed");
		cr_expect_gt(at, 14, "only %ld calls were tried", at);
	}
	buf_release(&stream);
}

/* What makes a report survive a power cut, call by call: one fewer, and a test of this fails. */
static const struct {
	const char *call;
	long count;
} durable[] = {
	{"fdatasync", 2}, /* the events: before the command runs, and at the end */
	{"fsync", 2},	  /* the report, and the directory that names it */
	{"renameat2", 1},
};

Test(stage_seal, everything_is_made_durable)
{
	struct buf stream;

	finished(&stream);
	for (size_t i = 0; i < COUNT(durable); i++) {
		for (long at = 1; at <= durable[i].count + 1; at++) {
			char fault_at[32], call[32];
			const char *env[] = {fault_at, call, NULL};
			struct place place;
			struct child_result result;

			snprintf(fault_at, sizeof(fault_at), "FAULT_AT=%ld", at);
			snprintf(call, sizeof(call), "FAULT_CALL=%s", durable[i].call);
			place_open(&place);
			seal_into(&place, &stream, child_path("../tests/sr-seal-faulty"), env,
				  &result);
			cr_expect_eq(result.status, at > durable[i].count ? 0 : 3, "%s %ld",
				     durable[i].call, at);
			child_release(&result);
			place_close(&place);
		}
	}
	buf_release(&stream);
}

Test(stage_seal, short_writes_and_reads_change_nothing)
{
	static const char *const env[] = {"FAULT_SHORT=1", NULL};
	struct buf stream;
	struct place place;
	struct child_result result;

	finished(&stream);
	place_open(&place);
	seal_into(&place, &stream, child_path("../tests/sr-seal-faulty"), env, &result);
	cr_expect_eq(result.status, 0, "%s", result.err);
	expect_verified(place.report);
	child_release(&result);
	place_close(&place);
	buf_release(&stream);
}
