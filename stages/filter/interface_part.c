/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/filter/interface_part.h"

#include "ipc/field.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define CODE FAULT_RUN_NETWORK
#define NEW  (NLM_F_CREATE | NLM_F_EXCL)

#define LOCALLY_ADMINISTERED 2

static int take_link(void *state, const struct nlmsghdr *message)
{
	const struct ifinfomsg *info = NLMSG_DATA(message);
	struct interface_seen *seen = state;
	const struct nlattr *inet;
	const void *values, *name;
	size_t len = 0, at = (IPV4_DEVCONF_FORWARDING - 1) * sizeof(uint32_t);

	if (message->nlmsg_type != RTM_NEWLINK || message->nlmsg_len < NLMSG_LENGTH(sizeof *info))
		return 0;
	seen->index = info->ifi_index;
	seen->flags = info->ifi_flags;
	seen->mtu = rtnetlink_u32(rtnetlink_find(message, sizeof *info, IFLA_MTU), 0);
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

int interface_look(struct rtnetlink *link, const char *name, int index, struct interface_seen *seen)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = index};

	*seen = (struct interface_seen){.index = -1};
	rtnetlink_begin(link, RTM_GETLINK, 0, &info, sizeof info);
	if (name != NULL)
		rtnetlink_put_text(link, IFLA_IFNAME, name);
	if (rtnetlink_get(link, take_link, seen) < 0)
		return -1;
	errno = ENODEV;
	return seen->index > 0 ? 0 : -1;
}

int interface_up(struct rtnetlink *link, int index)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC,
				 .ifi_index = index,
				 .ifi_flags = IFF_UP,
				 .ifi_change = IFF_UP};

	rtnetlink_begin(link, RTM_NEWLINK, 0, &info, sizeof info);
	return rtnetlink_ask(link);
}

int interface_set_mtu(struct rtnetlink *link, int index, uint32_t mtu)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = index};

	rtnetlink_begin(link, RTM_NEWLINK, 0, &info, sizeof info);
	rtnetlink_put_u32(link, IFLA_MTU, mtu);
	return rtnetlink_ask(link);
}

int interface_forward(struct rtnetlink *link, int index)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = index};
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

int interface_set_link(struct rtnetlink *link, int index, const uint8_t *mac, uint32_t mtu)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC,
				 .ifi_index = index,
				 .ifi_flags = IFF_NOARP,
				 .ifi_change = IFF_NOARP};

	rtnetlink_begin(link, RTM_NEWLINK, 0, &info, sizeof info);
	if (mac != NULL)
		rtnetlink_put(link, IFLA_ADDRESS, mac, INTERFACE_MAC_LEN);
	rtnetlink_put_u32(link, IFLA_MTU, mtu);
	return rtnetlink_ask(link);
}

int interface_add_neighbour(struct rtnetlink *link, int index, uint32_t address,
			    const uint8_t mac[INTERFACE_MAC_LEN])
{
	struct ndmsg neighbour = {
		.ndm_family = AF_INET, .ndm_ifindex = index, .ndm_state = NUD_PERMANENT};

	rtnetlink_begin(link, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &neighbour,
			sizeof neighbour);
	rtnetlink_put_u32(link, NDA_DST, htonl(address));
	rtnetlink_put(link, NDA_LLADDR, mac, INTERFACE_MAC_LEN);
	return rtnetlink_ask(link);
}

void interface_mac_of(uint32_t address, uint8_t out[INTERFACE_MAC_LEN])
{
	uint32_t wire = htonl(address);

	memcpy(out, (const uint8_t[]){LOCALLY_ADMINISTERED, 0}, 2);
	memcpy(out + 2, &wire, sizeof wire);
}

int interface_know(struct rtnetlink *link, int index, uint32_t address)
{
	uint8_t mac[INTERFACE_MAC_LEN];

	interface_mac_of(address, mac);
	return interface_add_neighbour(link, index, address, mac);
}

int interface_no_address6(struct rtnetlink *link, int index)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC, .ifi_index = index};
	uint8_t mode = IN6_ADDR_GEN_MODE_NONE;
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

int interface_add_address(struct rtnetlink *link, int index, uint32_t address, uint32_t peer)
{
	struct ifaddrmsg message = {
		.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = (unsigned)index};

	rtnetlink_begin(link, RTM_NEWADDR, NEW, &message, sizeof message);
	rtnetlink_put_u32(link, IFA_LOCAL, htonl(address));
	rtnetlink_put_u32(link, IFA_ADDRESS, htonl(peer));
	return rtnetlink_ask(link);
}

int interface_add_route(struct rtnetlink *link, int index, uint32_t gateway)
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
	/* It has an address of scope host alone: none would be chosen, and answers get lost. */
	if (index == INTERFACE_LOOPBACK)
		rtnetlink_put_u32(link, RTA_PREFSRC, htonl(INADDR_LOOPBACK));
	return rtnetlink_ask(link);
}

static int hex_digit(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = digit != '\0' ? strchr(digits, digit) : NULL;

	return at == NULL ? -1 : (int)(at - digits);
}

bool interface_mac_parse(const char *text, uint8_t out[INTERFACE_MAC_LEN])
{
	if (strlen(text) != INTERFACE_MAC_SIZE - 1)
		return false;
	for (size_t i = 0; i < INTERFACE_MAC_LEN; i++) {
		int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);

		if (high < 0 || low < 0 || (i + 1 < INTERFACE_MAC_LEN && text[3 * i + 2] != ':'))
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	/* The first bit on the wire is a group's. */
	return (out[0] & 1) == 0;
}

enum fault_code interface_name_read(struct fields *fields, const char *field, char out[IFNAMSIZ],
				    struct fault *fault)
{
	char path[FAULT_PATH_SIZE];
	const char *name = "";
	enum fault_code code = fields_string(fields, field, &name, fault);

	field_path_name(path, sizeof path, fields->path, field);
	if (code == FAULT_NONE &&
	    (name[0] == '\0' || strlen(name) >= IFNAMSIZ ||
	     strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name)))
		code = fault_set(fault, CODE, path,
				 "must have 1 to 15 lower-case letters, digits and hyphens");
	if (code == FAULT_NONE)
		(void)snprintf(out, IFNAMSIZ, "%s", name);
	return code;
}
