/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/attacks/nw.h"

#include "stages/filter/interface_part.h"
#include "tests/attacks/nw_outside.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOST_LINK "nw-up"

static void write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	nw_must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
	close(fd);
}

static void map(const char *path, unsigned id)
{
	char line[64];

	snprintf(line, sizeof line, "%u %u 1", id, id);
	write_to(path, line);
}

/* An ordinary user's host is a user namespace of his: who joins it is the same user, without a right. */
static void enter_namespaces(void)
{
	unsigned uid = geteuid(), gid = getegid();

	nw_must(unshare(CLONE_NEWNET | CLONE_NEWNS | (uid == 0 ? 0 : CLONE_NEWUSER)) == 0,
		"unshare");
	if (uid != 0) {
		write_to("/proc/self/setgroups", "deny");
		map("/proc/self/uid_map", uid);
		map("/proc/self/gid_map", gid);
	}
	nw_must(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount");
	/* Named namespaces of others on this machine are none of this host's (ip-netns(8)). */
	(void)mkdir("/run/netns", 0755);
	nw_must(mount("none", "/run/netns", "tmpfs", 0, NULL) == 0 || uid != 0, "/run/netns");
}

static void set_resolver(void)
{
	static const char text[] = "nameserver " NW_SERVER "\n";
	char path[] = "/tmp/nw-resolv.XXXXXX";
	int fd = mkstemp(path);

	nw_must(fd >= 0 && write(fd, text, sizeof text - 1) == sizeof text - 1 &&
			fchmod(fd, 0644) == 0 &&
			mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL) == 0,
		"resolv.conf");
	unlink(path);
	close(fd);
}

/* One end here, the other in the child's namespace. */
static int make_pair(struct rtnetlink *link, pid_t pid)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
	size_t kind, data, peer;

	rtnetlink_begin(link, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof info);
	rtnetlink_put_text(link, IFLA_IFNAME, HOST_LINK);
	kind = rtnetlink_nest(link, IFLA_LINKINFO, NULL, 0);
	rtnetlink_put_text(link, IFLA_INFO_KIND, "veth");
	data = rtnetlink_nest(link, IFLA_INFO_DATA, NULL, 0);
	peer = rtnetlink_nest(link, VETH_INFO_PEER, &info, sizeof info);
	rtnetlink_put_text(link, IFLA_IFNAME, NW_OUTSIDE_LINK);
	rtnetlink_put_u32(link, IFLA_NET_NS_PID, (uint32_t)pid);
	rtnetlink_end(link, peer);
	rtnetlink_end(link, data);
	rtnetlink_end(link, kind);
	return rtnetlink_ask(link);
}

static void arrange(pid_t outside)
{
	static struct rtnetlink link;
	struct interface_seen seen;

	nw_must(rtnetlink_open(&link) == 0 && interface_look(&link, "lo", 0, &seen) == 0 &&
			interface_up(&link, seen.index) == 0,
		"lo");
	nw_must(make_pair(&link, outside) == 0 && interface_look(&link, HOST_LINK, 0, &seen) == 0 &&
			interface_add_address(&link, seen.index, nw_number(NW_HOST),
					      nw_number(NW_GATEWAY)) == 0 &&
			interface_up(&link, seen.index) == 0 &&
			interface_add_route(&link, seen.index, nw_number(NW_GATEWAY)) == 0,
		HOST_LINK);
	rtnetlink_close(&link);
	write_to("/proc/sys/net/ipv4/ip_forward", "1");
}

static int listen_abstract(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0" NW_ABSTRACT};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	nw_must(fd >= 0 &&
			bind(fd, (struct sockaddr *)&address,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
					 sizeof NW_ABSTRACT)) == 0 &&
			listen(fd, 16) == 0,
		"abstract socket");
	return fd;
}

/* The outside is the host's child, and ends with it. */
static pid_t start_outside(struct nw_notes *notes)
{
	int moved[2], made[2], ready[2];
	char byte;
	pid_t pid;

	nw_must(pipe(moved) == 0 && pipe(made) == 0 && pipe(ready) == 0, "pipe");
	pid = fork();
	if (pid == 0) {
		nw_must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && unshare(CLONE_NEWNET) == 0 &&
				write(moved[1], "m", 1) == 1 && read(made[0], &byte, 1) == 1,
			"outside");
		nw_outside(notes, ready[1]);
	}
	close(ready[1]);
	nw_must(pid > 0 && read(moved[0], &byte, 1) == 1, "fork");
	arrange(pid);
	nw_must(write(made[1], "m", 1) == 1 && read(ready[0], &byte, 1) == 1, "the outside");
	return pid;
}

/* The host: listens, and notes who comes. */
_Noreturn static void host(struct nw_notes *notes, int ready_fd)
{
	struct pollfd items[3] = {{.events = POLLIN}, {.events = POLLIN}, {.events = POLLIN}};

	nw_must(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "prctl");
	enter_namespaces();
	(void)start_outside(notes);
	set_resolver();
	items[0].fd = nw_listen(SOCK_STREAM, NW_HOST, 80);
	items[1].fd = nw_listen(SOCK_STREAM, "127.0.0.1", 80);
	items[2].fd = listen_abstract();
	nw_must(write(ready_fd, "u", 1) == 1, "ready");
	close(ready_fd);
	for (;;) {
		nw_must(poll(items, 3, -1) > 0, "poll");
		for (int i = 0; i < 3; i++)
			if (items[i].revents) {
				close(accept(items[i].fd, NULL, NULL));
				notes->host_reached++;
			}
	}
}

void nw_open(struct nw_world *world)
{
	int ready[2];
	char byte;

	if (!attack_is_root() && access("/usr/bin/pasta", X_OK) < 0 &&
	    access("/usr/bin/slirp4netns", X_OK) < 0)
		cr_skip_test("neither pasta nor slirp4netns is on this machine");
	if (!attack_is_root() && access("/dev/net/tun", R_OK | W_OK) < 0)
		cr_skip_test("/dev/net/tun is not open to ordinary users; tests/setup opens it");
	world->notes = mmap(NULL, sizeof *world->notes, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(world->notes, MAP_FAILED);
	cr_assert_eq(pipe(ready), 0);
	fflush(NULL);
	world->host = fork();
	if (world->host == 0) {
		close(ready[0]);
		host(world->notes, ready[1]);
	}
	close(ready[1]);
	cr_assert(world->host > 0 && read(ready[0], &byte, 1) == 1, "the host is not up");
	close(ready[0]);
	snprintf(world->host_text, sizeof world->host_text, "%d", (int)world->host);
}

void nw_close(struct nw_world *world)
{
	kill(world->host, SIGKILL);
	waitpid(world->host, NULL, 0);
	munmap(world->notes, sizeof *world->notes);
}

void nw_bare(const struct nw_world *world, const char *const argv[], struct child_result *result)
{
	const char *bare[12] = {"join", world->host_text};

	for (size_t i = 0; argv[i]; i++) {
		cr_assert_lt(i, 9);
		bare[2 + i] = argv[i];
	}
	attack_bare(bare, result);
}
