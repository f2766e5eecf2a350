/* SPDX-License-Identifier: Apache-2.0 */
/* NW2, NW3, NW5: names. Ids as in SECURITY.md. */
#include "tests/attacks/nw.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NET ATTACK_INSIDE "/net"

static const char name_rule[] = "{\"protocol\":\"tcp\",\"host\":\"one.example\",\"port\":80}";

/* Names over every way there is: libc, TXT with a long label over UDP and TCP, DoT, DoH, resolvers. */
static const char *const ways[] = {
	"name:nw-secret.evil.example:0",
	"name:two.example:0",
	"dns:" NW_SERVER ":53",
	"dnstcp:" NW_SERVER ":53",
	"tcp:" NW_SERVER ":853",
	"tcp:" NW_SERVER ":443",
	"udp:" NW_SERVER ":443",
	"dns:127.0.0.1:53",
	"dns:127.0.0.53:53",
	"dns:" NW_ONE ":53",
};

Test(nw, NW2_names_off_the_list_never_leave, .timeout = 120)
{
	const char *argv[16] = {NET, "name:one.example:0", "tcp:" NW_ONE ":80"};
	const char *rules[] = {name_rule, NULL};
	struct nw_world world;
	struct attack attack;
	char name[128];

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		argv[3 + i] = ways[i];
	nw_run(&attack, &world, argv, rules);
	for (size_t i = 1; i < 3; i++)
		cr_expect_str_eq(attack_said(attack.result.out, argv[i]), "ok", "%s: %s%s", argv[i],
				 attack.result.out, attack.result.err);
	cr_expect_not_null(strstr(attack.result.out, "is one.example " NW_ONE "\n"), "%s",
			   attack.result.out);
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		cr_expect_str_neq(attack_said(attack.result.out, ways[i]), "ok", "%s", ways[i]);
		cr_expect_str_neq(attack_said(attack.result.out, ways[i]), "", "%s", ways[i]);
		snprintf(name, sizeof name, "ms %s", ways[i]);
		cr_expect_lt(atoll(attack_said(attack.result.out, name)), NW_REFUSED_MS, "%s",
			     ways[i]);
	}
	/* What the nameserver saw is the question asked before the run, and no other packet. */
	cr_expect_eq(nw_secrets(&world), 0, "%s", nw_tell(&world));
	cr_expect_eq(nw_count(&world, NW_SERVER, 0, 0),
		     nw_count(&world, NW_SERVER, IPPROTO_UDP, 53), "%s", nw_tell(&world));
	cr_expect_leq(nw_count(&world, NW_SERVER, 0, 0), 2, "%s", nw_tell(&world));
	cr_expect_geq(nw_refused(&attack, NW_SERVER, 53), 2, "over UDP and TCP");
	cr_expect_geq(nw_refused(&attack, NW_SERVER, 853), 1);
	cr_expect_geq(nw_refused(&attack, NW_SERVER, 443), 2);
	attack_close(&attack);
	nw_close(&world);
}

/* The control: with the nameserver on the list the same packets are seen, secret and all. */
Test(nw, NW2_would_be_seen, .timeout = 120)
{
	const char *argv[] = {NET, "dns:" NW_SERVER ":53", NULL};
	const char *rules[] = {"{\"protocol\":\"udp\",\"cidr\":\"" NW_SERVER "/32\",\"port\":53}",
			       NULL};
	struct nw_world world;
	struct attack attack;

	nw_run(&attack, &world, argv, rules);
	cr_expect_str_eq(attack_said(attack.result.out, argv[1]), "ok", "%s", attack.result.out);
	cr_expect_eq(nw_secrets(&world), 1, "%s", nw_tell(&world));
	attack_close(&attack);
	nw_close(&world);
}

/* As JSON text. */
static const char *const spellings[] = {
	"one.example\\u0000.evil.example",
	"one.example\\r\\nHost: evil",
	"one.example\\n",
	"one .example",
	" one.example",
	"one.example ",
	"one.example.",
	"ONE.example",
	"Xn--Bcher-kva.example",
	"b\\u00fccher.example",
	"one%2eexample",
	"one.example%00",
	"203.0.113.010",
	"0xcb.0.113.10",
	"3405803786",
	"203.0.28938",
	"::ffff:203.0.113.10",
	"[2001:db8::1]",
	"fe80::1%eth0",
	"user@one.example",
	"user:word@one.example",
	"one.example:80",
	"http://one.example",
	"one..example",
	".example",
	"-one.example",
	"one_.example",
	"*",
	"*.example",
	"",
	"203.0.113.10",
	"localhost",
};

/* Port 80 of NW_ONE, with this host as the one rule. */
static void attack_host(struct attack *attack, const struct nw_world *world, const char *host)
{
	const char *argv[] = {NET, "tcp:" NW_ONE ":80", NULL};
	char rule[256];
	const char *rules[] = {rule, NULL};

	snprintf(rule, sizeof rule, "{\"protocol\":\"tcp\",\"host\":\"%s\",\"port\":80}", host);
	nw_attack(attack, world, argv, rules);
	attack_run(attack);
}

/* One spelling of a host's name is a name; the rest means two things to somebody. */
Test(nw, NW3_spellings_of_a_host, .timeout = 300)
{
	struct nw_world world;

	nw_open(&world);
	for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
		struct attack attack;

		attack_host(&attack, &world, spellings[i]);
		cr_expect_eq(attack.result.status, 125, "'%s': status %d", spellings[i],
			     attack.result.status);
		cr_expect(strstr(attack_errors(&attack), "SR-POL-"), "'%s': %s", spellings[i],
			  attack_errors(&attack));
		cr_expect_str_eq(attack_event(&attack, "vm.started", "seq"), "", "'%s' ran",
				 spellings[i]);
		attack_close(&attack);
	}
	cr_expect_eq(nw_count(&world, NULL, 0, 0), 0, "%s", nw_tell(&world));
	nw_close(&world);
}

/* The name means another address from the second question on: nobody asks twice. */
Test(nw, NW5_rebinding, .timeout = 120)
{
	const char *argv[] = {NET, "name:turn.example:0", "tcp:" NW_ONE ":80", "tcp:" NW_HOST ":80",
			      NULL};
	const char *rules[] = {"{\"protocol\":\"tcp\",\"host\":\"turn.example\",\"port\":80}",
			       NULL};
	struct nw_world world;
	struct attack attack;

	nw_run(&attack, &world, argv, rules);
	cr_expect_not_null(strstr(attack.result.out, "is turn.example " NW_ONE "\n"), "%s%s",
			   attack.result.out, attack.result.err);
	cr_expect_str_eq(attack_said(attack.result.out, argv[2]), "ok");
	cr_expect_str_neq(attack_said(attack.result.out, argv[3]), "ok");
	cr_expect_not_null(
		strstr(attack_event(&attack, "network.plan.generated", "payload"), NW_ONE "\\/32"),
		"%s", attack_event(&attack, "network.plan.generated", "payload"));
	attack_close(&attack);

	/* The next run asks again, and what it learns leads to this host: refused before it starts. */
	nw_attack(&attack, &world, argv, rules);
	attack_run(&attack);
	attack_expect_refused(&attack, "SR-RUN-201");
	attack_close(&attack);
	nw_close(&world);
}

Test(nw, NW5_names_that_lead_inside, .timeout = 120)
{
	static const char *const names[] = {"own.example", "meta.example", "none.example"};
	struct nw_world world;

	nw_open(&world);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct attack attack;

		attack_host(&attack, &world, names[i]);
		attack_expect_refused(&attack, "SR-RUN-201");
		cr_expect_str_eq(attack_text(&attack, "errors.0.path"), "launch.network.dns");
		attack_close(&attack);
	}
	cr_expect_eq(nw_count(&world, NULL, IPPROTO_TCP, 0), 0, "%s", nw_tell(&world));
	nw_close(&world);
}
