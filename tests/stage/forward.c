/* SPDX-License-Identifier: Apache-2.0 */
/* sr-seal --forward-fd, and sr-verify --forward-key over what an intruder makes of it. */
#include "tests/support/child.h"
#include "tests/support/evidence.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KEY_SIZE     32
#define EVENT_COUNT  12 /* of evidence_finished */
#define OTHER_RUN    "sr-20260101-000000-0000cafe"

/* A sealed run: directory/{events.ndjson,run_report.json,forward.json} and the key. */
struct sealed {
	char *directory;
	char key_path[600];
	int status;
};

static const char *in(const struct sealed *sealed, const char *name)
{
	static char path[700];

	snprintf(path, sizeof(path), "%.600s/%s", sealed->directory, name);
	return path;
}

static int key_pipe(char fill, size_t len)
{
	char key[KEY_SIZE + 8];
	int ends[2];

	memset(key, fill, sizeof(key));
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	cr_assert_eq(write(ends[1], key, len), (ssize_t)len);
	close(ends[1]);
	return ends[0];
}

static void write_key(const struct sealed *sealed, const char *run_id, const char *hex)
{
	char text[300];
	int len = snprintf(text, sizeof(text), "{\"key\":\"");

	for (int i = 0; i < KEY_SIZE; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%s", hex);
	len += snprintf(text + len, sizeof(text) - (size_t)len,
			"\",\"runId\":\"%s\",\"schemaVersion\":\"safe-run.forward-key/v1\"}",
			run_id);
	child_write_file(sealed->key_path, text, (size_t)len);
}

static void seal_with(struct sealed *sealed, const struct buf *stream, size_t key_len,
		      const char *program, const char *const *env)
{
	int key_fd = key_pipe('k', key_len);
	char directory_number[16], key_number[16];
	const char *argv[] = {program,	       "--artifacts-fd", directory_number, "--run-id",
			      EVIDENCE_RUN_ID, "--forward-fd",	 key_number,	   NULL};
	struct child_options options = {.env = env};
	struct child_result result;
	int fd;

	sealed->directory = child_make_dir("forward");
	snprintf(sealed->key_path, sizeof(sealed->key_path), "%s/key", sealed->directory);
	fd = open(sealed->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(directory_number, sizeof(directory_number), "%d", fd);
	snprintf(key_number, sizeof(key_number), "%d", key_fd);
	options.keep_fds[0] = fd;
	options.keep_fds[1] = key_fd;
	child_run(argv, stream->data, stream->len, &options, &result);
	sealed->status = result.status;
	child_release(&result);
	close(fd);
	close(key_fd);
	write_key(sealed, EVIDENCE_RUN_ID, "6b");
}

static void seal(struct sealed *sealed)
{
	struct buf stream;

	buf_init(&stream, EVIDENCE_MAX);
	evidence_finished(&stream);
	seal_with(sealed, &stream, KEY_SIZE, "sr-seal", NULL);
	cr_assert_eq(sealed->status, 0);
	buf_release(&stream);
}

static void sealed_close(struct sealed *sealed)
{
	child_remove_dir(sealed->directory);
	free(sealed->directory);
}

static void load(const struct sealed *sealed, const char *name, struct buf *text)
{
	size_t len = 0;
	char *data = child_read_file(in(sealed, name), &len);

	cr_assert_not_null(data, "%s", name);
	buf_init(text, EVIDENCE_MAX);
	buf_append(text, data, len);
	free(data);
}

static void save(const struct sealed *sealed, const char *name, struct buf *text)
{
	child_write_file(in(sealed, name), text->data, text->len);
	buf_release(text);
}

static void edit(const struct sealed *sealed, const char *name, const char *find,
		 const char *replace)
{
	struct buf text;

	load(sealed, name, &text);
	evidence_replace(&text, find, replace, 0);
	save(sealed, name, &text);
}

static void verify(const struct sealed *sealed, const char *what, struct child_result *result)
{
	const char *argv[] = {"sr-verify", "--forward-key", sealed->key_path, what, NULL};

	child_run(argv, "", 0, NULL, result);
}

/* --- what somebody does ------------------------------------------------------------------------
 */

static void nothing(const struct sealed *sealed)
{
	(void)sealed;
}

/* Everything anybody can recompute is recomputed: only the key stands against it. */
static void alter(const struct sealed *sealed)
{
	struct buf report;

	load(sealed, "run_report.json", &report);
	evidence_replace(&report, "\"observedBy\":\"kernel\"", "\"observedBy\":\"monitor\"", 0);
	evidence_rehash(&report);
	save(sealed, "run_report.json", &report);
}

static void another_report(const struct sealed *sealed, size_t count)
{
	struct buf stream, report;

	buf_init(&stream, EVIDENCE_MAX);
	buf_init(&report, EVIDENCE_MAX);
	evidence_failed(&stream, count);
	evidence_seal(&stream, &report);
	save(sealed, "run_report.json", &report);
	buf_release(&stream);
}

static void fewer(const struct sealed *sealed)
{
	another_report(sealed, EVENT_COUNT - 3);
}

static void as_many(const struct sealed *sealed)
{
	another_report(sealed, EVENT_COUNT);
}

static void more(const struct sealed *sealed)
{
	another_report(sealed, EVENT_COUNT + 1);
}

static void no_seal(const struct sealed *sealed)
{
	cr_assert_eq(unlink(in(sealed, "forward.json")), 0);
}

static void wrong_key(const struct sealed *sealed)
{
	write_key(sealed, EVIDENCE_RUN_ID, "6c");
}

static void short_key(const struct sealed *sealed)
{
	write_key(sealed, EVIDENCE_RUN_ID, "6");
}

static void capital_key(const struct sealed *sealed)
{
	write_key(sealed, EVIDENCE_RUN_ID, "6B");
}

static void key_of_another(const struct sealed *sealed)
{
	write_key(sealed, OTHER_RUN, "6b");
}

static void no_key(const struct sealed *sealed)
{
	cr_assert_eq(unlink(sealed->key_path), 0);
}

static void linked_key(const struct sealed *sealed)
{
	char target[650];

	snprintf(target, sizeof(target), "%s.real", sealed->key_path);
	cr_assert_eq(rename(sealed->key_path, target), 0);
	cr_assert_eq(symlink(target, sealed->key_path), 0);
}

static void seal_of_another(const struct sealed *sealed)
{
	edit(sealed, "forward.json", EVIDENCE_RUN_ID, OTHER_RUN);
}

static void count_one_less(const struct sealed *sealed)
{
	edit(sealed, "forward.json", "\"count\":12", "\"count\":11");
}

static void count_one_more(const struct sealed *sealed)
{
	edit(sealed, "forward.json", "\"count\":12", "\"count\":13");
}

static void opened_again(const struct sealed *sealed)
{
	edit(sealed, "forward.json", "\"closed\":true", "\"closed\":false");
}

static void unknown_field(const struct sealed *sealed)
{
	edit(sealed, "forward.json", "\"closed\":true", "\"closed\":true,\"comment\":1");
}

static void other_version(const struct sealed *sealed)
{
	edit(sealed, "forward.json", "forward/v1", "forward/v2");
}

static void spaces(const struct sealed *sealed)
{
	edit(sealed, "forward.json", "\"closed\":true", "\"closed\": true");
}

static void long_seal(const struct sealed *sealed)
{
	struct buf text;

	load(sealed, "forward.json", &text);
	while (text.len <= 1024)
		buf_append_text(&text, " ");
	save(sealed, "forward.json", &text);
}

/* The state settled in front of the command, kept by somebody who read it then. */
static void settled_put_back(const struct sealed *sealed)
{
	struct buf text;
	char *settled;
	char kept[200];

	load(sealed, "forward.json", &text);
	settled = memmem(text.data, text.len, "\"settled\":{", strlen("\"settled\":{"));
	cr_assert_not_null(settled, "nothing was settled before the command started");
	snprintf(kept, sizeof(kept), "%.*s",
		 (int)(text.len - (size_t)(settled - text.data) - strlen("\"settled\":{") - 2),
		 settled + strlen("\"settled\":{"));
	buf_clear(&text);
	*strstr(kept, ",\"count\":") = '\0';
	buf_append_text(&text, "{");
	buf_append_text(&text, kept);
	buf_append_text(&text, ",\"closed\":false,");
	buf_append_text(&text, kept + strlen(kept) + 1);
	buf_append_text(&text, ",\"runId\":\"" EVIDENCE_RUN_ID
			       "\",\"schemaVersion\":\"safe-run.forward/v1\",\"settled\":null}");
	save(sealed, "forward.json", &text);
}

static const struct attack {
	const char *name;
	void (*act)(const struct sealed *sealed);
	const char *path; /* of SR-EVD-309; NULL: it holds */
	const char *says;
} attacks[] = {
	{"nothing", nothing, NULL, "\"trust\":\"self\",\"valid\":true"},
	{"an event altered, all recomputed", alter, "forward", "was changed"},
	{"a shorter run, all recomputed", fewer, "forward", "events are missing"},
	{"another of the same length", as_many, "forward", "was changed"},
	{"a longer one", more, "forward", "events were added"},
	{"the seal deleted", no_seal, "forward", "there is no forward.json"},
	{"wrong key", wrong_key, "forward", "another key"},
	{"half a key", short_key, "forwardKey", "64 lower-case hex digits"},
	{"capital digits", capital_key, "forwardKey", "64 lower-case hex digits"},
	{"a key of another run", key_of_another, "forwardKey", "made for the run " OTHER_RUN},
	{"no key", no_key, "key", "cannot open"},
	{"a link to the key", linked_key, "key", "cannot open"},
	{"the seal of another run", seal_of_another, "forward", "it seals the run " OTHER_RUN},
	{"count one less", count_one_less, "forward", "events were added"},
	{"count one more", count_one_more, "forward", "events are missing"},
	{"opened again", opened_again, "forward", "never closed"},
	{"an older state", settled_put_back, "forward", "never closed"},
	{"unknown field", unknown_field, "forward.comment", ""},
	{"other version", other_version, "forward.schemaVersion", ""},
	{"spaces", spaces, "forward", "not canonical"},
	{"too long", long_seal, "forward.json", "longer than"},
};

static void expect_answer(const char *name, const struct child_result *result, const char *path,
			  const char *says)
{
	char reason[200];

	snprintf(reason, sizeof(reason), "\"path\":\"%s\"", path == NULL ? "" : path);
	cr_expect_not_null(
		strstr(result->out, path == NULL ? "{\"name\":\"forward_seal\",\"ok\":true}"
						 : "{\"name\":\"forward_seal\",\"ok\":false}"),
		"%s: %s%s", name, result->out, result->err);
	cr_expect_not_null(strstr(result->out, says), "%s: no '%s' in %s", name, says, result->out);
	if (path == NULL)
		return;
	cr_expect_eq(result->status, 1, "%s: %d", name, result->status);
	cr_expect_not_null(strstr(result->out, "\"code\":\"SR-EVD-309\""), "%s: %s", name,
			   result->out);
	cr_expect_not_null(strstr(result->out, reason), "%s: no %s in %s", name, reason,
			   result->out);
}

Test(stage_forward, a_report_under_its_seal)
{
	for (size_t i = 0; i < COUNT(attacks); i++) {
		struct sealed sealed;
		struct child_result result;

		seal(&sealed);
		attacks[i].act(&sealed);
		verify(&sealed, in(&sealed, "run_report.json"), &result);
		expect_answer(attacks[i].name, &result, attacks[i].path, attacks[i].says);
		child_release(&result);
		sealed_close(&sealed);
	}
}

/* --- events without a report -------------------------------------------------------------------
 */

/* The lines of the result are those of the run with these numbers; -1 ends it. */
static const struct order {
	const char *name;
	int lines[EVENT_COUNT + 2];
	const char *path, *says;
} orders[] = {
	{"as it was", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, -1}, NULL, "there is no report"},
	{"tail", {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -1}, "forward", "events are missing"},
	{"head", {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, -1}, "forward", "events are missing"},
	{"middle", {0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, -1}, "forward", "events are missing"},
	{"all but one", {0, -1}, "forward", "events are missing"},
	{"swap", {0, 1, 2, 3, 4, 6, 5, 7, 8, 9, 10, 11, -1}, "forward", "moved"},
	{"double", {0, 1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10, 11, -1}, "forward", "were added"},
	{"one for another", {0, 1, 2, 3, 4, 5, 5, 7, 8, 9, 10, 11, -1}, "forward", "exchanged"},
};

static void reorder(const struct sealed *sealed, const int *lines)
{
	struct buf text, made;
	const char *starts[EVENT_COUNT + 1];

	load(sealed, "events.ndjson", &text);
	starts[0] = text.data;
	for (size_t i = 1; i <= EVENT_COUNT; i++)
		starts[i] = strchr(starts[i - 1], '\n') + 1;
	buf_init(&made, EVIDENCE_MAX);
	for (; *lines >= 0; lines++)
		buf_append(&made, starts[*lines], (size_t)(starts[*lines + 1] - starts[*lines]));
	save(sealed, "events.ndjson", &made);
	buf_release(&text);
}

Test(stage_forward, events_without_a_report)
{
	for (size_t i = 0; i < COUNT(orders); i++) {
		struct sealed sealed;
		struct child_result result;

		seal(&sealed);
		cr_assert_eq(unlink(in(&sealed, "run_report.json")), 0);
		reorder(&sealed, orders[i].lines);
		verify(&sealed, sealed.directory, &result);
		expect_answer(orders[i].name, &result, orders[i].path, orders[i].says);
		child_release(&result);
		sealed_close(&sealed);
	}
}

/* A seal that was not closed covers a part, and says which. */
Test(stage_forward, an_open_seal_covers_what_it_counts)
{
	struct sealed sealed;
	struct child_result result;
	static const int one_left[] = {0, -1};

	seal(&sealed);
	cr_assert_eq(unlink(in(&sealed, "run_report.json")), 0);
	settled_put_back(&sealed);
	verify(&sealed, sealed.directory, &result);
	expect_answer("open", &result, NULL, "\"result\":\"incomplete\"");
	cr_expect_not_null(strstr(result.out, " of 12 events"), "%s", result.out);
	child_release(&result);
	edit(&sealed, "forward.json", "\"aggregate\":\"sha256:", "\"aggregate\":\"sha256:0");
	verify(&sealed, sealed.directory, &result);
	expect_answer("no hash", &result, "forward", "no hash");
	child_release(&result);
	sealed_close(&sealed);

	seal(&sealed);
	cr_assert_eq(unlink(in(&sealed, "run_report.json")), 0);
	settled_put_back(&sealed);
	reorder(&sealed, one_left);
	verify(&sealed, sealed.directory, &result);
	expect_answer("cut", &result, "forward", "events are missing");
	child_release(&result);
	sealed_close(&sealed);
}

/* The newest events lost, the closed seal not: what was settled before them is still certain. */
Test(stage_forward, what_was_settled_is_certain)
{
	static const int most[] = {0, 1, 2, 3, 4, 5, 6, 7, -1};
	struct sealed sealed;
	struct child_result result;

	seal(&sealed);
	cr_assert_eq(unlink(in(&sealed, "run_report.json")), 0);
	reorder(&sealed, most);
	verify(&sealed, sealed.directory, &result);
	expect_answer("settled", &result, "forward", "are as they were recorded");
	child_release(&result);
	sealed_close(&sealed);
}

/* --- sr-seal -----------------------------------------------------------------------------------
 */

/* The report is what it is without. */
Test(stage_forward, the_report_is_the_same)
{
	struct sealed sealed;
	struct buf stream, expected, report, seal_text;

	buf_init(&stream, EVIDENCE_MAX);
	buf_init(&expected, EVIDENCE_MAX);
	evidence_finished(&stream);
	evidence_seal(&stream, &expected);
	seal(&sealed);
	load(&sealed, "run_report.json", &report);
	load(&sealed, "forward.json", &seal_text);
	cr_assert_eq(report.len, expected.len);
	cr_expect_arr_eq(report.data, expected.data, report.len);
	cr_expect_null(memmem(seal_text.data, seal_text.len, "6b6b", 4), "the key is in it");
	cr_expect_eq(access(in(&sealed, ".forward.json.partial"), F_OK), -1);
	buf_release(&stream);
	buf_release(&expected);
	buf_release(&report);
	buf_release(&seal_text);
	sealed_close(&sealed);
}

static const size_t key_lengths[] = {0, KEY_SIZE - 1, KEY_SIZE, KEY_SIZE + 1};

Test(stage_forward, a_key_has_32_bytes)
{
	for (size_t i = 0; i < COUNT(key_lengths); i++) {
		bool right = key_lengths[i] == KEY_SIZE;
		struct sealed sealed;
		struct buf stream;

		buf_init(&stream, EVIDENCE_MAX);
		evidence_finished(&stream);
		seal_with(&sealed, &stream, key_lengths[i], "sr-seal", NULL);
		cr_expect_eq(sealed.status, right ? 0 : 3, "%zu: %d", key_lengths[i],
			     sealed.status);
		cr_expect_eq(access(in(&sealed, "run_report.json"), F_OK), right ? 0 : -1);
		buf_release(&stream);
		sealed_close(&sealed);
	}
}

/* Whatever the disk refuses: no report without its forward seal closed. */
Test(stage_forward, no_report_without_its_seal)
{
	static const char *const calls[] = {"renameat2", "openat", "fsync", "write", "close"};

	for (size_t i = 0; i < COUNT(calls); i++)
		for (int at = 1; at < 40; at++) {
			char fault_at[32], fault_call[32];
			const char *env[] = {fault_at, fault_call, NULL};
			struct sealed sealed;
			struct buf stream;
			bool reported;

			snprintf(fault_at, sizeof(fault_at), "FAULT_AT=%d", at);
			snprintf(fault_call, sizeof(fault_call), "FAULT_CALL=%s", calls[i]);
			buf_init(&stream, EVIDENCE_MAX);
			evidence_finished(&stream);
			seal_with(&sealed, &stream, KEY_SIZE, child_helper("sr-seal-faulty"), env);
			buf_release(&stream);
			reported = access(in(&sealed, "run_report.json"), F_OK) == 0;
			cr_expect_eq(reported, sealed.status == 0, "%s %d: %d", calls[i], at,
				     sealed.status);
			if (reported) {
				struct child_result result;

				verify(&sealed, sealed.directory, &result);
				expect_answer(calls[i], &result, NULL, "\"valid\":true");
				child_release(&result);
			}
			cr_expect_eq(access(in(&sealed, ".forward.json.partial"), F_OK), -1);
			sealed_close(&sealed);
			if (reported)
				break;
		}
}
