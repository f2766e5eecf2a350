/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/uplink/veth.h"

#include "stages/filter/interface_part.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/socket.h>

#define CODE FAULT_RUN_NETWORK
#define PATH "launch.network.uplink"
#define NEW  (NLM_F_CREATE | NLM_F_EXCL)

static void put_end(struct rtnetlink *link, const char *name, uint32_t address)
{
	uint8_t mac[INTERFACE_MAC_LEN];

	interface_mac_of(address, mac);
	rtnetlink_put_text(link, IFLA_IFNAME, name);
	rtnetlink_put(link, IFLA_ADDRESS, mac, sizeof mac);
}

static int make_pair(struct rtnetlink *link, const struct veth *veth, int netns_fd)
{
	struct ifinfomsg info = {
		.ifi_family = AF_UNSPEC, .ifi_flags = IFF_NOARP, .ifi_change = IFF_NOARP};
	size_t kind, data, peer;

	rtnetlink_begin(link, RTM_NEWLINK, NEW, &info, sizeof info);
	put_end(link, veth->name, veth->host);
	rtnetlink_put_u32(link, IFLA_GROUP, veth_group(veth));
	kind = rtnetlink_nest(link, IFLA_LINKINFO, NULL, 0);
	rtnetlink_put_text(link, IFLA_INFO_KIND, "veth");
	data = rtnetlink_nest(link, IFLA_INFO_DATA, NULL, 0);
	peer = rtnetlink_nest(link, VETH_INFO_PEER, &info, sizeof info);
	put_end(link, veth->name, veth->sandbox);
	rtnetlink_put_u32(link, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	rtnetlink_end(link, peer);
	rtnetlink_end(link, data);
	rtnetlink_end(link, kind);
	return rtnetlink_ask(link);
}

enum fault_code veth_make(struct rtnetlink *link, struct veth *veth, int netns_fd,
			  struct fault *fault)
{
	struct interface_seen seen;

	if (make_pair(link, veth, netns_fd) < 0)
		return fault_set_errno(fault, CODE, errno, PATH,
				       "cannot make the pair of interfaces %s (CONFIG_VETH)",
				       veth->name);
	if (interface_look(link, veth->name, 0, &seen) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "%s is not there", veth->name);
	veth->index = seen.index;
	/* Forwarding on this interface alone, and no address of IPv6 on it. */
	if (interface_no_address6(link, veth->index) < 0 ||
	    interface_add_address(link, veth->index, veth->host, veth->sandbox) < 0 ||
	    interface_forward(link, veth->index) < 0 || interface_up(link, veth->index) < 0 ||
	    interface_know(link, veth->index, veth->sandbox) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot set %s up", veth->name);
	if (interface_look(link, NULL, veth->index, &seen) < 0 || seen.forwarding != 1 ||
	    (seen.flags & (IFF_NOARP | IFF_UP)) != (IFF_NOARP | IFF_UP))
		return fault_set(fault, CODE, PATH, "%s is not what it was set to be", veth->name);
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
	struct interface_seen seen;
	int index = 0;

	rtnetlink_begin(link, RTM_GETROUTE, 0, &route, sizeof route);
	rtnetlink_put_u32(link, RTA_DST, htonl(to));
	/* Where the host itself cannot get, nothing is forwarded: the program is told so. */
	if (rtnetlink_get(link, take_way, &index) < 0 || index == 0)
		return FAULT_NONE;
	if (interface_look(link, NULL, index, &seen) < 0)
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
	struct interface_seen seen;

	rtnetlink_begin(link, RTM_DELLINK, 0, &info, sizeof info);
	/* ENODEV: the run's network namespace went first, and took it along. */
	if (rtnetlink_ask(link) < 0 && errno != ENODEV)
		return fault_set_errno(fault, FAULT_RUN_RELEASE, errno, PATH, "cannot remove %s",
				       veth->name);
	if (interface_look(link, NULL, veth->index, &seen) < 0 && errno == ENODEV)
		return FAULT_NONE;
	return fault_set(fault, FAULT_RUN_RELEASE, PATH, "%s is still there", veth->name);
}
