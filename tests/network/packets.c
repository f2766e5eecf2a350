/* SPDX-License-Identifier: Apache-2.0 */
/* network.mode allowlist over an internet of network namespaces, which the script beside this makes. */
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#define LIMIT_MS 120000

static void try_packets(const char *name)
{
	char build[4096];
	const char *argv[] = {"/bin/bash", child_helper("packets"), build, name, NULL};
	struct child_options options = {.timeout_ms = LIMIT_MS};
	struct child_result result;

	/* Namespaces that forward belong to root; an ordinary user's runs have tests of their own. */
	if (geteuid() != 0)
		return;
	strncpy(build, child_path(""), sizeof build - sizeof "/..");
	build[sizeof build - sizeof "/.."] = '\0';
	strcat(build, "/..");
	child_run(argv, "", 0, &options, &result);
	cr_expect_eq(result.status, 0, "%s%s", result.out, result.err);
	cr_expect_not_null(strstr(result.out, "1 passed, 0 failed, 0 skipped"), "%s%s", result.out,
			   result.err);
	child_release(&result);
}

#define PACKETS(name)                                                                              \
	Test(packets, name)                                                                        \
	{                                                                                          \
		try_packets(#name);                                                                \
	}

PACKETS(allowed_tcp)
PACKETS(allowed_programs)
PACKETS(NW5_names)
PACKETS(NW6_too_many_connections)
PACKETS(NW6_refused_fast)
PACKETS(NW6_refused_many)
PACKETS(NW6_assistants_killed)
PACKETS(NW7_host_and_metadata)
PACKETS(NW8_killed)
PACKETS(NW8_two_runs_apart)
PACKETS(host_does_not_forward)
