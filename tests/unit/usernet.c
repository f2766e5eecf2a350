/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ordinary user's way out: which addresses it takes, what it thinks of those the host takes, what
 * sr-filter is told of it; and the executable with plans that are none.
 */
#include "stages/usernet/own.h"

#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/filter/plan.h"
#include "stages/uplink/plan.h"
#include "tests/support/child.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NETS_MAX 3

static struct net4 net(const char *text)
{
	struct net4 out;

	cr_assert(net4_parse(text, true, &out), "%s", text);
	return out;
}

static size_t take(const char *const texts[NETS_MAX], struct net4 *out)
{
	size_t count = 0;

	for (; count < NETS_MAX && texts[count]; count++)
		out[count] = net(texts[count]);
	return count;
}

static const struct {
	const char *rules[NETS_MAX], *host[NETS_MAX];
	const char *chosen; /* NULL: none is left */
} choices[] = {
	{{NULL}, {NULL}, "100.64.0.0/24"},
	{{"203.0.113.0/24"}, {"192.0.2.1"}, "100.64.0.0/24"},
	{{"100.64.0.255"}, {NULL}, "100.64.1.0/24"},
	{{"100.64.1.0"}, {NULL}, "100.64.0.0/24"},
	{{"100.64.0.0/24", "100.64.1.7"}, {NULL}, "100.64.2.0/24"},
	{{NULL}, {"100.64.0.100"}, "100.64.1.0/24"},
	{{"100.64.0.0/23"}, {"100.64.2.1"}, "100.64.3.0/24"},
	{{"100.64.0.0/11"}, {NULL}, "100.96.0.0/24"},
	/* As wide as the range, or wider, means none of it. */
	{{"100.64.0.0/10"}, {NULL}, "100.64.0.0/24"},
	{{"0.0.0.0/0"}, {NULL}, "100.64.0.0/24"},
	{{"100.64.0.0/11", "100.96.0.0/11"}, {NULL}, NULL},
	{{NULL}, {"100.64.0.0/10"}, NULL},
};

Test(usernet, network_of_the_inside)
{
	struct uplink_plan *plan = calloc(1, sizeof *plan);
	struct own *own = calloc(1, sizeof *own);

	for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
		char text[NET4_TEXT_SIZE];
		struct fault fault;
		struct net4 chosen;
		enum fault_code code;

		plan->address_count = take(choices[i].rules, plan->addresses);
		own->count = take(choices[i].host, own->nets);
		code = own_choose(own, plan, &chosen, &fault);
		cr_expect_eq(code == FAULT_NONE, choices[i].chosen != NULL, "choice %zu", i);
		if (code != FAULT_NONE || !choices[i].chosen)
			continue;
		net4_format(chosen, false, text);
		cr_expect_str_eq(text, choices[i].chosen, "choice %zu", i);
	}
	free(own);
	free(plan);
}

/* One datagram of the kernel's: a route. */
struct news {
	struct nlmsghdr header;
	struct rtmsg route;
	struct nlattr attribute;
	uint32_t to;
};

static struct news make_news(uint16_t message, uint8_t type, struct net4 to)
{
	return (struct news){
		.header = {.nlmsg_len = sizeof(struct news), .nlmsg_type = message},
		.route = {.rtm_family = AF_INET,
			  .rtm_dst_len = (unsigned char)to.len,
			  .rtm_type = type},
		.attribute = {.nla_len = sizeof(struct nlattr) + sizeof(uint32_t),
			      .nla_type = RTA_DST},
		.to = htonl(to.address),
	};
}

static const struct {
	uint16_t message;
	uint8_t type;
	const char *to;
	bool ends;
} routes[] = {
	{RTM_NEWROUTE, RTN_LOCAL, "192.0.2.7", true},
	{RTM_NEWROUTE, RTN_LOCAL, "192.0.2.0/25", true},
	{RTM_NEWROUTE, RTN_LOCAL, "192.0.0.0/16", true}, /* more than the rule, and all of it */
	{RTM_NEWROUTE, RTN_LOCAL, "0.0.0.0/0", true},
	{RTM_DELROUTE, RTN_LOCAL, "192.0.2.7", false},
	{RTM_NEWROUTE, RTN_UNICAST, "192.0.2.7", false},
	{RTM_NEWROUTE, RTN_LOCAL, "198.51.100.1", false}, /* no rule leads there */
	{RTM_NEWROUTE, RTN_LOCAL, "192.0.2.200", false},  /* was there before, and is closed */
	{RTM_NEWROUTE, RTN_LOCAL, "127.0.0.1", false},
	{RTM_NEWLINK, RTN_LOCAL, "192.0.2.7", false},
};

Test(usernet, addresses_the_host_takes)
{
	struct uplink_plan *plan = calloc(1, sizeof *plan);
	struct own *own = calloc(1, sizeof *own);
	int ends[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
	own->watch.fd = ends[0];
	own->link.fd = -1;
	own->nets[own->count++] = net("192.0.2.200");
	plan->addresses[plan->address_count++] = net("192.0.2.0/24");
	plan->addresses[plan->address_count++] = net("127.0.0.0/8");
	for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
		struct news news = make_news(routes[i].message, routes[i].type, net(routes[i].to));
		struct fault fault;

		/* Whole, and cut at every byte: no length in it is believed. */
		for (size_t len = 0; len <= sizeof news; len++) {
			bool whole = len == sizeof news;

			cr_assert_eq(send(ends[1], &news, len, 0), (ssize_t)len);
			cr_expect_eq(own_check(own, plan, &fault) != FAULT_NONE,
				     whole && routes[i].ends, "%s at %zu", routes[i].to, len);
		}
	}
	close(ends[0]);
	close(ends[1]);
	free(own);
	free(plan);
}

static const struct {
	const char *fields;
	bool good;
} plans[] = {
	{"\"address\":\"100.64.0.100\",\"bareResets\":true,\"closed\":[],\"gateway\":\"100.64.0."
	 "2\","
	 "\"interface\":\"sr-0\",\"mtu\":65520",
	 true},
	{"\"address\":\"100.64.0.100\",\"bareResets\":false,\"closed\":[],\"gateway\":\"100.64.0."
	 "2\","
	 "\"interface\":\"sr-0\",\"mtu\":576",
	 true},
	{"\"address\":\"100.64.0.100\",\"closed\":[],\"gateway\":\"100.64.0.2\",\"interface\":\"sr-"
	 "0\","
	 "\"mtu\":65535",
	 true},
	{"\"address\":\"100.64.0.100\",\"closed\":[],\"gateway\":\"100.64.0.2\",\"interface\":\"sr-"
	 "0\","
	 "\"mtu\":575",
	 false},
	{"\"address\":\"100.64.0.100\",\"closed\":[],\"gateway\":\"100.64.0.2\",\"interface\":\"sr-"
	 "0\","
	 "\"mtu\":65536",
	 false},
	{"\"address\":\"100.64.0.100\",\"closed\":[],\"gateway\":\"100.64.0.2\",\"interface\":\"sr-"
	 "0\","
	 "\"mtu\":null",
	 false},
	{"\"address\":null,\"closed\":[],\"gateway\":null,\"interface\":null,\"mtu\":1500", false},
	{"\"address\":null,\"bareResets\":true,\"closed\":[],\"gateway\":null,\"interface\":null",
	 false},
	{"\"address\":null,\"bareResets\":1,\"closed\":[],\"gateway\":null,\"interface\":\"sr-0\"",
	 false},
};

Test(usernet, what_the_filter_is_told)
{
	struct filter_plan *plan = calloc(1, sizeof *plan);

	for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
		struct json_object *record OBJECT_CLEANUP = NULL;
		struct fault fault = {.message = ""};
		char line[512];
		int len = snprintf(line, sizeof line,
				   "{%s,\"rules\":[],\"schemaVersion\":\"safe-run.filter/v1\"}",
				   plans[i].fields);

		memset(plan, 0, sizeof *plan);
		cr_assert_eq(canon_parse(line, (size_t)len, FAULT_RUN_NETWORK, &record, &fault),
			     FAULT_NONE, "%s: %s", line, fault.message);
		cr_expect_eq(filter_plan_read(record, plan, &fault) == FAULT_NONE, plans[i].good,
			     "%s: %s", line, fault.message);
	}
	free(plan);
}

#define SCHEMA	"\"schemaVersion\":\"safe-run.uplink/v1\""
#define NOTHING "" /* no plan at all */

/* None of them comes as far as looking for a program. */
static const char *const refused[] = {
	NOTHING,
	"{}\n",
	"{\"addresses\":[],\"interface\":\"sr-0123456789a\"," SCHEMA "}\n", /* 14 characters */
	"{\"addresses\":[],\"interface\":\"eth0\"," SCHEMA "}\n",
	"{\"addresses\":[],\"interface\":\"sr-0 -c\"," SCHEMA "}\n",
	"{\"addresses\":[\"203.0.113.10\"],\"interface\":\"sr-0\"," SCHEMA "}\n",
	"{\"addresses\":[],\"interface\":\"sr-0\",\"more\":1," SCHEMA "}\n",
	"{\"addresses\": [],\"interface\":\"sr-0\"," SCHEMA "}\n",
	"{\"addresses\":[],\"interface\":\"sr-0\",\"schemaVersion\":\"safe-run.uplink/v2\"}\n",
	"{\"addresses\":[],\"interface\":\"sr-0\"," SCHEMA "}", /* no end of line */
};

Test(usernet, plans_that_are_none)
{
	const char *argv[] = {child_path("sr-usernet"),
			      "--run-pid",
			      "1",
			      "--user-fd",
			      "9",
			      "--net-fd",
			      "9",
			      "--link-fd",
			      "9",
			      NULL};
	struct child_options options = {.keep_fds = {9}};

	cr_assert_eq(dup2(open("/dev/null", O_RDONLY), 9), 9);
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		struct child_result result;

		child_run(argv, refused[i], strlen(refused[i]), &options, &result);
		cr_expect_eq(result.status, 1, "%s: %d: %s", refused[i], result.status, result.err);
		cr_expect_not_null(strstr(result.out, "\"errors\":[{\"code\":\"SR-RUN-201\""),
				   "%s: %s", refused[i], result.out);
		child_release(&result);
	}
	argv[3] = NULL;
	struct child_result result;

	child_run(argv, "", 0, NULL, &result);
	cr_expect_eq(result.status, 2, "without its descriptors");
	child_release(&result);
}
