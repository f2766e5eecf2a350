/* SPDX-License-Identifier: Apache-2.0 */
/* Names and messages of DNS as anybody may send them, and what sr-resolve asks and believes. */
#include "stages/resolve/dns_message.h"
#include "stages/resolve/reach.h"
#include "stages/resolve/resolv_conf.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* Bytes with their length, from a string literal that may hold NUL. */
#define B(literal) (const uint8_t *)(literal), sizeof(literal) - 1

Test(resolve_dns, names)
{
	static const struct {
		const char *what;
		const uint8_t *data;
		size_t len, offset;
		const char *text; /* NULL: refused */
		size_t after;
	} cases[] = {
		{"the root", B("\0"), 0, "", 1},
		{"two labels", B("\1a\7EXAMPLE\0x"), 0, "a.example", 11},
		{"all that is let through", B("\4_-9z\1b\0"), 0, "_-9z.b", 8},
		{"compressed", B("\1a\0\1b\xC0\0"), 3, "b.a", 7},
		{"a pointer alone", B("\1a\0\xC0\0x"), 3, "a", 5},
		{"two pointers", B("\1a\0\1b\xC0\0\1c\xC0\3"), 7, "c.b.a", 11},
		{"cut in a label", B("\3ab"), 0, NULL, 0},
		{"no end", B("\1a"), 0, NULL, 0},
		{"nothing", B(""), 0, NULL, 0},
		{"behind the end", B("\0"), 1, NULL, 0},
		{"half a pointer", B("\1a\xC0"), 0, NULL, 0},
		{"to itself", B("\xC0\0"), 0, NULL, 0},
		{"to itself, behind a label", B("\1a\xC0\0"), 0, NULL, 0},
		{"a circle of two", B("\xC0\2\xC0\0"), 2, NULL, 0},
		{"forward", B("\xC0\2\1a\0"), 0, NULL, 0},
		{"behind the message", B("\1a\0\xC1\0"), 3, NULL, 0},
		{"into its own labels", B("\1a\1b\xC0\2"), 0, NULL, 0},
		{"a label type of 01",
		 B("\x41"
		   "a\0"),
		 0, NULL, 0},
		{"a label type of 10",
		 B("\x81"
		   "a\0"),
		 0, NULL, 0},
		{"a dot in a label", B("\3a.b\0"), 0, NULL, 0},
		{"a NUL in a label", B("\3a\0b\0"), 0, NULL, 0},
		{"a byte of 8 bits", B("\1\xE9\0"), 0, NULL, 0},
		{"a blank", B("\1 \0"), 0, NULL, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[DNS_NAME_SIZE] = "";
		size_t at = cases[i].offset;
		bool read = dns_name_read(cases[i].data, cases[i].len, &at, text);

		cr_expect_eq(read, cases[i].text != NULL, "%s", cases[i].what);
		if (!read || cases[i].text == NULL)
			continue;
		cr_expect_str_eq(text, cases[i].text, "%s", cases[i].what);
		cr_expect_eq(at, cases[i].after, "%s: %zu", cases[i].what, at);
	}
}

/* Four labels of 61 and one: 255 bytes on the wire are the most. */
static size_t long_name(uint8_t *out, size_t last)
{
	size_t len = 0;

	for (int i = 0; i < 4; i++) {
		out[len++] = 61;
		memset(out + len, 'a', 61);
		len += 61;
	}
	out[len++] = (uint8_t)last;
	memset(out + len, 'b', last);
	len += last;
	out[len++] = 0;
	return len;
}

Test(resolve_dns, long_names)
{
	uint8_t data[300], wire[DNS_NAME_WIRE_MAX];
	char text[DNS_NAME_SIZE], label[80];

	for (size_t last = 4; last <= 6; last++) {
		const size_t len = long_name(data, last);
		size_t at = 0;

		cr_expect_eq(dns_name_read(data, len, &at, text), last <= 5, "%zu bytes", len);
		if (last <= 5) {
			cr_expect_eq(dns_name_write(text, wire), len);
			cr_expect_arr_eq(wire, data, len);
		}
	}
	for (size_t len = 62; len <= 64; len++) {
		memset(label, 'a', len);
		strcpy(label + len, ".b");
		cr_expect_eq(dns_name_write(label, wire) != 0, len <= 63, "%zu", len);
	}
	cr_expect_eq(dns_name_write("", wire), 0);
	cr_expect_eq(dns_name_write("a..b", wire), 0);
	cr_expect_eq(dns_name_write("a.", wire), 0);
	cr_expect_eq(dns_name_write(".a", wire), 0);
}

#define QUESTION				 "\1a\7example\0\0\1\0\1"
#define HEAD(flags, answers)			 "\x12\x34" flags "\0\1\0" answers "\0\0\0\0"
#define ANSWER(owner, type, ttl, data_len, data) owner "\0" type "\0\1\0\0\0" ttl "\0" data_len data
#define SELF					 "\xC0\x0C"

Test(resolve_dns, answers)
{
	static const struct {
		const char *what;
		const uint8_t *data;
		size_t len;
		enum dns_answer answer;
		uint32_t address; /* the first */
		uint32_t ttl;
	} cases[] = {
		{"one address",
		 B(HEAD("\x81\x80", "\1") QUESTION ANSWER(SELF, "\1", "\x3c", "\4", "\xC0\0\2\1")),
		 DNS_ANSWER_FOUND, 0xC0000201U, 60},
		{"behind a CNAME",
		 B(HEAD("\x81\x80", "\2") QUESTION ANSWER(SELF, "\5", "\x0a", "\4", "\1b\xC0\x0E")
			   ANSWER("\1b\xC0\x0E", "\1", "\x3c", "\4", "\xC0\0\2\1")),
		 DNS_ANSWER_FOUND, 0xC0000201U, 10},
		{"an address of another name",
		 B(HEAD("\x81\x80", "\1")
			   QUESTION ANSWER("\1b\xC0\x0E", "\1", "\x3c", "\4", "\xC0\0\2\1")),
		 DNS_ANSWER_NO_ADDRESS, 0, 0},
		{"a CNAME of another name",
		 B(HEAD("\x81\x80", "\2")
			   QUESTION ANSWER("\1c\xC0\x0E", "\5", "\x3c", "\4", "\1b\xC0\x0E")
				   ANSWER("\1b\xC0\x0E", "\1", "\x3c", "\4", "\xC0\0\2\1")),
		 DNS_ANSWER_NO_ADDRESS, 0, 0},
		{"a CNAME to itself",
		 B(HEAD("\x81\x80", "\1") QUESTION ANSWER(SELF, "\5", "\x3c", "\2", SELF)),
		 DNS_ANSWER_MALFORMED, 0, 0},
		{"two CNAMEs",
		 B(HEAD("\x81\x80", "\2") QUESTION ANSWER(SELF, "\5", "\x3c", "\4", "\1b\xC0\x0E")
			   ANSWER(SELF, "\5", "\x3c", "\4", "\1c\xC0\x0E")),
		 DNS_ANSWER_MALFORMED, 0, 0},
		{"a CNAME and an address",
		 B(HEAD("\x81\x80", "\2") QUESTION ANSWER(SELF, "\5", "\x3c", "\4", "\1b\xC0\x0E")
			   ANSWER(SELF, "\1", "\x3c", "\4", "\xC0\0\2\1")),
		 DNS_ANSWER_MALFORMED, 0, 0},
		{"an owner that points at itself",
		 B(HEAD("\x81\x80", "\1")
			   QUESTION ANSWER("\xC0\x1B", "\1", "\x3c", "\4", "\xC0\0\2\1")),
		 DNS_ANSWER_MALFORMED, 0, 0},
		{"an address of 3 bytes",
		 B(HEAD("\x81\x80", "\1") QUESTION ANSWER(SELF, "\1", "\x3c", "\3", "\xC0\0\2")),
		 DNS_ANSWER_MALFORMED, 0, 0},
		{"more data than there is",
		 B(HEAD("\x81\x80", "\1") QUESTION ANSWER(SELF, "\1", "\x3c", "\5", "\xC0\0\2\1")),
		 DNS_ANSWER_MALFORMED, 0, 0},
		{"fewer records than told",
		 B(HEAD("\x81\x80", "\2") QUESTION ANSWER(SELF, "\1", "\x3c", "\4", "\xC0\0\2\1")),
		 DNS_ANSWER_MALFORMED, 0, 0},
		{"no records", B(HEAD("\x81\x80", "\0") QUESTION), DNS_ANSWER_NO_ADDRESS, 0, 0},
		{"no such name", B(HEAD("\x81\x83", "\0") QUESTION), DNS_ANSWER_NXDOMAIN, 0, 0},
		{"SERVFAIL", B(HEAD("\x81\x82", "\0") QUESTION), DNS_ANSWER_FAILED, 0, 0},
		{"cut", B(HEAD("\x83\x80", "\0") QUESTION), DNS_ANSWER_TRUNCATED, 0, 0},
		{"a question", B(HEAD("\1\0", "\0") QUESTION), DNS_ANSWER_FOREIGN, 0, 0},
		{"another id", B("\x12\x35\x81\x80\0\1\0\0\0\0\0\0" QUESTION), DNS_ANSWER_FOREIGN,
		 0, 0},
		{"another name", B(HEAD("\x81\x80", "\0") "\1b\7example\0\0\1\0\1"),
		 DNS_ANSWER_FOREIGN, 0, 0},
		{"another type", B(HEAD("\x81\x80", "\0") "\1a\7example\0\0\x1c\0\1"),
		 DNS_ANSWER_FOREIGN, 0, 0},
		{"other letters", B(HEAD("\x81\x80", "\0") "\1A\7example\0\0\1\0\1"),
		 DNS_ANSWER_CASE, 0, 0},
		{"no question", B("\x12\x34\x81\x80\0\0\0\0\0\0\0\0"), DNS_ANSWER_FOREIGN, 0, 0},
		{"two questions", B("\x12\x34\x81\x80\0\2\0\0\0\0\0\0" QUESTION QUESTION),
		 DNS_ANSWER_FOREIGN, 0, 0},
		{"nothing", B(""), DNS_ANSWER_FOREIGN, 0, 0},
	};
	uint8_t query[DNS_QUERY_MAX];
	const size_t query_len = dns_query_write("a.example", 0x1234, query);

	cr_assert_eq(query_len, 12 + sizeof QUESTION - 1);
	cr_assert_arr_eq(query + 12, QUESTION, sizeof QUESTION - 1);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dns_addresses found;
		unsigned rcode;
		const enum dns_answer answer = dns_answer_read(cases[i].data, cases[i].len, query,
							       query_len, &found, &rcode);

		cr_expect_eq(answer, cases[i].answer, "%s: %d", cases[i].what, answer);
		if (answer != DNS_ANSWER_FOUND || cases[i].answer != DNS_ANSWER_FOUND)
			continue;
		cr_expect_eq(found.items[0], cases[i].address, "%s", cases[i].what);
		cr_expect_eq(found.ttl, cases[i].ttl, "%s", cases[i].what);
		/* Shorter by anything it is never an answer. */
		for (size_t len = 0; len < cases[i].len; len++)
			cr_expect_neq(dns_answer_read(cases[i].data, len, query, query_len, &found,
						      &rcode),
				      DNS_ANSWER_FOUND, "%s cut at %zu", cases[i].what, len);
	}
}

Test(resolve_dns, questions)
{
	static const struct {
		const char *what;
		const uint8_t *data;
		size_t len;
		bool answered, readable;
		enum dns_rcode rcode;
	} cases[] = {
		{"a question", B(HEAD("\1\0", "\0") QUESTION), true, true, DNS_NOERROR},
		{"with EDNS",
		 B("\x12\x34\1\0\0\1\0\0\0\0\0\1" QUESTION "\0\0\x29\x10\0\0\0\0\0\0\0"), true,
		 true, DNS_NOERROR},
		{"a response", B(HEAD("\x81\x80", "\0") QUESTION), false, false, DNS_FORMERR},
		{"half a header", B("\x12\x34\1\0\0\1\0\0\0\0\0"), false, false, DNS_FORMERR},
		{"an update", B(HEAD("\x29\0", "\0") QUESTION), true, false, DNS_NOTIMP},
		{"none", B("\x12\x34\1\0\0\0\0\0\0\0\0\0"), true, false, DNS_FORMERR},
		{"two", B("\x12\x34\1\0\0\2\0\0\0\0\0\0" QUESTION QUESTION), true, false,
		 DNS_FORMERR},
		{"cut in the name", B(HEAD("\1\0", "\0") "\1a\7exam"), true, false, DNS_FORMERR},
		{"cut in the class", B(HEAD("\1\0", "\0") "\1a\7example\0\0\1\0"), true, false,
		 DNS_FORMERR},
		{"a name that points at itself", B(HEAD("\1\0", "\0") "\xC0\x0C\0\1\0\1"), true,
		 false, DNS_FORMERR},
		{"a NUL in the name", B(HEAD("\1\0", "\0") "\3a\0b\0\0\1\0\1"), true, false,
		 DNS_REFUSED},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct dns_question question;
		uint8_t out[DNS_UDP_MAX];
		const bool answered = dns_question_read(cases[i].data, cases[i].len, &question);
		size_t len;

		cr_expect_eq(answered, cases[i].answered, "%s", cases[i].what);
		cr_expect_eq(question.readable, cases[i].readable, "%s", cases[i].what);
		if (!answered)
			continue;
		cr_expect_eq(question.rcode, cases[i].rcode, "%s: %d", cases[i].what,
			     question.rcode);
		len = dns_response_write(cases[i].data, &question, question.rcode, NULL, out,
					 sizeof out);
		cr_expect(len >= 12 && len <= cases[i].len, "%s", cases[i].what);
		cr_expect_eq(out[2] & 0x80, 0x80, "%s", cases[i].what);
	}
}

/* More addresses than fit: as many as do, and TC. */
Test(resolve_dns, responses)
{
	struct dns_addresses many = {.count = 0, .ttl = 9};
	struct dns_question question;
	uint8_t out[DNS_UDP_MAX];
	size_t len;

	for (uint32_t i = 0; i < DNS_ADDRESS_MAX + 2; i++)
		dns_addresses_add(&many, 0xC6336480U - i);
	cr_expect(many.cut && many.count == DNS_ADDRESS_MAX);
	for (size_t i = 1; i < many.count; i++)
		cr_expect_lt(many.items[i - 1], many.items[i]);
	cr_assert(dns_question_read(B(HEAD("\1\0", "\0") QUESTION), &question));
	len = dns_response_write((const uint8_t *)HEAD("\1\0", "\0") QUESTION, &question,
				 DNS_NOERROR, &many, out, sizeof out);
	cr_expect_eq(len, 12 + sizeof QUESTION - 1 + 16 * ((512 - 12 - sizeof QUESTION + 1) / 16));
	cr_expect_eq(out[2] & 2, 2);
	cr_expect_eq(out[7], (512 - 12 - sizeof QUESTION + 1) / 16);
}

Test(resolve_reach, closes)
{
	static const struct {
		const char *address, *cidr; /* "": the policy lists none */
		bool open, named;
	} cases[] = {
		{"192.0.2.1", "", true, false},
		{"10.0.0.1", "", true, false},
		{"127.0.0.1", "", false, false},
		{"0.0.0.0", "", false, false},
		{"169.254.169.254", "", false, false},
		{"168.63.129.16", "", false, false},
		{"168.63.129.17", "", true, false},
		{"100.100.100.200", "", false, false},
		{"192.0.0.8", "", false, false},
		{"224.0.0.1", "", false, false},
		{"255.255.255.255", "", false, false},
		{"223.255.255.255", "", true, false},
		/* A wide one does not mean them; one inside does. */
		{"169.254.169.254", "0.0.0.0/0", false, false},
		{"169.254.169.254", "169.254.0.0/15", false, false},
		{"169.254.169.254", "169.254.0.0/16", true, false},
		{"169.254.169.254", "169.254.169.254/32", true, true},
		{"169.254.169.254", "169.254.169.253/32", false, false},
		{"100.100.100.200", "100.64.0.0/10", false, false},
		{"100.100.100.200", "100.100.100.200/32", true, true},
		{"127.0.0.1", "127.0.0.0/8", true, false},
		{"192.0.2.1", "192.0.2.0/24", true, false},
		{"192.0.2.1", "192.0.2.1/32", true, true},
	};
	static struct reach reach;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint32_t address;

		cr_assert(reach_address_parse(cases[i].address, &address));
		reach.cidr_count = cases[i].cidr[0] != '\0';
		if (reach.cidr_count > 0)
			cr_assert(reach_cidr_parse(cases[i].cidr, &reach.cidrs[0]));
		cr_expect_eq(reach_refusal(&reach, address) == NULL, cases[i].open, "%s with %s",
			     cases[i].address, cases[i].cidr);
		cr_expect_eq(reach_names(&reach, address), cases[i].named, "%s with %s",
			     cases[i].address, cases[i].cidr);
	}
}

Test(resolve_conf, says_whom_to_ask)
{
	static const struct {
		const char *text;
		size_t servers; /* 0: refused */
		unsigned try_ms, attempts;
	} cases[] = {
		{"nameserver 192.0.2.1\n", 1, 1000, 3},
		{"nameserver\t192.0.2.1 ", 1, 1000, 3},
		{"# x\n;y\nsearch a b\nnameserver 192.0.2.1\nnameserver 192.0.2.2", 2, 1000, 3},
		{"nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\nnameserver "
		 "192.0.2.4\n",
		 3, 1000, 3},
		{"nameserver 192.0.2.1\noptions rotate timeout:7 attempts:2 edns0\n", 1, 7000, 2},
		{"nameserver 192.0.2.1\noptions timeout:0 attempts:99\n", 1, 1000, 5},
		{"nameserver 192.0.2.1\noptions timeout:999999999\n", 1, 30000, 3},
		{"nameserver 2001:db8::1\nnameserver 192.0.2.1\n", 1, 1000, 3},
		{"nameserver 2001:db8::1\n", 0, 0, 0},
		{"nameserver 192.0.2.01\n", 0, 0, 0},
		{"nameserver\n", 0, 0, 0},
		{"xnameserver 192.0.2.1\n", 0, 0, 0},
		{"", 0, 0, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct resolv_conf conf;
		struct fault fault;
		const enum fault_code code =
			resolv_conf_parse(cases[i].text, strlen(cases[i].text), &conf, &fault);

		cr_expect_eq(code == FAULT_NONE, cases[i].servers > 0, "%s", cases[i].text);
		if (code != FAULT_NONE)
			continue;
		cr_expect_eq(conf.server_count, cases[i].servers, "%s", cases[i].text);
		cr_expect_eq(conf.try_ms, cases[i].try_ms, "%s", cases[i].text);
		cr_expect_eq(conf.attempts, cases[i].attempts, "%s", cases[i].text);
	}
}
