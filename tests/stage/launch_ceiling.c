/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-launch on a host with a ceiling of the test's making: an /etc in a mount namespace where we
 * are root, whoever we are outside.
 */
#include "stages/seal/digest.h"
#include "tests/stage/launch_bundle.h"
#include "tests/stage/launch_run.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOLDER	     "/etc/safe-run"
#define FILE_AT	     FOLDER "/host.yaml"
#define VERSION	     "schemaVersion: safe-run.host/v1\n"
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What stands at FILE_AT. */
struct host {
	const char *text;
	mode_t file_mode, folder_mode; /* 0: 0644, 0755 */
	uid_t owner;		       /* of the file */
	uid_t folder_owner;
	bool as_ourselves; /* an ordinary user is not root in there either */
	const char *link;  /* the file is a link to this */
	bool fifo, folder;
	size_t padding; /* bytes of comment behind the text */
};

static int write_text(const char *path, const char *text, size_t padding)
{
	FILE *file = fopen(path, "w");

	if (file == NULL)
		return -1;
	fputs(text, file);
	for (size_t i = 0; i < padding; i++)
		fputc(i == 0 ? '#' : 'x', file);
	return fclose(file);
}

static int become_root(uid_t uid, gid_t gid)
{
	char map[64];

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return -1;
	if (write_text("/proc/self/setgroups", "deny", 0) < 0)
		return -1;
	(void)snprintf(map, sizeof map, "0 %u 1", uid);
	if (write_text("/proc/self/uid_map", map, 0) < 0)
		return -1;
	(void)snprintf(map, sizeof map, "0 %u 1", gid);
	return write_text("/proc/self/gid_map", map, 0);
}

static int make_file(const struct host *host)
{
	if (host->link != NULL)
		return symlink(host->link, FILE_AT);
	if (host->fifo)
		return mkfifo(FILE_AT, 0644);
	if (host->folder)
		return mkdir(FILE_AT, 0755);
	return write_text(FILE_AT, host->text, host->padding);
}

/* An empty one but for what the bundle's root has of it. */
static int mount_etc(void)
{
	int cache = open("/etc/ld.so.cache", O_RDONLY);
	int copy, result = 0;

	if (mount("none", "/etc", "tmpfs", 0, "mode=0755") < 0)
		return -1;
	if (cache < 0)
		return 0;
	copy = open("/etc/ld.so.cache", O_WRONLY | O_CREAT, 0644);
	if (copy < 0 || sendfile(copy, cache, NULL, 1 << 30) < 0)
		result = -1;
	close(copy);
	close(cache);
	return result;
}

/* For launch_live.before: argument is a struct host. */
static int stage_host(const char *argument)
{
	const struct host *host = (const void *)argument;

	umask(022);
	if (geteuid() != 0 && !host->as_ourselves && become_root(geteuid(), getegid()) < 0)
		return -1;
	if (mount_etc() < 0)
		return -1;
	if (host->text == NULL && host->link == NULL && !host->fifo && !host->folder)
		return 0;
	if (mkdir(FOLDER, 0755) < 0 || make_file(host) < 0)
		return -1;
	if (host->owner != 0 && chown(FILE_AT, host->owner, 0) < 0)
		return -1;
	if (host->folder_owner != 0 && chown(FOLDER, host->folder_owner, 0) < 0)
		return -1;
	if (host->file_mode != 0 && chmod(FILE_AT, host->file_mode) < 0)
		return -1;
	return host->folder_mode != 0 ? chmod(FOLDER, host->folder_mode) : 0;
}

static int run_on(const struct host *host, struct json_object *policy, struct launch_events *events)
{
	struct launch_live live = {.before = stage_host, .argument = (const void *)host};
	int status;

	launch_live_start(&live, NULL);
	launch_live_give(&live, policy);
	status = launch_live_end(&live, events);
	cr_assert(WIFEXITED(status), "%x", status);
	cr_assert_neq(WEXITSTATUS(status), 98, "the host could not be staged");
	return WEXITSTATUS(status);
}

/* One policy of 1 MiB of disk and output, 20 seconds. */
static const struct {
	const char *text;
	const char *where; /* NULL: it runs */
} ceilings[] = {
	{VERSION, NULL},
	{VERSION "timeoutSec: 19\n", "launch.host.timeoutSec"},
	{VERSION "timeoutSec: 20\n", NULL},
	{VERSION "resources: {disk: {max: 1048575}}\n", "launch.host.resources.disk.max"},
	{VERSION "resources: {disk: {max: 1Mi}}\n", NULL},
	{VERSION "resources: {output: {max: 1048575}}\n", "launch.host.resources.output.max"},
	{VERSION "resources: {memory: {max: 1Ti}}\n", "launch.host.resources.memory.max"},
	{VERSION "resources: {pids: {max: 4194304}}\n", "launch.host.resources.pids.max"},
	{VERSION "resources: {cpu: {max: 800000 100000}}\n", "launch.host.resources.cpu.max"},
	{VERSION "callers: {uids: [0]}\n", NULL},
	{VERSION "callers: {uids: [1-4294967294]}\n", "launch.host.callers"},
	{VERSION "callers: {gids: [0]}\n", NULL},
	{VERSION "isolation: [process]\n", NULL},
	{VERSION "isolation: [microvm]\n", "launch.host.isolation"},
	{VERSION "network: {modes: [none]}\n", NULL},
	/* Not a ceiling at all: nothing runs until it is mended. */
	{"", "launch.host"},
	{"nonsense", "launch.host"},
	{VERSION "timeout: 20\n", "launch.host.timeout"},
	{VERSION "callers: {uids: [root]}\n", "launch.host.callers.uids[0]"},
};

static void expect_ceiling(const char *text, const char *where)
{
	const struct host host = {.text = text};
	struct launch_events events;
	char hash[DIGEST_TEXT_SIZE];
	uint8_t value[DIGEST_SIZE];
	int status =
		run_on(&host, launch_policy((const char *const[]){"/bin/true", NULL}), &events);

	digest_bytes(text, strlen(text), value);
	digest_text(value, hash);
	cr_expect_str_eq(launch_text(&events, "compile", "host.hash"), hash, "%s", text);
	cr_expect_str_eq(launch_text(&events, "compile", "host.path"), FILE_AT);
	if (where == NULL) {
		cr_expect_eq(status, 0, "%s: %s", text,
			     launch_text(&events, "run.failed", "errors"));
		cr_expect_not_null(strstr(launch_text(&events, "run.prepared", "enforcement"),
					  "\"host.ceiling\""),
				   "%s", text);
	} else {
		cr_expect_eq(status, 1, "%s", text);
		cr_expect_str_eq(launch_text(&events, "run.failed", "errors[0].code"), "SR-OPS-001",
				 "%s", text);
		cr_expect_str_eq(launch_text(&events, "run.failed", "step"), where, "%s", text);
		launch_expect_types(&events, "compile run.failed");
	}
	launch_events_release(&events);
}

Test(stage_launch_ceiling, is_held_against_every_bundle)
{
	launch_need_sandbox();
	for (size_t i = 0; i < COUNT(ceilings); i++)
		expect_ceiling(ceilings[i].text, ceilings[i].where);
}

/* Numbers and paths; the mount itself is where the bundle's own allowlist lets it be. */
Test(stage_launch_ceiling, mounts_are_held_against_it_too)
{
	static const struct {
		const char *text, *where;
	} cases[] = {
		{VERSION "mounts: {hostAllowPrefixes: [/usr]}\n", NULL},
		{VERSION "mounts: {hostAllowPrefixes: [/usr/shar]}\n",
		 "launch.host.mounts.hostAllowPrefixes"},
		{VERSION "mounts: {hostAllowPrefixes: []}\n",
		 "launch.host.mounts.hostAllowPrefixes"},
		{VERSION "mounts: {guestAllowPrefixes: [/opt/in]}\n", NULL},
		{VERSION "mounts: {guestAllowPrefixes: [/opt/i]}\n",
		 "launch.host.mounts.guestAllowPrefixes"},
	};

	launch_need_sandbox();
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct host host = {.text = cases[i].text};
		struct json_object *policy =
			launch_policy((const char *const[]){"/bin/true", NULL});
		struct launch_events events;
		int status;

		launch_set(policy, "mounts",
			   "[{\"noexec\":false,\"read_only\":true,\"source\":\"/usr/share\","
			   "\"target\":\"/opt/in\"}]");
		status = run_on(&host, policy, &events);
		cr_expect_eq(status, cases[i].where == NULL ? 0 : 1, "%s: %s", cases[i].text,
			     launch_text(&events, "run.failed", "errors"));
		if (cases[i].where != NULL)
			cr_expect_str_eq(launch_text(&events, "run.failed", "step"),
					 cases[i].where);
		launch_events_release(&events);
	}
}

static const struct {
	const char *name;
	struct host host;
	const char *words; /* NULL: it runs */
	bool as_root;	   /* only root can make it so */
} files[] = {
	{"sound", {.text = VERSION}, NULL, false},
	{"private", {.text = VERSION, .file_mode = 0600}, NULL, false},
	{"group", {.text = VERSION, .file_mode = 0664}, "written by others", false},
	{"others", {.text = VERSION, .file_mode = 0646}, "written by others", false},
	{"folder for others", {.text = VERSION, .folder_mode = 0757}, "written by others", false},
	{"folder for a group", {.text = VERSION, .folder_mode = 0775}, "written by others", false},
	{"sticky folder", {.text = VERSION, .folder_mode = 01777}, "written by others", false},
	{"owner", {.text = VERSION, .owner = 12345}, "belongs to user 12345", true},
	{"nobody's", {.text = VERSION, .owner = 65534}, "belongs to user 65534", true},
	{"folder's owner", {.text = VERSION, .folder_owner = 12345}, "belongs to user 12345", true},
	{"link", {.link = "/etc/safe-run/other"}, "no symbolic link", false},
	{"FIFO", {.fifo = true}, "no regular file", false},
	{"directory", {.folder = true}, "no regular file", false},
	{"just fits", {.text = VERSION, .padding = 65536 - sizeof VERSION + 1}, NULL, false},
	{"one too long",
	 {.text = VERSION, .padding = 65536 - sizeof VERSION + 2},
	 "longer than 65536",
	 false},
};

Test(stage_launch_ceiling, is_roots_alone_or_refused)
{
	launch_need_sandbox();
	for (size_t i = 0; i < COUNT(files); i++) {
		struct launch_events events;
		int status;

		if (files[i].as_root && geteuid() != 0)
			continue;
		status = run_on(&files[i].host,
				launch_policy((const char *const[]){"/bin/true", NULL}), &events);
		cr_expect_eq(status, files[i].words == NULL ? 0 : 1, "%s: %s", files[i].name,
			     launch_text(&events, "run.failed", "errors"));
		if (files[i].words != NULL) {
			const char *message =
				launch_text(&events, "run.failed", "errors[0].message");

			cr_expect_str_eq(launch_text(&events, "run.failed", "step"), "launch.host");
			cr_expect_not_null(strstr(message, files[i].words), "%s: %s", files[i].name,
					   message);
		}
		launch_events_release(&events);
	}
}

/* An /etc that belongs to the caller says nothing about who may do what. */
Test(stage_launch_ceiling, of_an_ordinary_user_is_refused)
{
	const struct host host = {.text = VERSION, .as_ourselves = true};
	struct launch_events events;

	if (geteuid() == 0)
		cr_skip_test("this is what an ordinary user gets");
	launch_need_sandbox();
	cr_expect_eq(
		run_on(&host, launch_policy((const char *const[]){"/bin/true", NULL}), &events), 1);
	cr_expect_str_eq(launch_text(&events, "run.failed", "step"), "launch.host");
	cr_expect_not_null(
		strstr(launch_text(&events, "run.failed", "errors[0].message"), "belongs to user"));
	launch_events_release(&events);
}

Test(stage_launch_ceiling, none_is_none)
{
	const struct host host = {.text = NULL};
	struct json_object *compile;
	struct launch_events events;

	launch_need_sandbox();
	cr_expect_eq(
		run_on(&host, launch_policy((const char *const[]){"/bin/true", NULL}), &events), 0);
	compile = launch_get(launch_event(&events, "compile"), "payload");
	cr_expect(json_object_object_get_ex(compile, "host", NULL));
	cr_expect_null(json_object_object_get(compile, "host"));
	cr_expect_null(strstr(launch_text(&events, "run.prepared", "enforcement"), "host.ceiling"));
	launch_events_release(&events);
}
