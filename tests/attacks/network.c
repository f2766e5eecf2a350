/* SPDX-License-Identifier: Apache-2.0 */
/* NW1, NW4: what the host listens on. Ids as in SECURITY.md. */
#include "tests/attacks/run.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_unix(const char *name, int abstract)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	cr_assert_lt(len, sizeof address.sun_path - 1);
	memcpy(address.sun_path + abstract, name, len);
	cr_assert_eq(
		bind(fd, (struct sockaddr *)&address,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)abstract + len)),
		0);
	cr_assert_eq(listen(fd, 16), 0);
	return fd;
}

/* On the loopback of the host; the port goes to text. */
static int listen_tcp(char text[16])
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_geq(fd, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	cr_assert_eq(listen(fd, 16), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	snprintf(text, 16, "%d", ntohs(address.sin_port));
	return fd;
}

static void expect_unreachable(const char *kind, const char *where, const char *port)
{
	const char *inside[] = {ATTACK_INSIDE "/reach", kind, where, port, NULL};
	const char *bare[] = {"reach", kind, where, port, NULL};
	struct child_result control;
	struct attack attack;

	attack_bare(bare, &control);
	cr_assert_str_eq(attack_said(control.out, kind), "ok", "%s %s is dead: %s%s", kind, where,
			 control.out, control.err);
	child_release(&control);
	attack_open(&attack, inside);
	attack_run(&attack);
	attack_expect_finished(&attack);
	cr_expect_str_neq(attack_said(attack.result.out, kind), "ok", "%s %s", kind, where);
	cr_expect_str_neq(attack_said(attack.result.out, kind), "", "%s %s", kind, where);
	attack_close(&attack);
}

Test(attacks, NW1_sockets_of_the_host)
{
	char *dir = child_make_dir("sockets"), path[100], name[64], port[16];

	/* As a session bus, an agent or a container daemon has them. */
	snprintf(name, sizeof name, "/tmp/dbus-attack-%d", (int)getpid());
	snprintf(path, sizeof path, "%.80s/agent.sock", dir);
	cr_assert_eq(chmod(dir, 0755), 0);
	int abstract = listen_unix(name, 1), named = listen_unix(path, 0), tcp = listen_tcp(port);
	cr_assert_eq(chmod(path, 0777), 0);
	expect_unreachable("abstract", name, NULL);
	expect_unreachable("path", path, NULL);
	expect_unreachable("tcp", "127.0.0.1", port);
	close(abstract);
	close(named);
	close(tcp);
	child_remove_dir(dir);
}

/* "" leaves the field out. */
static const struct {
	const char *what;
	const char *network; /* NULL: no such field */
	bool runs;
} meanings[] = {
	{"left out", NULL, true},
	{"none", "{\"mode\":\"none\"}", true},
	{"none, empty list", "{\"mode\":\"none\",\"egress\":[]}", true},
	{"null", "null", false},
	{"a list", "[]", false},
	{"empty", "{}", true},
	{"null mode", "{\"mode\":null}", false},
	{"unknown mode", "{\"mode\":\"all\"}", false},
	{"null list", "{\"mode\":\"none\",\"egress\":null}", false},
	{"none, with a list",
	 "{\"mode\":\"none\",\"egress\":[{\"protocol\":\"tcp\",\"cidr\":\"127.0.0.1/"
	 "32\",\"port\":1}]}",
	 false},
	{"allowlist, no list", "{\"mode\":\"allowlist\"}", false},
	{"allowlist, empty list", "{\"mode\":\"allowlist\",\"egress\":[]}", false},
	{"allowlist, null list", "{\"mode\":\"allowlist\",\"egress\":null}", false},
};

Test(attacks, NW4_no_spelling_opens, .timeout = 120)
{
	char port[16];
	const char *argv[] = {ATTACK_INSIDE "/reach", "tcp", "127.0.0.1", port, NULL};
	int tcp = listen_tcp(port);

	for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
		struct attack attack;

		attack_open(&attack, argv);
		if (meanings[i].network)
			attack_set(&attack, "network", meanings[i].network);
		else
			attack_unset(&attack, "network");
		/* With a filter that makes sockets, so that it is the network that is not there. */
		attack_set(&attack, "runtime.seccomp", "\"standard-net\"");
		attack_run(&attack);
		cr_expect_eq(attack_lines(attack.result.out, "tcp ok"), 0, "%s opens",
			     meanings[i].what);
		if (meanings[i].runs) {
			attack_expect_finished(&attack);
			cr_expect_str_eq(attack_text(&attack, "networkAudit.mode"), "none");
		} else {
			cr_expect_eq(attack.result.status, 125, "%s: status %d", meanings[i].what,
				     attack.result.status);
			cr_expect_str_neq(attack_errors(&attack), "", "%s", meanings[i].what);
		}
		attack_close(&attack);
	}
	close(tcp);
}
