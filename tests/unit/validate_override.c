/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/validate_run.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char base[] = RUN_HEAD RUN_COMMAND RUN_RESOURCES RUN_AUDIT RUN_MOUNTS;

static const struct {
	const char *settings[4];
	const char *policy;    /* a part of the normalised policy; NULL: refused */
	const char *overrides; /* or, when refused, the start of the errors */
} cases[] = {
	{{"resources.memory.max=\"1Gi\""},
	 "\"memory\":{\"max\":1073741824}",
	 "[{\"field\":\"resources.memory.max\",\"value\":\"1Gi\"}]"},
	{{"resources.memory.max=8388608"},
	 "\"memory\":{\"max\":8388608}",
	 "[{\"field\":\"resources.memory.max\",\"value\":8388608}]"},
	{{"resources.pids.max=7"},
	 "\"pids\":{\"max\":7}",
	 "[{\"field\":\"resources.pids.max\",\"value\":7}]"},
	{{"runtime.command=\"/bin/sh\"", "runtime.args=[\"-c\",\"exit 3\",\"no\"]"},
	 "\"args\":[\"-c\",\"exit 3\",\"no\"],\"command\":\"/bin/sh\"",
	 "[{\"field\":\"runtime.command\",\"value\":\"/bin/sh\"},"
	 "{\"field\":\"runtime.args\",\"value\":[\"-c\",\"exit 3\",\"no\"]}]"},
	{{"runtime.env.A=\"1\"", "runtime.env.B=\"=\"", "runtime.env.A=\"2\""},
	 "\"env\":{\"A\":\"2\",\"B\":\"=\"}",
	 "[{\"field\":\"runtime.env.A\",\"value\":\"1\"},"
	 "{\"field\":\"runtime.env.B\",\"value\":\"=\"},"
	 "{\"field\":\"runtime.env.A\",\"value\":\"2\"}]"},
	{{"runtime.env={\"C\":\"\"}"},
	 "\"env\":{\"C\":\"\"}",
	 "[{\"field\":\"runtime.env\",\"value\":{\"C\":\"\"}}]"},
	{{"runtime.timeoutSec=1", "runtime.workdir=\"/tmp\"", "runtime.isolation=\"microvm\""},
	 "\"timeoutSec\":1,\"workdir\":\"/tmp\"",
	 "[{\"field\":\"runtime.timeoutSec\",\"value\":1}"},
	{{"runtime.rootfs=null"}, "\"rootfs\":null", "[{\"field\":\"runtime.rootfs\""},
	{{"network={\"egress\":[{\"host\":\"a.b\",\"port\":1,\"protocol\":\"tcp\"}],"
	  "\"mode\":\"allowlist\"}"},
	 "\"mode\":\"allowlist\"",
	 "[{\"field\":\"network\""},
	{{"mounts=[]"}, "\"mounts\":[]", "[{\"field\":\"mounts\",\"value\":[]}]"},
	{{"runtime.args=[\"\\u0001\xc3\xa9\"]"}, "\"args\":[\"\\u0001\xc3\xa9\"]", "["},
	{{"resources.memory.max"}, NULL, "SR-POL-002 validate.set: "},
	{{"=1"}, NULL, "SR-POL-002 validate.set: "},
	{{""}, NULL, "SR-POL-002 validate.set: "},
	{{"a.b.c.d.e=1"}, NULL, "SR-POL-002 validate.set: "},
	{{"resources.memori.max=1"}, NULL, "SR-POL-002 resources.memori.max: "},
	{{"resource.memory.max=1"}, NULL, "SR-POL-002 resource.memory.max: "},
	{{"resources..max=1"}, NULL, "SR-POL-002 resources..max: "},
	{{"mounts[0].source=\"/x\""}, NULL, "SR-POL-002 mounts[0].source: "},
	{{"mounts.source=\"/x\""}, NULL, "SR-POL-002 mounts.source: "},
	{{"runtime.command.x=\"/x\""}, NULL, "SR-POL-002 runtime.command.x: "},
	{{"runtime.env.1X=\"x\""}, NULL, "SR-POL-002 runtime.env.1X: "},
	{{"runtime.env.A.B=\"x\""}, NULL, "SR-POL-002 runtime.env.A.B: "},
	{{"runtime.command=/bin/sh"}, NULL, "SR-POL-002 runtime.command: --set: the value"},
	{{"runtime.command="}, NULL, "SR-POL-002 runtime.command: "},
	{{"runtime.args=[\"a\", \"b\"]"}, NULL, "SR-POL-002 runtime.args: "},
	{{"runtime.env={\"A\":\"1\",\"A\":\"2\"}"}, NULL, "SR-POL-002 runtime.env: "},
	{{"resources.pids.max=1.0"}, NULL, "SR-POL-002 resources.pids.max: "},
	{{"resources.pids.max=\"7\""},
	 NULL,
	 "SR-POL-002 resources.pids.max: from --set: \"7\" is text"},
	{{"resources.memory.max=\"x\""},
	 NULL,
	 "SR-POL-002 resources.memory.max: from --set: 'x' is not accepted"},
	{{"resources.memory.max=1"}, NULL, "SR-POL-002 resources.memory.max: from --set: 1 is out"},
	{{"runtime.command=null"}, NULL, "SR-POL-002 runtime.command: from --set: 'command' is"},
	{{"runtime.command=true"}, NULL, "SR-POL-002 runtime.command: from --set: text belongs"},
	{{"runtime={}"}, NULL, "SR-POL-001 runtime.command: "},
	{{"runtime.args=[\"\\u0000\"]"}, NULL, "SR-POL-002 runtime.args: "},
};

Test(validate_override, settings)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct run run RUN_CLEANUP;

		run_validate(base, strlen(base), cases[i].settings, NULL, &run);
		cr_expect_eq(run.valid, cases[i].policy != NULL, "%s: %s", cases[i].settings[0],
			     run.errors);
		if (cases[i].policy == NULL) {
			cr_expect_eq(
				strncmp(run.errors, cases[i].overrides, strlen(cases[i].overrides)),
				0, "%s: %s", cases[i].overrides, run.errors);
			continue;
		}
		cr_expect_not_null(strstr(run.policy, cases[i].policy), "%s: %s", cases[i].policy,
				   run.policy);
		cr_expect_eq(strncmp(run.overrides, cases[i].overrides, strlen(cases[i].overrides)),
			     0, "%s", run.overrides);
	}
}

/* What is set replaces what the file says, wrong or missing, before it is looked at. */
Test(validate_override, mends_a_policy)
{
	static const char broken[] = RUN_HEAD RUN_MOUNTS RUN_AUDIT
		"runtime: {command: no, args: [1], env: ~}\nresources: ~\n";
	static const char *const settings[] = {
		"runtime.command=\"/bin/true\"", "runtime.args=[]",
		"runtime.env.A=\"x\"",		 "resources.cpu.max=\"max 1000\"",
		"resources.memory.max=\"max\"",	 NULL};
	struct run run RUN_CLEANUP;

	run_validate(broken, strlen(broken), settings, NULL, &run);
	cr_expect(run.valid, "%s", run.errors);
	cr_expect_not_null(strstr(run.policy, "\"env\":{\"A\":\"x\"}"));
}

Test(validate_override, cannot_go_below_a_value)
{
	static const char policy[] = RUN_HEAD RUN_COMMAND RUN_MOUNTS RUN_AUDIT "resources: 5\n";
	static const char *const settings[] = {"resources.pids.max=1", NULL};
	struct run run RUN_CLEANUP;

	run_validate(policy, strlen(policy), settings, NULL, &run);
	cr_expect_not_null(strstr(run.errors, "SR-POL-002 resources.pids.max: --set: cannot be"));
	cr_expect_not_null(strstr(run.errors, "SR-POL-002 resources: "));
}

/* With no policy to set them in they are still recorded: they were part of the input. */
Test(validate_override, recorded_without_a_policy)
{
	static const char *const settings[] = {"resources.pids.max=1", NULL};
	struct run run RUN_CLEANUP;

	run_validate("", 0, settings, NULL, &run);
	cr_expect(!run.valid);
	cr_expect_str_eq(run.overrides, "[{\"field\":\"resources.pids.max\",\"value\":1}]");
}

/* The path of a variable set through --set, at the longest name and one more. */
Test(validate_override, longest_name)
{
	for (int len = 254; len <= 256; len++) {
		char *setting = run_format("runtime.env.%0*d=\"x\"", len, 0);
		const char *settings[] = {setting, NULL};
		struct run run RUN_CLEANUP;

		setting[strlen("runtime.env.")] = 'A';
		run_validate(base, strlen(base), settings, NULL, &run);
		cr_expect_eq(run.valid, len <= 255, "%d: %s", len, run.errors);
		free(setting);
	}
}
