/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/usernet/own.h"

#include "stages/uplink/plan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#define CODE   FAULT_RUN_NETWORK
#define PATH   "launch.network.address"
#define RANGE  0x64400000U /* 100.64.0.0/10 (RFC 6598) */
#define COUNT  (1U << 14)  /* networks of 256 in it */
#define LENGTH 24
#define WIDE   10 /* a rule as wide as the range itself does not mean one network in it */

int own_open(struct own *own)
{
	int group = RTNLGRP_IPV4_ROUTE;

	if (rtnetlink_open(&own->link) < 0 || rtnetlink_open(&own->watch) < 0)
		return -1;
	return setsockopt(own->watch.fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group);
}

void own_close(struct own *own)
{
	rtnetlink_close(&own->link);
	rtnetlink_close(&own->watch);
}

static bool covered(const struct own *own, struct net4 net)
{
	for (size_t i = 0; i < NET4_CLOSED_COUNT; i++)
		if (net4_inside(net, net4_closed[i]))
			return true;
	for (size_t i = 0; i < own->count; i++)
		if (net4_inside(net, own->nets[i]))
			return true;
	return false;
}

/* false: no route for packets that end here. */
static bool local_route(const struct nlmsghdr *message, struct net4 *net)
{
	const struct rtmsg *route = NLMSG_DATA(message);

	if (message->nlmsg_type != RTM_NEWROUTE ||
	    message->nlmsg_len < NLMSG_LENGTH(sizeof *route) || route->rtm_family != AF_INET ||
	    route->rtm_type != RTN_LOCAL || route->rtm_dst_len > 32)
		return false;
	net->len = route->rtm_dst_len;
	net->address = ntohl(rtnetlink_u32(rtnetlink_find(message, sizeof *route, RTA_DST), 0));
	return true;
}

static int take_route(void *state, const struct nlmsghdr *message)
{
	const struct rtmsg *route = NLMSG_DATA(message);
	struct own *own = state;
	struct net4 net;

	if (message->nlmsg_type == RTM_NEWROUTE &&
	    message->nlmsg_len >= NLMSG_LENGTH(sizeof *route) && route->rtm_dst_len == 0 &&
	    route->rtm_type == RTN_UNICAST)
		own->leaves = true;
	if (!local_route(message, &net) || covered(own, net))
		return 0;
	if (own->count == OWN_MAX) {
		errno = E2BIG;
		return -1;
	}
	own->nets[own->count++] = net;
	return 0;
}

enum fault_code own_read(struct own *own, struct fault *fault)
{
	struct rtmsg route = {.rtm_family = AF_INET};

	own->count = 0;
	own->leaves = false;
	rtnetlink_begin(&own->link, RTM_GETROUTE, NLM_F_DUMP, &route, sizeof route);
	if (rtnetlink_get(&own->link, take_route, own) == 0)
		return FAULT_NONE;
	if (errno == E2BIG)
		return fault_set(fault, CODE, PATH,
				 "this host has more than %d addresses of its own", OWN_MAX);
	return fault_set_errno(fault, CODE, errno, PATH, "cannot read the host's addresses");
}

static bool led_to(const struct uplink_plan *plan, struct net4 net)
{
	for (size_t i = 0; i < plan->address_count; i++)
		if (net4_overlap(plan->addresses[i], net))
			return true;
	return false;
}

static enum fault_code check_one(const struct own *own, const struct uplink_plan *plan,
				 struct net4 net, struct fault *fault)
{
	char text[NET4_TEXT_SIZE];

	if (covered(own, net) || !led_to(plan, net))
		return FAULT_NONE;
	net4_format(net, true, text);
	return fault_set(fault, CODE, PATH,
			 "this host took the address %s while the command ran, and a rule of the "
			 "policy would lead there: the run was ended. Run it again, or list what "
			 "it needs and no more",
			 text);
}

/* What was missed is read again, whole. */
static enum fault_code check_all(struct own *own, const struct uplink_plan *plan,
				 struct fault *fault)
{
	const size_t before = own->count;
	struct net4 nets[OWN_MAX];
	enum fault_code code;

	memcpy(nets, own->nets, sizeof nets);
	code = own_read(own, fault);
	for (size_t i = 0; code == FAULT_NONE && i < own->count; i++) {
		bool old = false;

		for (size_t k = 0; k < before; k++)
			old = old || net4_inside(own->nets[i], nets[k]);
		if (!old && led_to(plan, own->nets[i]))
			code = fault_set(fault, CODE, PATH,
					 "this host took an address while the command ran, and a "
					 "rule of the policy would lead there: the run was ended");
	}
	return code;
}

enum fault_code own_check(struct own *own, const struct uplink_plan *plan, struct fault *fault)
{
	struct sockaddr_nl from = {.nl_family = AF_NETLINK};
	socklen_t from_len = sizeof from;
	ssize_t got = recvfrom(own->watch.fd, own->watch.answer, sizeof own->watch.answer,
			       MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
	unsigned left = (unsigned)got;
	enum fault_code code = FAULT_NONE;
	struct net4 net;

	if (got < 0 && errno == ENOBUFS)
		return check_all(own, plan, fault);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return FAULT_NONE;
	if (got < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot watch the host's routes");
	if (from.nl_pid != 0)
		return FAULT_NONE;
	for (const struct nlmsghdr *message = (const struct nlmsghdr *)own->watch.answer;
	     code == FAULT_NONE && NLMSG_OK(message, left); message = NLMSG_NEXT(message, left))
		if (local_route(message, &net))
			code = check_one(own, plan, net, fault);
	return code;
}

enum fault_code own_choose(const struct own *own, const struct uplink_plan *plan, struct net4 *net,
			   struct fault *fault)
{
	for (uint32_t i = 0; i < COUNT; i++) {
		bool meant = false;

		*net = (struct net4){RANGE + (i << 8), LENGTH};
		for (size_t k = 0; !meant && k < plan->address_count; k++)
			meant = plan->addresses[k].len > WIDE &&
				net4_overlap(plan->addresses[k], *net);
		for (size_t k = 0; !meant && k < own->count; k++)
			meant = net4_overlap(own->nets[k], *net);
		if (!meant)
			return FAULT_NONE;
	}
	return fault_set(fault, CODE, PATH,
			 "the policy's rules and the host leave no network in 100.64.0.0/10 free");
}
