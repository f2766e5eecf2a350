/* SPDX-License-Identifier: Apache-2.0 */
/* Which rule lets a name be reached at an address, what is learned, and what is counted. */
#include "ipc/object.h"
#include "stages/egress/book.h"
#include "stages/egress/flow.h"
#include "stages/egress/tally.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#define ONE 0xC0000201U /* 192.0.2.1 */
#define TWO 0xC0000202U

static const char plan[] =
	"{\"cidrs\":[\"10.0.0.0/8\"],\"rules\":["
	"{\"addresses\":[\"192.0.2.1\"],\"host\":\"a.example\",\"index\":0,\"port\":443},"
	"{\"addresses\":[\"192.0.2.2\"],\"host\":\"a.example\",\"index\":2,\"port\":80},"
	"{\"addresses\":[\"192.0.2.1\"],\"host\":\"in.w.example\",\"index\":3,\"port\":80},"
	"{\"addresses\":[],\"host\":\"*.w.example\",\"index\":7,\"port\":443}],"
	"\"schemaVersion\":\"safe-run.egress/v1\"}";

static void open_book(struct book *book)
{
	struct fault fault;

	cr_assert_eq(book_read(plan, strlen(plan), book, &fault), FAULT_NONE, "%s", fault.message);
}

static void learn(struct book *book, const char *name, uint32_t address, uint64_t now_ms)
{
	struct dns_addresses addresses = {.count = 0, .ttl = 60};

	dns_addresses_add(&addresses, address);
	cr_assert(book_learn(book, name, &addresses, now_ms));
}

Test(egress_book, permits)
{
	static const struct {
		const char *name;
		uint32_t address;
		unsigned port;
		int64_t index; /* -1: refused, for the reason */
		enum reason reason;
	} cases[] = {
		{"a.example", ONE, 443, 0, REASON_NONE},
		{"a.example", TWO, 80, 2, REASON_NONE},
		{"a.example", TWO, 443, -1, REASON_ADDRESS_NOT_OF_NAME},
		{"a.example", ONE, 80, -1, REASON_ADDRESS_NOT_OF_NAME},
		{"b.example", ONE, 443, -1, REASON_NAME_NOT_LISTED},
		{"aa.example", ONE, 443, -1, REASON_NAME_NOT_LISTED},
		{"x.a.example", ONE, 443, -1, REASON_NAME_NOT_LISTED},
		{"w.example", ONE, 443, -1, REASON_NAME_NOT_LISTED},
		{"xw.example", ONE, 443, -1, REASON_NAME_NOT_LISTED},
		{"one.w.example", ONE, 443, 7, REASON_NONE},
		{"one.w.example", TWO, 443, -1, REASON_ADDRESS_NOT_OF_NAME},
		{"one.w.example", ONE, 80, -1, REASON_NAME_NOT_LISTED},
		{"two.w.example", ONE, 443, -1, REASON_ADDRESS_NOT_OF_NAME},
		/* Pinned by another rule, and below the wildcard: never asked for again. */
		{"in.w.example", ONE, 443, 7, REASON_NONE},
		{"in.w.example", TWO, 443, -1, REASON_ADDRESS_NOT_OF_NAME},
	};
	struct book book;

	open_book(&book);
	learn(&book, "one.w.example", ONE, 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		enum reason reason;
		const struct book_rule *rule =
			book_permit(&book, cases[i].name, cases[i].address, cases[i].port, &reason);

		cr_expect_eq(reason, cases[i].reason, "%s: %s", cases[i].name, reason_name(reason));
		cr_expect_eq(rule != NULL ? rule->index : -1, cases[i].index, "%s at %u",
			     cases[i].name, cases[i].port);
	}
	cr_expect(book_has_port(&book, 443) && book_has_port(&book, 80));
	cr_expect_not(book_has_port(&book, 53));
	book_release(&book);
}

/* A name that changes its mind keeps what it had, until there is no more room. */
Test(egress_book, learns)
{
	struct dns_addresses full = {.count = 0, .ttl = 1};
	enum reason reason;
	struct book book;

	open_book(&book);
	learn(&book, "one.w.example", ONE, 0);
	learn(&book, "one.w.example", TWO, 1000);
	cr_expect_not_null(book_permit(&book, "one.w.example", ONE, 443, &reason));
	cr_expect_not_null(book_permit(&book, "one.w.example", TWO, 443, &reason));
	cr_expect_not_null(book_learned(&book, "one.w.example", 60999));
	cr_expect_null(book_learned(&book, "one.w.example", 61000));
	for (uint32_t i = 0; i < DNS_ADDRESS_MAX; i++)
		dns_addresses_add(&full, 0xC6336400U + i);
	cr_expect(book_learn(&book, "one.w.example", &full, 2000));
	cr_expect_not_null(book_permit(&book, "one.w.example", 0xC6336400U, 443, &reason));
	cr_expect_null(book_permit(&book, "one.w.example", ONE, 443, &reason));
	/* No lifetime is still long enough for the connection it was asked for. */
	cr_expect_not_null(book_learned(&book, "one.w.example", 3999));
	for (int i = 1; i < BOOK_NAME_MAX; i++) {
		char name[32];

		snprintf(name, sizeof name, "n%d.w.example", i);
		learn(&book, name, ONE, 0);
	}
	cr_expect_not(book_learn(&book, "more.w.example", &full, 0));
	cr_expect(book_learn(&book, "n1.w.example", &full, 0));
	book_release(&book);
}

Test(egress_book, refuses_plans)
{
#define RULES(text) "{\"cidrs\":[],\"rules\":[" text "],\"schemaVersion\":\"safe-run.egress/v1\"}"
#define RULE(addresses, host, index, port)                                                         \
	"{\"addresses\":[" addresses "],\"host\":\"" host "\",\"index\":" index ",\"port\":" port  \
	"}"
	static const char *const cases[] = {
		"",
		"{}",
		RULES(RULE("", "a.example", "0", "443")),
		RULES(RULE("\"192.0.2.1\"", "*.a.example", "0", "443")),
		RULES(RULE("\"192.0.2.1\"", "a.example", "0", "8443")),
		RULES(RULE("\"192.0.2.1\"", "A.example", "0", "443")),
		RULES(RULE("\"192.0.2.1\"", "a.example.", "0", "443")),
		RULES(RULE("\"192.0.2.1\"", "192.0.2.1", "0", "443")),
		RULES(RULE("", "*.*.example", "0", "443")),
		RULES(RULE("", "*", "0", "443")),
		RULES(RULE("\"192.0.2.1/32\"", "a.example", "0", "443")),
		RULES(RULE("\"192.0.2.01\"", "a.example", "0", "443")),
		RULES(RULE("\"192.0.2.1\"", "a.example", "-1", "443")),
		RULES(RULE("\"192.0.2.1\"", "a.example", "1",
			   "443") "," RULE("\"192.0.2.1\"", "b.example", "1", "443")),
		"{\"cidrs\":[\"10.0.0.1/8\"],\"rules\":[],\"schemaVersion\":\"safe-run.egress/"
		"v1\"}",
		"{\"cidrs\":[],\"rules\":[],\"schemaVersion\":\"safe-run.egress/v2\"}",
		"{\"cidrs\":[],\"rules\":[],\"schemaVersion\":\"safe-run.egress/v1\",\"x\":1}",
	};
	struct fault fault;
	struct book book;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		cr_expect_neq(book_read(cases[i], strlen(cases[i]), &book, &fault), FAULT_NONE,
			      "%s", cases[i]);
		book_release(&book);
	}
}

Test(egress_book, counts)
{
	static struct flows flows;
	static struct tally tally;
	struct book book;
	struct json_object *list;
	struct book_count *count;

	open_book(&book);
	for (int i = 0; i < FLOW_MAX + 3; i++) {
		char name[32];

		snprintf(name, sizeof name, "n%d.w.example", i);
		count = flow_find(&flows, &book.rules[3], ONE, name);
		cr_expect_eq(count == &book.rules[3].rest, i >= FLOW_MAX, "%d", i);
		count->connections++;
		count->bytes_out += 2;
		tally_add(&tally, 7, ONE, 443, name, REASON_NAME_NOT_LISTED);
		tally_add(&tally, 7, ONE, 443, name, REASON_NAME_NOT_LISTED);
	}
	cr_expect_eq(flow_find(&flows, &book.rules[3], ONE, "n0.w.example")->connections, 1);
	cr_expect_eq(flow_sum(&flows, &book.rules[3]).connections, FLOW_MAX + 3);
	cr_expect_eq(flow_sum(&flows, &book.rules[3]).bytes_out, 2 * (FLOW_MAX + 3));
	cr_expect_eq(flow_sum(&flows, &book.rules[0]).connections, 0);
	cr_expect_eq(tally.count, TALLY_MAX);
	cr_expect_eq(tally.overflow, 6);
	list = tally_to_json(&tally);
	cr_expect_str_eq(json_object_to_json_string_ext(json_object_array_get_idx(list, 0),
							JSON_C_TO_STRING_PLAIN),
			 "{\"count\":2,\"destination\":\"192.0.2.1\",\"index\":7,\"name\":"
			 "\"n0.w.example\",\"port\":443,\"reason\":\"name-not-listed\"}");
	object_release(&list);
	list = flow_to_json(&flows);
	cr_expect_eq(json_object_array_length(list), FLOW_MAX);
	object_release(&list);
	book_release(&book);
}

Test(egress_book, reasons_have_words)
{
	for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
		cr_assert_not_null(reason_name((enum reason)i), "%d", i);
		for (int k = REASON_NONE; k < i; k++)
			cr_expect_str_neq(reason_name((enum reason)i), reason_name((enum reason)k));
	}
}
