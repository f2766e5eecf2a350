/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/egress/own_host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define ALIGNED(len) (((len) + 3) / 4 * 4) /* RTA_ALIGN and RTNH_ALIGN, of sizes */

struct search {
	uint32_t address; /* network byte order */
	bool found;
};

int own_host_open(struct own_host *host)
{
	return rtnetlink_open(&host->link);
}

bool own_host_loopback(uint32_t address)
{
	return address >> 24 == 0 || address >> 24 == IN_LOOPBACKNET;
}

/* What the kernel would do with a packet there: RTN_LOCAL is this machine, whoever has the address. */
static int look_at_type(void *state, const struct nlmsghdr *message)
{
	const struct rtmsg *route = NLMSG_DATA(message);
	struct search *search = state;

	if (message->nlmsg_type == RTM_NEWROUTE &&
	    message->nlmsg_len >= NLMSG_LENGTH(sizeof *route) && route->rtm_type == RTN_UNICAST)
		search->found = false;
	return 0;
}

static bool is_own(struct own_host *host, uint32_t address)
{
	const struct rtmsg one = {.rtm_family = AF_INET, .rtm_dst_len = 32};
	struct search search = {.address = htonl(address), .found = true};

	rtnetlink_begin(&host->link, RTM_GETROUTE, 0, &one, sizeof one);
	rtnetlink_put_u32(&host->link, RTA_DST, search.address);
	if (rtnetlink_get(&host->link, look_at_type, &search) == 0)
		return search.found;
	/* Where no way leads, nobody is. */
	return errno != ENETUNREACH && errno != EHOSTUNREACH;
}

/* The attributes of one of several ways to a network. */
static bool path_has(const unsigned char *at, size_t len, uint32_t address)
{
	while (len >= sizeof(struct nlattr)) {
		const struct nlattr *attribute = (const struct nlattr *)at;
		size_t step = attribute->nla_len;

		if (step < sizeof *attribute || step > len)
			return false;
		if (attribute->nla_type == RTA_GATEWAY &&
		    rtnetlink_u32(attribute, ~address) == address)
			return true;
		step = ALIGNED(step) > len ? len : ALIGNED(step);
		at += step;
		len -= step;
	}
	return false;
}

static bool paths_have(const struct nlattr *paths, uint32_t address)
{
	size_t len = 0;
	const unsigned char *at = rtnetlink_bytes(paths, &len);

	while (at != NULL && len >= sizeof(struct rtnexthop)) {
		const struct rtnexthop *path = (const struct rtnexthop *)at;
		size_t step = path->rtnh_len;

		if (step < sizeof *path || step > len)
			return false;
		if (path_has(at + sizeof *path, step - sizeof *path, address))
			return true;
		step = ALIGNED(step) > len ? len : ALIGNED(step);
		at += step;
		len -= step;
	}
	return false;
}

static int look_at_route(void *state, const struct nlmsghdr *message)
{
	struct search *search = state;
	const uint32_t address = search->address;

	if (message->nlmsg_type != RTM_NEWROUTE)
		return 0;
	if (rtnetlink_u32(rtnetlink_find(message, sizeof(struct rtmsg), RTA_GATEWAY), ~address) ==
		    address ||
	    paths_have(rtnetlink_find(message, sizeof(struct rtmsg), RTA_MULTIPATH), address))
		search->found = true;
	/* To the end: a dump that is left in the middle is in the way of the next. */
	return 0;
}

static bool is_gateway(struct own_host *host, uint32_t address)
{
	const struct rtmsg all = {.rtm_family = AF_INET};
	struct search search = {.address = htonl(address)};

	rtnetlink_begin(&host->link, RTM_GETROUTE, NLM_F_DUMP, &all, sizeof all);
	return rtnetlink_get(&host->link, look_at_route, &search) < 0 || search.found;
}

bool own_host_has(struct own_host *host, uint32_t address)
{
	return own_host_loopback(address) || is_own(host, address) || is_gateway(host, address);
}
