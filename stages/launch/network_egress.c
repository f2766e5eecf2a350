/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/network_egress.h"

#include "ipc/object.h"
#include "stages/filter/net4_list.h"
#include "stages/filter/tap.h"
#include "stages/launch/channel.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/launch.h"
#include "stages/launch/message.h"
#include "stages/launch/plan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CODE	   FAULT_RUN_NETWORK
#define PATH	   "launch.network.egress"
#define RESOLV	   "/etc/resolv.conf"
#define NOBODY_ID  65534
#define PORT_NAMES 53
#define BACKLOG	   128
#define WAIT_NS	   (30 * 1000000000ULL)

static const struct {
	const char *type; /* of the message that brings it */
	int kind;
	uint16_t port;
} sockets[NETWORK_EGRESS_SOCKETS] = {
	[NETWORK_EGRESS_LISTENER] = {"egress", SOCK_STREAM, NETWORK_EGRESS_PORT},
	[NETWORK_EGRESS_DNS] = {"dns", SOCK_DGRAM, PORT_NAMES},
	[NETWORK_EGRESS_DNS_TCP] = {"dnsTcp", SOCK_STREAM, PORT_NAMES},
};

static size_t wanted(const struct plan *plan)
{
	if (!plan->network.named)
		return 0;
	return plan->network.wild ? NETWORK_EGRESS_SOCKETS : 1;
}

/*
 * The loopback is not up yet: it has no address, and gets this one with sr-filter. Of a machine it is
 * the interface to its guest, which cannot reach our loopback.
 */
static int make_socket(size_t which, const struct plan *plan)
{
	const char *at = plan->machine.tap[0] != '\0' ? TAP_GATEWAY : NETWORK_EGRESS_NAMES;
	const struct sockaddr_in address = {.sin_family = AF_INET,
					    .sin_port = htons(sockets[which].port),
					    .sin_addr.s_addr = inet_addr(at)};
	const int one = 1;
	int fd = socket(AF_INET, sockets[which].kind | SOCK_CLOEXEC, 0);

	if (fd >= 0 && (setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof one) < 0 ||
			bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ||
			(sockets[which].kind == SOCK_STREAM && listen(fd, BACKLOG) < 0)))
		descriptor_close(&fd);
	return fd;
}

int network_egress_pass(const struct plan *plan, int channel_fd)
{
	const size_t count = wanted(plan);

	for (size_t i = 0; i < count; i++) {
		struct json_object *message OBJECT_CLEANUP = message_new(sockets[i].type);
		int fd = make_socket(i, plan);
		int result = fd < 0 ? -1 : channel_report_fd(channel_fd, message, fd);

		descriptor_close(&fd);
		if (result < 0)
			return -1;
	}
	return 0;
}

bool network_egress_take(struct launch *launch, const char *type, int fd)
{
	const size_t count = wanted(launch->plan);

	for (size_t i = 0; i < count; i++) {
		int *place = &launch->network.egress_fds[i];

		if (strcmp(type, sockets[i].type) != 0 || *place >= 0)
			continue;
		*place = fd;
		return true;
	}
	return false;
}

void network_egress_close(struct network *network)
{
	for (size_t i = 0; i < NETWORK_EGRESS_SOCKETS; i++)
		descriptor_close(&network->egress_fds[i]);
}

static void add_addresses(const struct plan *plan, const struct plan_rule *rule,
			  struct json_object *list)
{
	const struct plan_host *host = &plan->network.hosts[rule->host_at];

	for (size_t i = 0; !rule->wild && i < host->address_count; i++)
		net4_append(list, (struct net4){host->addresses[i], 32}, true);
}

static struct json_object *make_plan(const struct plan *plan)
{
	struct json_object *record = object_new(), *cidrs = array_new(), *rules = array_new();

	for (size_t i = 0; i < plan->network.rule_count; i++) {
		const struct plan_rule *rule = &plan->network.rules[i];
		struct json_object *item, *addresses;

		if (rule->cidr != NULL)
			array_append_string(cidrs, rule->cidr);
		if (!rule->by_name)
			continue;
		item = object_new();
		addresses = array_new();
		add_addresses(plan, rule, addresses);
		object_add(item, "addresses", addresses);
		object_add_string(item, "host", rule->host);
		object_add_integer(item, "index", (int64_t)i);
		object_add_integer(item, "port", rule->port);
		array_append(rules, item);
	}
	object_add(record, "cidrs", cidrs);
	object_add(record, "rules", rules);
	object_add_string(record, "schemaVersion", "safe-run.egress/v1");
	return record;
}

static enum fault_code start(struct launch *launch, int resolv_fd, struct fault *fault)
{
	struct network *network = &launch->network;
	const struct assistant_plan plan = {
		.home_fd = launch->home_fd,
		.program = "sr-egress",
		.path = PATH,
		.uid = geteuid() == 0 ? NOBODY_ID : geteuid(),
		.gid = geteuid() == 0 ? NOBODY_ID : getegid(),
		.stdin_fd = ASSISTANT_STDIN_PIPE,
		.fds = {{"--listen-fd", network->egress_fds[NETWORK_EGRESS_LISTENER]},
			{"--dns-fd", network->egress_fds[NETWORK_EGRESS_DNS]},
			{"--dns-tcp-fd", network->egress_fds[NETWORK_EGRESS_DNS_TCP]},
			{"--resolv-fd", resolv_fd}},
		.fd_count = resolv_fd >= 0 ? 4 : 1,
		.record_max = RECORD_EVENT_MAX,
		.interrupt_fd = launch->signal_fd,
	};

	return assistant_start(&network->egress, &plan, fault);
}

enum fault_code network_egress_start(struct launch *launch, struct fault *fault)
{
	struct json_object *order OBJECT_CLEANUP = NULL;
	const size_t count = wanted(launch->plan);
	enum fault_code code;
	int resolv_fd = -1;

	if (count == 0)
		return FAULT_NONE;
	for (size_t i = 0; i < count; i++)
		if (launch->network.egress_fds[i] < 0)
			return fault_set(fault, CODE, PATH,
					 "init did not hand on the run's listeners");
	if (launch->plan->network.wild) {
		resolv_fd = open(RESOLV, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (resolv_fd < 0)
			return fault_set_errno(fault, CODE, errno, "launch.network.dns",
					       "cannot open " RESOLV);
	}
	code = start(launch, resolv_fd, fault);
	descriptor_close(&resolv_fd);
	/* Its own from here: when it ends, nobody listens. */
	network_egress_close(&launch->network);
	if (code != FAULT_NONE)
		return code;
	order = make_plan(launch->plan);
	assistant_tell(&launch->network.egress, order);
	return FAULT_NONE;
}

enum fault_code network_egress_ready(struct launch *launch, struct fault *fault)
{
	struct json_object *ready OBJECT_CLEANUP = NULL;

	if (!launch->plan->network.named)
		return FAULT_NONE;
	return assistant_first(&launch->network.egress, event_boot_ns() + WAIT_NS, &ready, fault);
}

struct json_object *network_egress_describe(const struct plan *plan)
{
	struct json_object *object;

	if (!plan->network.named)
		return NULL;
	object = object_new();
	if (plan->network.wild)
		object_add_string(object, "dns",
				  plan->machine.tap[0] != '\0' ? TAP_GATEWAY ":53"
							       : NETWORK_EGRESS_NAMES ":53");
	else
		object_add_null(object, "dns");
	object_add_integer(object, "port", NETWORK_EGRESS_PORT);
	return object;
}
