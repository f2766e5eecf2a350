/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-resolve, sr-egress and sr-filter in network namespaces of their own: each scene of
 * tests/network/scene and tap, and tests/network/awaits, is one test. An ordinary user has them in a
 * user namespace.
 */
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void play(const char *script, const char *scene)
{
	const char *argv[] = {"/usr/bin/unshare", geteuid() == 0 ? "-n" : "-rn", script, scene,
			      NULL};
	struct child_options options = {.timeout_ms = 120000};
	struct child_result result;
	char bin[4096];

	snprintf(bin, sizeof bin, "%s", child_path("sr-egress"));
	*strrchr(bin, '/') = '\0';
	cr_assert_eq(setenv("SAFE_RUN_BIN", bin, 1), 0);
	if (geteuid() == 0)
		cr_assert_eq(setenv("SCENE_ROOT", "1", 1), 0);
	child_run(argv, "", 0, &options, &result);
	cr_expect_eq(result.status, 0, "%s: %d: %s%s", scene, result.status, result.out,
		     result.err);
	child_release(&result);
}

#define SCENE(name)                                                                                \
	Test(network, name, .timeout = 130)                                                        \
	{                                                                                          \
		play("tests/network/scene", #name);                                                \
	}

SCENE(resolve)
SCENE(clients)
SCENE(wildcard)
SCENE(requests)
SCENE(own)
SCENE(retries)
SCENE(hellos)
SCENE(many)
SCENE(volume)

Test(network, awaits, .timeout = 130)
{
	play("tests/network/awaits", "made");
}

/* An ordinary user has the interface where the host gives everybody the device. */
#define TAP(name)                                                                                  \
	Test(network_tap, name, .timeout = 130)                                                    \
	{                                                                                          \
		if (geteuid() != 0 && access("/dev/net/tun", R_OK | W_OK) != 0)                    \
			cr_skip_test("only root may open /dev/net/tun here");                      \
		play("tests/network/tap", #name);                                                  \
	}

TAP(everything)
TAP(named)
TAP(wide)
TAP(nowhere)
