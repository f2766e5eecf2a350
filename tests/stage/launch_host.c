/* SPDX-License-Identifier: Apache-2.0 */
/* sr-launch on hosts that give less: no cgroup to be had, no user namespaces. */
#include "tests/stage/launch_bundle.h"
#include "tests/stage/launch_run.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <json-c/json.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

TestSuite(stage_launch_host, .init = launch_need_sandbox, .timeout = 120);

static int no_cgroups(const char *argument)
{
	(void)argument;
	return mount("none", "/sys/fs/cgroup", "tmpfs", MS_RDONLY, NULL);
}

static struct json_object *limited(const char *script, const char *pids)
{
	struct json_object *policy = launch_policy(WORDS("/bin/sh", "-c", script));

	launch_set(policy, "resources.memory.max", "67108864");
	launch_set(policy, "resources.cpu.max", "\"50000 100000\"");
	launch_set(policy, "resources.pids.max", pids);
	return policy;
}

/* A member of a clause's entry in run.prepared, as text. */
static const char *entry_text(const struct launch_events *events, const char *clause,
			      const char *path)
{
	struct json_object *list =
		launch_get(launch_event(events, "run.prepared"), "payload.enforcement");

	for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++) {
		struct json_object *entry = json_object_array_get_idx(list, i);
		struct json_object *value;

		if (strcmp(json_object_get_string(launch_get(entry, "clause")), clause) != 0)
			continue;
		value = launch_get(entry, path);
		return value != NULL ? json_object_get_string(value) : "";
	}
	return "";
}

Test(stage_launch_host, without_cgroups_limits_are_refused)
{
	struct launch_live live = {.before = no_cgroups};
	struct launch_events events;
	int status;

	launch_live_start(&live, NULL);
	launch_live_give(&live, limited("exit 0", "16"));
	status = launch_live_end(&live, &events);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1, "%x", status);
	cr_expect_str_eq(launch_text(&events, "run.failed", "step"), "launch.cgroup");
	cr_expect_null(launch_event(&events, "run.prepared"));
	launch_events_release(&events);
}

/* Less than asked, and said: by the limits of a process, read back from it. */
Test(stage_launch_host, best_effort_takes_limits_of_processes_and_says_so)
{
	static const struct {
		const char *clause, *path, *text;
	} expected[] = {
		{"resources.memory.max", "mechanism", "RLIMIT_AS"},
		{"resources.memory.max", "enforced", "false"},
		{"resources.memory.max", "effective", "67108864"},
		{"resources.memory.max", "evidence.RLIMIT_AS", "67108864"},
		{"resources.cpu.max", "mechanism", "none"},
		{"resources.cpu.max", "enforced", "false"},
		{"resources.cpu.max", "effective", "max"},
		{"resources.pids.max", "mechanism", "RLIMIT_NPROC"},
		{"resources.pids.max", "enforced", "false"},
		{"resources.pids.max", "effective", "16"},
	};
	struct launch_live live = {.before = no_cgroups};
	struct launch_events events;

	launch_live_start(&live, WORDS("--best-effort"));
	launch_live_give(&live, limited("ulimit -v; ulimit -Hv; echo ready", "16"));
	launch_live_await_output(&live, "ready");
	cr_expect_str_eq(live.seen, "65536\n65536\nready\n");
	(void)launch_live_end(&live, &events);
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
		cr_expect_str_eq(entry_text(&events, expected[i].clause, expected[i].path),
				 expected[i].text, "%s %s: %s", expected[i].clause,
				 expected[i].path,
				 entry_text(&events, expected[i].clause, expected[i].path));
	cr_expect_str_eq(launch_text(&events, "run.prepared", "verdict"), "degraded");
	cr_expect_str_eq(launch_text(&events, "run.prepared", "degraded"),
			 "[ \"resources.memory.max\", \"resources.cpu.max\", "
			 "\"resources.pids.max\" ]");
	cr_expect(strstr(entry_text(&events, "resources.memory.max", "reason"), "together") !=
		  NULL);
	cr_expect(strstr(entry_text(&events, "resources.cpu.max", "reason"), "not limited") !=
		  NULL);
	launch_events_release(&events);
}

/*
 * The shell and three children need four. As root the sandbox's init takes the run's uid while the
 * workload starts, and there is room for one more until then: that much less is refused for sure.
 */
Test(stage_launch_host, best_effort_counts_processes)
{
	const struct {
		const char *pids, *until;
	} cases[] = {{geteuid() == 0 ? "2" : "3", "fork"}, {"4", "ready"}, {"5", "ready"}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct launch_live live = {.before = no_cgroups};
		struct launch_events events;

		launch_live_start(&live, WORDS("--best-effort"));
		launch_live_give(&live, limited("for i in 1 2 3; do sleep 1000 & done; echo ready",
						cases[i].pids));
		launch_live_await_output(&live, cases[i].until);
		cr_expect_eq(strstr(live.seen, "ready") != NULL, i > 0, "%s: %s", cases[i].pids,
			     live.seen);
		(void)launch_live_end(&live, &events);
		launch_events_release(&events);
	}
}

/* A limit nobody needs to lower is not lowered. */
Test(stage_launch_host, best_effort_changes_nothing_that_was_not_asked)
{
	struct launch_live live = {.before = no_cgroups};
	struct launch_events events;

	launch_live_start(&live, WORDS("--best-effort"));
	launch_live_give(&live, launch_policy(WORDS("/bin/sh", "-c", "ulimit -v; echo ready")));
	launch_live_await_output(&live, "ready");
	cr_expect_str_eq(live.seen, "unlimited\nready\n");
	(void)launch_live_end(&live, &events);
	cr_expect_str_eq(launch_text(&events, "run.prepared", "verdict"), "enforced");
	cr_expect_str_eq(launch_text(&events, "run.prepared", "degraded"), "[ ]");
	launch_events_release(&events);
}

static int put(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (file == NULL)
		return -1;
	(void)fputs(text, file);
	return fclose(file);
}

/* A sysctl of a user namespace is that namespace's own: nobody outside of it notices. */
static int no_more_user_namespaces(const char *argument)
{
	char map[64];
	unsigned uid = geteuid(), gid = getegid();

	(void)argument;
	if (unshare(CLONE_NEWUSER) < 0 || put("/proc/self/setgroups", "deny") < 0)
		return -1;
	(void)snprintf(map, sizeof map, "%u %u 1", gid, gid);
	if (put("/proc/self/gid_map", map) < 0)
		return -1;
	(void)snprintf(map, sizeof map, "%u %u 1", uid, uid);
	if (put("/proc/self/uid_map", map) < 0)
		return -1;
	return put("/proc/sys/user/max_user_namespaces", "0");
}

/* A plain directory with all the host has in it. */
static int chrooted(const char *argument)
{
	DIR *root = opendir("/");
	const struct dirent *entry;
	char to[300], from[300], target[300];
	ssize_t len;

	(void)argument;
	if (root == NULL || mount("none", "/mnt", "tmpfs", 0, NULL) < 0 ||
	    mkdir("/mnt/r", 0755) < 0)
		return -1;
	while ((entry = readdir(root)) != NULL) {
		(void)snprintf(from, sizeof from, "/%s", entry->d_name);
		(void)snprintf(to, sizeof to, "/mnt/r/%s", entry->d_name);
		len = readlink(from, target, sizeof target - 1);
		if (len > 0) {
			target[len] = '\0';
			if (symlink(target, to) < 0)
				return -1;
		} else if (entry->d_name[0] != '.' && strcmp(from, "/mnt") != 0 &&
			   mkdir(to, 0755) == 0) {
			/* What is no directory is not needed. */
			(void)mount(from, to, NULL, MS_BIND | MS_REC, NULL);
		}
	}
	(void)closedir(root);
	return chroot("/mnt/r") == 0 ? chdir("/") : -1;
}

/* A root directory that is no mount cannot be left behind; nobody sees that from an errno. */
Test(stage_launch_host, a_chroot_is_named_as_the_cause)
{
	struct launch_live live = {.before = chrooted};
	struct launch_events events;
	const char *errors;
	int status;

	launch_live_start(&live, NULL);
	launch_live_give(&live, launch_policy(WORDS("/bin/true")));
	status = launch_live_end(&live, &events);
	errors = launch_text(&events, "run.failed", "errors");
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1, "%x", status);
	cr_expect(strstr(errors, "SR-OPS-001") != NULL, "%s", errors);
	cr_expect(strstr(errors, "chroot") != NULL, "%s", errors);
	launch_events_release(&events);
}

Test(stage_launch_host, denied_user_namespaces_are_named_with_the_cause)
{
	struct launch_live live = {.before = no_more_user_namespaces};
	struct launch_events events;
	const char *errors;
	int status;

	launch_live_start(&live, NULL);
	launch_live_give(&live, launch_policy(WORDS("/bin/true")));
	status = launch_live_end(&live, &events);
	errors = launch_text(&events, "run.failed", "errors");
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1, "%x", status);
	cr_expect_str_eq(launch_text(&events, "run.failed", "step"), "launch.namespace");
	cr_expect(strstr(errors, "SR-OPS-001") != NULL, "%s", errors);
	cr_expect(strstr(errors, "user.max_user_namespaces is 0") != NULL, "%s", errors);
	cr_expect(strstr(errors, "sysctl -w user.max_user_namespaces=") != NULL, "%s", errors);
	launch_events_release(&events);
}
