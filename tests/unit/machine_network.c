/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine's two ends are told of their interface: sr-filter's plan, and the guest's job. */
#include "ipc/canon.h"
#include "ipc/field.h"
#include "ipc/object.h"
#include "stages/filter/plan.h"
#include "stages/init/network.h"
#include "stages/launch/plan.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GATEWAY	 "\"gateway\":{\"address\":\"192.0.0.1\",\"mac\":\"02:73:72:00:00:01\"}"
#define GUEST	 "\"guest\":{\"address\":\"192.0.0.2\",\"mac\":\"02:73:72:00:00:02\"}"
#define NAME	 "\"name\":\"sr-tap-01234567\""
#define RESOLVER "\"resolver\":false"

static const struct {
	const char *tap;
	bool good;
} taps[] = {
	{"{" GATEWAY "," GUEST "," NAME "," RESOLVER "}", true},
	{"{" GATEWAY "," GUEST "," NAME ",\"resolver\":true}", true},
	{"null", false},
	{"{}", false},
	{"{" GATEWAY "," GUEST "," NAME "}", false},
	{"{" GATEWAY "," NAME "," RESOLVER "}", false},
	{"{" GUEST "," NAME "," RESOLVER "}", false},
	{"{" GATEWAY "," GUEST "," RESOLVER "}", false},
	{"{\"extra\":1," GATEWAY "," GUEST "," NAME "," RESOLVER "}", false},
	/* sixteen characters; none; what a shell or nft would read otherwise */
	{"{" GATEWAY "," GUEST ",\"name\":\"sr-tap-012345678\"," RESOLVER "}", false},
	{"{" GATEWAY "," GUEST ",\"name\":\"\"," RESOLVER "}", false},
	{"{" GATEWAY "," GUEST ",\"name\":\"sr\\\"tap\"," RESOLVER "}", false},
	{"{" GATEWAY "," GUEST ",\"name\":\"*\"," RESOLVER "}", false},
	/* both ends the same */
	{"{" GATEWAY ",\"guest\":{\"address\":\"192.0.0.1\",\"mac\":\"02:73:72:00:00:02\"}," NAME
	 "," RESOLVER "}",
	 false},
	{"{" GATEWAY ",\"guest\":{\"address\":\"192.0.0.2\",\"mac\":\"02:73:72:00:00:01\"}," NAME
	 "," RESOLVER "}",
	 false},
	{"{" GATEWAY ",\"guest\":{\"address\":\"192.0.0.2/32\",\"mac\":\"02:73:72:00:00:02\"}," NAME
	 "," RESOLVER "}",
	 false},
};

static enum fault_code read_tap(const char *tap, struct filter_plan *plan, struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	char line[1024];
	int len = snprintf(line, sizeof line,
			   "{\"address\":null,\"closed\":[],\"gateway\":null,\"interface\":null,"
			   "\"rules\":[],\"schemaVersion\":\"safe-run.filter/v1\",\"tap\":%s}",
			   tap);

	memset(plan, 0, sizeof *plan);
	if (canon_parse(line, (size_t)len, FAULT_RUN_NETWORK, &record, fault) != FAULT_NONE)
		return fault->code;
	return filter_plan_read(record, plan, fault);
}

Test(machine_network, what_the_filter_is_told)
{
	struct filter_plan *plan = calloc(1, sizeof *plan);

	for (size_t i = 0; i < sizeof taps / sizeof taps[0]; i++) {
		struct fault fault = {.message = ""};
		enum fault_code code = read_tap(taps[i].tap, plan, &fault);

		cr_expect_eq(code == FAULT_NONE, taps[i].good, "%s: %s", taps[i].tap,
			     fault.message);
	}
	free(plan);
}

static const struct {
	const char *text;
	bool good;
} macs[] = {
	{"02:73:72:00:00:01", true},
	{"fe:ff:ff:ff:ff:ff", true},
	{"00:00:00:00:00:00", true},
	{"01:00:5e:00:00:01", false},
	{"ff:ff:ff:ff:ff:ff", false},
	{"02:73:72:00:00:0A", false},
	{"02:73:72:00:00:0", false},
	{"02:73:72:00:00:011", false},
	{"02-73-72-00-00-01", false},
	{"02:73:72:00:00", false},
	{"", false},
	{"02:73:72:00:00:g1", false},
};

Test(machine_network, hardware_addresses)
{
	for (size_t i = 0; i < sizeof macs / sizeof macs[0]; i++) {
		uint8_t bytes[INTERFACE_MAC_LEN];

		cr_expect_eq(interface_mac_parse(macs[i].text, bytes), macs[i].good, "%s",
			     macs[i].text);
	}
}

#define ENDS                                                                                       \
	"\"address\":\"192.0.0.2\",\"gateway\":\"192.0.0.1\",\"gatewayMac\":\"02:73:72:00:00:"     \
	"01\","
#define HOSTS(text) "{" ENDS "\"hosts\":[" text "],\"mtu\":1500,\"resolver\":null}"

static const struct {
	const char *network;
	bool good;
	size_t hosts;
} jobs[] = {
	{"null", true, 0},
	{HOSTS(""), true, 0},
	{HOSTS("{\"addresses\":[\"203.0.113.10\"],\"host\":\"a.example\"}"), true, 1},
	{HOSTS("{\"addresses\":[\"203.0.113.10\",\"203.0.113.11\"],\"host\":\"a.example\"},"
	       "{\"addresses\":[],\"host\":\"b.example\"}"),
	 true, 2},
	{"{" ENDS "\"hosts\":[],\"mtu\":576,\"resolver\":\"192.0.0.1\"}", true, 0},
	{"{" ENDS "\"hosts\":[],\"mtu\":575,\"resolver\":null}", false, 0},
	{"{" ENDS "\"hosts\":[],\"mtu\":1501,\"resolver\":null}", false, 0},
	{"{" ENDS "\"hosts\":[],\"mtu\":1500,\"resolver\":\"a\"}", false, 0},
	{"{" ENDS "\"hosts\":[],\"mtu\":1500}", false, 0},
	{"{\"extra\":1," ENDS "\"hosts\":[],\"mtu\":1500,\"resolver\":null}", false, 0},
	{"{}", false, 0},
	{"[]", false, 0},
	/* What would be more than a line of /etc/hosts, or another. */
	{HOSTS("{\"addresses\":[\"203.0.113.10\"],\"host\":\"a b\"}"), false, 0},
	{HOSTS("{\"addresses\":[\"203.0.113.10\"],\"host\":\"a\\n1.2.3.4 b\"}"), false, 0},
	{HOSTS("{\"addresses\":[\"203.0.113.10\"],\"host\":\"A\"}"), false, 0},
	{HOSTS("{\"addresses\":[\"203.0.113.0/24\"],\"host\":\"a\"}"), false, 0},
	{HOSTS("{\"addresses\":[\"203.0.113\"],\"host\":\"a\"}"), false, 0},
	{HOSTS("{\"addresses\":[7],\"host\":\"a\"}"), false, 0},
	{HOSTS("{\"host\":\"a\"}"), false, 0},
	{HOSTS("7"), false, 0},
};

static enum fault_code read_job(const char *text, struct init_network *network, struct plan *plan,
				struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct fields fields;
	char line[1024];
	int len = snprintf(line, sizeof line, "{\"network\":%s}", text);
	enum fault_code code = canon_parse(line, (size_t)len, FAULT_RUN_NETWORK, &record, fault);

	*network = (struct init_network){.wanted = false};
	if (code == FAULT_NONE)
		code = fields_open(&fields, record, "job", FAULT_RUN_NETWORK, fault);
	return code == FAULT_NONE ? network_read(&fields, network, plan, fault) : code;
}

Test(machine_network, what_the_guest_is_told)
{
	for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
		struct plan *plan = plan_new();
		struct fault fault = {.message = ""};
		struct init_network network;
		enum fault_code code = read_job(jobs[i].network, &network, plan, &fault);

		cr_assert_not_null(plan);
		cr_expect_eq(code == FAULT_NONE, jobs[i].good, "%s: %s", jobs[i].network,
			     fault.message);
		if (code == FAULT_NONE) {
			cr_expect_eq(plan->network.host_count, jobs[i].hosts, "%s",
				     jobs[i].network);
			cr_expect_eq(network.wanted, strcmp(jobs[i].network, "null") != 0);
			cr_expect_eq(plan->network.wanted, network.wanted);
		}
		plan_free(plan);
	}
}
