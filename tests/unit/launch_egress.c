/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sr-egress says at the end, which reads what the workload writes and may say anything: hits of the
 * rules it was given, or a fault.
 */
#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/launch/launch.h"
#include "stages/launch/network_egress.h"
#include "stages/launch/plan.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLOW	"\"bytesIn\":5,\"bytesOut\":6,\"count\":2,\"destination\":\"192.0.2.1\","
#define REFUSED "{\"count\":3,\"destination\":\"192.0.2.1\",\"index\":"
#define SAID	",\"name\":\"b.example\",\"port\":443,\"reason\":\"name-not-listed\"}"
#define FINAL(allowed, more, refused, rest)                                                        \
	"{\"allowed\":[" allowed "],\"allowedOverflow\":" more ",\"refused\":[" refused            \
	"],\"refusedOverflow\":" rest ",\"rules\":[],\"type\":\"final\"}"
#define ALLOWED "{" FLOW "\"index\":0,\"name\":\"a.example\",\"port\":443}"

static struct plan plan;

/* What is emitted for text, events joined by their lines; NULL when it is not taken. The caller's. */
static char *emitted(const char *text)
{
	static char out[65536];
	struct launch launch;
	struct json_object *final = NULL;
	struct fault fault;
	enum fault_code code;
	ssize_t len;
	int ends[2];

	launch_init(&launch);
	plan.network.rules[0] =
		(struct plan_rule){.host = "a.example", .tcp = true, .by_name = true, .port = 443};
	plan.network.rules[1] = (struct plan_rule){.cidr = "192.0.2.0/24", .tcp = true, .port = 80};
	plan.network.rule_count = 2;
	plan.network.named = true;
	launch.plan = &plan;
	snprintf(launch.events.run_id, sizeof launch.events.run_id, "sr-1");
	cr_assert_eq(pipe(ends), 0);
	launch.events.sink = (struct record_sink){.fd = ends[1], .record_fd = -1};
	cr_assert_eq(canon_parse(text, strlen(text), FAULT_RUN_NETWORK, &final, &fault), FAULT_NONE,
		     "%s: %s", text, fault.message);
	code = network_egress_report(&launch, final, &fault);
	close(ends[1]);
	len = read(ends[0], out, sizeof out - 1);
	close(ends[0]);
	object_release(&final);
	out[len > 0 ? len : 0] = '\0';
	return code == FAULT_NONE ? strdup(out) : NULL;
}

Test(launch_egress, hits)
{
	char *out = emitted(FINAL(ALLOWED, "4", REFUSED "0" SAID "," REFUSED "null" SAID, "5"));

	cr_assert_not_null(out);
	cr_expect_not_null(strstr(out, "{\"allowedHits\":2,\"blockedHits\":0,"), "%s", out);
	cr_expect_not_null(
		strstr(out, "\"bytesIn\":5,\"bytesOut\":6,\"chain\":\"redirect\",\"destination\":"
			    "\"192.0.2.1\",\"index\":0,\"name\":\"a.example\",\"observedBy\":"
			    "\"launcher\",\"port\":443,\"protocol\":\"tcp\",\"table\":\"safe_run\","
			    "\"tap\":\"lo\",\"target\":\"a.example\"}"),
		"%s", out);
	cr_expect_not_null(strstr(out, "\"allowedHits\":4,\"blockedHits\":0,"), "%s", out);
	cr_expect_not_null(strstr(out,
				  "\"index\":0,\"name\":\"b.example\",\"observedBy\":\"launcher"
				  "\",\"port\":443,\"protocol\":\"tcp\",\"reason\":\"name-not-"
				  "listed\""),
			   "%s", out);
	cr_expect_not_null(strstr(out, "\"index\":null,\"name\":\"b.example\""), "%s", out);
	cr_expect_not_null(strstr(out, "\"allowedHits\":0,\"blockedHits\":5,"), "%s", out);
	free(out);
	out = emitted(FINAL("", "0", "", "0"));
	cr_expect_str_eq(out, "");
	free(out);
}

Test(launch_egress, refuses)
{
	static const char *const cases[] = {
		"{}",
		"[]",
		FINAL("", "0", "", "-1"),
		FINAL("", "\"0\"", "", "0"),
		FINAL("1", "0", "", "0"),
		/* A rule that is not there, is another's, or has to be there. */
		FINAL("{" FLOW "\"index\":2,\"name\":\"a\",\"port\":443}", "0", "", "0"),
		FINAL("{" FLOW "\"index\":-1,\"name\":\"a\",\"port\":443}", "0", "", "0"),
		FINAL("{" FLOW "\"index\":1,\"name\":\"a\",\"port\":443}", "0", "", "0"),
		FINAL("{" FLOW "\"index\":null,\"name\":\"a\",\"port\":443}", "0", "", "0"),
		FINAL("", "0", REFUSED "1" SAID, "0"),
		FINAL("", "0", REFUSED "9" SAID, "0"),
		FINAL("{" FLOW "\"index\":0,\"name\":\"a\",\"port\":65536}", "0", "", "0"),
		FINAL("{" FLOW "\"index\":0,\"name\":7,\"port\":443}", "0", "", "0"),
		FINAL("{" FLOW "\"index\":0,\"name\":\"a\",\"port\":443,\"x\":1}", "0", "", "0"),
		FINAL("{" FLOW "\"index\":0,\"name\":\"a\",\"port\":443,\"reason\":\"x\"}", "0", "",
		      "0"),
		FINAL("", "0",
		      "{\"count\":0,\"destination\":\"\",\"index\":null,\"name\":\"\",\"port\":1,"
		      "\"reason\":\"x\"}",
		      "0"),
		FINAL("", "0",
		      "{\"count\":1,\"destination\":\"\",\"index\":null,\"name\":\"\",\"port\":1}",
		      "0"),
		"{\"allowed\":[],\"allowedOverflow\":0,\"refused\":[],\"refusedOverflow\":0,"
		"\"rules\":[],\"type\":\"ready\"}",
		"{\"allowed\":[],\"allowedOverflow\":0,\"refused\":[],\"refusedOverflow\":0,"
		"\"rules\":[],\"type\":\"final\",\"x\":1}",
		"{\"allowed\":[],\"allowedOverflow\":0,\"refused\":[],\"refusedOverflow\":0,"
		"\"type\":\"final\"}",
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *out = emitted(cases[i]);

		cr_expect_null(out, "%s: %s", cases[i], out);
		free(out);
	}
}

/* Each list has its cap, whoever says more. */
Test(launch_egress, caps)
{
	for (int count = 1023; count <= 1025; count++) {
		struct json_object *final = object_new(), *refused = array_new();
		struct launch launch;
		struct fault fault;
		enum fault_code code;

		launch_init(&launch);
		plan.network.rule_count = 0;
		launch.plan = &plan;
		launch.events.sink =
			(struct record_sink){.fd = open("/dev/null", O_WRONLY), .record_fd = -1};
		snprintf(launch.events.run_id, sizeof launch.events.run_id, "sr-1");
		for (int i = 0; i < count; i++) {
			struct json_object *item = object_new();

			object_add_integer(item, "count", 1);
			object_add_string(item, "destination", "192.0.2.1");
			object_add_null(item, "index");
			object_add_string(item, "name", "");
			object_add_integer(item, "port", 443);
			object_add_string(item, "reason", "silent");
			array_append(refused, item);
		}
		object_add(final, "allowed", array_new());
		object_add_integer(final, "allowedOverflow", 0);
		object_add(final, "refused", refused);
		object_add_integer(final, "refusedOverflow", 0);
		object_add(final, "rules", array_new());
		object_add_string(final, "type", "final");
		code = network_egress_report(&launch, final, &fault);
		cr_expect_eq(code == FAULT_NONE, count <= 1024, "%d", count);
		close(launch.events.sink.fd);
		object_release(&final);
	}
}
