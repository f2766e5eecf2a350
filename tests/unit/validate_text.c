/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/address.h"
#include "stages/validate/path.h"
#include "stages/validate/suggest.h"
#include "stages/validate/text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Every code point there and back. */
Test(validate_text, utf8_round_trip)
{
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		char bytes[4];
		uint32_t again = 0;
		size_t len;

		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		len = text_encode(c, bytes);
		cr_assert_eq(text_decode(bytes, len, &again), len);
		cr_assert_eq(again, c);
		cr_assert_eq(text_decode(bytes, len - 1, &again), 0);
	}
}

static const struct {
	const char *one, *other;
	size_t distance;
} distances[] = {
	{"memory", "memory", 0},
	{"memroy", "memory", 1},
	{"memor", "memory", 1},
	{"memoryy", "memory", 1},
	{"nemory", "memory", 1},
	{"Memory", "memory", 0},
	{"", "abc", 3},
	{"abc", "", 3},
	{"", "", 0},
	{"ca", "abc", 3},
	{"kitten", "sitting", 3},
	{"read-only", "read_only", 1},
	{"12345678901234567890123456789012", "12345678901234567890123456789012", 0},
	{"123456789012345678901234567890123", "1", SUGGEST_FAR},
	{"1", "123456789012345678901234567890123", SUGGEST_FAR},
};

Test(validate_suggest, distances)
{
	for (size_t i = 0; i < COUNT(distances); i++)
		cr_expect_eq(suggest_distance(distances[i].one, distances[i].other),
			     distances[i].distance, "%s %s: %zu", distances[i].one,
			     distances[i].other,
			     suggest_distance(distances[i].one, distances[i].other));
}

static const struct {
	const char *text;
	enum path_fault fault;
	const char *clean;
} paths[] = {
	{"/", PATH_OK, "/"},
	{"//", PATH_OK, "/"},
	{"/a", PATH_OK, "/a"},
	{"/a/", PATH_OK, "/a"},
	{"//a///b/./c/.", PATH_OK, "/a/b/c"},
	{"/...", PATH_OK, "/..."},
	{"/.a/..b/c..", PATH_OK, "/.a/..b/c.."},
	{"/\xc3\xa9", PATH_OK, "/\xc3\xa9"},
	{"/ a", PATH_OK, "/ a"},
	{"", PATH_EMPTY, NULL},
	{"a/b", PATH_RELATIVE, NULL},
	{"./a", PATH_RELATIVE, NULL},
	{"/..", PATH_DOTDOT, NULL},
	{"/a/../b", PATH_DOTDOT, NULL},
	{"/a/..", PATH_DOTDOT, NULL},
	{"/a\nb", PATH_CONTROL, NULL},
	{"/a\x1b[0m", PATH_CONTROL, NULL},
	{"/a\x7f", PATH_CONTROL, NULL},
	{"/\xc2\x9b", PATH_CONTROL, NULL},
	{"/\xff", PATH_CONTROL, NULL},
	{"/\xc3", PATH_CONTROL, NULL},
};

Test(validate_path, clean)
{
	char out[PATH_TEXT_MAX + 1];

	for (size_t i = 0; i < COUNT(paths); i++) {
		cr_expect_eq(path_clean(paths[i].text, out), paths[i].fault, "%s", paths[i].text);
		if (paths[i].clean != NULL)
			cr_expect_str_eq(out, paths[i].clean);
	}
}

static enum path_fault clean_long(size_t len, size_t name_len)
{
	char *text = malloc(len + 1);
	char out[PATH_TEXT_MAX + 1];
	enum path_fault fault;

	for (size_t i = 0; i < len; i++)
		text[i] = i % (name_len + 1) == 0 ? '/' : 'x';
	text[len] = '\0';
	fault = path_clean(text, out);
	free(text);
	return fault;
}

Test(validate_path, caps)
{
	cr_expect_eq(clean_long(PATH_TEXT_MAX - 1, 10), PATH_OK);
	cr_expect_eq(clean_long(PATH_TEXT_MAX, 10), PATH_OK);
	cr_expect_eq(clean_long(PATH_TEXT_MAX + 1, 10), PATH_LONG);
	cr_expect_eq(clean_long(PATH_NAME_MAX, 1000), PATH_OK);	    /* 254 */
	cr_expect_eq(clean_long(PATH_NAME_MAX + 1, 1000), PATH_OK); /* 255 */
	cr_expect_eq(clean_long(PATH_NAME_MAX + 2, 1000), PATH_LONG);
}

static const struct {
	const char *path, *prefix;
	bool below;
} pairs[] = {
	{"/data", "/data", true}, {"/data/x", "/data", true}, {"/database", "/data", false},
	{"/dat", "/data", false}, {"/", "/data", false},      {"/data", "/", true},
	{"/", "/", true},	  {"/a/b", "/a/b/c", false},  {"/a/b/c", "/a/b", true},
};

Test(validate_path, below)
{
	for (size_t i = 0; i < COUNT(pairs); i++)
		cr_expect_eq(path_below(pairs[i].path, pairs[i].prefix), pairs[i].below, "%s %s",
			     pairs[i].path, pairs[i].prefix);
}

Test(validate_path, denied)
{
	static const char *const host[] = {"/proc",	     "/proc/1", "/sys",
					   "/sys/fs/cgroup", "/dev",	"/dev/fd"};
	static const char *const inside[] = {"/",      "/proc", "/sys",	  "/dev",	"/run",
					     "/boot",  "/etc",	"/bin",	  "/sbin",	"/lib",
					     "/lib64", "/usr",	"/usr/x", "/etc/passwd"};
	static const char *const open[] = {"/data", "/process", "/device", "/srv/proc", "/usrx"};

	for (size_t i = 0; i < COUNT(host); i++)
		cr_expect_not_null(path_denied_host(host[i]), "%s", host[i]);
	for (size_t i = 0; i < COUNT(inside); i++)
		cr_expect_not_null(path_denied_inside(inside[i]), "%s", inside[i]);
	for (size_t i = 0; i < COUNT(open); i++) {
		cr_expect_null(path_denied_host(open[i]), "%s", open[i]);
		cr_expect_null(path_denied_inside(open[i]), "%s", open[i]);
	}
}

/* n labels of 'a', each len long, then a last label of rest. */
static char *make_host(size_t count, size_t len, size_t rest)
{
	char *host = malloc(count * (len + 1) + rest + 1);

	for (size_t i = 0; i < count; i++) {
		memset(host + i * (len + 1), 'a', len);
		host[i * (len + 1) + len] = '.';
	}
	memset(host + count * (len + 1), 'a', rest);
	host[count * (len + 1) + rest] = '\0';
	return host;
}

Test(validate_address, host_caps)
{
	static const struct {
		size_t count, len, rest;
		bool accepted;
	} cases[] = {
		{1, 62, 2, true},  {1, 63, 2, true},  {1, 64, 2, false},
		{1, 2, 63, true},  {1, 2, 64, false}, {5, 49, 2, true}, /* 252 */
		{5, 49, 3, true},					/* 253 */
		{5, 49, 4, false},					/* 254 */
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char *host = make_host(cases[i].count, cases[i].len, cases[i].rest);

		cr_expect_eq(address_host_fault(host) == NULL, cases[i].accepted, "%zu: %s", i,
			     host);
		free(host);
	}
}

Test(validate_address, accepted)
{
	static const char *const hosts[] = {"a.b",   "example.org", "xn--bcher-kva.example",
					    "1.b",   "a-b.c-d",	    "0x1.example",
					    "a.0xg", "a.1x"};
	static const char *const cidrs[] = {"0.0.0.0/0",      "10.0.0.0/8",  "255.255.255.255/32",
					    "192.0.2.128/25", "128.0.0.0/1", "127.0.0.1/32"};

	for (size_t i = 0; i < COUNT(hosts); i++)
		cr_expect_null(address_host_fault(hosts[i]), "%s", hosts[i]);
	for (size_t i = 0; i < COUNT(cidrs); i++)
		cr_expect_null(address_cidr_fault(cidrs[i]), "%s", cidrs[i]);
}

/* Exactly the addresses without a bit behind the length are networks. */
Test(validate_address, every_length)
{
	for (int len = 0; len <= 32; len++) {
		for (int bit = 0; bit < 32; bit++) {
			const uint32_t a = 1U << (31 - bit);
			char text[32];

			snprintf(text, sizeof(text), "%u.%u.%u.%u/%d", a >> 24, a >> 16 & 255,
				 a >> 8 & 255, a & 255, len);
			cr_expect_eq(address_cidr_fault(text) == NULL, bit < len, "%s", text);
		}
	}
}
