/* SPDX-License-Identifier: Apache-2.0 */
/* The real thing, against this host's kernel. */
#include "stages/launch/cgroup.h"

#include "ipc/object.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)

static const struct cgroup_limits usual = {.memory_set = true,
					   .memory_max = 64 * MIB,
					   .cpu_set = true,
					   .cpu_quota_us = 100000,
					   .cpu_period_us = 100000,
					   .pids_set = true,
					   .pids_max = 16};

static void run_id(char *out, size_t size, const char *what)
{
	(void)snprintf(out, size, "unit-%s-%d", what, getpid());
}

/* Prepares, or says why this host cannot and skips; MUST_WORK=1 makes that a failure. */
static void prepare(struct cgroup *cgroup, const char *what, const struct cgroup_limits *limits)
{
	char id[65];
	struct fault fault;
	run_id(id, sizeof(id), what);
	enum fault_code code = cgroup_prepare(cgroup, id, limits, false, &fault);
	if (code == FAULT_NONE)
		return;
	cr_assert_eq(code, FAULT_HOST_LACKS, "%s: %s", fault.path, fault.message);
	cr_assert_neq(geteuid(), 0, "as root: %s", fault.message);
	cr_assert_null(getenv("MUST_WORK"), "MUST_WORK: %s", fault.message);
	(void)fprintf(stderr, "skipped: no cgroup for this user: %s\n", fault.message);
	cr_skip_test("no cgroup for this user");
}

/* In the child: in by itself where that works, told so by the parent where it does not. */
_Noreturn static void enter_and_run(const struct cgroup *cgroup, int from_parent, int to_parent,
				    int (*body)(void))
{
	char byte = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || cgroup_attach_self(cgroup) != 0 ||
	    write(to_parent, "x", 1) != 1 || read(from_parent, &byte, 1) != 1)
		_exit(99);
	_exit(body());
}

static pid_t spawn(const struct cgroup *cgroup, int (*body)(void))
{
	int up[2];
	int down[2];
	char byte = 0;
	struct fault fault;

	cr_assert(pipe(up) == 0 && pipe(down) == 0);
	pid_t pid = fork();
	if (pid == 0)
		enter_and_run(cgroup, down[0], up[1], body);
	cr_assert_eq(read(up[0], &byte, 1), 1);
	if (cgroup_clone_fd(cgroup) >= 0)
		cr_assert_eq(cgroup_attach(cgroup, pid, &fault), FAULT_NONE, "%s", fault.message);
	cr_assert_eq(cgroup_attach_check(cgroup, pid, &fault), FAULT_NONE, "%s", fault.message);
	cr_assert_eq(write(down[1], "x", 1), 1);
	for (int i = 0; i < 2; i++) {
		close(up[i]);
		close(down[i]);
	}
	return pid;
}

static int wait_for(pid_t pid)
{
	int status = 0;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return status;
}

static void remove_it(struct cgroup *cgroup)
{
	char paths[CGROUP_HIERARCHY_COUNT][sizeof(CGROUP_ROOT) + CGROUP_PATH_SIZE];
	struct fault fault;
	for (int i = 0; i < CGROUP_HIERARCHY_COUNT; i++)
		(void)snprintf(paths[i], sizeof(paths[i]), "%s/%s", CGROUP_ROOT, cgroup->paths[i]);
	bool had[CGROUP_HIERARCHY_COUNT];
	memcpy(had, cgroup->made, sizeof(had));
	cr_expect_eq(cgroup_remove(cgroup, &fault), FAULT_NONE, "%s", fault.message);
	for (int i = 0; i < CGROUP_HIERARCHY_COUNT; i++)
		cr_expect(!had[i] || access(paths[i], F_OK) != 0, "%s is left", paths[i]);
}

static struct json_object *clause(const struct cgroup *cgroup, enum cgroup_clause_id id,
				  struct json_object *array)
{
	cgroup_enforcement(cgroup, array);
	cr_assert_eq(json_object_array_length(array), CGROUP_CLAUSE_COUNT);
	return json_object_array_get_idx(array, id);
}

Test(cgroup_run, limits_are_what_the_kernel_answers)
{
	struct cgroup_limits limits = usual;
	struct cgroup cgroup;
	limits.memory_max += 1; /* not a whole page: the kernel rounds down */
	prepare(&cgroup, "limits", &limits);
	struct json_object *array OBJECT_CLEANUP = array_new();
	struct json_object *memory = clause(&cgroup, CGROUP_CLAUSE_MEMORY, array);
	cr_expect(json_object_get_boolean(json_object_object_get(memory, "enforced")));
	cr_expect_eq(json_object_get_int64(json_object_object_get(memory, "requested")),
		     (int64_t)(64 * MIB + 1));
	cr_expect_eq(json_object_get_int64(json_object_object_get(memory, "effective")),
		     (int64_t)(64 * MIB));
	/* RG2: swap is limited too, or there is none; one of both is said. */
	const char *swap = json_object_get_string(
		json_object_object_get(json_object_object_get(memory, "evidence"), "swap"));
	cr_assert_not_null(swap);
	cr_expect(strcmp(swap, "limited") == 0 || strcmp(swap, "the host has none") == 0, "%s",
		  swap);
	struct json_object *cpu = json_object_array_get_idx(array, CGROUP_CLAUSE_CPU);
	cr_expect_str_eq(json_object_get_string(json_object_object_get(cpu, "effective")),
			 "100000 100000");
	struct json_object *pids = json_object_array_get_idx(array, CGROUP_CLAUSE_PIDS);
	cr_expect_eq(json_object_get_int64(json_object_object_get(pids, "effective")), 16);
	remove_it(&cgroup);
}

Test(cgroup_run, a_second_run_of_the_same_id_is_refused_and_harms_nothing)
{
	struct cgroup first;
	struct cgroup second;
	struct fault fault;
	char id[65];
	prepare(&first, "twice", &usual);
	run_id(id, sizeof(id), "twice");
	cr_expect_eq(cgroup_prepare(&second, id, &usual, false, &fault), FAULT_HOST_LACKS);
	for (int i = 0; i < CGROUP_HIERARCHY_COUNT; i++) {
		char path[sizeof(CGROUP_ROOT) + CGROUP_PATH_SIZE];
		(void)snprintf(path, sizeof(path), "%s/%s", CGROUP_ROOT, first.paths[i]);
		cr_expect(!first.made[i] || access(path, F_OK) == 0, "%s is gone", path);
	}
	remove_it(&first);
}

/* Forks children that wait, until one is refused; how many there are. */
static int fork_until_refused(void)
{
	int count = 0;
	for (; count < 64; count++) {
		pid_t pid = fork();
		if (pid == 0) {
			(void)pause();
			_exit(0);
		}
		if (pid < 0)
			break;
	}
	return count;
}

Test(cgroup_run, pids_max_counts_exactly)
{
	for (uint64_t max = 3; max <= 5; max++) {
		struct cgroup_limits limits = usual;
		struct cgroup_counters counters;
		struct cgroup cgroup;
		struct fault fault;
		limits.pids_max = max;
		prepare(&cgroup, "pids", &limits);
		int status = wait_for(spawn(&cgroup, fork_until_refused));
		cr_expect_eq(WEXITSTATUS(status), (int)max - 1, "the first one counts too");
		cgroup_counters(&cgroup, &counters);
		cr_expect(!counters.present[CGROUP_PIDS_MAX_HITS] ||
			  counters.values[CGROUP_PIDS_MAX_HITS] == 1);
		cr_expect_eq(counters.values[CGROUP_PIDS_CURRENT], max - 1,
			     "orphans still counted");
		cr_expect_eq(cgroup_kill(&cgroup, &fault), FAULT_NONE, "%s", fault.message);
		remove_it(&cgroup);
	}
}

static int touch_memory(void)
{
	size_t len = 128 * MIB;
	char *data = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (data == MAP_FAILED)
		return 1;
	memset(data, 1, len);
	return 0;
}

Test(cgroup_run, too_much_memory_is_killed_and_counted)
{
	struct cgroup_counters counters;
	struct cgroup cgroup;
	prepare(&cgroup, "oom", &usual);
	int status = wait_for(spawn(&cgroup, touch_memory));
	cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %x", status);
	cgroup_counters(&cgroup, &counters);
	cr_expect(counters.present[CGROUP_MEMORY_OOM_KILLS]);
	/* With memory.oom.group the kernel counts the victim, then each member, the victim among
	 * them: __oom_kill_process runs twice for it (mm/oom_kill.c, 6.1). */
	cr_expect_geq(counters.values[CGROUP_MEMORY_OOM_KILLS], 1);
	cr_expect_leq(counters.values[CGROUP_MEMORY_OOM_KILLS], 2);
	cr_expect_leq(counters.values[CGROUP_MEMORY_PEAK], 64 * MIB);
	cr_expect_geq(counters.values[CGROUP_MEMORY_PEAK], 60 * MIB);
	remove_it(&cgroup);
}

/* Each child leaves its session, forks again and stops itself. */
static int hard_to_kill(void)
{
	for (int i = 0; i < 5; i++) {
		if (fork() != 0)
			continue;
		(void)setsid();
		(void)signal(SIGTERM, SIG_IGN);
		(void)!fork();
		(void)raise(SIGSTOP);
		(void)pause();
	}
	(void)raise(SIGSTOP);
	return 0;
}

/* RG4: whatever it did, nothing survives, and no cgroup stays. */
Test(cgroup_run, kill_leaves_no_survivor)
{
	struct cgroup cgroup;
	struct fault fault;
	char text[4096] = "";
	prepare(&cgroup, "kill", &usual);
	pid_t pid = spawn(&cgroup, hard_to_kill);
	siginfo_t info;
	cr_assert_eq(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
	cr_expect_eq(cgroup_attach_check(&cgroup, pid, &fault), FAULT_NONE, "%s", fault.message);
	cr_expect_eq(cgroup_attach_check(&cgroup, getpid(), &fault), FAULT_RUN_LAUNCH);
	cr_expect_eq(cgroup_kill(&cgroup, &fault), FAULT_NONE, "%s", fault.message);
	cr_expect_eq(WTERMSIG(wait_for(pid)), SIGKILL);
	for (int i = 0; i < CGROUP_HIERARCHY_COUNT; i++) {
		char path[sizeof(CGROUP_ROOT) + CGROUP_PATH_SIZE + 16];
		(void)snprintf(path, sizeof(path), "%s/%s/cgroup.procs", CGROUP_ROOT,
			       cgroup.paths[i]);
		FILE *file = cgroup.made[i] ? fopen(path, "re") : NULL;
		if (file == NULL)
			continue;
		cr_expect_eq(fread(text, 1, sizeof(text), file), 0, "%s: %s", path, text);
		(void)fclose(file);
	}
	remove_it(&cgroup);
}

static int wait_forever(void)
{
	for (;;)
		(void)pause();
	return 0;
}

Test(cgroup_run, remove_ends_what_still_runs)
{
	struct cgroup cgroup;
	prepare(&cgroup, "remove", &usual);
	pid_t pid = spawn(&cgroup, wait_forever);
	remove_it(&cgroup);
	cr_expect_eq(WTERMSIG(wait_for(pid)), SIGKILL);
}

/* RG3: inside a cgroup that allows half a CPU, asking for a whole one gives half a one. */
static int prepare_nested(void)
{
	struct cgroup_limits limits = usual;
	struct cgroup inner;
	struct fault fault;
	char id[65];
	run_id(id, sizeof(id), "inner");
	if (cgroup_prepare(&inner, id, &limits, false, &fault) != FAULT_NONE)
		return 2;
	int result = strcmp(inner.clauses[CGROUP_CLAUSE_CPU].effective, "50000 100000") != 0;
	if (inner.mode != CGROUP_MODE_V2 &&
	    strstr(inner.paths[CGROUP_MEMORY], "unit-outer") == NULL)
		result = 3;
	if (inner.clauses[CGROUP_CLAUSE_CPU].reason[0] == '\0')
		result = 4;
	return cgroup_remove(&inner, &fault) != FAULT_NONE ? 5 : result;
}

Test(cgroup_run, stays_below_the_callers_own_limits)
{
	struct cgroup_limits limits = usual;
	struct cgroup outer;
	limits.cpu_quota_us = 50000;
	prepare(&outer, "outer", &limits);
	cr_expect_eq(WEXITSTATUS(wait_for(spawn(&outer, prepare_nested))), 0);
	remove_it(&outer);
}

/* What an ordinary user without a delegated cgroup gets: a refusal that says how to mend it. */
static int refused_without_rights(void)
{
	struct cgroup cgroup;
	struct fault fault;
	struct cgroup_limits none = {0};
	struct json_object *array OBJECT_CLEANUP = array_new();
	if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		return 1;
	if (cgroup_prepare(&cgroup, "unit-user", &usual, false, &fault) != FAULT_HOST_LACKS)
		return 2;
	if (strstr(fault.message, "Delegate=yes") == NULL ||
	    strstr(fault.message, "--best-effort") == NULL)
		return 3;
	if (cgroup_prepare(&cgroup, "unit-user", &usual, true, &fault) != FAULT_NONE ||
	    cgroup.mode != CGROUP_MODE_NONE)
		return 4;
	struct json_object *memory = clause(&cgroup, CGROUP_CLAUSE_MEMORY, array);
	if (json_object_get_boolean(json_object_object_get(memory, "enforced")) ||
	    json_object_object_get(memory, "reason") == NULL)
		return 5;
	if (cgroup_kill(&cgroup, &fault) != FAULT_NONE ||
	    cgroup_remove(&cgroup, &fault) != FAULT_NONE)
		return 6;
	/* Nothing asked for, nothing missing. */
	if (cgroup_prepare(&cgroup, "unit-user", &none, false, &fault) != FAULT_NONE)
		return 7;
	return cgroup_remove(&cgroup, &fault) != FAULT_NONE ? 8 : 0;
}

Test(cgroup_run, an_ordinary_user_is_refused_or_told)
{
	if (geteuid() != 0) { /* a user manager may have delegated a cgroup to this one */
		struct cgroup cgroup;
		struct fault fault;
		if (cgroup_prepare(&cgroup, "unit-probe", &usual, false, &fault) == FAULT_NONE) {
			remove_it(&cgroup);
			(void)fprintf(stderr, "skipped: this user has a delegated cgroup\n");
			cr_skip_test("this user has a delegated cgroup");
		}
	}
	pid_t pid = fork();
	if (pid == 0)
		_exit(refused_without_rights());
	cr_expect_eq(WEXITSTATUS(wait_for(pid)), 0);
}
