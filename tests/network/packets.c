/* SPDX-License-Identifier: Apache-2.0 */
/* network.mode allowlist over an internet of network namespaces, which the script beside this makes. */
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LIMIT_MS 120000

/* program: an ordinary user's run, with this one; NULL: root's. */
static void try_packets(const char *program, const char *name)
{
	char build[4096];
	const char *argv[7] = {"/bin/bash", child_helper("packets"), build};
	size_t count = 3;
	struct child_options options = {.timeout_ms = LIMIT_MS};
	struct child_result result;

	/* Root makes the internet, whoever's run is in it. */
	if (geteuid() != 0)
		cr_skip_test("root makes this internet, and has the ordinary user's runs in it");
	if (program) {
		char path[64];

		snprintf(path, sizeof path, "/usr/bin/%s", program);
		if (access(path, X_OK) < 0)
			cr_skip_test("there is no %s", path);
		if (access("/sys/class/misc/tun", F_OK) < 0)
			cr_skip_test("this kernel has no tun device");
		argv[count++] = "--as";
		argv[count++] = program;
	}
	argv[count++] = name;
	strncpy(build, child_path(""), sizeof build - sizeof "/..");
	build[sizeof build - sizeof "/.."] = '\0';
	strcat(build, "/..");
	child_run(argv, "", 0, &options, &result);
	cr_expect_eq(result.status, 0, "%s%s", result.out, result.err);
	cr_expect_not_null(strstr(result.out, "1 passed, 0 failed, 0 skipped"), "%s%s", result.out,
			   result.err);
	child_release(&result);
}

/* What the script has and nobody runs is no test. */
static const char *known[128];
static size_t known_count;

#define KNOW(program, name)                                                                        \
	__attribute__((constructor)) static void know_##program##_##name(void)                     \
	{                                                                                          \
		known[known_count++] = #program " " #name;                                         \
	}
#define PACKETS(name)                                                                              \
	KNOW(packets, name)                                                                        \
	Test(packets, name)                                                                        \
	{                                                                                          \
		try_packets(NULL, #name);                                                          \
	}
#define USER(program, name)                                                                        \
	KNOW(program, name)                                                                        \
	Test(program, name)                                                                        \
	{                                                                                          \
		try_packets(#program, #name);                                                      \
	}

PACKETS(allowed_tcp)
PACKETS(allowed_programs)
PACKETS(NW5_names)
PACKETS(names_beside_packets)
PACKETS(NW6_too_many_connections)
PACKETS(NW6_crowd)
PACKETS(answers_alone)
PACKETS(forged_packets)
PACKETS(path_mtu)
PACKETS(neighbours_are_known)
PACKETS(many_beside)
PACKETS(NW6_refused_fast)
PACKETS(NW6_refused_many)
PACKETS(NW6_assistants_killed)
PACKETS(NW7_host_and_metadata)
PACKETS(policy_to_start_from)
PACKETS(refused_by_server)
PACKETS(NW8_killed)
PACKETS(NW8_two_runs_apart)
PACKETS(host_does_not_forward)
PACKETS(host_does_not_track)
PACKETS(host_drops)

/* The same in a microVM. */
PACKETS(machine_NW4_none)
PACKETS(machine_allowed_and_refused)
PACKETS(machine_NW5_names)
PACKETS(machine_NW6_filter_killed)
PACKETS(machine_NW6_forged_frames)
PACKETS(machine_NW7_host_and_metadata)
PACKETS(machine_NW8_two_apart)
PACKETS(machine_NW8_killed)

/* And in one of Firecracker's, its stand-in's guest. */
PACKETS(firecracker_allowed_and_refused)
PACKETS(firecracker_snapshot)
PACKETS(firecracker_NW5_names)
PACKETS(firecracker_NW8_killed)

/* An ordinary user's, through either program. */
USER(pasta, allowed_tcp)
USER(pasta, allowed_programs)
USER(pasta, NW5_names)
USER(pasta, names_beside_packets)
USER(pasta, NW6_too_many_connections)
USER(pasta, NW6_refused_fast)
USER(pasta, NW6_refused_many)
USER(pasta, NW6_assistants_killed)
USER(pasta, NW7_host_and_metadata)
USER(pasta, NW7_new_address)
USER(pasta, policy_to_start_from)
USER(pasta, refused_by_server)
USER(pasta, NW8_killed)
USER(pasta, NW8_two_runs_apart)
USER(pasta, user_evidence)
USER(pasta, user_lacks)
USER(pasta, user_routes)
USER(pasta, machine_allowed_and_refused)
USER(pasta, machine_NW5_names)
USER(pasta, machine_NW7_host_and_metadata)
USER(pasta, machine_NW8_killed)
USER(slirp4netns, allowed_programs)
USER(slirp4netns, NW6_refused_fast)
USER(slirp4netns, NW6_assistants_killed)
USER(slirp4netns, NW7_host_and_metadata)
USER(slirp4netns, refused_by_server)
USER(slirp4netns, NW8_killed)
USER(slirp4netns, user_evidence)
USER(slirp4netns, user_routes)

static bool is_known(const char *program, const char *name)
{
	char both[128];

	snprintf(both, sizeof both, "%s %s", program, name);
	for (size_t i = 0; i < known_count; i++)
		if (!strcmp(known[i], both))
			return true;
	return false;
}

static void expect_all(const char *program, const char *const *argv)
{
	struct child_result result;
	size_t count = 0;

	child_run(argv, "", 0, NULL, &result);
	cr_assert_eq(result.status, 0, "%s%s", result.out, result.err);
	for (char *name = strtok(result.out, "\n"); name; name = strtok(NULL, "\n"), count++)
		cr_expect(is_known(program, name), "%s: %s is never run", program, name);
	cr_expect_gt(count, 20, "%s", program);
	child_release(&result);
}

/* slirp4netns has a part of pasta's. */
Test(packets, none_is_left_out)
{
	const char *script = child_helper("packets");
	const char *root[] = {"/bin/bash", script, "/", "--names", NULL};
	const char *user[] = {"/bin/bash", script, "/", "--as", "pasta", "--names", NULL};

	if (geteuid() != 0)
		cr_skip_test("root makes this internet, and has the ordinary user's runs in it");
	expect_all("packets", root);
	expect_all("pasta", user);
}
