/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ClientHellos: those of real programs (OpenSSL, GnuTLS, curl, Python, Node) and made ones, each whole, in
 * two parts cut at every byte, and shorter by a byte.
 */
#include "stages/egress/hello.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <string.h>

#define NAME "a.example"

static const uint8_t *bytes(const struct vector *vector)
{
	return (const uint8_t *)vector->data;
}

Test(egress_hello, accepts)
{
	struct vector_set set;
	struct hello hello;

	vectors_load("hello/accept", &set);
	for (size_t i = 0; i < set.count; i++) {
		const struct vector *vector = &set.items[i];

		cr_expect_eq(hello_read(bytes(vector), vector->len, &hello), HELLO_DONE, "%s: %s",
			     vector->name, reason_name(hello.reason));
		cr_expect_str_eq(hello.name, NAME, "%s", vector->name);
		cr_expect_eq(hello.wire_len, vector->len, "%s", vector->name);
		for (size_t len = 0; len < vector->len; len++)
			cr_expect_eq(hello_read(bytes(vector), len, &hello), HELLO_MORE,
				     "%s cut at %zu", vector->name, len);
	}
	vectors_release(&set);
}

/* "<reason>" or "<reason>+<what is wrong>". */
static bool is_for(const char *name, enum reason reason)
{
	const char *word = reason_name(reason);
	const size_t len = strlen(word);

	return len > 0 && strncmp(name, word, len) == 0 && (name[len] == '\0' || name[len] == '+');
}

static enum reason reason_of(const char *name)
{
	size_t reason = 0;

	while (reason < REASON_COUNT && !is_for(name, (enum reason)reason))
		reason++;
	cr_assert_neq(reason, REASON_COUNT, "%s", name);
	return (enum reason)reason;
}

Test(egress_hello, rejects)
{
	struct vector_set set;
	struct hello hello;

	vectors_load("hello/reject", &set);
	for (size_t i = 0; i < set.count; i++) {
		const struct vector *vector = &set.items[i];
		const enum reason expected = reason_of(vector->name);

		cr_expect_eq(hello_read(bytes(vector), vector->len, &hello), HELLO_REFUSED, "%s",
			     vector->name);
		cr_expect_eq(hello.reason, expected, "%s: %s", vector->name,
			     reason_name(hello.reason));
		cr_expect(expected != REASON_SNI_MALFORMED || hello.name[0] == '\0', "%s: %s",
			  vector->name, hello.name);
		/* However it arrives, it is never let through, and not for another reason. */
		for (size_t len = 0; len < vector->len; len++) {
			const enum hello_status status = hello_read(bytes(vector), len, &hello);

			cr_expect_neq(status, HELLO_DONE, "%s cut at %zu", vector->name, len);
			cr_expect(status == HELLO_MORE || hello.reason == expected,
				  "%s cut at %zu: %s", vector->name, len,
				  reason_name(hello.reason));
		}
	}
	vectors_release(&set);
}

/* One with a name of len characters, in one record. */
static size_t named(uint8_t *out, const char *name, size_t len)
{
	static const uint8_t begin[] = {0x16, 3, 1, 0, 0, 1, 0, 0, 0, 3, 3};
	uint8_t *at = out + sizeof begin;
	size_t message;

	memcpy(out, begin, sizeof begin);
	memset(at, 7, 32);
	at += 32;
	memcpy(at, "\0\0\2\x13\1\1\0", 7);
	at += 7;
	*at++ = (uint8_t)((len + 9) >> 8);
	*at++ = (uint8_t)(len + 9);
	*at++ = 0;
	*at++ = 0;
	*at++ = (uint8_t)((len + 5) >> 8);
	*at++ = (uint8_t)(len + 5);
	*at++ = (uint8_t)((len + 3) >> 8);
	*at++ = (uint8_t)(len + 3);
	*at++ = 0;
	*at++ = (uint8_t)(len >> 8);
	*at++ = (uint8_t)len;
	memcpy(at, name, len);
	at += len;
	message = (size_t)(at - out) - 5;
	out[3] = (uint8_t)(message >> 8);
	out[4] = (uint8_t)message;
	out[7] = (uint8_t)((message - 4) >> 8);
	out[8] = (uint8_t)(message - 4);
	return (size_t)(at - out);
}

/* Labels of 61 with their dots are 62: four of them and five characters are 253, the most there is. */
Test(egress_hello, long_names)
{
	static const struct {
		size_t last;
		enum hello_status status;
	} cases[] = {{4, HELLO_DONE}, {5, HELLO_DONE}, {6, HELLO_REFUSED}, {7, HELLO_REFUSED}};
	uint8_t data[1024];
	struct hello hello;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char name[300] = "";
		size_t len;

		for (int k = 0; k < 4; k++) {
			memset(name + strlen(name), 'a' + k, 61);
			strcat(name, ".");
		}
		memset(name + 248, 'z', cases[i].last);
		name[248 + cases[i].last] = '\0';
		len = named(data, name, strlen(name));
		cr_expect_eq(hello_read(data, len, &hello), cases[i].status, "%zu", strlen(name));
		if (cases[i].status == HELLO_DONE)
			cr_expect_str_eq(hello.name, name);
	}
}

/* What may stand between the first and what is encrypted. */
Test(egress_hello, second)
{
	static const char ccs[] = "\x14\3\3\0\1\1", alert[] = "\x15\3\3\0\2\1\x5a";
	static const char data[] = "\x17\3\3\0\1x", finished[] = "\x16\3\3\0\5\x14\0\0\0x";
	uint8_t same[256], other[256], late[512];
	const size_t same_len = named(same, NAME, strlen(NAME));
	const size_t other_len = named(other, "b.example", strlen("b.example"));
	struct hello hello;
	const struct {
		const char *what, *before;
		size_t before_len;
		const void *then;
		size_t then_len;
		enum hello_status status;
		enum reason reason;
	} cases[] = {
		{"data", "", 0, data, sizeof data - 1, HELLO_DONE, REASON_NONE},
		{"ccs, data", ccs, 6, data, sizeof data - 1, HELLO_DONE, REASON_NONE},
		{"a key exchange", "", 0, finished, sizeof finished - 1, HELLO_DONE, REASON_NONE},
		{"the same", "", 0, same, same_len, HELLO_DONE, REASON_NONE},
		{"ccs, the same", ccs, 6, same, same_len, HELLO_DONE, REASON_NONE},
		{"another", "", 0, other, other_len, HELLO_REFUSED, REASON_SNI_CHANGED},
		{"ccs, another", ccs, 6, other, other_len, HELLO_REFUSED, REASON_SNI_CHANGED},
		{"alert, another", alert, 7, other, other_len, HELLO_REFUSED, REASON_SNI_CHANGED},
		{"half of another", "", 0, other, other_len / 2, HELLO_MORE, REASON_NONE},
		{"nothing behind ccs", ccs, 6, "", 0, HELLO_MORE, REASON_NONE},
		{"half a ccs", ccs, 3, "", 0, HELLO_MORE, REASON_NONE},
		{"a long alert", "\x15\3\3\0\3\1\x5a\0", 8, other, other_len, HELLO_REFUSED,
		 REASON_HELLO_MALFORMED},
		{"no record", "GET / HTTP/1.1", 14, "", 0, HELLO_REFUSED, REASON_HELLO_MALFORMED},
		{"one of 4 bytes", "\x16\3\3\0\4\1\0\0\0", 9, "", 0, HELLO_REFUSED,
		 REASON_HELLO_MALFORMED},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		enum hello_status status;

		memcpy(late, cases[i].before, cases[i].before_len);
		memcpy(late + cases[i].before_len, cases[i].then, cases[i].then_len);
		status = hello_second(late, cases[i].before_len + cases[i].then_len, NAME, &hello);
		cr_expect_eq(status, cases[i].status, "%s: %d", cases[i].what, status);
		if (status == HELLO_REFUSED)
			cr_expect_eq(hello.reason, cases[i].reason, "%s: %s", cases[i].what,
				     reason_name(hello.reason));
	}
	/* Any number of records that are passed over: only so many. */
	for (size_t i = 0; i < 20; i++)
		memcpy(late + 6 * i, ccs, 6);
	cr_expect_eq(hello_second(late, 120, NAME, &hello), HELLO_REFUSED);
}
