/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/uplink/veth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CODE	  FAULT_RUN_NETWORK
#define RANGE	  0x64400000U /* 100.64.0.0/10 */
#define PAIRS	  (1U << 21)
#define STEP	  0x9E3779B1U /* odd: one round comes by every pair */
#define TRIES_MAX 1024
#define USED_MAX  4096

struct used {
	struct net4 nets[USED_MAX];
	size_t count;
	bool full;
};

/* Every route's destination but the default one's; the host's addresses are routes of their own. */
static int take_route(void *state, const struct nlmsghdr *message)
{
	const struct rtmsg *route = NLMSG_DATA(message);
	struct used *used = state;
	uint32_t to;

	if (message->nlmsg_type != RTM_NEWROUTE ||
	    message->nlmsg_len < NLMSG_LENGTH(sizeof *route) || route->rtm_dst_len == 0 ||
	    route->rtm_dst_len > 32)
		return 0;
	to = ntohl(rtnetlink_u32(rtnetlink_find(message, sizeof *route, RTA_DST), 0));
	if (used->count < USED_MAX)
		used->nets[used->count++] = (struct net4){to, route->rtm_dst_len};
	else
		used->full = true;
	return 0;
}

static int take_address(void *state, const struct nlmsghdr *message)
{
	const struct ifaddrmsg *address = NLMSG_DATA(message);
	struct veth *veth = state;
	const struct nlattr *local;

	if (message->nlmsg_type != RTM_NEWADDR ||
	    message->nlmsg_len < NLMSG_LENGTH(sizeof *address))
		return 0;
	local = rtnetlink_find(message, sizeof *address, IFA_LOCAL);
	if (local == NULL)
		return 0;
	if (veth->own_count == VETH_HOST_MAX) {
		errno = E2BIG;
		return -1;
	}
	veth->own[veth->own_count++] = (struct net4){ntohl(rtnetlink_u32(local, 0)), 32};
	return 0;
}

static bool is_used(const struct used *used, struct net4 pair)
{
	for (size_t i = 0; i < used->count; i++)
		if (net4_overlap(used->nets[i], pair))
			return true;
	return false;
}

/*
 * Between looking and adding another run may look too. A name in the abstract space of unix(7) is
 * one process's in this network namespace, and free again when that process ends, however it ends.
 */
static int hold(uint32_t pair)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int len;

	if (fd < 0)
		return -1;
	len = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "safe-run/uplink/%08x", pair);
	if (bind(fd, (struct sockaddr *)&name,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

/* Where to begin is the name's, which is the run's: no two begin at the same place. */
static uint32_t first_pair(const char *name)
{
	uint32_t hash = 2166136261U;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619U;
	return hash;
}

enum fault_code veth_choose(struct rtnetlink *link, struct veth *veth, struct fault *fault)
{
	struct used used = {.count = 0};
	struct rtmsg route = {.rtm_family = AF_INET};
	struct ifaddrmsg address = {.ifa_family = AF_INET};
	uint32_t at = first_pair(veth->name);
	int result;

	rtnetlink_begin(link, RTM_GETROUTE, NLM_F_DUMP, &route, sizeof route);
	result = rtnetlink_get(link, take_route, &used);
	if (result == 0) {
		rtnetlink_begin(link, RTM_GETADDR, NLM_F_DUMP, &address, sizeof address);
		result = rtnetlink_get(link, take_address, veth);
	}
	if (result < 0)
		return fault_set_errno(fault, CODE, errno, "launch.network.address",
				       "cannot read the host's routes and addresses");
	for (unsigned i = 0; !used.full && i < TRIES_MAX; i++, at += STEP) {
		uint32_t pair = RANGE + at % PAIRS * 2;

		if (is_used(&used, (struct net4){pair, 31}))
			continue;
		veth->lock_fd = hold(pair);
		if (veth->lock_fd < 0)
			continue;
		veth->host = pair;
		veth->sandbox = pair + 1;
		return FAULT_NONE;
	}
	return fault_set(fault, CODE, "launch.network.address",
			 "the host's routes leave no pair of addresses in 100.64.0.0/10 free");
}
