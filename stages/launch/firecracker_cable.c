/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/firecracker_cable.h"

#include "stages/filter/interface_part.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATH   "launch.network.cable"
#define DEVICE "/dev/net/tun"
#define BRIDGE "cable"
#define FINISH "finish"
#define NEW    (NLM_F_CREATE | NLM_F_EXCL)
#define WORDS  8 /* of 32 features each: more than the kernel has */

/* Safe: persistent means until its network namespace ends, which is the machine's own. */
static int make_tap(uid_t user)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR,
				.ifr_name = CABLE_TAP};
	int fd = open(DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	int result = -1;

	if (fd < 0)
		return -1;
	if (ioctl(fd, TUNSETIFF, &request) == 0 &&
	    ioctl(fd, TUNSETOWNER, (unsigned long)user) == 0 &&
	    ioctl(fd, TUNSETGROUP, (unsigned long)user) == 0)
		result = ioctl(fd, TUNSETPERSIST, 1UL);
	(void)close(fd);
	return result;
}

/* One that keeps no list of groups of the guest's making. */
static int make_bridge(struct rtnetlink *link)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
	uint8_t no = 0;
	size_t kind, data;

	rtnetlink_begin(link, RTM_NEWLINK, NEW, &info, sizeof info);
	rtnetlink_put_text(link, IFLA_IFNAME, BRIDGE);
	kind = rtnetlink_nest(link, IFLA_LINKINFO, NULL, 0);
	rtnetlink_put_text(link, IFLA_INFO_KIND, "bridge");
	data = rtnetlink_nest(link, IFLA_INFO_DATA, NULL, 0);
	rtnetlink_put(link, IFLA_BR_MCAST_SNOOPING, &no, sizeof no);
	rtnetlink_end(link, data);
	rtnetlink_end(link, kind);
	return rtnetlink_ask(link);
}

static int make_pair(struct rtnetlink *link, const char *far, int far_ns_fd)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
	size_t kind, data, peer;

	rtnetlink_begin(link, RTM_NEWLINK, NEW, &info, sizeof info);
	rtnetlink_put_text(link, IFLA_IFNAME, FINISH);
	kind = rtnetlink_nest(link, IFLA_LINKINFO, NULL, 0);
	rtnetlink_put_text(link, IFLA_INFO_KIND, "veth");
	data = rtnetlink_nest(link, IFLA_INFO_DATA, NULL, 0);
	peer = rtnetlink_nest(link, VETH_INFO_PEER, &info, sizeof info);
	rtnetlink_put_text(link, IFLA_IFNAME, far);
	rtnetlink_put_u32(link, IFLA_NET_NS_FD, (uint32_t)far_ns_fd);
	rtnetlink_end(link, peer);
	rtnetlink_end(link, data);
	rtnetlink_end(link, kind);
	return rtnetlink_ask(link);
}

/* What a guest calls itself is not remembered: each of two ends hears all of the other's. */
static int learn_nothing(struct rtnetlink *link, int index)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = index};
	uint8_t no = 0;
	size_t kind, data;

	rtnetlink_begin(link, RTM_NEWLINK, 0, &info, sizeof info);
	kind = rtnetlink_nest(link, IFLA_LINKINFO, NULL, 0);
	rtnetlink_put_text(link, IFLA_INFO_SLAVE_KIND, "bridge");
	data = rtnetlink_nest(link, IFLA_INFO_SLAVE_DATA, NULL, 0);
	rtnetlink_put(link, IFLA_BRPORT_LEARNING, &no, sizeof no);
	rtnetlink_end(link, data);
	rtnetlink_end(link, kind);
	return rtnetlink_ask(link);
}

static int plug(struct rtnetlink *link, const char *name, int bridge)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
	struct interface_seen seen;

	if (interface_look(link, name, 0, &seen) < 0)
		return -1;
	info.ifi_index = seen.index;
	rtnetlink_begin(link, RTM_NEWLINK, 0, &info, sizeof info);
	rtnetlink_put_u32(link, IFLA_MASTER, (uint32_t)bridge);
	if (rtnetlink_ask(link) < 0 || learn_nothing(link, seen.index) < 0 ||
	    interface_no_address6(link, seen.index) < 0)
		return -1;
	return interface_up(link, seen.index);
}

static int ask_ethtool(int fd, void *question)
{
	struct ifreq request = {.ifr_name = FINISH, .ifr_data = question};

	return ioctl(fd, SIOCETHTOOL, &request);
}

/* All that can be switched off, and then: that it computes no checksum itself, of whatever kind. */
static int finish_packets(int fd)
{
	char asked[sizeof(struct ethtool_gfeatures) +
		   WORDS * sizeof(struct ethtool_get_features_block)] = {0};
	char told[sizeof(struct ethtool_sfeatures) +
		  WORDS * sizeof(struct ethtool_set_features_block)] = {0};
	struct ethtool_gfeatures *get = (void *)asked;
	struct ethtool_sfeatures *set = (void *)told;
	struct ethtool_value checksums = {.cmd = ETHTOOL_GTXCSUM}, segments = {.cmd = ETHTOOL_GTSO};

	get->cmd = ETHTOOL_GFEATURES;
	get->size = WORDS;
	if (ask_ethtool(fd, get) < 0)
		return -1;
	set->cmd = ETHTOOL_SFEATURES;
	set->size = get->size < WORDS ? get->size : WORDS;
	for (uint32_t i = 0; i < set->size; i++)
		set->features[i].valid = get->features[i].available;
	if (ask_ethtool(fd, set) < 0 || ask_ethtool(fd, &checksums) < 0 ||
	    ask_ethtool(fd, &segments) < 0)
		return -1;
	errno = EOPNOTSUPP;
	return checksums.data == 0 && segments.data == 0 ? 0 : -1;
}

static int finish_all(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int result = fd < 0 ? -1 : finish_packets(fd), error_number = errno;

	if (fd >= 0)
		(void)close(fd);
	errno = error_number;
	return result;
}

static enum fault_code lay(struct rtnetlink *link, const char *far, int far_ns_fd,
			   struct fault *fault)
{
	struct interface_seen bridge;

	if (make_bridge(link) < 0)
		return fault_set_errno(fault, FAULT_HOST_LACKS, errno, PATH,
				       "cannot make a bridge, which Firecracker's network needs "
				       "(CONFIG_BRIDGE; modprobe bridge)");
	if (make_pair(link, far, far_ns_fd) < 0)
		return fault_set_errno(fault, FAULT_HOST_LACKS, errno, PATH,
				       "cannot make the pair of interfaces %s (CONFIG_VETH)", far);
	/* Before anything can pass. */
	if (finish_all() < 0)
		return fault_set_errno(fault, FAULT_RUN_NETWORK, errno, PATH,
				       "cannot have packets finished before they meet the rules");
	if (interface_look(link, BRIDGE, 0, &bridge) < 0 ||
	    interface_no_address6(link, bridge.index) < 0 || interface_up(link, bridge.index) < 0 ||
	    plug(link, FINISH, bridge.index) < 0 || plug(link, CABLE_TAP, bridge.index) < 0)
		return fault_set_errno(fault, FAULT_RUN_NETWORK, errno, PATH,
				       "cannot connect the machine's interface");
	return FAULT_NONE;
}

enum fault_code cable_make(const char *far, int far_ns_fd, uid_t user, struct fault *fault)
{
	struct rtnetlink *link;
	enum fault_code code;

	if (make_tap(user) < 0)
		return fault_set_errno(fault, FAULT_HOST_LACKS, errno, PATH,
				       "cannot make a TAP with " DEVICE
				       ", which a machine's network needs "
				       "(CONFIG_TUN; modprobe tun)");
	link = calloc(1, sizeof *link);
	if (link == NULL)
		return fault_set_errno(fault, FAULT_RUN_NETWORK, errno, PATH, "no memory");
	if (rtnetlink_open(link) < 0)
		code = fault_set_errno(fault, FAULT_RUN_NETWORK, errno, PATH, "rtnetlink");
	else
		code = lay(link, far, far_ns_fd, fault);
	rtnetlink_close(link);
	free(link);
	return code;
}

bool cable_plugged(int socket_fd)
{
	struct ifreq request = {.ifr_name = CABLE_TAP};

	/* A TAP has a carrier while it is open, and not before (drivers/net/tun.c). */
	return ioctl(socket_fd, SIOCGIFFLAGS, &request) == 0 &&
	       (request.ifr_flags & IFF_RUNNING) != 0;
}
