/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/attacks/nw_step.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOON_MS 10000 /* a network namespace is ended by the kernel, in its own time */

const char *const nw_step_names[] = {[NW_STEP_LAUNCH] = "a launcher",
				     [NW_STEP_UPLINK] = "sr-uplink",
				     [NW_STEP_FILTER] = "sr-filter",
				     [NW_STEP_INTERFACE] = "an interface",
				     [NW_STEP_RULES] = "the rules",
				     [NW_STEP_RUNS] = "the command",
				     [NW_STEP_OVER] = "the end of the interface"};

char *nw_output(const struct nw_world *world, const char *const argv[])
{
	struct child_result result;
	char *text;

	nw_bare(world, argv, &result);
	cr_expect_eq(result.status, 0, "%s: %s", argv[0], result.err);
	text = strdup(result.out);
	child_release(&result);
	return text;
}

static char *read_of(const char *pid, const char *name)
{
	char path[300];

	snprintf(path, sizeof path, "/proc/%.200s/%s", pid, name);
	return child_read_file(path, NULL);
}

/* Programs of an ordinary user's network whose run is no more: nobody is their parent. */
static unsigned count_orphans(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	unsigned count = 0;

	cr_assert_not_null(proc);
	while ((entry = readdir(proc))) {
		char *name, *status;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		name = read_of(entry->d_name, "cmdline");
		status = read_of(entry->d_name, "status");
		count += name && status && strstr(status, "\nPPid:\t1\n") &&
			 (!strcmp(name, "pasta") || !strcmp(name, "slirp4netns"));
		free(name);
		free(status);
	}
	closedir(proc);
	return count;
}

/*
 * `nft list ruleset`, `ip link`, `ip netns` of the host, in one text; the caller frees it. An ordinary
 * user may list no rules, nor make any; what could be left of his is a program.
 */
char *nw_state(const struct nw_world *world)
{
	static const char *const commands[][4] = {{"/usr/sbin/nft", "list", "ruleset", NULL},
						  {"/bin/ip", "-o", "link", NULL},
						  {"/bin/ip", "netns", NULL}};
	char *all = NULL;

	cr_assert_gt(asprintf(&all, "%u\n", attack_is_root() ? 0 : count_orphans()), 0);
	for (size_t i = attack_is_root() ? 0 : 1; i < sizeof commands / sizeof *commands; i++) {
		char *one = nw_output(world, commands[i]), *both = NULL;

		cr_assert_gt(asprintf(&both, "%s%s--\n", all, one), 0);
		free(one);
		free(all);
		all = both;
	}
	return all;
}

void nw_expect_as_before(const struct nw_world *world, const char *before, const char *what)
{
	long long end = attack_now_ms() + SOON_MS;
	char *now = nw_state(world);

	while (strcmp(now, before) != 0 && attack_now_ms() < end) {
		free(now);
		poll(NULL, 0, 20);
		now = nw_state(world);
	}
	cr_expect_str_eq(now, before, "%s left something behind: %s", what, now);
	free(now);
}

const char *nw_uplink(void)
{
	return attack_is_root() ? "sr-uplink" : "sr-usernet";
}

/* Root's runs have an interface on the host, an ordinary user's a program. */
static bool has_interface(const struct nw_world *world, pid_t launcher)
{
	char path[64], *text;
	bool found;

	if (!attack_is_root()) {
		pid_t uplink = nw_child(launcher, nw_uplink());

		snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)uplink, (int)uplink);
		text = uplink ? child_read_file(path, NULL) : NULL;
		found = text && text[0];
		free(text);
		return found;
	}
	snprintf(path, sizeof path, "/proc/%s/net/dev", world->host_text);
	text = child_read_file(path, NULL);
	found = text && strstr(text, "sr-");
	free(text);
	return found;
}

pid_t nw_child(pid_t parent, const char *name)
{
	char path[64], comm[64], *children, *text;
	pid_t found = 0;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
	children = child_read_file(path, NULL);
	for (char *at = children, *end; at && !found; at = end) {
		long pid = strtol(at, &end, 10);

		if (end == at)
			break;
		snprintf(path, sizeof path, "/proc/%ld/comm", pid);
		snprintf(comm, sizeof comm, "%s\n", name);
		text = child_read_file(path, NULL);
		found = text && !strcmp(text, comm) ? (pid_t)pid : 0;
		free(text);
	}
	free(children);
	return found;
}

static bool has_event(struct live *live, const char *type)
{
	char *value = live_event(live, type, "index");

	free(value);
	return value != NULL;
}

static bool reached(const struct nw_world *world, struct live *live, pid_t launcher,
		    enum nw_step step)
{
	switch (step) {
	case NW_STEP_LAUNCH:
		return true;
	case NW_STEP_UPLINK:
		return nw_child(launcher, nw_uplink()) != 0;
	case NW_STEP_FILTER:
		return nw_child(launcher, "sr-filter") != 0;
	case NW_STEP_INTERFACE:
		return has_interface(world, launcher);
	case NW_STEP_RULES:
		return has_event(live, "network.rule.applied");
	case NW_STEP_RUNS:
		return live_wait_started(live);
	case NW_STEP_OVER:
		return live_wait_started(live) && !has_interface(world, launcher);
	}
	return false;
}

/* The launcher, or 0 when the step never came. */
pid_t nw_wait_for(const struct nw_world *world, struct live *live, enum nw_step step)
{
	long long end = attack_now_ms() + 20000;
	pid_t launcher = 0;

	while (attack_now_ms() < end) {
		if (!launcher)
			launcher = live_stage(live, "sr-launch");
		if (launcher && reached(world, live, launcher, step))
			return launcher;
	}
	return 0;
}
