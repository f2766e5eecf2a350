/* SPDX-License-Identifier: Apache-2.0 */
/* The policy's mounts, as the launcher makes them. */
#include "tests/stage/launch_bundle.h"
#include "tests/stage/launch_run.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* A directory with an executable script in it, for everybody. */
static char *make_source(void)
{
	static const char script[] = "#!/bin/sh\necho ran\n";
	char *made = child_make_dir("launch");
	char *dir = realpath(made, NULL);
	char path[4200];

	free(made);
	cr_assert_not_null(dir);
	cr_assert_eq(chmod(dir, 0755), 0);
	(void)snprintf(path, sizeof path, "%s/script", dir);
	child_write_file(path, script, sizeof script - 1);
	cr_assert_eq(chmod(path, 0755), 0);
	return dir;
}

static char *make_directory(const char *dir, const char *name)
{
	char *path = NULL;

	cr_assert_gt(asprintf(&path, "%s/%s", dir, name), 0);
	cr_assert_eq(mkdir(path, 0755), 0);
	return path;
}

static void add_mount(struct json_object *policy, const char *source, const char *target,
		      bool noexec)
{
	char text[4400];

	(void)snprintf(text, sizeof text,
		       "{\"noexec\":%s,\"read_only\":true,\"source\":\"%s\",\"target\":\"%s\"}",
		       noexec ? "true" : "false", source, target);
	json_object_array_add(launch_get(policy, "mounts"), json_tokener_parse(text));
}

static struct json_object *clause(const struct launch_events *events, const char *name)
{
	struct json_object *prepared = launch_event(events, "run.prepared"), *list;

	cr_assert_not_null(prepared);
	list = launch_get(prepared, "payload.enforcement");
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *entry = json_object_array_get_idx(list, i);

		if (strcmp(json_object_get_string(launch_get(entry, "clause")), name) == 0)
			return entry;
	}
	cr_assert_fail("no clause %s", name);
	return NULL;
}

Test(stage_launch_mount, executes_nothing_where_asked)
{
	char *dir = make_source();

	launch_need_sandbox();
	for (int noexec = 0; noexec <= 1; noexec++) {
		struct json_object *policy = launch_policy(
			WORDS("/bin/sh", "-c", "/opt/in/script 2>/dev/null || echo refused"));
		const char *wanted = noexec ? "read-only noexec" : "read-only";
		struct json_object *entry;
		struct launch_run run;

		add_mount(policy, dir, "/opt/in", noexec != 0);
		launch_run_policy(&run, policy, NULL, NULL);
		cr_expect_str_eq(run.result.err, noexec ? "refused\n" : "ran\n");
		entry = clause(&run.events, "mounts[0]");
		cr_expect_str_eq(json_object_get_string(launch_get(entry, "requested")), wanted);
		cr_expect_str_eq(json_object_get_string(launch_get(entry, "effective")), wanted);
		launch_run_release(&run);
	}
	child_remove_dir(dir);
	free(dir);
}

static int64_t index_of(const struct launch_events *events, size_t at)
{
	return json_object_get_int64(launch_get(events->items[at], "payload.index"));
}

static const char *reason_of(const struct launch_events *events, size_t at)
{
	struct json_object *reason = launch_get(events->items[at], "payload.reason");

	return reason != NULL ? json_object_get_string(reason) : "";
}

/* The third has no place: a directory would have to be made in the second, on the host. */
Test(stage_launch_mount, takes_back_in_reverse)
{
	static const int64_t order[] = {0, 1, 2, 0, 1, 2, 1, 0};
	struct json_object *policy = launch_policy(WORDS("/bin/true"));
	char *dir = make_source(), file[4200];
	struct launch_run run;

	launch_need_sandbox();
	(void)snprintf(file, sizeof file, "%s/script", dir);
	add_mount(policy, file, "/opt/script", false);
	add_mount(policy, dir, "/opt/in", false);
	add_mount(policy, dir, "/opt/in/made", false);
	launch_run_policy(&run, policy, NULL, NULL);
	launch_expect_refused(&run, "SR-RUN-101", "launch.mount[2]");
	launch_expect_types(&run.events,
			    "compile mount.validated mount.validated mount.validated "
			    "mount.applied mount.applied mount.rejected mount.rejected "
			    "mount.rejected run.failed");
	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		cr_expect_eq(index_of(&run.events, i + 1), order[i], "event %zu", i + 1);
	cr_expect_not_null(strstr(reason_of(&run.events, 6), "does not exist"));
	cr_expect_str_eq(reason_of(&run.events, 7),
			 "taken back, because mounts[2] could not be mounted");
	cr_expect_str_eq(reason_of(&run.events, 8),
			 "taken back, because mounts[2] could not be mounted");
	launch_run_release(&run);
	child_remove_dir(dir);
	free(dir);
}

/* Two of three have changed: both are told, and nothing is mounted. */
Test(stage_launch_mount, looks_at_all_before_the_first)
{
	struct json_object *policy = launch_policy(WORDS("/bin/true")), *bundle;
	char *dir = make_source(), *paths[3], *line;
	struct launch_run run;
	size_t len;

	launch_need_sandbox();
	for (size_t i = 0; i < 3; i++) {
		char target[16];

		(void)snprintf(target, sizeof target, "/opt/%zu", i);
		paths[i] = make_directory(dir, target + 5);
		add_mount(policy, paths[i], target, false);
	}
	bundle = launch_bundle(policy);
	line = launch_line(bundle, &len);
	cr_assert_eq(rmdir(paths[0]), 0);
	cr_assert_eq(rmdir(paths[2]), 0);
	cr_assert_eq(symlink(paths[1], paths[2]), 0);
	launch_run_text(&run, line, len, NULL);
	launch_expect_refused(&run, "SR-RUN-101", "launch.mount[0]");
	launch_expect_types(&run.events, "compile mount.rejected mount.validated mount.rejected "
					 "run.failed");
	cr_expect_not_null(strstr(reason_of(&run.events, 1), "No such file"));
	cr_expect_not_null(strstr(reason_of(&run.events, 3), "symbolic link"));
	launch_run_release(&run);
	json_object_put(bundle);
	json_object_put(policy);
	for (size_t i = 0; i < 3; i++)
		free(paths[i]);
	child_remove_dir(dir);
	free(line);
	free(dir);
}

/* The very file that was validated, under another name. */
Test(stage_launch_mount, rejects_what_has_moved)
{
	struct json_object *policy = launch_policy(WORDS("/bin/true")), *bundle;
	char *dir = make_source(), *line, wanted[4300];
	struct launch_run run;
	size_t len;

	launch_need_sandbox();
	add_mount(policy, dir, "/opt/in", false);
	bundle = launch_bundle(policy);
	line = launch_line(bundle, &len);
	child_run(WORDS(child_helper("sr-launch-moved")), line, len, NULL, &run.result);
	launch_events_parse(&run.events, run.result.out, run.result.out_len);
	launch_expect_refused(&run, "SR-RUN-101", "launch.mount[0]");
	launch_expect_types(&run.events, "compile mount.rejected run.failed");
	(void)snprintf(wanted, sizeof wanted, "has moved to %s.moved", dir);
	cr_expect_not_null(strstr(reason_of(&run.events, 1), wanted), "%s",
			   reason_of(&run.events, 1));
	launch_run_release(&run);
	json_object_put(bundle);
	json_object_put(policy);
	child_remove_dir(dir);
	free(line);
	free(dir);
}

static int bind_proc(const char *path)
{
	return mount("/proc", path, NULL, MS_BIND | MS_REC, NULL);
}

/* By whatever name: the kernel's own interfaces are no files to share. */
static void expect_no_proc(const char *source, const char *place)
{
	struct launch_live live = {.before = bind_proc, .argument = place};
	struct json_object *policy = launch_policy(WORDS("/bin/true"));
	struct launch_events events;
	int status;

	add_mount(policy, source, "/opt/in", false);
	launch_live_start(&live, NULL);
	launch_live_give(&live, policy);
	status = launch_live_end(&live, &events);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 1, "%x", status);
	cr_expect_str_eq(launch_text(&events, "run.failed", "errors[0].code"), "SR-RUN-101");
	cr_expect_null(launch_event(&events, "vm.started"));
	launch_events_release(&events);
}

Test(stage_launch_mount, shares_no_proc_under_another_name)
{
	char *dir = make_source();
	char *place = make_directory(dir, "place");

	launch_need_sandbox();
	expect_no_proc(dir, place);
	expect_no_proc(place, place);
	free(place);
	child_remove_dir(dir);
	free(dir);
}
