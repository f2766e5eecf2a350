/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/pipeline/run.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#define ARGV_MAX 64

void run_skip(const char *reason)
{
	const char *must_work = getenv("MUST_WORK");

	if (must_work != NULL && strcmp(must_work, "1") == 0)
		cr_assert_fail("MUST_WORK is set, but: %s", reason);
	cr_skip_test("%s", reason);
}

/* Whether the built-in policy, which limits memory, CPU and processes, can be enforced here. */
static bool limits_work(char *why, size_t size)
{
	struct child_result result;
	char *base = child_make_dir("sr-probe");
	bool work;

	child_run(WORDS("safe-run", "run", "--workdir", base, "--", "true"), "", 0, NULL, &result);
	work = result.status == 0;
	snprintf(why, size, "%s", result.err);
	why[strcspn(why, "\n")] = '\0';
	child_release(&result);
	child_remove_dir(base);
	return work;
}

void run_need_limits(void)
{
	char why[512];

	if (geteuid() != 0 && !limits_work(why, sizeof(why)))
		run_skip(why);
}

const char **run_argv(const char *base, const char *const options[], const char *const command[])
{
	const char **argv = calloc(ARGV_MAX, sizeof(*argv));
	char why[512];
	size_t count = 0;

	argv[count++] = child_path("safe-run");
	argv[count++] = "run";
	argv[count++] = "--workdir";
	argv[count++] = base;
	if (geteuid() != 0 && !limits_work(why, sizeof(why)))
		argv[count++] = "--best-effort";
	for (size_t i = 0; options != NULL && options[i] != NULL; i++)
		argv[count++] = options[i];
	if (command != NULL)
		argv[count++] = "--";
	for (size_t i = 0; command != NULL && command[i] != NULL; i++)
		argv[count++] = command[i];
	cr_assert_lt(count, ARGV_MAX);
	return argv;
}

void run_collect(struct run *run)
{
	DIR *dir = opendir(run->base);
	const struct dirent *entry;
	char path[PATH_MAX];

	cr_assert_not_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, "sr-", 3) != 0)
			continue;
		cr_assert_null(run->dir, "more than one run in %s", run->base);
		cr_assert_gt(asprintf(&run->dir, "%s/%s", run->base, entry->d_name), 0);
	}
	closedir(dir);
	if (run->dir == NULL)
		return;
	snprintf(path, sizeof(path), "%s/artifacts/run_report.json", run->dir);
	run->report = json_object_from_file(path);
}

void run_start(struct run *run, const char *const options[], const char *const command[],
	       const void *input, size_t input_len)
{
	const char **argv;

	memset(run, 0, sizeof(*run));
	run->base = child_make_dir("sr-run");
	argv = run_argv(run->base, options, command);
	child_run(argv, input, input_len, NULL, &run->child);
	free(argv);
	run_collect(run);
}

void run_sweep(const struct run *run)
{
	time_t deadline = time(NULL) + CHILD_TIMEOUT_MS / 1000;
	struct child_result swept;
	int status;

	do {
		child_run(WORDS("safe-run", "gc", "--workdir", run->base, "--older-than", "0"), "",
			  0, NULL, &swept);
		status = swept.status;
		cr_assert(status == 0 || time(NULL) < deadline, "gc: %s", swept.err);
		child_release(&swept);
	} while (status != 0);
}

void run_release(struct run *run)
{
	json_object_put(run->report);
	child_release(&run->child);
	child_remove_dir(run->base);
	free(run->base);
	free(run->dir);
}

struct json_object *run_member(const struct run *run, const char *path)
{
	struct json_object *value = run->report;
	char name[64];

	while (value != NULL && *path != '\0') {
		size_t len = strcspn(path, ".");

		snprintf(name, sizeof(name), "%.*s", (int)len, path);
		if (!json_object_is_type(value, json_type_object) ||
		    !json_object_object_get_ex(value, name, &value))
			return NULL;
		path += len + (path[len] == '.');
	}
	return value;
}

const char *run_text(const struct run *run, const char *path)
{
	struct json_object *value = run_member(run, path);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

int64_t run_number(const struct run *run, const char *path)
{
	struct json_object *value = run_member(run, path);

	return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;
}

static bool list_has(struct json_object *list, const char *member, const char *text)
{
	size_t count = list == NULL ? 0 : json_object_array_length(list);

	for (size_t i = 0; i < count; i++) {
		struct json_object *value = NULL;

		json_object_object_get_ex(json_object_array_get_idx(list, i), member, &value);
		if (value != NULL && strcmp(json_object_get_string(value), text) == 0)
			return true;
	}
	return false;
}

bool run_has_event(const struct run *run, const char *type)
{
	return list_has(run_member(run, "events"), "type", type);
}

bool run_has_error(const struct run *run, const char *code)
{
	return list_has(run_member(run, "errors"), "code", code);
}

void run_expect(struct run *run, int status, const char *cause)
{
	struct child_result verified;
	char path[PATH_MAX];

	cr_assert_not_null(run->report, "no report; status %d; stderr: %s", run->child.status,
			   run->child.err);
	cr_expect_eq(run->child.status, status, "status %d, not %d; stderr: %s", run->child.status,
		     status, run->child.err);
	cr_expect_eq(run_number(run, "exitCode"), status);
	cr_expect_str_eq(run_text(run, "outcome.cause"), cause, "cause %s, not %s: %s",
			 run_text(run, "outcome.cause"), cause, run_text(run, "outcome.summary"));
	cr_expect_str_eq(run_text(run, "state"), status == 0 ? "finished" : "failed");
	cr_expect(run_has_event(run, "compile"));
	snprintf(path, sizeof(path), "%s/artifacts/run_report.json", run->dir);
	child_run(WORDS("safe-run", "report", "verify", path), "", 0, NULL, &verified);
	cr_expect_eq(verified.status, 0, "the report does not verify: %s%s", verified.out,
		     verified.err);
	child_release(&verified);
}

/* Beside the tests where they run (a copied tree, a guest), else in the source tree. */
char *run_policy(const char *name)
{
	static const char *const places[] = {"../policies", "../../policies"};
	char self[PATH_MAX / 2];
	char *path = NULL;
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	cr_assert_gt(len, 0);
	self[len] = '\0';
	*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		cr_assert_gt(asprintf(&path, "%s/%s/%s", self, places[i], name), 0);
		if (access(path, R_OK) == 0)
			return path;
		free(path);
	}
	cr_assert_gt(asprintf(&path, "policies/%s", name), 0);
	return path;
}

static void write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(RUN_NO_NAMESPACES);
	close(fd);
}

void run_enter_mounts(void)
{
	char map[64];
	uid_t uid = getuid();
	gid_t gid = getgid();

	if (unshare(uid == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0)
		_exit(RUN_NO_NAMESPACES);
	if (uid != 0) {
		snprintf(map, sizeof(map), "%u %u 1", uid, uid);
		write_text("/proc/self/uid_map", map);
		write_text("/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "%u %u 1", gid, gid);
		write_text("/proc/self/gid_map", map);
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		_exit(RUN_NO_MOUNT);
}
