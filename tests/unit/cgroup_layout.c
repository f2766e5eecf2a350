/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/cgroup_layout.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

struct expectation {
	enum cgroup_hierarchy hierarchy;
	const char *own; /* NULL: not visible */
	bool on_v1;
};

struct host {
	const char *name;
	const char *mountinfo;
	const char *self_cgroup;
	enum cgroup_mode mode;
	struct expectation expect[CGROUP_HIERARCHY_COUNT];
};

static const struct host hosts[] = {
	{"systemd, unified",
	 "25 30 0:23 / /proc rw,nosuid - proc proc rw\n"
	 "29 24 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 "
	 "rw,nsdelegate,memory_recursiveprot\n",
	 "0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-foot\\x2d1.scope\n",
	 CGROUP_MODE_V2,
	 {{CGROUP_UNIFIED,
	   "user.slice/user-1000.slice/user@1000.service/app.slice/app-foot\\x2d1.scope", false},
	  {CGROUP_MEMORY, NULL, false},
	  {CGROUP_PIDS, NULL, false}}},
	{"systemd, hybrid, controllers mounted together",
	 "30 24 0:25 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755\n"
	 "31 30 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
	 "32 30 0:27 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
	 "33 30 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	 "34 30 0:31 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
	 "35 30 0:32 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n",
	 "6:pids:/user.slice/user-0.slice/session-3.scope\n5:cpu,cpuacct:/user.slice\n"
	 "4:memory:/user.slice/user-0.slice/session-3.scope\n1:name=systemd:/user.slice\n"
	 "0::/user.slice/user-0.slice/session-3.scope\n",
	 CGROUP_MODE_HYBRID,
	 {{CGROUP_CPU, "cpu,cpuacct/user.slice", true},
	  {CGROUP_CPUACCT, "cpu,cpuacct/user.slice", true},
	  {CGROUP_MEMORY, "memory/user.slice/user-0.slice/session-3.scope", true},
	  {CGROUP_PIDS, "pids/user.slice/user-0.slice/session-3.scope", true},
	  {CGROUP_UNIFIED, "unified/user.slice/user-0.slice/session-3.scope", false},
	  {CGROUP_FREEZER, NULL, false}}},
	{"controllers mounted one by one, each with its own place, version 2 without any",
	 "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
	 "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n"
	 "33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct\n"
	 "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
	 "37 31 0:34 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer\n"
	 "39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n"
	 "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n",
	 "9:name=systemd:/\n8:pids:/\n6:freezer:/\n4:memory:/process_api/a1d6\n2:cpuacct:/\n"
	 "1:cpu:/\n0::/\n",
	 CGROUP_MODE_HYBRID,
	 {{CGROUP_CPU, "cpu", true},
	  {CGROUP_CPUACCT, "cpuacct", true},
	  {CGROUP_FREEZER, "freezer", true},
	  {CGROUP_MEMORY, "memory/process_api/a1d6", true},
	  {CGROUP_PIDS, "pids", true},
	  {CGROUP_UNIFIED, "unified", false}}},
	{"version 1 alone",
	 "32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
	 "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n",
	 "4:memory:/a\n1:cpu:/\n",
	 CGROUP_MODE_V1,
	 {{CGROUP_CPU, "cpu", true}, {CGROUP_MEMORY, "memory/a", true}}},
	{"container with its own cgroup namespace",
	 "900 880 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw,nsdelegate\n",
	 "0::/\n",
	 CGROUP_MODE_V2,
	 {{CGROUP_UNIFIED, ".", false}}},
	{"container that shares the host's namespace: the mount shows only its own part",
	 "900 880 0:26 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
	 "901 880 0:27 /docker/abc /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n",
	 "5:pids:/docker/abc/inner\n4:memory:/docker/abc\n",
	 CGROUP_MODE_V1,
	 {{CGROUP_MEMORY, "memory", true}, {CGROUP_PIDS, "pids/inner", true}}},
	{"the mount shows another part than ours",
	 "900 880 0:26 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
	 "901 880 0:27 /docker/ab /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n",
	 "5:pids:/docker/abc\n4:memory:/docker/abd\n",
	 CGROUP_MODE_NONE,
	 {{CGROUP_MEMORY, NULL, true}, {CGROUP_PIDS, NULL, true}}},
	{"outside our namespace's root",
	 "900 880 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup rw\n"
	 "901 880 0:27 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n",
	 "5:pids:/../other\n0::/\n",
	 CGROUP_MODE_NONE,
	 {{CGROUP_UNIFIED, NULL, false}, {CGROUP_PIDS, NULL, true}}},
	{"nothing mounted",
	 "25 30 0:23 / /proc rw - proc proc rw\n",
	 "0::/\n",
	 CGROUP_MODE_NONE,
	 {{CGROUP_UNIFIED, NULL, false}}},
	{"mounted elsewhere",
	 "29 24 0:26 / /cgroup2 rw - cgroup2 cgroup2 rw\n",
	 "0::/\n",
	 CGROUP_MODE_NONE,
	 {{CGROUP_UNIFIED, NULL, false}}},
	{"a name that only begins like the place",
	 "29 24 0:26 / /sys/fs/cgroups rw - cgroup2 cgroup2 rw\n",
	 "0::/\n",
	 CGROUP_MODE_NONE,
	 {{CGROUP_UNIFIED, NULL, false}}},
	{"mounted twice: the later one lies on top",
	 "28 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
	 "29 24 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
	 "0::/a\n",
	 CGROUP_MODE_V2,
	 {{CGROUP_UNIFIED, "unified/a", false}}},
	{"optional fields, and a mount point with a space",
	 "29 24 0:26 / /sys/fs/cgroup/a\\040b rw shared:1 master:2 - cgroup2 cgroup2 rw\n",
	 "0::/c d\n",
	 CGROUP_MODE_V2,
	 {{CGROUP_UNIFIED, "a b/c d", false}}},
	{"a deleted cgroup",
	 "29 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
	 "0::/gone (deleted)\n",
	 CGROUP_MODE_NONE,
	 {{CGROUP_UNIFIED, NULL, false}}},
	{"a path that is not text",
	 "29 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
	 "0::/\xff\n",
	 CGROUP_MODE_NONE,
	 {{CGROUP_UNIFIED, NULL, false}}},
	{"lines cut short",
	 "29 24 0:26 / /sys/fs/cgroup rw\n29\n\n29 24 0:26 / /sys/fs/cgroup rw - cgroup2\n"
	 "29 24 0:26 / /sys/fs/cgroup\\04 rw - cgroup2 cgroup2 rw\n",
	 "0\n0:\n\n0::/",
	 CGROUP_MODE_NONE,
	 {{CGROUP_UNIFIED, NULL, false}}},
	{"empty", "", "", CGROUP_MODE_NONE, {{CGROUP_UNIFIED, NULL, false}}},
};

static void check_host(const struct host *host)
{
	struct cgroup_layout layout;
	cgroup_layout_parse(host->mountinfo, host->self_cgroup, &layout);
	cr_expect_eq(cgroup_layout_mode(&layout), host->mode, "%s: mode %s", host->name,
		     cgroup_mode_name(cgroup_layout_mode(&layout)));
	for (size_t i = 0; i < CGROUP_HIERARCHY_COUNT; i++) {
		const struct expectation *want = &host->expect[i];
		const struct cgroup_place *place = &layout.places[want->hierarchy];
		if (want->own == NULL && !want->on_v1 && want->hierarchy == CGROUP_CPU)
			continue; /* the rest of the row is not used */
		cr_expect_eq(place->visible, want->own != NULL, "%s: %s visible", host->name,
			     cgroup_hierarchy_name(want->hierarchy));
		cr_expect_str_eq(place->own, want->own != NULL ? want->own : "", "%s", host->name);
		cr_expect_eq(layout.on_v1[want->hierarchy], want->on_v1, "%s: %s on version 1",
			     host->name, cgroup_hierarchy_name(want->hierarchy));
	}
}

Test(cgroup_layout, hosts)
{
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		check_host(&hosts[i]);
}

Test(cgroup_layout, mount_point_is_the_highest_parent)
{
	struct cgroup_layout layout;
	cgroup_layout_parse("1 2 0:1 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
			    "0::/a/b\n", &layout);
	cr_expect_eq(layout.places[CGROUP_UNIFIED].mount_len, strlen("unified"));
	cgroup_layout_parse("1 2 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/a/b\n",
			    &layout);
	cr_expect_eq(layout.places[CGROUP_UNIFIED].mount_len, 0);
}

Test(cgroup_layout, paths_that_may_be_followed)
{
	static const struct {
		const char *path;
		bool valid;
	} rows[] = {
		{"a", true},	 {"a/b.scope", true}, {"a b/c\\x2d", true}, {"..a/b..", true},
		{"", false},	 {"/a", false},	      {"a/", false},	    {"a//b", false},
		{".", false},	 {"..", false},	      {"a/../b", false},    {"a/./b", false},
		{"a\nb", false}, {"a\x7f", false},    {"\xc3\xa9", false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(cgroup_path_valid(rows[i].path), rows[i].valid, "\"%s\"",
			     rows[i].path);
}

Test(cgroup_layout, path_length)
{
	char path[CGROUP_PATH_SIZE + 1];
	char joined[CGROUP_PATH_SIZE];
	memset(path, 'a', sizeof(path));
	path[CGROUP_PATH_SIZE - 1] = '\0';
	cr_expect(cgroup_path_valid(path));
	path[CGROUP_PATH_SIZE - 3] = '\0';
	cr_expect(cgroup_path_join(path, "b", joined), "one byte to spare");
	path[CGROUP_PATH_SIZE - 3] = 'a';
	path[CGROUP_PATH_SIZE - 2] = '\0';
	cr_expect_not(cgroup_path_join(path, "b", joined), "no room for the NUL");
	path[CGROUP_PATH_SIZE - 2] = 'a';
	path[CGROUP_PATH_SIZE - 1] = 'a';
	path[CGROUP_PATH_SIZE] = '\0';
	cr_expect_not(cgroup_path_valid(path));
}
