/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/usernet/appear.h"

#include "ipc/event.h"
#include "stages/uplink/rtnetlink.h"
#include "stages/usernet/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATH	   "launch.network.uplink"
#define TUN	   "/dev/net/tun"
#define NS_PER_MS  1000000ULL
#define WAIT_NS	   (20000 * NS_PER_MS)
#define VERSION_NS (5000 * NS_PER_MS)

static int left_ms(uint64_t deadline_ns)
{
	uint64_t now_ns = event_boot_ns();

	return now_ns >= deadline_ns ? 0 : (int)((deadline_ns - now_ns) / NS_PER_MS + 1);
}

static bool is_link(const struct nlmsghdr *message, const char *interface)
{
	const struct ifinfomsg *info = NLMSG_DATA(message);
	const char *name;
	size_t len = 0;

	if (message->nlmsg_type != RTM_NEWLINK || message->nlmsg_len < NLMSG_LENGTH(sizeof *info))
		return false;
	name = rtnetlink_bytes(rtnetlink_find(message, sizeof *info, IFLA_IFNAME), &len);
	return name != NULL && len == strlen(interface) + 1 && memcmp(name, interface, len) == 0;
}

/* 1: it is there; 0: not yet; -1 with errno. */
static int read_links(int link_fd, const char *interface)
{
	_Alignas(NLMSG_ALIGNTO) unsigned char news[32768];
	struct sockaddr_nl from = {.nl_family = AF_NETLINK};
	socklen_t from_len = sizeof from;
	ssize_t got = recvfrom(link_fd, news, sizeof news, MSG_DONTWAIT, (struct sockaddr *)&from,
			       &from_len);
	unsigned left = (unsigned)got;

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (from.nl_pid != 0)
		return 0;
	for (const struct nlmsghdr *message = (const struct nlmsghdr *)news;
	     NLMSG_OK(message, left); message = NLMSG_NEXT(message, left))
		if (is_link(message, interface))
			return 1;
	return 0;
}

static bool is_set(const char *path, char value)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char byte = '\0';
	bool set = fd >= 0 && read(fd, &byte, 1) == 1 && byte == value;

	if (fd >= 0)
		(void)close(fd);
	return set;
}

/* Who else than the kernel's own rules may have denied something here. */
static const char *suspect(void)
{
	if (is_set("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1'))
		return ". AppArmor keeps rights in user namespaces from programs without a profile "
		       "(sysctl kernel.apparmor_restrict_unprivileged_userns): see journalctl -k";
	if (is_set("/sys/module/apparmor/parameters/enabled", 'Y'))
		return ". AppArmor is on here, and its profile of the program may not know this "
		       "use: see journalctl -k, /etc/apparmor.d";
	if (is_set("/sys/fs/selinux/enforce", '1'))
		return ". SELinux is on here, and may deny it: see ausearch -m avc";
	return "";
}

/* Why it may have ended, where that can be seen from here; else what it said. */
static enum fault_code ended(struct helper *helper, const char *program, struct fault *fault)
{
	int fd = open(TUN, O_RDWR | O_CLOEXEC);

	while (helper_listen(helper) != 0 && helper->said_len < sizeof helper->said - 1) {
		struct pollfd item = {.fd = helper->out_fd, .events = POLLIN};

		if (poll(&item, 1, 1000) <= 0)
			break;
	}
	if (fd < 0)
		return fault_set_errno(fault, FAULT_HOST_LACKS, errno, PATH,
				       "%s cannot make an interface: " TUN
				       " must be there (modprobe tun) and open to every user "
				       "(chmod 0666)",
				       program);
	(void)close(fd);
	return fault_set(fault, FAULT_RUN_LAUNCH, PATH,
			 "%s ended before the run's interface was there: \"%s\"%s", program,
			 helper_last_words(helper), suspect());
}

enum fault_code appear_await(int link_fd, const char *interface, struct helper *helper,
			     const char *program, struct fault *fault)
{
	uint64_t deadline_ns = event_boot_ns() + WAIT_NS;
	struct pollfd items[] = {{.fd = link_fd, .events = POLLIN},
				 {.fd = helper->pidfd, .events = POLLIN},
				 {.fd = STDIN_FILENO, .events = POLLIN},
				 {.fd = helper->out_fd, .events = POLLIN}};
	int there = 0;

	while (there == 0) {
		int wait_ms = left_ms(deadline_ns);
		/* Whoever talks all the time gets no more of it. */
		int ready = wait_ms == 0 ? 0 : poll(items, sizeof items / sizeof items[0], wait_ms);

		if (ready == 0)
			return fault_set(fault, FAULT_RUN_LAUNCH, PATH,
					 "%s made no interface within 20 s", program);
		if (ready < 0 && errno != EINTR)
			return fault_set_errno(fault, FAULT_RUN_LAUNCH, errno, PATH, "poll");
		if (ready > 0 && items[0].revents != 0)
			there = read_links(link_fd, interface);
		else if (ready > 0 && items[1].revents != 0)
			return ended(helper, program, fault);
		else if (ready > 0 && items[2].revents != 0)
			return fault_set(fault, FAULT_RUN_LAUNCH, PATH, "was told to stop");
		else if (ready > 0 && items[3].revents != 0 && helper_listen(helper) == 0)
			items[3].fd = -1;
	}
	return there > 0 ? FAULT_NONE
			 : fault_set_errno(fault, FAULT_RUN_LAUNCH, errno, PATH,
					   "cannot watch the run's interfaces");
}

void appear_await_version(struct helper *asked)
{
	uint64_t deadline_ns = event_boot_ns() + VERSION_NS;
	struct pollfd item = {.fd = asked->out_fd, .events = POLLIN};

	while (memchr(asked->said, '\n', asked->said_len) == NULL) {
		int wait_ms = left_ms(deadline_ns);
		int ready = wait_ms == 0 ? 0 : poll(&item, 1, wait_ms);

		if (ready == 0 || (ready < 0 && errno != EINTR) ||
		    (ready > 0 && helper_listen(asked) == 0))
			break;
	}
	helper_stop(asked);
}
