/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/network.h"

#include "ipc/object.h"
#include "stages/filter/net4_list.h"
#include "stages/launch/channel.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/enforcement.h"
#include "stages/launch/launch.h"
#include "stages/launch/message.h"
#include "stages/launch/network_egress.h"
#include "stages/launch/network_machine.h"
#include "stages/launch/network_names.h"
#include "stages/launch/network_report.h"
#include "stages/launch/network_user.h"
#include "stages/launch/plan.h"
#include "stages/seal/digest.h"
#include "stages/uplink/rtnetlink.h"

#include <errno.h>
#include <json-c/json.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CODE	  FAULT_RUN_NETWORK
#define PATH	  "launch.network"
#define SECOND_NS 1000000000ULL
#define WAIT_NS	  (30 * SECOND_NS)

void network_init(struct network *network)
{
	*network = (struct network){
		.net_fd = -1,
		.user_fd = -1,
		.link_fd = -1,
		.uplink = ASSISTANT_NONE,
		.filter = ASSISTANT_NONE,
		.egress = ASSISTANT_NONE,
	};
	for (size_t i = 0; i < NETWORK_EGRESS_SOCKETS; i++)
		network->egress_fds[i] = -1;
}

/* By the namespace's own calls (ioctl_ns(2)), for the host's /proc may be out of sight by now. */
static int open_net_namespace(void)
{
	int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int fd = any < 0 ? -1 : ioctl(any, SIOCGSKNS);

	descriptor_close(&any);
	return fd;
}

static int pass(int channel_fd, const char *type, int fd)
{
	struct json_object *message OBJECT_CLEANUP = message_new(type);
	int result = fd < 0 ? -1 : channel_report_fd(channel_fd, message, fd);

	descriptor_close(&fd);
	return result;
}

enum fault_code network_pass(const struct plan *plan, int channel_fd, struct fault *fault)
{
	struct json_object *message OBJECT_CLEANUP = NULL;
	int net_fd, result = 0;

	if (!plan->network.wanted)
		return FAULT_NONE;
	net_fd = open_net_namespace();
	if (net_fd >= 0 && plan->rootless)
		result = pass(channel_fd, "userns", ioctl(net_fd, NS_GET_USERNS));
	if (net_fd >= 0 && result == 0 && plan->rootless && plan->network.direct)
		result = pass(channel_fd, "links", rtnetlink_open_links(SOCK_NONBLOCK));
	message = message_new("network");
	if (result == 0 && pass(channel_fd, "netns", net_fd) == 0 &&
	    network_egress_pass(plan, channel_fd) == 0 && channel_report(channel_fd, message) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, "launch.network.namespace",
			       "cannot hand on the sandbox's network namespace and listeners");
}

bool network_take(struct launch *launch, const char *type, int fd)
{
	struct network *network = &launch->network;
	int *place = strcmp(type, "netns") == 0	   ? &network->net_fd
		     : strcmp(type, "userns") == 0 ? &network->user_fd
		     : strcmp(type, "links") == 0  ? &network->link_fd
						   : NULL;

	if (!launch->plan->network.wanted)
		return false;
	if (place == NULL)
		return network_egress_take(launch, type, fd);
	if (*place >= 0)
		return false;
	*place = fd;
	return true;
}

/* sr- and twelve digits of the run id's hash: what the kernel's 15 characters leave; pasta's 13, ten. */
static void name_interface(struct launch *launch)
{
	uint8_t value[DIGEST_SIZE];

	digest_bytes(launch->events.run_id, strlen(launch->events.run_id), value);
	(void)snprintf(launch->network.interface, sizeof launch->network.interface,
		       "sr-%02x%02x%02x%02x%02x%02x", value[0], value[1], value[2], value[3],
		       value[4], value[5]);
	if (launch->plan->rootless)
		launch->network.interface[NETWORK_USER_NAME] = '\0';
}

enum fault_code network_announce(struct launch *launch, struct fault *fault)
{
	const struct plan *plan = launch->plan;

	if (!plan->network.wanted)
		return FAULT_NONE;
	if (network_names_resolve(launch, fault) != FAULT_NONE)
		return fault->code;
	name_interface(launch);
	network_machine_name(launch);
	return network_report_plan(launch, fault);
}

static enum fault_code start(struct launch *launch, struct assistant *assistant,
			     const char *program, struct fault *fault)
{
	bool filter = assistant == &launch->network.filter;
	const struct assistant_plan plan = {
		.home_fd = launch->home_fd,
		.program = program,
		.path = PATH,
		.uid = launch->network.user_fd >= 0 ? launch->plan->uid : geteuid(),
		.gid = launch->network.user_fd >= 0 ? launch->plan->gid : getegid(),
		.stdin_fd = ASSISTANT_STDIN_PIPE,
		.fds = {{"--netns-fd", launch->network.net_fd}},
		.fd_count = filter ? 0 : 1,
		.record_max = RECORD_EVENT_MAX,
		.interrupt_fd = launch->signal_fd,
		.capabilities = 1ULL << CAP_NET_ADMIN,
		.joins = filter,
		.user_ns_fd = launch->network.user_fd,
		.net_ns_fd = launch->network.net_fd,
	};

	return assistant_start(assistant, &plan, fault);
}

static void order_uplink(struct launch *launch)
{
	const struct plan *plan = launch->plan;
	struct json_object *record OBJECT_CLEANUP = object_new();
	struct json_object *addresses = array_new();

	for (size_t i = 0; i < plan->network.rule_count; i++)
		if (!plan->network.rules[i].by_name)
			network_names_add(plan, &plan->network.rules[i], addresses);
	object_add(record, "addresses", addresses);
	object_add_string(record, "interface", launch->network.interface);
	object_add_string(record, "schemaVersion", "safe-run.uplink/v1");
	assistant_tell(&launch->network.uplink, record);
}

/* Connections that are held against names are sr-egress's own, and need no way out of the run. */
static enum fault_code start_uplink(struct launch *launch, struct fault *fault)
{
	enum fault_code code;

	if (!launch->plan->network.direct)
		return FAULT_NONE;
	code = launch->plan->rootless ? network_user_start(launch, fault)
				      : start(launch, &launch->network.uplink, "sr-uplink", fault);
	if (code == FAULT_NONE)
		order_uplink(launch);
	return code;
}

enum fault_code network_start(struct launch *launch, struct fault *fault)
{
	enum fault_code code;

	if (!launch->plan->network.wanted)
		return FAULT_NONE;
	if (launch->network.net_fd < 0)
		return fault_set(fault, CODE, PATH, "init did not hand on its network namespace");
	code = start_uplink(launch, fault);
	if (code == FAULT_NONE)
		code = start(launch, &launch->network.filter, "sr-filter", fault);
	return code == FAULT_NONE ? network_egress_start(launch, fault) : code;
}

static bool take_text(struct json_object *record, const char *name, char *out, size_t size)
{
	struct json_object *value = NULL;
	struct net4 net;

	if (!json_object_object_get_ex(record, name, &value) ||
	    !json_object_is_type(value, json_type_string) ||
	    !net4_parse(json_object_get_string(value), true, &net) || net.len != 32)
		return false;
	return snprintf(out, size, "%s", json_object_get_string(value)) < (int)size;
}

static void close_reserved(struct network *network)
{
	network->closed = array_new();
	for (size_t i = 0; i < NET4_CLOSED_COUNT; i++)
		net4_append(network->closed, net4_closed[i], false);
}

static enum fault_code not_known(const struct network *network, struct fault *fault)
{
	return fault_set(fault, CODE, PATH, "%s told something we do not know",
			 network->uplink.program);
}

static bool is_of_type(struct json_object *record, const char *type)
{
	return strcmp(object_text(record, "type"), type) == 0;
}

bool network_is_veth(const struct launch *launch)
{
	return launch->plan->network.direct && !launch->plan->rootless;
}

/* {"type":"chosen" or, sr-usernet's, "ready","address","gateway","host":[...],"interface"} */
static enum fault_code take_uplink(struct launch *launch, struct fault *fault)
{
	struct network *network = &launch->network;
	struct json_object *ready OBJECT_CLEANUP = NULL;
	struct json_object *host = NULL;
	enum fault_code code = FAULT_NONE;

	close_reserved(network);
	if (launch->plan->network.direct)
		code = assistant_first(&network->uplink, event_boot_ns() + WAIT_NS, &ready, fault);
	if (code != FAULT_NONE || !launch->plan->network.direct)
		return code;
	if (!is_of_type(ready, network_is_veth(launch) ? "chosen" : "ready") ||
	    !take_text(ready, "address", network->address, sizeof network->address) ||
	    !take_text(ready, "gateway", network->gateway, sizeof network->gateway) ||
	    !json_object_object_get_ex(ready, "host", &host) ||
	    !json_object_is_type(host, json_type_array))
		return not_known(network, fault);
	if (launch->plan->rootless && network_user_take(network, ready, fault) != FAULT_NONE)
		return fault->code;
	for (size_t i = 0; i < json_object_array_length(host); i++)
		array_append(network->closed, json_object_get(json_object_array_get_idx(host, i)));
	return FAULT_NONE;
}

static struct json_object *make_filter_rule(const struct plan *plan, size_t index)
{
	const struct plan_rule *rule = &plan->network.rules[index];
	struct json_object *record = object_new(), *addresses = array_new();

	network_names_add(plan, rule, addresses);
	object_add(record, "addresses", addresses);
	object_add_integer(record, "index", (int64_t)index);
	object_add_integer(record, "port", rule->port);
	object_add_string(record, "protocol", rule->tcp ? "tcp" : "udp");
	if (rule->by_name)
		object_add_integer(record, "redirect", NETWORK_EGRESS_PORT);
	else
		object_add_null(record, "redirect");
	return record;
}

static void add_if_there(struct json_object *record, const char *name, const char *text)
{
	if (text[0] != '\0')
		object_add_string(record, name, text);
	else
		object_add_null(record, name);
}

static void order_filter(struct launch *launch)
{
	const struct plan *plan = launch->plan;
	struct json_object *record OBJECT_CLEANUP = object_new();
	struct json_object *rules = array_new();

	for (size_t i = 0; i < plan->network.rule_count; i++)
		array_append(rules, make_filter_rule(plan, i));
	add_if_there(record, "address", launch->network.address);
	if (network_is_veth(launch))
		object_add_bool(record, "awaits", true);
	if (launch->network.bare_resets)
		object_add_bool(record, "bareResets", true);
	object_add_shared(record, "closed", launch->network.closed);
	add_if_there(record, "gateway", launch->network.gateway);
	add_if_there(record, "interface", plan->network.direct ? launch->network.interface : "");
	if (launch->network.mtu != 0)
		object_add_integer(record, "mtu", launch->network.mtu);
	object_add(record, "rules", rules);
	object_add_string(record, "schemaVersion", "safe-run.filter/v1");
	if (plan->machine.tap[0] != '\0')
		object_add(record, "tap", network_machine_filter(plan));
	/* By the host's table, which sr-uplink makes. */
	if (network_is_veth(launch))
		object_add_bool(record, "tracked", true);
	assistant_tell(&launch->network.filter, record);
}

/* {"type":"ready"}, of what was chosen: the interface is there, for sr-filter to give it its address. */
static enum fault_code await_made(struct launch *launch, struct fault *fault)
{
	struct network *network = &launch->network;
	struct json_object *made OBJECT_CLEANUP = object_new();
	struct json_object *ready OBJECT_CLEANUP = NULL;
	char address[sizeof network->address], gateway[sizeof network->gateway];
	enum fault_code code =
		assistant_first(&network->uplink, event_boot_ns() + WAIT_NS, &ready, fault);

	if (code != FAULT_NONE)
		return code;
	if (!is_of_type(ready, "ready") || !take_text(ready, "address", address, sizeof address) ||
	    !take_text(ready, "gateway", gateway, sizeof gateway) ||
	    strcmp(address, network->address) != 0 || strcmp(gateway, network->gateway) != 0)
		return not_known(network, fault);
	object_add_string(made, "type", "made");
	assistant_tell(&network->filter, made);
	return FAULT_NONE;
}

/*
 * {"type":"linked","drops","objects"}: the host's rules are as set, and what the command sends at once
 * is not lost. Chains of the host's that may drop it go on record: who looks for it finds why.
 */
static enum fault_code await_link(struct network *network, struct fault *fault)
{
	struct json_object *linked OBJECT_CLEANUP = NULL;
	struct json_object *drops;
	enum fault_code code =
		assistant_first(&network->uplink, event_boot_ns() + WAIT_NS, &linked, fault);

	if (code != FAULT_NONE)
		return code;
	if (!is_of_type(linked, "linked") || object_number(linked, "objects") <= 0)
		return not_known(network, fault);
	drops = object_member(linked, "drops");
	network->facts = object_new();
	if (drops == NULL)
		object_add_null(network->facts, "drops");
	else if (array_length(drops) > 0)
		object_add_shared(network->facts, "drops", drops);
	object_add_integer(network->facts, "objects", object_number(linked, "objects"));
	object_add_string(network->facts, "table", network->interface);
	return FAULT_NONE;
}

enum fault_code network_apply(struct launch *launch, struct fault *fault)
{
	struct network *network = &launch->network;
	enum fault_code code;

	if (!launch->plan->network.wanted)
		return FAULT_NONE;
	code = take_uplink(launch, fault);
	if (code == FAULT_NONE)
		code = network_names_check(launch->plan, network->closed, fault);
	/* The run's rules and the host's, with the interface, are made at the same time. */
	if (code == FAULT_NONE)
		order_filter(launch);
	if (code == FAULT_NONE && network_is_veth(launch))
		code = await_made(launch, fault);
	if (code == FAULT_NONE)
		code = assistant_first(&network->filter, event_boot_ns() + WAIT_NS, &network->ready,
				       fault);
	return code == FAULT_NONE ? network_egress_ready(launch, fault) : code;
}

enum fault_code network_settle(struct launch *launch, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	if (!launch->plan->network.wanted)
		return FAULT_NONE;
	if (network_is_veth(launch))
		code = await_link(&launch->network, fault);
	launch->network.applied = code == FAULT_NONE;
	return code == FAULT_NONE ? network_report_applied(launch, fault) : code;
}

void network_enforcement(const struct launch *launch, struct json_object *confined,
			 struct json_object *enforcement)
{
	struct json_object *evidence = object_new();
	struct json_object *egress = network_egress_describe(launch->plan);
	struct json_object *namespaces = NULL, *net = NULL;

	(void)json_object_object_get_ex(confined, "namespaces", &namespaces);
	(void)json_object_object_get_ex(namespaces, "net", &net);
	add_if_there(evidence, "address", launch->network.address);
	if (egress != NULL)
		object_add(evidence, "egress", egress);
	object_add_string(evidence, "interface", network_report_tap(launch));
	object_add_shared(evidence, "net", net);
	object_add_shared(evidence, "ruleset", launch->network.ready);
	if (launch->network.facts != NULL)
		object_add_shared(evidence, "uplink", launch->network.facts);
	enforcement_add_text(enforcement, "network.mode",
			     "nftables in the run's network namespace, read back", "allowlist",
			     "allowlist", evidence);
}
