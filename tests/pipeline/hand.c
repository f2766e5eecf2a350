/* SPDX-License-Identifier: Apache-2.0 */
/* The stages by hand, and their records fed again. */
#include "tests/pipeline/run.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As README.md prints it: the one place where a shell runs anything of ours. */
#define PIPELINE                                                                                   \
	"sr-validate < policy.yaml | sr-compile | sr-launch | sr-monitor | sr-seal > "             \
	"run_report.json"

struct bench {
	char *dir;
	struct child_result child;
};

static void in_shell(struct bench *bench, const char *script)
{
	const char *bin = child_path("safe-run");
	char path[8192];
	const char *env[] = {path, NULL};
	struct child_options options = {.cwd = bench->dir, .env = env};

	snprintf(path, sizeof(path), "PATH=%.*s:/usr/bin:/bin", (int)(strrchr(bin, '/') - bin),
		 bin);
	child_run(WORDS("/bin/bash", "-o", "pipefail", "-c", script), "", 0, &options,
		  &bench->child);
}

static void bench_open(struct bench *bench, const char *policy, size_t len)
{
	char path[4096];

	bench->dir = child_make_dir("sr-hand");
	snprintf(path, sizeof(path), "%s/policy.yaml", bench->dir);
	child_write_file(path, policy, len);
}

static void bench_close(struct bench *bench)
{
	child_release(&bench->child);
	child_remove_dir(bench->dir);
	free(bench->dir);
}

static void bench_expect_report(struct bench *bench, const char *state, int exit_code)
{
	char path[4096], wanted[64];
	char *report;

	child_release(&bench->child);
	in_shell(bench, "safe-run report verify run_report.json");
	cr_expect_eq(bench->child.status, 0, "%s%s", bench->child.out, bench->child.err);
	snprintf(path, sizeof(path), "%s/run_report.json", bench->dir);
	report = child_read_file(path, NULL);
	snprintf(wanted, sizeof(wanted), "\"state\":\"%s\"", state);
	cr_expect_not_null(strstr(report, wanted), "not %s: %s", state, report);
	snprintf(wanted, sizeof(wanted), "\"exitCode\":%d", exit_code);
	cr_expect_not_null(strstr(report, wanted), "not %d: %s", exit_code, report);
	free(report);
}

static void bench_expect_text(const struct bench *bench, const char *text, bool there)
{
	char path[4096];
	char *report;

	snprintf(path, sizeof(path), "%s/run_report.json", bench->dir);
	report = child_read_file(path, NULL);
	cr_expect_eq(strstr(report, text) != NULL, there, "%s: %s", text, report);
	free(report);
}

Test(hand, shell_pipeline_word_for_word)
{
	char *file = run_policy("hello.yaml");
	size_t len;
	char *policy = child_read_file(file, &len);
	struct bench bench;

	run_need_limits();
	bench_open(&bench, policy, len);
	in_shell(&bench, PIPELINE);
	cr_expect_eq(bench.child.status, 0, "%s", bench.child.err);
	cr_expect_str_empty(bench.child.out);
	cr_expect_not_null(strstr(bench.child.err, "hello"), "the output is lost: %s",
			   bench.child.err);
	bench_expect_report(&bench, "finished", 0);
	/* Nobody captured that hello, so nobody claims to have held it to its limit. */
	bench_expect_text(&bench, "\"captured\":false", true);
	bench_expect_text(&bench, "\"clause\":\"resources.memory.max\"", true);
	bench_expect_text(&bench, "\"clause\":\"resources.output.max\"", false);
	bench_close(&bench);
	free(policy);
	free(file);
}

/* A policy that is none still comes out as a report, of a run that was refused. */
Test(hand, shell_pipeline_of_a_refusal)
{
	struct bench bench;

	bench_open(&bench, "nonsense\n", strlen("nonsense\n"));
	in_shell(&bench, PIPELINE);
	bench_expect_report(&bench, "failed", 125);
	bench_close(&bench);
}

/* README.md's two checks with nothing of ours. */
Test(hand, report_checks_with_jq_and_sha256sum)
{
	struct run run;
	struct bench bench = {.dir = NULL};
	char script[8192];

	run_start(&run, NULL, WORDS("true"), "", 0);
	run_expect(&run, 0, "exit");
	bench.dir = strdup(run.dir);
	if (access("/usr/bin/jq", X_OK) != 0)
		run_skip("jq is not installed");
	snprintf(script, sizeof(script),
		 "cd artifacts && jq -cSj . run_report.json | cmp - run_report.json && "
		 "test \"sha256:$(jq -cSj '.integrity.digest=\"\"' run_report.json | sha256sum | "
		 "cut -d' ' -f1)\" = \"$(jq -r .integrity.digest run_report.json)\"");
	in_shell(&bench, script);
	cr_expect_eq(bench.child.status, 0, "%s", bench.child.err);
	child_release(&bench.child);
	free(bench.dir);
	run_release(&run);
}

/* What each stage read gives what each stage wrote, byte for byte. */
Test(hand, replays_give_the_same_bytes)
{
	static const char script[] =
		"sr-validate --set 'runtime.command=\"echo\"' --set 'runtime.args=[\"again\"]' "
		"< policy.yaml | cmp - stages/validate.json && "
		"sr-compile < stages/validate.json | cmp - stages/compile.json";
	struct run run;
	struct bench bench = {.dir = NULL};

	run_start(&run, NULL, WORDS("echo", "again"), "", 0);
	run_expect(&run, 0, "exit");
	bench.dir = strdup(run.dir);
	in_shell(&bench, script);
	cr_expect_eq(bench.child.status, 0, "%s%s", bench.child.out, bench.child.err);
	child_release(&bench.child);
	free(bench.dir);
	run_release(&run);
}

/* The monitor's and seal's records, replayed, make the same report. */
Test(hand, sealing_again_gives_the_same_report)
{
	struct run run;
	struct bench bench = {.dir = NULL};

	run_start(&run, NULL, WORDS("echo", "again"), "", 0);
	run_expect(&run, 0, "exit");
	bench.dir = strdup(run.dir);
	in_shell(&bench, "sr-seal < stages/monitor.ndjson | cmp - artifacts/run_report.json");
	cr_expect_eq(bench.child.status, 0, "%s%s", bench.child.out, bench.child.err);
	child_release(&bench.child);
	free(bench.dir);
	run_release(&run);
}
