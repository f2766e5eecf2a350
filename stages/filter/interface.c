/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/filter/interface.h"

#include "stages/filter/plan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CODE	  FAULT_RUN_NETWORK
#define LOOPBACK  1 /* of every network namespace (LOOPBACK_IFINDEX) */
#define NEW	  (NLM_F_CREATE | NLM_F_EXCL)
#define ADDR_NONE 1 /* IN6_ADDR_GEN_MODE_NONE */

static int switch_off(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int result;

	/* A kernel without IPv6 has no switch for it. */
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	result = write(fd, "1", 1) == 1 ? 0 : -1;
	(void)close(fd);
	return result;
}

enum fault_code interface_prepare(struct fault *fault)
{
	if (switch_off(INTERFACE_SWITCHES "/default/disable_ipv6") == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, "launch.network.ipv6",
			       "cannot switch IPv6 off in the run's network namespace");
}

static int set_up(struct rtnetlink *link, int index)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC,
				 .ifi_index = index,
				 .ifi_flags = IFF_UP,
				 .ifi_change = IFF_UP};

	rtnetlink_begin(link, RTM_NEWLINK, 0, &info, sizeof info);
	return rtnetlink_ask(link);
}

/* No link-local address of IPv6 either, whatever the switches said when the interface came. */
static int set_no_address(struct rtnetlink *link, int index)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = index};
	uint8_t mode = ADDR_NONE;
	size_t families, family;

	rtnetlink_begin(link, RTM_NEWLINK, 0, &info, sizeof info);
	families = rtnetlink_nest(link, IFLA_AF_SPEC, NULL, 0);
	family = rtnetlink_nest(link, AF_INET6, NULL, 0);
	rtnetlink_put(link, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof mode);
	rtnetlink_end(link, family);
	rtnetlink_end(link, families);
	/* EAFNOSUPPORT, EOPNOTSUPP: this kernel, or this interface, has no IPv6 at all. */
	return rtnetlink_ask(link) == 0 || errno == EAFNOSUPPORT || errno == EOPNOTSUPP ? 0 : -1;
}

static int take_index(void *state, const struct nlmsghdr *message)
{
	const struct ifinfomsg *info = NLMSG_DATA(message);

	if (message->nlmsg_type == RTM_NEWLINK && message->nlmsg_len >= NLMSG_LENGTH(sizeof *info))
		*(int *)state = info->ifi_index;
	return 0;
}

static int find_index(struct rtnetlink *link, const char *name)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
	int index = -1;

	rtnetlink_begin(link, RTM_GETLINK, 0, &info, sizeof info);
	rtnetlink_put_text(link, IFLA_IFNAME, name);
	return rtnetlink_get(link, take_index, &index) < 0 ? -1 : index;
}

/* Point to point: the address and its peer, nothing between them. */
static int add_address(struct rtnetlink *link, const struct filter_plan *plan, int index)
{
	struct ifaddrmsg address = {
		.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = (unsigned)index};

	rtnetlink_begin(link, RTM_NEWADDR, NEW, &address, sizeof address);
	rtnetlink_put_u32(link, IFA_LOCAL, htonl(plan->address.address));
	rtnetlink_put_u32(link, IFA_ADDRESS, htonl(plan->gateway.address));
	return rtnetlink_ask(link);
}

static int add_default_route(struct rtnetlink *link, int index, uint32_t gateway)
{
	struct rtmsg route = {.rtm_family = AF_INET,
			      .rtm_table = RT_TABLE_MAIN,
			      .rtm_protocol = RTPROT_STATIC,
			      .rtm_scope = gateway != 0 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
			      .rtm_type = RTN_UNICAST};

	rtnetlink_begin(link, RTM_NEWROUTE, NEW, &route, sizeof route);
	rtnetlink_put_u32(link, RTA_OIF, (uint32_t)index);
	if (gateway != 0)
		rtnetlink_put_u32(link, RTA_GATEWAY, htonl(gateway));
	return rtnetlink_ask(link);
}

static enum fault_code arrange_uplink(struct rtnetlink *link, const struct filter_plan *plan,
				      struct fault *fault)
{
	int index = find_index(link, plan->interface);

	if (index < 0)
		return fault_set_errno(fault, CODE, errno, "launch.network.interface",
				       "the run's network namespace has no interface %s",
				       plan->interface);
	if (plan->address.len == 0)
		return FAULT_NONE;
	if (set_no_address(link, index) == 0 && add_address(link, plan, index) == 0 &&
	    set_up(link, index) == 0 && add_default_route(link, index, plan->gateway.address) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, "launch.network.interface",
			       "cannot give %s its address and route", plan->interface);
}

enum fault_code interface_arrange(struct rtnetlink *link, const struct filter_plan *plan,
				  struct fault *fault)
{
	if (set_up(link, LOOPBACK) < 0)
		return fault_set_errno(fault, CODE, errno, "launch.network.loopback",
				       "cannot bring the sandbox's loopback up");
	if (plan->interface[0] != '\0')
		return arrange_uplink(link, plan, fault);
	/* A connection needs a route before the redirection sees it; what is not redirected is
	 * refused by the table. */
	if (add_default_route(link, LOOPBACK, 0) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, "launch.network.loopback",
			       "cannot lead connections to the sandbox's loopback");
}
