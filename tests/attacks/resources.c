/* SPDX-License-Identifier: Apache-2.0 */
/* RG1-RG5: cgroups, limits, survivors, verdicts. Ids as in SECURITY.md. */
#include "tests/attacks/live.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Test(attacks, RG1_no_way_to_a_cgroup)
{
	static const char *const names[] = {"unshare", "mount-v1", "mount-v2"};
	const char *argv[] = {ATTACK_INSIDE "/cgroups", NULL};
	struct attack attack;

	attack_open(&attack, argv);
	attack_run(&attack);
	attack_expect_finished(&attack);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		cr_expect_str_eq(attack_said(attack.result.out, names[i]), "EPERM", "%s", names[i]);
	/* Not one file of any hierarchy is there, whatever the mount layout. */
	cr_expect_eq(attack_lines(attack.result.out, "/sys/fs/cgroup ok"), 0);
	cr_expect_eq(attack_lines(attack.result.out, "/sys/fs/cgroup/"), 4);
	for (const char *line = attack.result.out; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (*line == '/')
			cr_expect_null(strstr(line, "cgroup.procs ok"), "%s", line);
	}
	cr_expect_eq(attack_lines(attack.result.out, "/proc/1/root/sys/fs/cgroup ok"), 0);
	attack_close(&attack);
}

/* The number in DIR/NAME, -1 when it is "max" or not there. */
static long long number_in(const char *dir, const char *name)
{
	char path[4400];
	char *text;
	long long value = -1;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	text = child_read_file(path, NULL);
	if (text && *text >= '0' && *text <= '9')
		value = strtoll(text, NULL, 10);
	free(text);
	return value;
}

/* Where the run's cgroup of that controller is on this host; v2 has one for all. */
static char *cgroup_of(struct live *live, const char *controller)
{
	char name[64];
	char *path;

	snprintf(name, sizeof name, "cgroup.paths.%s", controller);
	path = live_event(live, "run.prepared", name);
	if (!path)
		path = live_event(live, "run.prepared", "cgroup.paths.unified");
	cr_assert_not_null(path, "run.prepared names no cgroup for %s", controller);
	return path;
}

static void expect_file(struct live *live, const char *controller, const char *v1, const char *v2,
			long long expected)
{
	char *dir = cgroup_of(live, controller);
	long long value = number_in(dir, v1);

	if (value < 0)
		value = number_in(dir, v2);
	cr_expect_eq(value, expected, "%s: %s or %s is %lld", dir, v1, v2, value);
	free(dir);
}

static void expect_clause(const struct attack *attack, const char *clause)
{
	struct json_object *all = NULL;

	json_object_object_get_ex(attack->report, "enforcement", &all);
	for (size_t i = 0; all && i < json_object_array_length(all); i++) {
		struct json_object *item = json_object_array_get_idx(all, i), *name, *enforced,
				   *evidence;

		if (json_object_object_get_ex(item, "clause", &name) &&
		    !strcmp(json_object_get_string(name), clause)) {
			cr_expect(json_object_object_get_ex(item, "enforced", &enforced) &&
					  json_object_get_boolean(enforced),
				  "%s is not enforced", clause);
			cr_expect(json_object_object_get_ex(item, "evidence", &evidence) &&
					  json_object_object_length(evidence) > 0,
				  "%s has no evidence", clause);
			return;
		}
	}
	cr_assert_fail("no clause %s", clause);
}

Test(attacks, RG2_every_limit_is_in_the_kernel, .timeout = 120)
{
	const char *argv[] = {ATTACK_INSIDE "/end", "sleep", NULL};
	struct attack attack;
	struct live live;

	attack_open(&attack, argv);
	attack_set(&attack, "resources.memory.max", "\"96Mi\"");
	attack_set(&attack, "resources.pids.max", "37");
	attack_set(&attack, "resources.cpu.max", "\"50000 100000\"");
	live_start(&live, &attack, false);
	cr_assert(live_wait_started(&live));
	expect_file(&live, "memory", "memory.limit_in_bytes", "memory.max", 96 << 20);
	expect_file(&live, "pids", "pids.max", "pids.max", 37);
	expect_file(&live, "cpu", "cpu.cfs_quota_us", "cpu.max", 50000);
	char *memory = cgroup_of(&live, "memory");
	/* Swap counts: memory and swap together stay at the limit, where the kernel can swap. */
	long long together = number_in(memory, "memory.memsw.limit_in_bytes");
	long long alone = number_in(memory, "memory.swap.max");
	cr_expect(together == -1 || together == 96 << 20, "memsw is %lld", together);
	cr_expect(alone == -1 || alone == 0, "swap.max is %lld", alone);
	kill(live.pid, SIGTERM);
	cr_expect_neq(live_end(&live, 20000), -1);
	attack_load(&attack);
	expect_clause(&attack, "resources.memory.max");
	expect_clause(&attack, "resources.pids.max");
	expect_clause(&attack, "resources.cpu.max");
	cr_expect_neq(access(memory, F_OK), 0, "%s is left", memory);
	free(memory);
	attack_close(&attack);
}

#define OWN_PATH_SIZE 4300

/* This process's own cgroup for memory, and whether it is version 2; the caller frees it. */
static char *own_memory_cgroup(bool *unified)
{
	char *text = child_read_file("/proc/self/cgroup", NULL);
	char *path = malloc(OWN_PATH_SIZE);
	char *line = strstr(text, ":memory:");

	*unified = !line;
	line = line ? line + strlen(":memory:") : strstr(text, "0::") + 3;
	line[strcspn(line, "\n")] = '\0';
	cr_assert_not_null(path);
	snprintf(path, OWN_PATH_SIZE, "/sys/fs/cgroup%s%s", *unified ? "" : "/memory", line);
	free(text);
	return path;
}

/* A new cgroup with that much memory. On version 2 only a leaf has processes: beside ours. */
static char *limited_cgroup(const char *limit)
{
	bool unified;
	char *own = own_memory_cgroup(&unified), *dir = NULL, file[4400];

	if (unified)
		*strrchr(own, '/') = '\0';
	cr_assert_gt(asprintf(&dir, "%s/rg3-%d", own, (int)getpid()), 0);
	free(own);
	if (mkdir(dir, 0755)) {
		free(dir);
		return NULL;
	}
	snprintf(file, sizeof file, "%s/%s", dir, unified ? "memory.max" : "memory.limit_in_bytes");
	child_write_file(file, limit, strlen(limit));
	return dir;
}

Test(attacks, RG3_stays_below_its_callers_limit, .timeout = 120)
{
	const char *argv[] = {ATTACK_INSIDE "/end", "memory", NULL};
	const long long limit = 96 << 20;
	char *dir = limited_cgroup("100663296");
	struct attack attack;

	if (!dir)
		cr_skip_test("this user has no cgroup to make another in");
	attack_open(&attack, argv);
	attack_set(&attack, "resources.memory.max", "\"1Gi\"");
	attack.wrapper[0] = "enter";
	attack.wrapper[1] = dir;
	attack_run(&attack);
	cr_expect_str_eq(attack_text(&attack, "outcome.cause"), "oom", "%s",
			 attack_text(&attack, "outcome.summary"));
	cr_expect_leq(attack_number(&attack, "resourceUsage.memoryPeakBytes"), limit);
	cr_expect_gt(attack_number(&attack, "resourceUsage.memoryPeakBytes"), 0);
	attack_close(&attack);
	cr_expect_eq(rmdir(dir), 0, "%s is not empty", dir);
	free(dir);
}

static void survive(const char *how, const char *cause)
{
	char token[64];
	const char *argv[] = {ATTACK_INSIDE "/survive", how, token, NULL};
	struct attack attack;

	snprintf(token, sizeof token, "rg4-%s-%d", how, (int)getpid());
	attack_open(&attack, argv);
	attack_set(&attack, "runtime.timeoutSec", "2");
	long long started = attack_now_ms();
	attack_run(&attack);
	cr_expect_str_eq(attack_text(&attack, "outcome.cause"), cause, "%s: %s", how,
			 attack_text(&attack, "outcome.summary"));
	cr_expect_not_null(strstr(attack.result.out, "ready"), "%s: %s", how, attack.result.err);
	/* Not one is left when safe-run has ended, and it has ended soon after the deadline. */
	cr_expect_eq(attack_processes(token), 0, "%s", how);
	cr_expect_lt(attack_now_ms() - started, 30000, "%s", how);
	cr_expect_str_neq(attack_event(&attack, "vm.exited", "seq"), "");
	attack_close(&attack);
}

Test(attacks, RG4_no_survivors, .timeout = 180)
{
	char token[64];
	const char *bare[] = {"survive", "leave", token, NULL};
	struct child_result control;

	snprintf(token, sizeof token, "rg4-control-%d", (int)getpid());
	attack_bare(bare, &control);
	cr_expect_gt(attack_processes(token), 0, "nothing survives here anyway");
	child_release(&control);
	attack_end(token);
	cr_expect_eq(attack_wait_gone(token, 10000), 0);
	survive("leave", "exit");
	survive("fork-bomb", "timeout");
	survive("double-fork", "timeout");
	survive("ignore", "timeout");
	survive("stop-storm", "timeout");
	survive("vfork", "timeout");
}

struct verdict {
	const char *what;
	const char *arguments[3];  /* of end; of the command itself when the first has a slash */
	const char *field, *value; /* one more setting of the policy, or NULL */
	int status;
	const char *cause;
	const char *code; /* of errors[], or "" */
};

static const struct verdict verdicts[] = {
	{"out of memory", {"memory"}, "resources.memory.max", "\"32Mi\"", 137, "oom", "SR-RUN-001"},
	{"deadline", {"sleep"}, "runtime.timeoutSec", "1", 124, "timeout", "SR-RUN-003"},
	{"deadline, busy", {"cpu"}, "runtime.timeoutSec", "1", 124, "timeout", "SR-RUN-003"},
	{"cpu limit", {"signal", "24"}, NULL, NULL, 152, "cpu", "SR-RUN-001"},
	{"processes", {"pids"}, "resources.pids.max", "16", 1, "pids", "SR-RUN-001"},
	{"output", {"output"}, "resources.output.max", "\"64Ki\"", 137, "output", "SR-RUN-001"},
	{"own SIGKILL", {"signal", "9"}, NULL, NULL, 137, "signal", "SR-RUN-001"},
	{"own SIGTERM", {"signal", "15"}, NULL, NULL, 143, "signal", "SR-RUN-001"},
	{"own SIGSEGV", {"signal", "11"}, NULL, NULL, 139, "signal", "SR-RUN-001"},
	{"filter", {ATTACK_INSIDE "/foreign", "int80"}, NULL, NULL, 159, "seccomp", "SR-RUN-001"},
	{"no such command", {"/opt/attack/none"}, NULL, NULL, 127, "setup", "SR-RUN-002"},
	{"not executable", {"/etc/passwd"}, NULL, NULL, 126, "setup", "SR-RUN-002"},
	{"a status like a timeout's", {"exit", "124"}, NULL, NULL, 124, "exit", "SR-RUN-001"},
	{"a status like a kill's", {"exit", "137"}, NULL, NULL, 137, "exit", "SR-RUN-001"},
	{"a status like ours", {"exit", "125"}, NULL, NULL, 125, "exit", "SR-RUN-001"},
	{"success", {"exit", "0"}, NULL, NULL, 0, "exit", ""},
};

Test(attacks, RG5_each_end_its_own_verdict, .timeout = 180)
{
	for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
		const struct verdict *verdict = &verdicts[i];
		const char *own[] = {ATTACK_INSIDE "/end", verdict->arguments[0],
				     verdict->arguments[1], NULL};
		struct attack attack;

		attack_open(&attack, verdict->arguments[0][0] == '/' ? own + 1 : own);
		if (verdict->field)
			attack_set(&attack, verdict->field, verdict->value);
		attack_run(&attack);
		cr_expect_eq(attack.result.status, verdict->status, "%s: status %d", verdict->what,
			     attack.result.status);
		cr_expect_str_eq(attack_text(&attack, "outcome.cause"), verdict->cause, "%s: %s",
				 verdict->what, attack_text(&attack, "outcome.summary"));
		cr_expect_str_eq(attack_errors(&attack), verdict->code, "%s: %s", verdict->what,
				 attack_errors(&attack));
		cr_expect_str_neq(attack_text(&attack, "outcome.summary"), "", "%s", verdict->what);
		cr_expect_eq(attack_number(&attack, "exitCode"), verdict->status, "%s",
			     verdict->what);
		attack_close(&attack);
	}
}
