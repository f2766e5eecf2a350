/* SPDX-License-Identifier: Apache-2.0 */
/* NW1, NW6, NW7: what a run with a network reaches beside its rules. Ids as in SECURITY.md. */
#include "tests/attacks/nw.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define NET ATTACK_INSIDE "/net"

static const char one_rule[] = "{\"protocol\":\"tcp\",\"cidr\":\"" NW_ONE "/32\",\"port\":80}";
static const char wide_rule[] = "{\"protocol\":\"tcp\",\"cidr\":\"0.0.0.0/0\",\"port\":80}";

static void expect_refused(const struct attack *attack, const char *attempt)
{
	char name[128];
	const char *said = attack_said(attack->result.out, attempt);

	cr_expect_str_neq(said, "ok", "%s: open", attempt);
	cr_expect_str_neq(said, "", "%s: not tried: %s", attempt, attack->result.out);
	snprintf(name, sizeof name, "ms %s", attempt);
	cr_expect_lt(atoll(attack_said(attack->result.out, name)), NW_REFUSED_MS,
		     "%s: %s after %s ms", attempt, said, attack_said(attack->result.out, name));
}

static void expect_open(const struct attack *attack, const char *attempt)
{
	cr_expect_str_eq(attack_said(attack->result.out, attempt), "ok", "%s: %s%s", attempt,
			 attack->result.out, attack->result.err);
}

static const char *const refused[] = {
	"tcp:" NW_TWO ":80",   "tcp:" NW_ONE ":443",	    "tcp:" NW_ONE ":8080",
	"udp:" NW_ONE ":80",   "udp:" NW_ONE ":443",	    "udp:" NW_TWO ":123",
	"ping:" NW_ONE ":0",   "raw:" NW_ONE ":0",	    "packet:-:0",
	"tcp6:2001:db8::1:80", "tcp6:::ffff:" NW_TWO ":80",
};

/* Raw, UDP, QUIC, ICMP, IPv6; nobody here knows of a proxy. */
Test(nw, NW6_whatever_is_not_listed, .timeout = 120)
{
	const char *argv[32] = {NET, "tcp:" NW_ONE ":80"}, *rules[] = {one_rule, NULL};
	struct nw_world world;
	struct attack attack;

	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		argv[2 + i] = refused[i];
	nw_run(&attack, &world, argv, rules);
	expect_open(&attack, argv[1]);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		expect_refused(&attack, refused[i]);
	/* Outside: the one connection, and nothing else at all. */
	cr_expect_gt(nw_count(&world, NW_ONE, IPPROTO_TCP, 80), 0);
	cr_expect_eq(nw_count(&world, NULL, 0, 0), nw_count(&world, NW_ONE, IPPROTO_TCP, 80), "%s",
		     nw_tell(&world));
	cr_expect_eq(attack_number(&attack, "networkAudit.allowedHits"), 1);
	cr_expect_geq(nw_refused(&attack, NW_TWO, 80), 1);
	cr_expect_geq(nw_refused(&attack, NW_ONE, 443), 2, "over TCP and UDP");
	cr_expect_geq(nw_refused(&attack, NW_TWO, 123), 1);
	cr_expect_geq(attack_number(&attack, "networkAudit.blockedHits"), 6);
	attack_close(&attack);
	nw_close(&world);
}

/* A wide rule is no rule for this host, its links, or a cloud's metadata. */
Test(nw, NW7_host_and_metadata, .timeout = 120)
{
	const char *argv[] = {NET,
			      "tcp:" NW_ONE ":80",
			      "tcp:" NW_META ":80",
			      "tcp:" NW_HOST ":80",
			      "tcp:127.0.0.1:80",
			      "gateway:-:80",
			      NULL};
	const char *rules[] = {wide_rule, NULL};
	struct nw_world world;
	struct attack attack;

	nw_run(&attack, &world, argv, rules);
	expect_open(&attack, argv[1]);
	for (size_t i = 2; argv[i]; i++)
		expect_refused(&attack, argv[i]);
	cr_expect_eq(nw_count(&world, NW_META, 0, 0), 0, "%s", nw_tell(&world));
	cr_expect_eq(world.notes->host_reached, 0, "the host was reached");
	cr_expect_geq(nw_refused(&attack, NW_META, 80), 1);
	cr_expect_geq(nw_refused(&attack, NW_HOST, 80), 1);
	attack_close(&attack);
	nw_close(&world);
}

/* The positive control: what a rule names is reached, and the test above could fail. */
Test(nw, NW7_listed_is_reached, .timeout = 120)
{
	const char *argv[] = {NET, "tcp:" NW_META ":80", NULL};
	const char *rules[] = {"{\"protocol\":\"tcp\",\"cidr\":\"" NW_META "/32\",\"port\":80}",
			       NULL};
	struct nw_world world;
	struct attack attack;

	nw_run(&attack, &world, argv, rules);
	expect_open(&attack, argv[1]);
	cr_expect_gt(nw_count(&world, NW_META, IPPROTO_TCP, 80), 0);
	attack_close(&attack);
	nw_close(&world);
}

static int listen_path(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_lt(strlen(name), sizeof address.sun_path);
	memcpy(address.sun_path, name, strlen(name));
	cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
		  listen(fd, 16) == 0);
	return fd;
}

/* As D-Bus, X11, an agent or a container daemon have them: a network opens none of these. */
Test(nw, NW1_sockets_of_the_host, .timeout = 120)
{
	static const char *const kinds[] = {"abstract", "path"};
	const char *rules[] = {wide_rule, NULL};
	char *dir = child_make_dir("sockets"), path[100];
	const char *names[] = {NW_ABSTRACT, path};
	struct nw_world world;
	int fd;

	snprintf(path, sizeof path, "%.80s/docker.sock", dir);
	fd = listen_path(path);
	nw_open(&world);
	for (int i = 0; i < 2; i++) {
		const char *bare[] = {attack_program("reach"), kinds[i], names[i], NULL};
		const char *inside[] = {ATTACK_INSIDE "/reach", kinds[i], names[i], NULL};
		struct child_result control;
		struct attack attack;

		nw_bare(&world, bare, &control);
		cr_expect_str_eq(attack_said(control.out, kinds[i]), "ok", "%s", control.out);
		child_release(&control);
		nw_attack(&attack, &world, inside, rules);
		attack_run(&attack);
		attack_expect_finished(&attack);
		cr_expect_str_neq(attack_said(attack.result.out, kinds[i]), "ok", "%s", names[i]);
		cr_expect_str_neq(attack_said(attack.result.out, kinds[i]), "", "%s", names[i]);
		attack_close(&attack);
	}
	cr_expect_eq(world.notes->host_reached, 1, "the control and nobody else");
	nw_close(&world);
	close(fd);
	child_remove_dir(dir);
	free(dir);
}
