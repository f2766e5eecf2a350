/* SPDX-License-Identifier: Apache-2.0 */
/* safe-run replay and report inspect, on runs made here and on runs kept for ever. */
#include "tests/pipeline/run.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The result of a step of a replay's record; "" when it was not made. */
static const char *step_result(struct json_object *record, const char *name)
{
	struct json_object *steps = json_object_object_get(record, "steps");

	for (size_t i = 0; i < json_object_array_length(steps); i++) {
		struct json_object *step = json_object_array_get_idx(steps, i);

		if (strcmp(json_object_get_string(json_object_object_get(step, "step")), name) == 0)
			return json_object_get_string(json_object_object_get(step, "result"));
	}
	return "";
}

/* safe-run replay --json; words is a NULL-terminated list, or NULL. The caller releases it. */
static struct json_object *replay(const char *const words[], const char *dir, int *status)
{
	const char *argv[16] = {"safe-run", "replay", "--json"};
	struct json_object *record;
	struct child_result result;
	size_t count = 3;

	for (size_t i = 0; words != NULL && words[i] != NULL; i++)
		argv[count++] = words[i];
	argv[count] = dir;
	child_run(argv, "", 0, NULL, &result);
	*status = result.status;
	record = json_tokener_parse(result.out);
	cr_assert_not_null(record, "%d: %s%s", result.status, result.out, result.err);
	child_release(&result);
	return record;
}

static void expect_steps(const char *name, const char *dir, const char *const wanted[4], int status)
{
	static const char *const steps[] = {"validate", "compile", "report", "events"};
	int found;
	struct json_object *record = replay(NULL, dir, &found);

	cr_expect_eq(found, status, "%s: %s", name, json_object_get_string(record));
	for (size_t i = 0; i < COUNT(steps); i++)
		cr_expect_str_eq(step_result(record, steps[i]), wanted[i], "%s: %s: %s", name,
				 steps[i], json_object_get_string(record));
	json_object_put(record);
}

static const char *const all_same[] = {"same", "same", "same", "same"};

/* What was made by an older safe-run verifies and comes to the same, whatever has changed since. */
Test(replay, runs_kept_for_ever)
{
	static const char *const names[] = {"success", "failure", "timeout",
					    "refused", "lost",	  "signed"};
	struct child_result result;

	for (size_t i = 0; i < COUNT(names); i++) {
		char place[64], *path;

		snprintf(place, sizeof(place), "evidence/golden/%s", names[i]);
		path = vectors_path(place);
		expect_steps(names[i], path, all_same, 0);
		child_run(WORDS("safe-run", "report", "verify", path), "", 0, NULL, &result);
		cr_expect_eq(result.status, 0, "%s: %s", names[i], result.out);
		child_release(&result);
		child_run(WORDS("safe-run", "report", "inspect", path), "", 0, NULL, &result);
		cr_expect_eq(result.status, 0, "%s: %s", names[i], result.out);
		child_release(&result);
		free(path);
	}
}

Test(replay, a_run_made_here)
{
	struct run run;

	run_start(&run, NULL, WORDS("/bin/sh", "-c", "echo hello; exit 3"), "", 0);
	run_expect(&run, 3, "exit");
	expect_steps("here", run.dir, all_same, 0);
	run_release(&run);
}

Test(replay, a_signature_kept_for_ever)
{
	char *path = vectors_path("evidence/golden/signed");
	char *key = vectors_path("evidence/golden/signed/key.pub");
	struct child_result result;

	child_run(WORDS("safe-run", "report", "verify", "--require", "signed", "--key", key, path),
		  "", 0, NULL, &result);
	cr_expect_eq(result.status, 0, "%s", result.out);
	cr_expect_not_null(strstr(result.out, "trust=signed"), "%s", result.out);
	child_release(&result);
	free(path);
	free(key);
}

/* Each file changed in one place: its stage is the one that differs. */
Test(replay, what_was_changed_is_named)
{
	static const struct {
		const char *file, *find, *replace;
		const char *steps[4];
		const char *path;
	} rows[] = {
		{"stages/validate.json",
		 "\"timeoutSec\":300",
		 "\"timeoutSec\":301",
		 {"different", "different", "same", "same"},
		 "normalizedPolicy.runtime.timeoutSec"},
		{"stages/compile.json",
		 "\"timeoutSec\":300",
		 "\"timeoutSec\":301",
		 {"same", "different", "same", "same"},
		 "policy.runtime.timeoutSec"},
		{"artifacts/run_report.json",
		 "exited with status 3",
		 "exited with status 0",
		 {"same", "same", "different", "same"},
		 "\"errors[0].message\""},
		{"artifacts/events.ndjson",
		 "exited with status 3",
		 "exited with status 0",
		 {"same", "same", "same", "different"},
		 "payload.errors[0].message\""},
		{"policy.yaml",
		 "64Mi",
		 "63Mi",
		 {"different", "same", "same", "same"},
		 "normalizedPolicy.resources."},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct run run;
		char path[PATH_MAX], *text, *place;
		struct json_object *record;
		size_t len;
		int status;

		run_start(&run, NULL, WORDS("/bin/sh", "-c", "exit 3"), "", 0);
		snprintf(path, sizeof(path), "%s/%s", run.dir, rows[i].file);
		text = child_read_file(path, &len);
		place = text != NULL ? strstr(text, rows[i].find) : NULL;
		cr_assert_not_null(place, "%s", rows[i].file);
		memcpy(place, rows[i].replace, strlen(rows[i].replace));
		child_write_file(path, text, len);
		expect_steps(rows[i].file, run.dir, rows[i].steps, 1);
		record = replay(NULL, run.dir, &status);
		cr_expect_not_null(strstr(json_object_get_string(record), rows[i].path), "%s: %s",
				   rows[i].file, json_object_get_string(record));
		json_object_put(record);
		free(text);
		run_release(&run);
	}
}

Test(replay, what_is_missing_is_told)
{
	static const struct {
		const char *file;
		const char *steps[4];
	} rows[] = {
		{"policy.yaml", {"absent", "same", "same", "same"}},
		{"stages/validate.json", {"absent", "absent", "same", "same"}},
		{"stages/compile.json", {"same", "absent", "same", "same"}},
		{"stages/monitor.ndjson", {"same", "same", "absent", "absent"}},
		{"artifacts/run_report.json", {"same", "same", "absent", "same"}},
		{"artifacts/events.ndjson", {"same", "same", "same", "absent"}},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		for (int emptied = 0; emptied < 2; emptied++) {
			struct run run;
			char path[PATH_MAX];

			run_start(&run, NULL, WORDS("/bin/true"), "", 0);
			snprintf(path, sizeof(path), "%s/%s", run.dir, rows[i].file);
			cr_assert_eq(emptied ? truncate(path, 0) : unlink(path), 0);
			expect_steps(rows[i].file, run.dir, rows[i].steps, 1);
			run_release(&run);
		}
}

/* A run directory is a stranger's: no link is followed, nothing waits, nothing large is read. */
Test(replay, a_hostile_directory)
{
	static const char *const files[] = {"policy.yaml", "stages/validate.json",
					    "stages/compile.json", "stages/monitor.ndjson",
					    "artifacts/events.ndjson"};
	struct child_result result;
	struct run run;
	char path[PATH_MAX], moved[PATH_MAX];

	run_start(&run, NULL, WORDS("/bin/true"), "", 0);
	snprintf(moved, sizeof(moved), "%s/moved", run.dir);
	for (size_t i = 0; i < COUNT(files); i++) {
		char *text;
		size_t len;

		snprintf(path, sizeof(path), "%s/%s", run.dir, files[i]);
		text = child_read_file(path, &len);
		cr_assert_not_null(text);
		for (int kind = 0; kind < 4; kind++) {
			unlink(path);
			/* A link to what belongs there: followed, all would be the same. */
			if (kind == 0) {
				child_write_file(moved, text, len);
				cr_assert_eq(symlink(moved, path), 0);
			}
			if (kind == 1)
				cr_assert_eq(mkfifo(path, 0600), 0);
			if (kind == 2)
				cr_assert_eq(mkdir(path, 0700), 0);
			if (kind == 3) {
				child_write_file(path, "x", 1);
				cr_assert_eq(truncate(path, (off_t)1 << 40), 0);
			}
			child_run(WORDS("safe-run", "replay", run.dir), "", 0, NULL, &result);
			cr_expect_eq(result.status, 1, "%s %d: %d %s", files[i], kind,
				     result.status, result.err);
			child_release(&result);
			if (kind == 2)
				rmdir(path);
		}
		unlink(path);
		child_write_file(path, text, len);
		free(text);
	}
	expect_steps("as it was", run.dir, all_same, 0);
	run_release(&run);
}

Test(replay, nonsense_is_a_difference_and_no_crash)
{
	static const char *const files[] = {"stages/validate.json", "stages/monitor.ndjson",
					    "artifacts/events.ndjson", "artifacts/run_report.json",
					    "stages/compile.json"};
	static const char *const texts[] = {
		"x",
		"{}",
		"{}\n",
		"[1]\n",
		"{\"hostFacts\":{},\"overrides\":[1]}\n",
		"{\"hostFacts\":{\"asked\":7,\"root\":{}},\"overrides\":[]}\n"};

	for (size_t i = 0; i < COUNT(files); i++)
		for (size_t k = 0; k < COUNT(texts); k++) {
			struct child_result result;
			struct run run;
			char path[PATH_MAX];

			run_start(&run, NULL, WORDS("/bin/true"), "", 0);
			snprintf(path, sizeof(path), "%s/%s", run.dir, files[i]);
			child_write_file(path, texts[k], strlen(texts[k]));
			child_run(WORDS("safe-run", "replay", run.dir), "", 0, NULL, &result);
			cr_expect_eq(result.status, 1, "%s %zu: %d %s%s", files[i], k,
				     result.status, result.out, result.err);
			child_release(&result);
			run_release(&run);
		}
}

/* consent: "--best-effort", or NULL. */
static void expect_rerun_with(struct run *run, const char *consent, const char *result, int status,
			      const char *reason)
{
	char *base = child_make_dir("sr-rerun");
	struct json_object *record;
	int found;

	record = replay(WORDS("--rerun", "--workdir", base, consent), run->dir, &found);
	cr_expect_eq(found, status, "%s", json_object_get_string(record));
	cr_expect_str_eq(step_result(record, "rerun"), result, "%s",
			 json_object_get_string(record));
	if (reason != NULL)
		cr_expect_not_null(strstr(json_object_get_string(record), reason), "%s: %s", reason,
				   json_object_get_string(record));
	json_object_put(record);
	child_remove_dir(base);
	free(base);
}

static void expect_rerun(struct run *run, const char *result, int status, const char *reason)
{
	expect_rerun_with(run, NULL, result, status, reason);
}

Test(replay, carried_out_again)
{
	struct run run;

	run_need_limits();
	run_start(&run, NULL, WORDS("/bin/sh", "-c", "echo same; exit 3"), "", 0);
	expect_rerun(&run, "same", 0, NULL);
	run_release(&run);
	/* What is random comes out otherwise, and the digest says so. */
	run_start(&run, NULL, WORDS("/usr/bin/head", "-c", "16", "/dev/urandom"), "", 0);
	expect_rerun(&run, "different", 1, "output.stdout.sha256");
	run_release(&run);
}

Test(replay, not_carried_out_again_without_its_inputs)
{
	struct run run;

	run_need_limits();
	run_start(&run, NULL, WORDS("/bin/cat"), "something", 9);
	expect_rerun(&run, "refused", 1, "runtime.stdin");
	run_release(&run);
	run_start(&run, NULL, WORDS("/nonexistent"), "", 0);
	expect_rerun(&run, "refused", 1, "artifacts.executableHash");
	run_release(&run);
}

/* That limits were done without then is no consent to do without them now. */
Test(replay, consent_to_less_is_given_anew)
{
	struct run run;

	/* As an ordinary user without a cgroup run_start says --best-effort by itself. */
	run_start(&run, NULL, WORDS("/bin/sh", "-c", "echo same"), "", 0);
	run_expect(&run, 0, "exit");
	if (strcmp(run_text(&run, "verdict"), "degraded") == 0)
		expect_rerun(&run, "refused", 1, "nothing was executed this time");
	else
		expect_rerun(&run, "same", 0, NULL);
	expect_rerun_with(&run, "--best-effort", "same", 0, NULL);
	run_release(&run);
}

Test(replay, usage)
{
	static const struct {
		const char *const words[6];
		int status;
	} rows[] = {
		{{"safe-run", "replay"}, 2},
		{{"safe-run", "replay", "a", "b"}, 2},
		{{"safe-run", "replay", "--nonsense", "a"}, 2},
		{{"safe-run", "replay", "/nonexistent"}, 1},
		{{"safe-run", "replay", "--help"}, 0},
		{{"safe-run", "report", "inspect"}, 2},
		{{"safe-run", "report", "inspect", "a", "b"}, 2},
		{{"safe-run", "report", "inspect", "/nonexistent"}, 3},
		{{"safe-run", "report", "nonsense", "a"}, 2},
		{{"safe-run", "report", "--help"}, 0},
	};
	struct child_result result;

	for (size_t i = 0; i < COUNT(rows); i++) {
		child_run(rows[i].words, "", 0, NULL, &result);
		cr_expect_eq(result.status, rows[i].status, "%zu: %d %s", i, result.status,
			     result.err);
		child_release(&result);
	}
}

/* The page appears whole, in place of what was there, or not at all. */
Test(inspect, a_page_is_written_whole)
{
	struct child_result result;
	struct run run;
	char page[PATH_MAX], *text;
	struct stat status;
	size_t len;

	run_start(&run, NULL, WORDS("/bin/true"), "", 0);
	snprintf(page, sizeof(page), "%s/page.html", run.base);
	child_write_file(page, "old", 3);
	child_run(WORDS("safe-run", "report", "inspect", "--html", page, run.dir), "", 0, NULL,
		  &result);
	cr_expect_eq(result.status, 0, "%s", result.err);
	cr_expect_eq(result.out_len, 0);
	child_release(&result);
	text = child_read_file(page, &len);
	cr_assert_not_null(text);
	cr_expect_not_null(strstr(text, "</html>"));
	free(text);
	/* A report that cannot be read leaves the page as it was. */
	child_run(WORDS("safe-run", "report", "inspect", "--html", page, "/nonexistent"), "", 0,
		  NULL, &result);
	cr_expect_eq(result.status, 3);
	child_release(&result);
	cr_assert_eq(stat(page, &status), 0);
	cr_expect_eq((size_t)status.st_size, len);
	/* A directory cannot be replaced by a page. */
	child_run(WORDS("safe-run", "report", "inspect", "--html", run.base, run.dir), "", 0, NULL,
		  &result);
	cr_expect_eq(result.status, 3);
	child_release(&result);
	/* Nor a pipe, nor a link: root's page would take the place of a device. */
	for (size_t i = 0; i < 2; i++) {
		char other[PATH_MAX + 8];

		snprintf(other, sizeof(other), "%s/other", run.base);
		cr_assert_eq(i == 0 ? mkfifo(other, 0600) : symlink(page, other), 0);
		child_run(WORDS("safe-run", "report", "inspect", "--html", other, run.dir), "", 0,
			  NULL, &result);
		cr_expect_eq(result.status, 3);
		cr_expect_not_null(strstr(result.err, "no regular file"), "%s", result.err);
		child_release(&result);
		cr_assert_eq(lstat(other, &status), 0);
		cr_expect_eq(status.st_mode & S_IFMT, i == 0 ? S_IFIFO : S_IFLNK);
		cr_assert_eq(unlink(other), 0);
	}
	child_run(WORDS("safe-run", "report", "inspect", "--html", "-", run.dir), "", 0, NULL,
		  &result);
	cr_expect_eq(result.out_len, len);
	child_release(&result);
	child_run(WORDS("/bin/ls", "-A", run.base), "", 0, NULL, &result);
	cr_expect_null(strstr(result.out, "partial"), "%s", result.out);
	child_release(&result);
	run_release(&run);
}

/* Whose signature it is, and whether anybody here trusts it. */
Test(inspect, a_signed_report)
{
	char *keys = child_make_dir("sr-key");
	char key[PATH_MAX], public[PATH_MAX];
	struct child_result result;
	struct run run;

	snprintf(key, sizeof(key), "%s/key", keys);
	snprintf(public, sizeof(public), "%s/key.pub", keys);
	child_run(WORDS("safe-run", "key", "generate", "--out", key), "", 0, NULL, &result);
	cr_assert_eq(result.status, 0, "%s", result.err);
	child_release(&result);
	run_start(&run, WORDS("--seal-key", key), WORDS("/bin/true"), "", 0);
	child_run(WORDS("safe-run", "report", "inspect", "--ascii", "--key", public, run.dir), "",
		  0, NULL, &result);
	cr_expect_eq(result.status, 0, "%s", result.out);
	cr_expect_not_null(strstr(result.out, "valid, trust signed"), "%s", result.out);
	child_release(&result);
	child_run(WORDS("safe-run", "report", "inspect", "--ascii", "--trust-dir", keys, run.dir),
		  "", 0, NULL, &result);
	cr_expect_not_null(strstr(result.out, "valid, trust self"), "%s", result.out);
	cr_expect_not_null(strstr(result.out, "claims key"), "%s", result.out);
	child_release(&result);
	expect_steps("signed", run.dir, all_same, 0);
	run_release(&run);
	child_remove_dir(keys);
	free(keys);
}
