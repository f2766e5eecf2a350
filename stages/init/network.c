/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/init/network.h"

#include "ipc/field.h"
#include "ipc/object.h"
#include "stages/filter/net4.h"
#include "stages/launch/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CODE	FAULT_RUN_NETWORK
#define PATH	"init.network"
#define DEVICE	"eth0" /* the kernel's name for the first; there is one, and nothing here renames */
#define NO_IPV6 "/proc/sys/net/ipv6/conf/default/disable_ipv6"
#define MTU_MIN 576 /* RFC 791: what every host takes */
#define MTU_MAX 1500

static enum fault_code read_address(struct fields *fields, const char *name, uint32_t *out,
				    struct fault *fault)
{
	const char *text = "";
	struct net4 net = {0, 0};
	enum fault_code code = fields_string(fields, name, &text, fault);

	if (code == FAULT_NONE && (strchr(text, '/') != NULL || !net4_parse(text, true, &net)))
		code = fault_set(fault, CODE, fields->path, "%s is no address a.b.c.d", name);
	*out = net.address;
	return code;
}

static enum fault_code read_host(struct json_object *value, struct plan *plan, struct fault *fault)
{
	struct plan_host *host = &plan->network.hosts[plan->network.host_count];
	struct json_object *addresses = NULL;
	const char *name = "";
	struct fields fields;
	enum fault_code code = fields_open(&fields, value, "job.network.hosts", CODE, fault);

	if (code == FAULT_NONE)
		code = fields_string(&fields, "host", &name, fault);
	if (code == FAULT_NONE)
		code = fields_array(&fields, "addresses", PLAN_ADDRESS_MAX, &addresses, fault);
	if (code != FAULT_NONE)
		return code;
	/* A line of /etc/hosts: nothing in it may begin another. */
	if (strlen(name) >= PLAN_HOST_MAX ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") != strlen(name))
		return fault_set(fault, CODE, fields.path, "has no name of a host");
	host->name = plan_text(plan, name);
	for (size_t i = 0; i < json_object_array_length(addresses); i++) {
		struct json_object *text = json_object_array_get_idx(addresses, i);
		struct net4 net;

		if (!json_object_is_type(text, json_type_string) ||
		    !net4_parse(json_object_get_string(text), true, &net) || net.len != 32)
			return fault_set(fault, CODE, fields.path, "has no address of a host");
		host->addresses[host->address_count++] = net.address;
	}
	plan->network.host_count++;
	return host->name != NULL ? fields_close(&fields, fault)
				  : fault_set(fault, CODE, fields.path, "the job is too large");
}

static enum fault_code read_hosts(struct fields *fields, struct plan *plan, struct fault *fault)
{
	struct json_object *hosts = NULL;
	enum fault_code code = fields_array(fields, "hosts", PLAN_RULE_MAX, &hosts, fault);
	size_t count = code == FAULT_NONE ? json_object_array_length(hosts) : 0;

	for (size_t i = 0; code == FAULT_NONE && i < count; i++)
		code = read_host(json_object_array_get_idx(hosts, i), plan, fault);
	return code;
}

enum fault_code network_read(struct fields *job, struct init_network *network, struct plan *plan,
			     struct fault *fault)
{
	struct fields fields;
	const char *mac = "";
	int64_t mtu = 0;
	enum fault_code code;

	if (fields_null(job, "network"))
		return FAULT_NONE;
	network->wanted = plan->network.wanted = true;
	code = fields_enter(job, "network", &fields, fault);
	if (code == FAULT_NONE)
		code = read_address(&fields, "address", &network->address, fault);
	if (code == FAULT_NONE)
		code = read_address(&fields, "gateway", &network->gateway, fault);
	if (code == FAULT_NONE)
		code = fields_string(&fields, "gatewayMac", &mac, fault);
	if (code == FAULT_NONE && !interface_mac_parse(mac, network->gateway_mac))
		code = fault_set(fault, CODE, fields.path, "gatewayMac is no hardware address");
	if (code == FAULT_NONE)
		code = read_hosts(&fields, plan, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "mtu", MTU_MIN, MTU_MAX, &mtu, fault);
	network->mtu = (uint32_t)mtu;
	if (code == FAULT_NONE && !fields_null(&fields, "resolver")) {
		plan->network.wild = true;
		code = read_address(&fields, "resolver", &plan->network.resolver, fault);
	}
	return code == FAULT_NONE ? fields_close(&fields, fault) : code;
}

/* For interfaces that come: connections of IPv6 fail at once, here. */
static int switch_off_ipv6(void)
{
	int fd = open(NO_IPV6, O_WRONLY | O_CLOEXEC);
	int result;

	/* A kernel without it has no switch. */
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	result = write(fd, "1", 1) == 1 ? 0 : -1;
	(void)close(fd);
	return result;
}

static int hand_over(struct rtnetlink *link, int net_fd)
{
	struct interface_seen seen;
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC};

	if (interface_look(link, DEVICE, 0, &seen) < 0)
		return -1;
	info.ifi_index = seen.index;
	rtnetlink_begin(link, RTM_NEWLINK, 0, &info, sizeof info);
	rtnetlink_put_u32(link, IFLA_NET_NS_FD, (uint32_t)net_fd);
	return rtnetlink_ask(link);
}

static int arrange(struct rtnetlink *link, const struct init_network *network)
{
	struct interface_seen seen;

	if (interface_up(link, INTERFACE_LOOPBACK) < 0 ||
	    interface_look(link, DEVICE, 0, &seen) < 0 ||
	    interface_set_link(link, seen.index, NULL, network->mtu) < 0 ||
	    interface_no_address6(link, seen.index) < 0 ||
	    interface_add_address(link, seen.index, network->address, network->gateway) < 0 ||
	    interface_up(link, seen.index) < 0 ||
	    interface_add_neighbour(link, seen.index, network->gateway, network->gateway_mac) < 0)
		return -1;
	return interface_add_route(link, seen.index, network->gateway);
}

/* In the command's network namespace; the socket that hands over was opened in ours. */
static int bring_up(const struct init_network *network, struct rtnetlink *link, int net_fd)
{
	int result;

	if (rtnetlink_open(link) < 0 || setns(net_fd, CLONE_NEWNET) < 0 || switch_off_ipv6() < 0 ||
	    hand_over(link, net_fd) < 0)
		return -1;
	rtnetlink_close(link);
	result = rtnetlink_open(link);
	return result < 0 ? -1 : arrange(link, network);
}

enum fault_code network_bring_up(const struct init_network *network, int net_fd,
				 struct fault *fault)
{
	struct rtnetlink *link;
	int own_fd, result, error_number;

	if (!network->wanted)
		return FAULT_NONE;
	link = calloc(1, sizeof *link);
	if (link == NULL)
		return fault_set_errno(fault, CODE, errno, PATH, "no memory");
	link->fd = -1;
	own_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	result = own_fd < 0 ? -1 : bring_up(network, link, net_fd);
	error_number = errno;
	rtnetlink_close(link);
	free(link);
	if (own_fd >= 0 && setns(own_fd, CLONE_NEWNET) < 0 && result == 0) {
		result = -1;
		error_number = errno;
	}
	if (own_fd >= 0)
		(void)close(own_fd);
	if (result == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, error_number, PATH,
			       "cannot set the guest's interface up (its kernel needs virtio_net, "
			       "and artifacts made since machines have a network)");
}
