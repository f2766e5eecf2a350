/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/canon.h"
#include "stages/validate/mount.h"
#include "stages/validate/network.h"
#include "stages/validate/policy.h"
#include "tests/unit/validate_run.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The policy text is accepted or refused; when refused, in path and nothing else. */
static void expect(char *policy, bool accepted, const char *path)
{
	struct run run RUN_CLEANUP;
	char where[64];

	run_validate(policy, strlen(policy), NULL, NULL, &run);
	cr_expect_eq(run.valid, accepted, "%s\n%.2000s\n%s", path, policy, run.errors);
	snprintf(where, sizeof(where), " %s: ", path);
	if (!accepted) {
		cr_expect_not_null(strstr(run.errors, where), "%s in %s", where, run.errors);
		cr_expect_eq(strchr(run.errors, '\n')[1], '\0', "%s", run.errors);
	}
	free(policy);
}

static const struct {
	const char *path;
	const char *pattern; /* of the whole policy, # for the number */
	int64_t min, max;
} ranges[] = {
	{"runtime.timeoutSec",
	 RUN_HEAD "runtime: {command: /bin/true, args: [], timeoutSec: #"
		  "}\n" RUN_RESOURCES RUN_MOUNTS RUN_AUDIT,
	 1, 604800},
	{"resources.memory.max",
	 RUN_HEAD RUN_COMMAND "resources: {cpu: {max: max 1000}, memory: {max: #"
			      "}}\n" RUN_MOUNTS RUN_AUDIT,
	 4194304, CANON_INTEGER_MAX},
	{"resources.pids.max",
	 RUN_HEAD RUN_COMMAND "resources: {cpu: {max: max 1000}, memory: {max: 4Mi}, pids: {max: #"
			      "}}\n" RUN_MOUNTS RUN_AUDIT,
	 1, 4194304},
	{"resources.disk.max",
	 RUN_HEAD RUN_COMMAND "resources: {cpu: {max: max 1000}, memory: {max: 4Mi}, disk: {max: #"
			      "}}\n" RUN_MOUNTS RUN_AUDIT,
	 65536, CANON_INTEGER_MAX},
	{"resources.output.max",
	 RUN_HEAD RUN_COMMAND
	 "resources: {cpu: {max: max 1000}, memory: {max: 4Mi}, output: {max: #"
	 "}}\n" RUN_MOUNTS RUN_AUDIT,
	 1, CANON_INTEGER_MAX},
	{"resources.cpu.max",
	 RUN_HEAD RUN_COMMAND "resources: {cpu: {max: max #"
			      "}, memory: {max: 4Mi}}\n" RUN_MOUNTS RUN_AUDIT,
	 1000, 1000000},
	{"resources.cpu.max",
	 RUN_HEAD RUN_COMMAND "resources: {cpu: {max: #"
			      " 1000}, memory: {max: 4Mi}}\n" RUN_MOUNTS RUN_AUDIT,
	 1000, 8192000000},
	{"network.egress[0].port",
	 RUN_HEAD RUN_COMMAND RUN_RESOURCES RUN_MOUNTS RUN_AUDIT
	 "network: {mode: allowlist, egress: [{protocol: tcp, host: a.b, port: #}]}\n",
	 1, 65535},
};

static void expect_number(size_t i, int64_t number, bool accepted)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, number);
	expect(run_fill(ranges[i].pattern, text), accepted, ranges[i].path);
}

Test(validate_limits, ranges)
{
	for (size_t i = 0; i < COUNT(ranges); i++) {
		expect_number(i, ranges[i].min - 1, false);
		expect_number(i, ranges[i].min, true);
		expect_number(i, ranges[i].min + 1, true);
		expect_number(i, ranges[i].max - 1, true);
		expect_number(i, ranges[i].max, true);
		expect_number(i, ranges[i].max + 1, false);
	}
}

static char *repeat(size_t count, void (*print)(FILE *, size_t))
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	for (size_t i = 0; i < count; i++)
		print(out, i);
	fclose(out);
	return text;
}

static void print_arg(FILE *out, size_t i)
{
	(void)i;
	fputs("    - x\n", out);
}

static void print_variable(FILE *out, size_t i)
{
	fprintf(out, "    V%zu: x\n", i);
}

static void print_rule(FILE *out, size_t i)
{
	fprintf(out, "    - {protocol: tcp, host: a.b, port: %zu}\n", i + 1);
}

static void expect_list(const char *pattern, const char *path, size_t max,
			void (*print)(FILE *, size_t))
{
	for (size_t count = max - 1; count <= max + 1; count++) {
		char *lines = repeat(count, print);
		expect(run_fill(pattern, lines), count <= max, path);
		free(lines);
	}
}

Test(validate_limits, counts)
{
	expect_list(RUN_HEAD RUN_RESOURCES RUN_MOUNTS RUN_AUDIT
		    "runtime:\n  command: /bin/true\n  args:\n#",
		    "runtime.args", RUNTIME_ARGS_MAX, print_arg);
	expect_list(RUN_HEAD RUN_RESOURCES RUN_MOUNTS RUN_AUDIT
		    "runtime:\n  command: /bin/true\n  args: []\n  env:\n#",
		    "runtime.env", RUNTIME_ENV_MAX, print_variable);
	expect_list(RUN_HEAD RUN_COMMAND RUN_RESOURCES RUN_MOUNTS RUN_AUDIT
		    "network:\n  mode: allowlist\n  egress:\n#",
		    "network.egress", NETWORK_EGRESS_MAX, print_rule);
}

/* Mounts must exist to be accepted: that the 65th is one too many shows in which error comes. */
Test(validate_limits, mounts)
{
	for (size_t count = MOUNT_COUNT_MAX - 1; count <= MOUNT_COUNT_MAX + 1; count++) {
		struct run run RUN_CLEANUP;
		char *text;
		size_t len;
		FILE *out = open_memstream(&text, &len);

		fputs(RUN_HEAD RUN_COMMAND RUN_RESOURCES RUN_AUDIT "mounts:\n", out);
		for (size_t i = 0; i < count; i++)
			fprintf(out,
				"  - {source: /nonexistent, target: /mnt/%zu, read_only: true}\n",
				i);
		fclose(out);
		run_validate(text, len, NULL, NULL, &run);
		cr_expect_eq(strstr(run.errors, "SR-POL-002 mounts: ") != NULL,
			     count > MOUNT_COUNT_MAX);
		cr_expect_eq(strstr(run.errors, "SR-POL-101 mounts[0].source: ") != NULL,
			     count <= MOUNT_COUNT_MAX);
		free(text);
	}
}

#define ARGS_POLICY                                                                                \
	RUN_HEAD RUN_RESOURCES RUN_MOUNTS "audit: {level: %s}\n"                                   \
					  "runtime: {command: /bin/true, args: [%s%.*s]}\n"

/* command and args together: eight of the longest there may be, and then what is left. */
static void expect_args_total(const char *text, const char *level, size_t max, int over)
{
	const size_t command = sizeof("/bin/true");
	const size_t eighth = max / 8;
	char *before = calloc(8, eighth + 4), *end = before;

	for (int i = 0; i < 7; i++)
		end += sprintf(end, "%.*s, ", (int)eighth - 1, text);
	expect(run_format(ARGS_POLICY, level, before, (int)(max - 7 * eighth - command) - 1 + over,
			  text),
	       over <= 0, "runtime.args");
	free(before);
}

/* One argument, command and args together, env by itself, each with its NULs. */
Test(validate_limits, text_total)
{
	char *text = malloc(RUNTIME_TEXT_MAX + 1);

	memset(text, 'x', RUNTIME_TEXT_MAX + 1);
	for (int over = -1; over <= 1; over++) {
		int value = (int)RUNTIME_TEXT_MAX - 3 + over; /* A, = or NUL, NUL */

		expect(run_format(ARGS_POLICY, "basic", "", (int)RUNTIME_STRING_MAX - 1 + over,
				  text),
		       over <= 0, "runtime.args[0]");
		expect_args_total(text, "full", RUNTIME_TEXT_MAX, over);
		expect_args_total(text, "basic", RUNTIME_ARGS_TEXT_MAX, over);
		expect(run_format(RUN_HEAD RUN_RESOURCES RUN_MOUNTS RUN_AUDIT
				  "runtime: {command: /bin/true, args: [], env: {A: %.*s}}\n",
				  value, text),
		       over <= 0, "runtime.env");
	}
	free(text);
}

Test(validate_limits, names)
{
	char *name = malloc(300);

	memset(name, 'n', 300);
	for (int len = 62; len <= 64; len++)
		expect(run_format("apiVersion: " POLICY_API_VERSION "\nmetadata: {name: %.*s}\n" //
				  RUN_COMMAND RUN_RESOURCES RUN_MOUNTS RUN_AUDIT,
				  len, name),
		       len <= 63, "metadata.name");
	for (int len = 254; len <= 256; len++) {
		expect(run_format(RUN_HEAD RUN_RESOURCES RUN_MOUNTS RUN_AUDIT
				  "runtime: {command: %.*s, args: []}\n",
				  len, name),
		       len <= 255, "runtime.command");
		expect(run_format(RUN_HEAD RUN_RESOURCES RUN_MOUNTS RUN_AUDIT
				  "runtime: {command: /x, args: [], env: {%.*s: x}}\n",
				  len, name),
		       len <= 255, "runtime.env");
	}
	free(name);
}

Test(validate_limits, text_len)
{
	static const char policy[] = RUN_HEAD RUN_COMMAND RUN_RESOURCES RUN_MOUNTS RUN_AUDIT;
	struct run run RUN_CLEANUP;

	/* Cut anywhere, a policy is refused, not half believed. */
	for (size_t len = 0; len < sizeof(policy) - 3; len++) {
		struct run cut RUN_CLEANUP;

		run_validate(policy, len, NULL, NULL, &cut);
		cr_expect(!cut.valid, "%.*s", (int)len, policy);
	}
	run_validate(policy, sizeof(policy) - 1, NULL, NULL, &run);
	cr_expect(run.valid, "%s", run.errors);
}
