/* SPDX-License-Identifier: Apache-2.0 */
/* Mounts of a policy, the two lists that allow them, and the host's ceiling over both. */
#include "tests/pipeline/run.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A directory with input in it, a policy that mounts it and the allowlist that lets it. */
struct bench {
	char *dir;
	char *policy, *allowlist;
	char *variable; /* SAFE_RUN_MOUNT_ALLOWLIST=... */
};

static char *write_file(const char *dir, const char *name, const char *text)
{
	char *path = NULL;

	cr_assert_gt(asprintf(&path, "%s/%s", dir, name), 0);
	child_write_file(path, text, strlen(text));
	return path;
}

static void bench_open(struct bench *bench)
{
	char *made = child_make_dir("sr-mounts"), *text = NULL;

	bench->dir = realpath(made, NULL);
	free(made);
	cr_assert_not_null(bench->dir);
	cr_assert_eq(chmod(bench->dir, 0755), 0);
	text = write_file(bench->dir, "input", "words\n");
	cr_assert_eq(chmod(text, 0644), 0);
	free(text);
	cr_assert_gt(asprintf(&text,
			      "apiVersion: policy.safe-run.dev/v1alpha1\n"
			      "metadata: {name: mounts}\n"
			      "runtime: {command: cat, args: [/input/input]}\n"
			      "resources: {cpu: {max: 100000 100000}, memory: {max: 64Mi}}\n"
			      "mounts: [{hostPath: %s/./, guestPath: /input, readOnly: true, "
			      "noexec: true}]\n"
			      "audit: {level: basic}\n",
			      bench->dir),
		     0);
	bench->policy = write_file(bench->dir, "policy.yaml", text);
	free(text);
	cr_assert_gt(asprintf(&text,
			      "schemaVersion: safe-run.mount-allowlist/v1\n"
			      "hostAllowPrefixes: [%s]\nguestAllowPrefixes: [/input]\n",
			      bench->dir),
		     0);
	bench->allowlist = write_file(bench->dir, "allowlist.yaml", text);
	free(text);
	cr_assert_gt(asprintf(&bench->variable, "SAFE_RUN_MOUNT_ALLOWLIST=%s", bench->allowlist),
		     0);
}

static void bench_close(struct bench *bench)
{
	child_remove_dir(bench->dir);
	free(bench->dir);
	free(bench->policy);
	free(bench->allowlist);
	free(bench->variable);
}

static void expect_mounted(struct run *run)
{
	run_expect(run, 0, "exit");
	cr_expect_str_eq(run->child.out, "words\n");
	cr_expect_eq(run_number(run, "mountAudit.requested"), 1);
	cr_expect_eq(run_number(run, "mountAudit.accepted"), 1);
	cr_expect_eq(run_number(run, "mountAudit.rejected"), 0);
	cr_expect_eq(json_object_array_length(run_member(run, "mountAudit.reasons")), 0);
	cr_expect(run_has_event(run, "mount.validated"));
	cr_expect(run_has_event(run, "mount.applied"));
}

static void expect_refused(struct run *run, const char *code)
{
	run_expect(run, 125, "setup");
	cr_expect(run_has_error(run, code), "%s", run->child.err);
	cr_expect_not(run_has_event(run, "vm.started"));
}

Test(mounts, through_an_allowlist)
{
	struct bench bench;
	struct run run;

	bench_open(&bench);
	run_start(&run, WORDS("--policy", bench.policy, "--mount-allowlist", bench.allowlist), NULL,
		  "", 0);
	expect_mounted(&run);
	run_release(&run);
	/* The built-in one does not have a temporary directory. */
	run_start(&run, WORDS("--policy", bench.policy), NULL, "", 0);
	expect_refused(&run, "SR-POL-101");
	run_release(&run);
	bench_close(&bench);
}

/* safe-run run with one more variable in its environment. */
static void run_with(struct run *run, const char *variable, const char *const options[])
{
	const char *path = NULL;
	char *search = NULL;
	const char **argv;

	memset(run, 0, sizeof(*run));
	run->base = child_make_dir("sr-run");
	argv = run_argv(run->base, options, NULL);
	path = getenv("PATH");
	cr_assert_gt(asprintf(&search, "PATH=%s", path != NULL ? path : "/usr/bin:/bin"), 0);
	const char *env[] = {variable, search, NULL};
	struct child_options child = {.env = env};

	child_run(argv, "", 0, &child, &run->child);
	free(argv);
	free(search);
	run_collect(run);
}

/* The option, else the variable, else what is built in. */
Test(mounts, variable_names_the_allowlist)
{
	static const char nowhere[] = "SAFE_RUN_MOUNT_ALLOWLIST=/nowhere/list";
	static const char empty[] = "SAFE_RUN_MOUNT_ALLOWLIST=";
	struct bench bench;
	struct run run;

	bench_open(&bench);
	run_with(&run, bench.variable, WORDS("--policy", bench.policy));
	expect_mounted(&run);
	run_release(&run);
	run_with(&run, nowhere,
		 WORDS("--policy", bench.policy, "--mount-allowlist", bench.allowlist));
	expect_mounted(&run);
	run_release(&run);
	run_with(&run, nowhere, WORDS("--policy", bench.policy));
	expect_refused(&run, "SR-POL-101");
	cr_expect_not_null(strstr(run.child.err, "mountAllowlist"), "%s", run.child.err);
	run_release(&run);
	run_with(&run, empty, WORDS("--policy", bench.policy));
	expect_refused(&run, "SR-POL-101");
	cr_expect_null(strstr(run.child.err, "mountAllowlist"), "%s", run.child.err);
	run_release(&run);
	bench_close(&bench);
}

/* sr-validate by itself, and the verb over it. */
Test(mounts, variable_counts_by_hand_too)
{
	static const struct {
		const char *argv[3];
	} programs[] = {{{"sr-validate"}}, {{"safe-run", "validate", "-"}}};
	struct bench bench;
	size_t len;
	char *policy;

	bench_open(&bench);
	policy = child_read_file(bench.policy, &len);
	for (size_t i = 0; i < 2; i++) {
		const char *const argv[] = {programs[i].argv[0], programs[i].argv[1],
					    programs[i].argv[2], NULL};
		const char *env[] = {bench.variable, NULL};
		struct child_options child = {.env = env};
		struct child_result result;

		child_run(argv, policy, len, &child, &result);
		cr_expect_eq(result.status, 0, "%s: %s%s", argv[0], result.out, result.err);
		child_release(&result);
		child.env = (const char *[]){NULL};
		child_run(argv, policy, len, &child, &result);
		cr_expect_eq(result.status, 1, "%s: %s%s", argv[0], result.out, result.err);
		child_release(&result);
	}
	free(policy);
	bench_close(&bench);
}

/* An /etc of ours that holds a ceiling and nothing else; in a forked child. */
static void enter_host(const char *ceiling)
{
	int fd;

	umask(022);
	run_enter_mounts();
	if (mount("tmpfs", "/etc", "tmpfs", 0, "mode=0755") != 0 ||
	    mkdir("/etc/safe-run", 0755) != 0)
		_exit(RUN_NO_MOUNT);
	fd = open("/etc/safe-run/host.yaml", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, ceiling, strlen(ceiling)) != (ssize_t)strlen(ceiling))
		_exit(RUN_NO_MOUNT);
	close(fd);
}

static void run_below(struct run *run, const char *ceiling, const char *const options[])
{
	char path[4096];
	const char **argv;
	int status;
	pid_t pid;

	memset(run, 0, sizeof(*run));
	run->base = child_make_dir("sr-run");
	argv = run_argv(run->base, options, WORDS("true"));
	snprintf(path, sizeof(path), "%s/stderr", run->base);
	child_write_file(path, "", 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		dup2(open(path, O_WRONLY), STDERR_FILENO);
		dup2(open("/dev/null", O_RDWR), STDIN_FILENO);
		dup2(STDIN_FILENO, STDOUT_FILENO);
		enter_host(ceiling);
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	free(argv);
	run->child.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (run->child.status == RUN_NO_NAMESPACES)
		run_skip("user namespaces are denied here");
	cr_assert_neq(run->child.status, RUN_NO_MOUNT);
	run->child.err = child_read_file(path, &run->child.err_len);
	run_collect(run);
}

#define VERSION "schemaVersion: safe-run.host/v1\n"

/*
 * The report names the ceiling by its hash, whether the run was let or not. An ordinary user cannot
 * make one that counts: his refuses everything, and the report is sealed all the same.
 */
Test(mounts, host_ceiling)
{
	static const struct {
		const char *text, *option, *value, *path;
	} cases[] = {
		{VERSION "timeoutSec: 299\n", NULL, NULL, "launch.host.timeoutSec"},
		{VERSION "timeoutSec: 299\n", "--timeout", "299", NULL},
		{VERSION "resources: {memory: {max: 64Mi}}\n", "--memory", "67108865",
		 "launch.host.resources.memory.max"},
		{VERSION "resources: {memory: {max: 64Mi}}\n", "--memory", "64Mi", NULL},
		{VERSION "callers: {}\n", NULL, NULL, "launch.host.callers"},
		{"schemaVersion: 1\n", NULL, NULL, "launch.host.schemaVersion"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *const options[] = {cases[i].option, cases[i].value, NULL};
		const char *path = getuid() == 0 ? cases[i].path : "launch.host";
		struct json_object *compile;
		struct run run;

		run_below(&run, cases[i].text, options);
		run_expect(&run, path == NULL ? 0 : 125, path == NULL ? "exit" : "setup");
		if (path != NULL) {
			cr_expect(run_has_error(&run, "SR-OPS-001"));
			cr_expect_not_null(strstr(run.child.err, path), "%s: %s", path,
					   run.child.err);
		}
		if (getuid() != 0)
			cr_expect_not_null(strstr(run.child.err, "belongs to user"), "%s",
					   run.child.err);
		compile = json_object_array_get_idx(run_member(&run, "events"), 0);
		cr_expect_eq(strstr(json_object_to_json_string(compile), "\"host\": { \"hash\"") !=
				     NULL,
			     getuid() == 0);
		run_release(&run);
	}
}
