/* SPDX-License-Identifier: Apache-2.0 */
/* NW8: what is left, whoever is killed and whenever; and two runs. Ids as in SECURITY.md. */
#include "tests/attacks/nw_step.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NET ATTACK_INSIDE "/net"

static const char one_rule[] = "{\"protocol\":\"tcp\",\"cidr\":\"" NW_ONE "/32\",\"port\":80}";

static void kill_at(const struct nw_world *world, struct attack *attack, const char *before,
		    enum nw_step step, bool front)
{
	char what[128];
	struct live live;
	pid_t launcher;

	snprintf(what, sizeof what, "%s killed at %s", front ? "safe-run" : "sr-launch",
		 nw_step_names[step]);
	live_start(&live, attack, false);
	launcher = nw_wait_for(world, &live, step);
	cr_expect(launcher, "%s never came", nw_step_names[step]);
	if (launcher)
		kill(front ? live.pid : launcher, SIGKILL);
	cr_expect_neq(live_end(&live, 30000), -1, "%s: safe-run hangs", what);
	nw_expect_as_before(world, before, what);
}

Test(nw, NW8_killed_at_each_step, .timeout = 240)
{
	const char *lives[] = {"/bin/sleep", "20", NULL}, *ends[] = {"/bin/sleep", "0.1", NULL};
	const char *rules[] = {one_rule, NULL};
	struct nw_world world;
	struct attack attack;
	char *before;

	nw_open(&world);
	before = nw_state(&world);
	nw_attack(&attack, &world, lives, rules);
	for (int step = NW_STEP_LAUNCH; step <= NW_STEP_OVER; step++) {
		if (step == NW_STEP_OVER)
			attack_command(&attack, ends);
		for (int front = 0; front < 2; front++)
			kill_at(&world, &attack, before, (enum nw_step)step, front);
	}
	/* And the next run is a whole one. */
	attack_run(&attack);
	attack_expect_finished(&attack);
	nw_expect_as_before(&world, before, "a whole run");
	attack_close(&attack);
	free(before);
	nw_close(&world);
}

/*
 * The address of the run that goes on: the far end of its interface. An ordinary user's runs all have
 * the same, each behind a network stack of its own: what it leads to is then the caller itself.
 */
static void find_address(const struct nw_world *world, char out[32])
{
	if (!attack_is_root()) {
		snprintf(out, 32, "100.64.0.100");
		return;
	}
	const char *argv[] = {"/bin/ip", "-4", "-o", "addr", NULL};
	char *text = nw_output(world, argv), *at = strstr(text, " sr-");

	at = at ? strstr(at, " peer ") : NULL;
	cr_assert(at && sscanf(at, " peer %31[0-9.]", out) == 1, "no run's address in %s", text);
	free(text);
}

/* Both may reach the whole of the addresses runs have; neither reaches the other. */
Test(nw, NW8_two_runs_apart, .timeout = 120)
{
	const char *listens[] = {NET, "listen:0.0.0.0:8080", NULL};
	const char *rules[] = {"{\"protocol\":\"tcp\",\"cidr\":\"100.64.0.0/10\",\"port\":8080}",
			       "{\"protocol\":\"udp\",\"cidr\":\"100.64.0.0/10\",\"port\":8080}",
			       NULL};
	char address[32], tcp[64], udp[64], path[4200], *said;
	const char *connects[] = {NET, tcp, udp, NULL};
	struct attack one, other;
	struct nw_world world;
	struct live live;

	nw_open(&world);
	nw_attack(&one, &world, listens, rules);
	live_start(&live, &one, false);
	cr_assert(live_wait_started(&live));
	find_address(&world, address);
	snprintf(tcp, sizeof tcp, "tcp:%s:8080", address);
	snprintf(udp, sizeof udp, "udp:%s:8080", address);
	nw_attack(&other, &world, connects, rules);
	attack_run(&other);
	attack_expect_finished(&other);
	cr_expect_str_neq(attack_said(other.result.out, tcp), "ok");
	cr_expect_str_neq(attack_said(other.result.out, tcp), "", "%s", other.result.err);
	cr_expect_str_neq(attack_said(other.result.out, udp), "ok");
	snprintf(path, sizeof path, "ms %s", tcp);
	cr_expect_lt(atoll(attack_said(other.result.out, path)), NW_REFUSED_MS,
		     "refused, but not at once: %s", other.result.out);
	cr_expect_eq(live_end(&live, 30000), 0);
	snprintf(path, sizeof path, "%s/stdout", one.dir);
	said = child_read_file(path, NULL);
	cr_expect_str_eq(attack_said(said, listens[1]), "EAGAIN", "%s", said);
	free(said);
	attack_close(&other);
	attack_close(&one);
	nw_close(&world);
}
