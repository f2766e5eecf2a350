/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules with "match: name" in real runs, root's and an ordinary user's: each scene of the script beside
 * this is one test, in namespaces of its own.
 */
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

static void play(const char *scene)
{
	char build[4096];
	const char *argv[] = {"/usr/bin/unshare",
			      geteuid() == 0 ? "-nm" : "-rnm",
			      child_helper("names"),
			      build,
			      scene,
			      NULL};
	struct child_options options = {.timeout_ms = 120000};
	struct child_result result;

	strncpy(build, child_path(""), sizeof build - sizeof "/..");
	build[sizeof build - sizeof "/.."] = '\0';
	strcat(build, "/..");
	child_run(argv, "", 0, &options, &result);
	cr_expect_eq(result.status, 0, "%s: %d: %s%s", scene, result.status, result.out,
		     result.err);
	child_release(&result);
}

#define SCENE(name)                                                                                \
	Test(names, name, .timeout = 130)                                                          \
	{                                                                                          \
		play(#name);                                                                       \
	}

SCENE(allowed)
SCENE(NW2_wildcard)
SCENE(NW3_wire)
SCENE(NW5_rebinding)
SCENE(NW6_udp)
SCENE(NW6_many)
SCENE(NW6_slow)
SCENE(NW7_host_by_cidr)
SCENE(NW8_killed)
SCENE(refused)
SCENE(kept_alive)
SCENE(mixed)
SCENE(example)
SCENE(lost)
SCENE(silent)
