/* SPDX-License-Identifier: Apache-2.0 */
/* RG7: any one of our processes killed at any moment. */
#include "tests/attacks/live.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const victims[] = {"safe-run",  "sr-validate", "sr-compile",
				      "sr-launch", "sr-monitor",  "sr-seal"};

#define VICTIM_COUNT (sizeof victims / sizeof *victims)

/*
 * What a run killed whole leaves: cgroups without processes, a directory without a report. The
 * killed are gone a moment after their end is seen, and until then their cgroup is busy.
 */
static void sweep(const struct attack *attack)
{
	char runs[4200];
	const char *argv[] = {"safe-run", "gc", "--workdir", runs, "--older-than=0", NULL};
	long long end = attack_now_ms() + 5000;
	struct child_result result;
	int status;

	snprintf(runs, sizeof runs, "%s/runs", attack->dir);
	do {
		child_run(argv, NULL, 0, NULL, &result);
		status = result.status;
		cr_expect(status == 0 || attack_now_ms() < end, "%s%s", result.out, result.err);
		child_release(&result);
	} while (status != 0 && attack_now_ms() < end);
}

struct tally {
	size_t rounds, killed, early, valid, incomplete, none;
};

/* From just after the start to well into the run; the same for every version of this program. */
static unsigned delay_of(size_t round)
{
	return (unsigned)((round * 7919) % 12);
}

/* Kill one of them and look at what is left: no workload, and a report that says what was seen. */
static void kill_one(struct attack *attack, const char *token, const char *victim, size_t round,
		     struct tally *tally)
{
	struct live live;
	bool is_front = !strcmp(victim, "safe-run");

	live_start(&live, attack, false);
	/* Odd rounds hit the running workload, even ones the setting up. */
	if (round & 1)
		(void)live_wait_started(&live);
	poll(NULL, 0, (int)delay_of(round));
	pid_t pid = is_front ? live.pid : live_stage(&live, victim);
	if (pid)
		kill(pid, SIGKILL);
	tally->killed += pid != 0;
	/* validate and compile may have done their part by then, and the run goes on: end it. */
	bool needed =
		pid && strcmp(victim, "sr-validate") != 0 && strcmp(victim, "sr-compile") != 0;
	if (!needed && !live_ends(&live, 15))
		kill(live.pid, SIGTERM);
	int status = live_end(&live, 30000);
	cr_expect_neq(status, -1, "round %zu: safe-run hangs without %s", round, victim);
	cr_expect_eq(attack_wait_gone(token, 5000), 0, "round %zu: the workload outlives %s", round,
		     victim);
	const char *verdict = live_verdict(&live);
	bool seal_lost = is_front || !strcmp(victim, "sr-seal");
	cr_expect(verdict || seal_lost || !pid, "round %zu: no report without %s", round, victim);
	cr_expect(!verdict || !strcmp(verdict, "valid") || !strcmp(verdict, "incomplete"),
		  "round %zu: report after %s is %s", round, victim, verdict);
	sweep(attack);
	tally->rounds++;
	tally->none += !verdict;
	tally->valid += verdict && !strcmp(verdict, "valid");
	tally->incomplete += verdict && !strcmp(verdict, "incomplete");
}

#define KILL_ROUNDS   10000
#define KILL_LIMIT_MS 20000

Test(attacks, RG7_killed_at_any_moment, .timeout = 180)
{
	char token[64];
	const char *argv[] = {ATTACK_INSIDE "/survive", "double-fork", token, NULL};
	struct attack attack;
	struct tally tally = {0};

	snprintf(token, sizeof token, "rg7-%d", (int)getpid());
	attack_open(&attack, argv);
	attack_set(&attack, "runtime.timeoutSec", "10");
	long long end = attack_now_ms() + KILL_LIMIT_MS;
	while (tally.rounds < KILL_ROUNDS && attack_now_ms() < end) {
		size_t round = tally.rounds;

		kill_one(&attack, token, victims[round / 2 % VICTIM_COUNT], round, &tally);
	}
	fprintf(stderr,
		"RG7: %zu rounds in at most %d s: %zu killed; reports: %zu valid, %zu incomplete, "
		"%zu none%s\n",
		tally.rounds, KILL_LIMIT_MS / 1000, tally.killed, tally.valid, tally.incomplete,
		tally.none, tally.rounds < KILL_ROUNDS ? "; not all rounds fit" : "");
	/* Each of them at both moments, at least. */
	cr_expect_geq(tally.rounds, 2 * VICTIM_COUNT);
	cr_expect_gt(tally.killed, tally.rounds / 4);
	cr_expect_gt(tally.valid, 0);
	attack_close(&attack);
}

/* The front-end first, or it would see the others go and say so. */
static void kill_all(const struct live *live)
{
	pid_t pids[VICTIM_COUNT];

	for (size_t i = 0; i < VICTIM_COUNT; i++)
		pids[i] = i ? live_stage(live, victims[i]) : live->pid;
	for (size_t i = 0; i < VICTIM_COUNT; i++) {
		if (pids[i])
			kill(pids[i], SIGKILL);
	}
}

/* What a run that was killed whole left behind goes with the next sweep. */
Test(attacks, RG7_next_sweep, .timeout = 120)
{
	char token[64];
	const char *argv[] = {ATTACK_INSIDE "/survive", "ignore", token, NULL};
	struct attack attack;
	struct live live;

	snprintf(token, sizeof token, "rg7-sweep-%d", (int)getpid());
	attack_open(&attack, argv);
	live_start(&live, &attack, false);
	cr_assert(live_wait_started(&live));
	char *cgroup = live_event(&live, "run.prepared", "cgroup.paths.memory");
	if (!cgroup)
		cgroup = live_event(&live, "run.prepared", "cgroup.paths.unified");
	kill_all(&live);
	cr_expect_eq(live_end(&live, 20000), 128 + SIGKILL);
	cr_expect_eq(attack_wait_gone(token, 10000), 0);
	/* A directory whose last stage is still dying is one in use: gc leaves it for later. */
	long long end = attack_now_ms() + 30000;
	do {
		sweep(&attack);
	} while (cgroup && access(cgroup, F_OK) == 0 && attack_now_ms() < end);
	cr_expect(!cgroup || access(cgroup, F_OK) != 0, "%s is left", cgroup);
	free(cgroup);
	attack_close(&attack);
}
