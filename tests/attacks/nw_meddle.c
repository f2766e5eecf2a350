/* SPDX-License-Identifier: Apache-2.0 */
/* NW8: somebody with the right to it meddles with a run's network while it goes on. */
#include "tests/attacks/nw_step.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char one_rule[] = "{\"protocol\":\"tcp\",\"cidr\":\"" NW_ONE "/32\",\"port\":80}";

/* What made the way out, stopped by somebody: the run's end is not held up for ever, and is told as it is. */
Test(nw, NW8_a_release_that_fails_is_loud, .timeout = 120)
{
	const char *argv[] = {"/bin/sleep", "1", NULL}, *rules[] = {one_rule, NULL};
	struct nw_world world;
	struct attack attack;
	struct live live;
	pid_t launcher, uplink;
	char *before;

	nw_open(&world);
	before = nw_state(&world);
	nw_attack(&attack, &world, argv, rules);
	live_start(&live, &attack, false);
	launcher = nw_wait_for(&world, &live, NW_STEP_RUNS);
	uplink = nw_child(launcher, nw_uplink());
	cr_assert(launcher && uplink);
	cr_assert_eq(kill(uplink, SIGSTOP), 0);
	cr_expect_eq(live_end(&live, 60000), 125);
	attack_load(&attack);
	cr_expect_str_eq(attack_text(&attack, "errors.0.code"), "SR-RUN-202", "%s",
			 attack_errors(&attack));
	cr_expect_not_null(strstr(attack_event(&attack, "network.rule.cleanup_failed", "payload"),
				  " was not done in time"),
			   "%s", attack_event(&attack, "network.rule.cleanup_failed", "payload"));
	cr_expect_str_eq(attack_event(&attack, "network.rule.released", "seq"), "");
	nw_expect_as_before(&world, before, "a release that failed");
	attack_close(&attack);
	free(before);
	nw_close(&world);
}

/* Another program of root's meddles while the run goes on: the run ends, or its end says so. */
static const struct {
	const char *what,
		*command; /* of a shell in the host's namespaces, with the interface as $0 */
	const char *code;
} meddlers[] = {
	{"renamed", "ip link set \"$0\" down; ip link set \"$0\" name other0", "SR-RUN-201"},
	{"removed", "ip link del \"$0\"", "SR-RUN-201"},
	{"bridged", "ip link add nwbr0 type bridge && ip link set \"$0\" master nwbr0",
	 "SR-RUN-201"},
	{"regrouped", "ip link set \"$0\" group 7", "SR-RUN-201"},
	{"moved", "ip link set \"$0\" netns 1", "SR-RUN-201"},
};

static void meddle(const struct nw_world *world, const char *command)
{
	const char *list[] = {"/bin/ip", "-o", "link", NULL};
	char *text = nw_output(world, list), *at = strstr(text, " sr-"), name[16] = "";
	const char *argv[] = {"/bin/sh", "-c", command, name, NULL};

	cr_assert(at && sscanf(at, " %15[-0-9a-z]", name) == 1, "%s", text);
	free(text);
	free(nw_output(world, argv));
}

Test(nw, NW8_an_interface_somebody_changes, .timeout = 120)
{
	const char *argv[] = {"/bin/sleep", "20", NULL}, *rules[] = {one_rule, NULL};
	struct nw_world world;

	if (!attack_is_root())
		cr_skip_test("an ordinary user's run has no interface there");
	nw_open(&world);
	for (size_t i = 0; i < sizeof meddlers / sizeof *meddlers; i++) {
		struct attack attack;
		struct live live;

		nw_attack(&attack, &world, argv, rules);
		live_start(&live, &attack, false);
		cr_assert(nw_wait_for(&world, &live, NW_STEP_RUNS));
		meddle(&world, meddlers[i].command);
		cr_expect_eq(live_end(&live, 15000), 125, "%s: the run goes on", meddlers[i].what);
		attack_load(&attack);
		cr_expect_str_eq(attack_text(&attack, "errors.0.code"), meddlers[i].code, "%s: %s",
				 meddlers[i].what, attack.result.err);
		cr_expect_str_neq(attack_event(&attack, "network.rule.cleanup_failed", "seq"), "",
				  "%s", meddlers[i].what);
		attack_close(&attack);
	}
	nw_close(&world);
}

/* The run's own table, emptied from outside: the counters are not told as if nothing had been. */
Test(nw, NW8_rules_somebody_changes, .timeout = 120)
{
	const char *argv[] = {"/bin/sleep", "1", NULL}, *rules[] = {one_rule, NULL};
	struct nw_world world;
	struct attack attack;
	struct live live;
	char pid[16], *workload;
	struct child_result result;

	if (!attack_is_root())
		cr_skip_test("it takes root to change the rules of a run");
	nw_open(&world);
	nw_attack(&attack, &world, argv, rules);
	live_start(&live, &attack, false);
	cr_assert(nw_wait_for(&world, &live, NW_STEP_RUNS));
	workload = live_event(&live, "vm.started", "pid");
	cr_assert_not_null(workload);
	snprintf(pid, sizeof pid, "%s", workload);
	free(workload);
	const char *bare[] = {"join", pid,	  "/usr/sbin/nft", "flush", "chain",
			      "inet", "safe_run", "forward",	   NULL};
	attack_bare(bare, &result);
	cr_assert_eq(result.status, 0, "%s%s", result.out, result.err);
	child_release(&result);
	cr_expect_eq(live_end(&live, 30000), 125);
	attack_load(&attack);
	cr_expect_str_eq(attack_text(&attack, "errors.0.code"), "SR-RUN-201", "%s",
			 attack_errors(&attack));
	attack_close(&attack);
	nw_close(&world);
}
