/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/uplink/veth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CODE FAULT_RUN_NETWORK
#define PATH "launch.network.uplink"
#define NEW  (NLM_F_CREATE | NLM_F_EXCL)

/* What RTM_GETLINK tells of one interface. */
struct seen {
	int index; /* -1: there is none */
	uint32_t forwarding;
	char name[IFNAMSIZ];
};

static int take_link(void *state, const struct nlmsghdr *message)
{
	const struct ifinfomsg *info = NLMSG_DATA(message);
	struct seen *seen = state;
	const struct nlattr *inet;
	const void *values, *name;
	size_t len = 0, at = (IPV4_DEVCONF_FORWARDING - 1) * sizeof(uint32_t);

	if (message->nlmsg_type != RTM_NEWLINK || message->nlmsg_len < NLMSG_LENGTH(sizeof *info))
		return 0;
	seen->index = info->ifi_index;
	inet = rtnetlink_inside(rtnetlink_find(message, sizeof *info, IFLA_AF_SPEC), AF_INET);
	values = rtnetlink_bytes(rtnetlink_inside(inet, IFLA_INET_CONF), &len);
	if (values != NULL && len >= at + sizeof(uint32_t))
		memcpy(&seen->forwarding, (const unsigned char *)values + at, sizeof(uint32_t));
	name = rtnetlink_bytes(rtnetlink_find(message, sizeof *info, IFLA_IFNAME), &len);
	if (name != NULL && len <= sizeof seen->name)
		memcpy(seen->name, name, len);
	seen->name[sizeof seen->name - 1] = '\0';
	return 0;
}

static int look(struct rtnetlink *link, const char *name, int index, struct seen *seen)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = index};

	*seen = (struct seen){.index = -1};
	rtnetlink_begin(link, RTM_GETLINK, 0, &info, sizeof info);
	if (name != NULL)
		rtnetlink_put_text(link, IFLA_IFNAME, name);
	return rtnetlink_get(link, take_link, seen);
}

static int make_pair(struct rtnetlink *link, const struct veth *veth, int netns_fd)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
	size_t kind, data, peer;

	rtnetlink_begin(link, RTM_NEWLINK, NEW, &info, sizeof info);
	rtnetlink_put_text(link, IFLA_IFNAME, veth->name);
	kind = rtnetlink_nest(link, IFLA_LINKINFO, NULL, 0);
	rtnetlink_put_text(link, IFLA_INFO_KIND, "veth");
	data = rtnetlink_nest(link, IFLA_INFO_DATA, NULL, 0);
	peer = rtnetlink_nest(link, VETH_INFO_PEER, &info, sizeof info);
	rtnetlink_put_text(link, IFLA_IFNAME, veth->name);
	rtnetlink_put_u32(link, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	rtnetlink_end(link, peer);
	rtnetlink_end(link, data);
	rtnetlink_end(link, kind);
	return rtnetlink_ask(link);
}

static int add_address(struct rtnetlink *link, const struct veth *veth)
{
	struct ifaddrmsg address = {
		.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = (unsigned)veth->index};

	rtnetlink_begin(link, RTM_NEWADDR, NEW, &address, sizeof address);
	rtnetlink_put_u32(link, IFA_LOCAL, htonl(veth->host));
	rtnetlink_put_u32(link, IFA_ADDRESS, htonl(veth->sandbox));
	return rtnetlink_ask(link);
}

/* Up, forwarding on this interface alone, no address of IPv6 on it. */
static int set_up(struct rtnetlink *link, const struct veth *veth)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC,
				 .ifi_index = veth->index,
				 .ifi_flags = IFF_UP,
				 .ifi_change = IFF_UP};
	size_t families, inet, conf;

	rtnetlink_begin(link, RTM_NEWLINK, 0, &info, sizeof info);
	families = rtnetlink_nest(link, IFLA_AF_SPEC, NULL, 0);
	inet = rtnetlink_nest(link, AF_INET, NULL, 0);
	conf = rtnetlink_nest(link, IFLA_INET_CONF, NULL, 0);
	rtnetlink_put_u32(link, IPV4_DEVCONF_FORWARDING, 1);
	rtnetlink_end(link, conf);
	rtnetlink_end(link, inet);
	rtnetlink_end(link, families);
	return rtnetlink_ask(link);
}

static int no_address6(struct rtnetlink *link, const struct veth *veth)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = veth->index};
	uint8_t mode = IN6_ADDR_GEN_MODE_NONE;
	size_t families, inet6;

	rtnetlink_begin(link, RTM_NEWLINK, 0, &info, sizeof info);
	families = rtnetlink_nest(link, IFLA_AF_SPEC, NULL, 0);
	inet6 = rtnetlink_nest(link, AF_INET6, NULL, 0);
	rtnetlink_put(link, IFLA_INET6_ADDR_GEN_MODE, &mode, sizeof mode);
	rtnetlink_end(link, inet6);
	rtnetlink_end(link, families);
	return rtnetlink_ask(link) == 0 || errno == EAFNOSUPPORT || errno == EOPNOTSUPP ? 0 : -1;
}

enum fault_code veth_make(struct rtnetlink *link, struct veth *veth, int netns_fd,
			  struct fault *fault)
{
	struct seen seen;

	if (make_pair(link, veth, netns_fd) < 0)
		return fault_set_errno(fault, CODE, errno, PATH,
				       "cannot make the pair of interfaces %s (CONFIG_VETH)",
				       veth->name);
	if (look(link, veth->name, 0, &seen) < 0 || seen.index < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "%s is not there", veth->name);
	veth->index = seen.index;
	if (no_address6(link, veth) < 0 || add_address(link, veth) < 0 || set_up(link, veth) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot set %s up", veth->name);
	if (look(link, NULL, veth->index, &seen) < 0 || seen.forwarding != 1)
		return fault_set(fault, CODE, PATH, "%s does not forward although it was set to",
				 veth->name);
	return FAULT_NONE;
}

static int take_way(void *state, const struct nlmsghdr *message)
{
	const struct rtmsg *route = NLMSG_DATA(message);
	int *index = state;

	if (message->nlmsg_type != RTM_NEWROUTE || message->nlmsg_len < NLMSG_LENGTH(sizeof *route))
		return 0;
	/* What ends on this host is not forwarded. */
	*index = route->rtm_type != RTN_UNICAST
			 ? 0
			 : (int)rtnetlink_u32(rtnetlink_find(message, sizeof *route, RTA_OIF), 0);
	return 0;
}

enum fault_code veth_check_route(struct rtnetlink *link, struct net4 net, struct fault *fault)
{
	struct rtmsg route = {.rtm_family = AF_INET, .rtm_dst_len = 32};
	uint32_t to = net.len == 32 ? net.address : net.address + 1;
	struct seen seen;
	int index = 0;

	rtnetlink_begin(link, RTM_GETROUTE, 0, &route, sizeof route);
	rtnetlink_put_u32(link, RTA_DST, htonl(to));
	/* Where the host itself cannot get, nothing is forwarded: the program is told so. */
	if (rtnetlink_get(link, take_way, &index) < 0 || index == 0)
		return FAULT_NONE;
	if (look(link, NULL, index, &seen) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot look at interface %d",
				       index);
	if (seen.forwarding == 1)
		return FAULT_NONE;
	return fault_set(
		fault, FAULT_HOST_LACKS, PATH,
		"the host does not forward packets on %s, where the policy's networks are: "
		"sysctl net.ipv4.ip_forward=1, or net.ipv4.conf.%s.forwarding=1",
		seen.name, seen.name);
}

enum fault_code veth_remove(struct rtnetlink *link, struct veth *veth, struct fault *fault)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = veth->index};
	struct seen seen;

	rtnetlink_begin(link, RTM_DELLINK, 0, &info, sizeof info);
	/* ENODEV: the run's network namespace went first, and took it along. */
	if (rtnetlink_ask(link) < 0 && errno != ENODEV)
		return fault_set_errno(fault, FAULT_RUN_RELEASE, errno, PATH, "cannot remove %s",
				       veth->name);
	if (look(link, NULL, veth->index, &seen) < 0 && errno == ENODEV)
		return FAULT_NONE;
	return fault_set(fault, FAULT_RUN_RELEASE, PATH, "%s is still there", veth->name);
}
