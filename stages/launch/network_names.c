/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/network_names.h"

#include "ipc/field.h"
#include "ipc/object.h"
#include "stages/filter/net4_list.h"
#include "stages/launch/assistant.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/launch.h"
#include "stages/launch/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <string.h>
#include <unistd.h>

#define CODE	   FAULT_RUN_NETWORK
#define PATH	   "launch.network.dns"
#define RESOLV	   "/etc/resolv.conf"
#define NOBODY_ID  65534
#define TIMEOUT_MS 10000
#define TTL_MAX	   4294967295LL
#define WAIT_NS	   (15 * 1000000000ULL) /* its own timeout, and time to start and end */

void network_names_add(const struct plan *plan, const struct plan_rule *rule,
		       struct json_object *list)
{
	const struct plan_host *host = &plan->network.hosts[rule->host_at];

	if (rule->cidr != NULL) {
		array_append_string(list, rule->cidr);
		return;
	}
	/* A wildcard's are learned as the run asks for them. */
	for (size_t i = 0; !rule->wild && i < host->address_count; i++)
		net4_append(list, (struct net4){host->addresses[i], 32}, false);
}

/* Each name once. */
static void gather(struct plan *plan)
{
	struct plan_network *network = &plan->network;

	for (size_t i = 0; i < network->rule_count; i++) {
		struct plan_rule *rule = &network->rules[i];
		size_t at = 0;

		if (rule->host == NULL || rule->wild)
			continue;
		while (at < network->host_count && strcmp(network->hosts[at].name, rule->host) != 0)
			at++;
		if (at == network->host_count)
			network->hosts[network->host_count++].name = rule->host;
		rule->host_at = at;
	}
}

static struct json_object *make_request(const struct plan *plan)
{
	struct json_object *record = object_new(), *cidrs = array_new(), *hosts = array_new();

	for (size_t i = 0; i < plan->network.rule_count; i++)
		if (plan->network.rules[i].cidr != NULL)
			array_append_string(cidrs, plan->network.rules[i].cidr);
	for (size_t i = 0; i < plan->network.host_count; i++)
		array_append_string(hosts, plan->network.hosts[i].name);
	object_add(record, "cidrs", cidrs);
	object_add(record, "hosts", hosts);
	object_add_string(record, "schemaVersion", "safe-run.resolve/v1");
	object_add_integer(record, "timeoutMs", TIMEOUT_MS);
	return record;
}

static enum fault_code take_answer(struct json_object *value, struct plan_host *host,
				   struct fault *fault)
{
	struct json_object *addresses = NULL;
	struct fields fields;
	struct net4 net;
	int64_t ttl = 0;
	enum fault_code code = fields_open(&fields, value, PATH, CODE, fault);

	if (code == FAULT_NONE)
		code = fields_literal(&fields, "host", host->name, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "ttl", 0, TTL_MAX, &ttl, fault);
	if (code == FAULT_NONE)
		code = fields_array(&fields, "addresses", PLAN_ADDRESS_MAX, &addresses, fault);
	if (code == FAULT_NONE)
		code = fields_close(&fields, fault);
	if (code != FAULT_NONE)
		return code;
	for (size_t i = 0; i < json_object_array_length(addresses); i++) {
		struct json_object *address = json_object_array_get_idx(addresses, i);

		if (!json_object_is_type(address, json_type_string) ||
		    strchr(json_object_get_string(address), '/') != NULL ||
		    !net4_parse(json_object_get_string(address), true, &net))
			return fault_set(fault, CODE, PATH,
					 "%.128s has an answer that is no address", host->name);
		host->addresses[host->address_count++] = net.address;
	}
	return host->address_count > 0
		       ? FAULT_NONE
		       : fault_set(fault, CODE, PATH, "%.128s has no address", host->name);
}

static enum fault_code take_answers(struct plan *plan, struct json_object *record,
				    struct fault *fault)
{
	struct json_object *answers = NULL;
	struct fields fields;
	enum fault_code code = fields_open(&fields, record, "", CODE, fault);

	if (code == FAULT_NONE)
		code = fields_literal(&fields, "schemaVersion", "safe-run.resolved/v1", fault);
	if (code == FAULT_NONE)
		code = fields_array(&fields, "answers", PLAN_RULE_MAX, &answers, fault);
	if (code == FAULT_NONE)
		code = fields_close(&fields, fault);
	if (code == FAULT_NONE && json_object_array_length(answers) != plan->network.host_count)
		code = fault_set(fault, CODE, PATH,
				 "sr-resolve answers other questions than asked");
	for (size_t i = 0; code == FAULT_NONE && i < plan->network.host_count; i++)
		code = take_answer(json_object_array_get_idx(answers, i), &plan->network.hosts[i],
				   fault);
	return code;
}

static enum fault_code ask(struct launch *launch, int resolv_fd, struct json_object **record,
			   struct fault *fault)
{
	struct json_object *request OBJECT_CLEANUP = make_request(launch->plan);
	struct assistant assistant;
	const struct assistant_plan plan = {
		.home_fd = launch->home_fd,
		.program = "sr-resolve",
		.path = PATH,
		.uid = geteuid() == 0 ? NOBODY_ID : geteuid(),
		.gid = geteuid() == 0 ? NOBODY_ID : getegid(),
		.stdin_fd = ASSISTANT_STDIN_PIPE,
		.fds = {{"--resolv-fd", resolv_fd}},
		.fd_count = 1,
		.record_max = RECORD_EVENT_MAX,
		.interrupt_fd = launch->signal_fd,
	};
	enum fault_code code = assistant_start(&assistant, &plan, fault);

	if (code != FAULT_NONE)
		return code;
	assistant_tell(&assistant, request);
	descriptor_close(&assistant.stdin_fd);
	return assistant_result(&assistant, event_boot_ns() + WAIT_NS, record, fault);
}

enum fault_code network_names_resolve(struct launch *launch, struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	enum fault_code code;
	int resolv_fd;

	gather(launch->plan);
	if (launch->plan->network.host_count == 0 && !launch->plan->network.wild)
		return FAULT_NONE;
	if (launch->plan->root.kind != PLAN_ROOT_HOST)
		return fault_set(fault, FAULT_HOST_LACKS, "policy.network.egress",
				 "rules for host names need the sandbox's own /etc/hosts, which "
				 "runtime.rootfs replaces: write them as cidr");
	if (launch->plan->network.host_count == 0)
		return FAULT_NONE;
	resolv_fd = open(RESOLV, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (resolv_fd < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot open " RESOLV);
	code = ask(launch, resolv_fd, &record, fault);
	(void)close(resolv_fd);
	return code == FAULT_NONE ? take_answers(launch->plan, record, fault) : code;
}

static bool inside_any(struct net4 net, struct json_object *list)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *text = json_object_get_string(json_object_array_get_idx(list, i));
		struct net4 outer;

		if (text != NULL && net4_parse(text, false, &outer) && net4_inside(net, outer))
			return true;
	}
	return false;
}

/* A cidr that itself lies in what is closed names it on purpose. */
static bool named(const struct plan *plan, struct net4 address, struct json_object *closed)
{
	for (size_t i = 0; i < plan->network.rule_count; i++) {
		const char *cidr = plan->network.rules[i].cidr;
		struct net4 net;

		if (cidr != NULL && net4_parse(cidr, false, &net) && net4_inside(address, net) &&
		    inside_any(net, closed))
			return true;
	}
	return false;
}

enum fault_code network_names_check(const struct plan *plan, struct json_object *closed,
				    struct fault *fault)
{
	for (size_t i = 0; i < plan->network.host_count; i++) {
		const struct plan_host *host = &plan->network.hosts[i];

		for (size_t k = 0; k < host->address_count; k++) {
			const struct net4 address = {host->addresses[k], 32};
			char text[NET4_TEXT_SIZE];

			if (!inside_any(address, closed) || named(plan, address, closed))
				continue;
			net4_format(address, true, text);
			return fault_set(
				fault, CODE, PATH,
				"%.128s is at %s, which is this host's own or reserved: only "
				"a cidr opens it",
				host->name, text);
		}
	}
	return FAULT_NONE;
}
