/* SPDX-License-Identifier: Apache-2.0 */
/* What root reads before it executes jailer, and the command line that comes of it. */
#include "stages/jail/command.h"
#include "stages/jail/request.h"
#include "stages/version/words.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <string.h>

Test(jail_request, accepts)
{
	struct vector_set set;

	vectors_load("jail/accept", &set);
	cr_assert_gt(set.count, 0);
	for (size_t i = 0; i < set.count; i++) {
		struct request request;
		struct fault fault = {.message = ""};

		cr_expect_eq(request_parse(set.items[i].data, set.items[i].len, &request, &fault),
			     FAULT_NONE, "%s: %s", set.items[i].name, fault.message);
		request_release(&request);
	}
	vectors_release(&set);
}

Test(jail_request, rejects)
{
	struct vector_set set;

	vectors_load("jail/reject", &set);
	cr_assert_gt(set.count, 30);
	for (size_t i = 0; i < set.count; i++) {
		struct request request;
		struct fault fault;

		cr_expect_neq(request_parse(set.items[i].data, set.items[i].len, &request, &fault),
			      FAULT_NONE, "%s", set.items[i].name);
		request_release(&request);
	}
	vectors_release(&set);
}

/* Each of jailer's options once, in its documented form, and nothing else. */
Test(jail_request, command_line)
{
	static const char *const expected[] = {"jailer",
					       "--id",
					       "sr-20200101-000000-00000001",
					       "--exec-file",
					       "/opt/firecracker",
					       "--uid",
					       "1862270978",
					       "--gid",
					       "1862270978",
					       "--chroot-base-dir",
					       "/srv/jailer",
					       "--cgroup-version",
					       "2",
					       "--parent-cgroup",
					       "a/safe-run-x",
					       "--cgroup",
					       "cpu.max=50000 100000",
					       "--resource-limit",
					       "fsize=4096",
					       "--resource-limit",
					       "no-file=1024",
					       "--new-pid-ns",
					       "--",
					       "--config-file",
					       "/config.json",
					       "--api-sock",
					       "/s/api.sock",
					       NULL};
	static struct command command;
	struct vector_set set;
	struct request request;
	struct place place;
	struct fault fault;
	size_t at = 0;

	place_init(&place);
	place.uid = 1862270978;
	vectors_load("jail/accept", &set);
	while (at < set.count && strstr(set.items[at].name, "cgroup") == NULL)
		at++;
	cr_assert_lt(at, set.count);
	cr_assert_eq(request_parse(set.items[at].data, set.items[at].len, &request, &fault),
		     FAULT_NONE);
	cr_assert_eq(command_make(&command, &request, &place, false, &fault), FAULT_NONE);
	for (size_t i = 0; expected[i] != NULL; i++) {
		cr_assert_lt(i, command.count);
		cr_expect_str_eq(command.argv[i], expected[i]);
	}
	cr_expect_null(command.argv[command.count]);
	cr_expect_eq(command.count, sizeof expected / sizeof expected[0] - 1);
	cr_assert_eq(command_make(&command, &request, &place, true, &fault), FAULT_NONE);
	at = 0;
	while (at < command.count && strcmp(command.argv[at], "--netns") != 0)
		at++;
	cr_assert_lt(at + 1, command.count);
	cr_expect_str_eq(command.argv[at + 1],
			 "/srv/jailer/firecracker/sr-20200101-000000-00000001/netns");
	request_release(&request);
	vectors_release(&set);
}

Test(version_words, table)
{
	static const struct {
		const char *text;
		int64_t major, minor, patch; /* -1: refused */
	} rows[] = {
		{"Firecracker v1.14.4\n", 1, 14, 4},
		{"Jailer v1.15.1\n\nmore\n", 1, 15, 1},
		{"Firecracker v1.16.0-dev\n", 1, 16, 0},
		{"Firecracker v9999.9999.9999\n", 9999, 9999, 9999},
		{"Firecracker v10000.0.0\n", -1, 0, 0},
		{"Firecracker v1.14.4", -1, 0, 0},
		{"Firecracker v1.14\n", -1, 0, 0},
		{"Firecracker 1.14.4\n", -1, 0, 0},
		{"Firecracker v1.14.4 \n", -1, 0, 0},
		{"Firecracker v1.14.4.5\n", -1, 0, 0},
		{"Firecracker v-1.14.4\n", -1, 0, 0},
		{" v1.14.4\n", -1, 0, 0},
		{"Fire cracker v1.14.4\n", -1, 0, 0},
		{"", -1, 0, 0},
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct words_version version;
		struct fault fault;
		enum fault_code code =
			words_parse(rows[i].text, strlen(rows[i].text), &version, &fault);

		cr_expect_eq(code == FAULT_NONE, rows[i].major >= 0, "'%s'", rows[i].text);
		if (code != FAULT_NONE)
			continue;
		cr_expect_eq(version.major, rows[i].major, "'%s'", rows[i].text);
		cr_expect_eq(version.minor, rows[i].minor, "'%s'", rows[i].text);
		cr_expect_eq(version.patch, rows[i].patch, "'%s'", rows[i].text);
	}
}
