/* SPDX-License-Identifier: Apache-2.0 */
/* gc removes what killed runs left, and nothing else. */
#include "tests/pipeline/run.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DEAD "sr-20200101-000000-0000dead"

static char *path_of(const char *base, const char *name)
{
	char *path = NULL;

	cr_assert_gt(asprintf(&path, "%s/%s", base, name), 0);
	return path;
}

static void make_file(const char *base, const char *name)
{
	char *path = path_of(base, name);

	child_write_file(path, "x", 1);
	free(path);
}

static void make_dir(const char *base, const char *name)
{
	char *path = path_of(base, name);

	cr_assert_eq(mkdir(path, 0700), 0, "%s: %s", path, strerror(errno));
	free(path);
}

static bool is_there(const char *base, const char *name)
{
	char *path = path_of(base, name);
	struct stat status;
	bool there = lstat(path, &status) == 0;

	free(path);
	return there;
}

/* What a run that was killed leaves. */
static void make_dead(const char *base, const char *name)
{
	char *dir = path_of(base, name);

	make_dir(base, name);
	make_dir(dir, "stages");
	make_dir(dir, "artifacts");
	make_file(dir, "policy.yaml");
	make_file(dir, "stages/validate.json");
	make_file(dir, "artifacts/stdout.log");
	/* Killed while its outputs were collected: a tree, names of the command's choosing. */
	make_dir(dir, "artifacts/outputs");
	make_dir(dir, "artifacts/outputs/a");
	make_dir(dir, "artifacts/outputs/a/b");
	make_file(dir, "artifacts/outputs/a/b/\n\xff");
	make_file(dir, "artifacts/outputs.ndjson");
	free(dir);
}

static void sweep(const char *base, const char *older_than, int status)
{
	struct child_result result;

	child_run(WORDS("safe-run", "gc", "--workdir", base, "--older-than", older_than), "", 0,
		  NULL, &result);
	cr_expect_eq(result.status, status, "status %d: %s%s", result.status, result.out,
		     result.err);
	child_release(&result);
}

Test(gc, dead_runs_go_finished_ones_stay)
{
	char *base = child_make_dir("sr-gc");
	struct run run;

	make_dead(base, DEAD);
	make_dead(base, "sr-20200101-000000-00000f1d");
	make_file(base, "sr-20200101-000000-00000f1d/artifacts/run_report.json");
	make_dead(base, "my-own-directory");
	make_dead(base, "sr-20200101-000000");
	sweep(base, "3153600000", 0);
	cr_expect(is_there(base, DEAD), "it is not a hundred years old");
	sweep(base, "60", 0);
	cr_expect_not(is_there(base, DEAD));
	cr_expect(is_there(base, "sr-20200101-000000-00000f1d/artifacts/run_report.json"));
	cr_expect(is_there(base, "sr-20200101-000000-00000f1d/policy.yaml"));
	cr_expect(is_there(base, "my-own-directory/artifacts/stdout.log"));
	cr_expect(is_there(base, "sr-20200101-000000/artifacts/stdout.log"));
	child_remove_dir(base);
	free(base);
	run_start(&run, NULL, WORDS("true"), "", 0);
	sweep(run.base, "0", 0);
	cr_expect(is_there(run.dir, "artifacts/run_report.json"));
	run_release(&run);
}

/* Before it is locked a directory has another name, which is nobody's for a minute. */
Test(gc, beginning_run_stays)
{
	char *base = child_make_dir("sr-gc"), name[64];
	time_t now = time(NULL);
	struct tm utc;

	strftime(name, sizeof(name), ".sr-%Y%m%d-%H%M%S-00000abc", gmtime_r(&now, &utc));
	make_dead(base, name);
	make_dead(base, "." DEAD);
	sweep(base, "0", 0);
	cr_expect(is_there(base, name));
	cr_expect_not(is_there(base, "." DEAD));
	child_remove_dir(base);
	free(base);
}

Test(gc, living_run_stays)
{
	char *base = child_make_dir("sr-gc");
	char *artifacts = path_of(base, DEAD "/artifacts");
	int fd;

	make_dead(base, DEAD);
	fd = open(artifacts, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_eq(flock(fd, LOCK_EX), 0);
	sweep(base, "0", 0);
	cr_expect(is_there(base, DEAD "/artifacts/stdout.log"));
	close(fd);
	sweep(base, "0", 0);
	cr_expect_not(is_there(base, DEAD));
	child_remove_dir(base);
	free(artifacts);
	free(base);
}

/* Links lead nowhere, and what a run does not make is nobody's to remove. */
Test(gc, nothing_else_is_touched)
{
	char *base = child_make_dir("sr-gc"), *other = child_make_dir("sr-gc");
	char *link = path_of(base, "sr-20200101-000000-00000001");
	char *inner = path_of(base, DEAD "/stages/link");
	char *victim;

	make_dead(other, DEAD);
	victim = path_of(other, DEAD);
	cr_assert_eq(symlink(victim, link), 0);
	make_dead(base, DEAD);
	cr_assert_eq(symlink(other, inner), 0);
	make_dir(base, DEAD "/artifacts/kept");
	make_file(base, DEAD "/artifacts/kept/file");
	sweep(base, "0", 3);
	cr_expect(is_there(other, DEAD "/artifacts/stdout.log"));
	cr_expect(is_there(base, "sr-20200101-000000-00000001"));
	cr_expect(is_there(base, DEAD "/artifacts/kept/file"));
	cr_expect_not(is_there(base, DEAD "/stages"));
	child_remove_dir(base);
	child_remove_dir(other);
	free(victim);
	free(link);
	free(inner);
	free(base);
	free(other);
}

Test(gc, dry_run_removes_nothing)
{
	char *base = child_make_dir("sr-gc");
	struct child_result result;

	make_dead(base, DEAD);
	child_run(WORDS("safe-run", "gc", "--workdir", base, "--dry-run"), "", 0, NULL, &result);
	cr_expect_eq(result.status, 0);
	cr_expect_not_null(strstr(result.out, "would remove"), "%s", result.out);
	cr_expect_not_null(strstr(result.out, DEAD), "%s", result.out);
	cr_expect(is_there(base, DEAD "/artifacts/stdout.log"));
	child_release(&result);
	child_remove_dir(base);
	free(base);
}

/* The memory controller's, or version 2's: where this test may make a cgroup. NULL: nowhere. */
static char *own_cgroup(void)
{
	char *groups = child_read_file("/proc/self/cgroup", NULL), *rest = groups, *line;
	char *found = NULL;

	while (found == NULL && (line = strsep(&rest, "\n")) != NULL) {
		const char *name = strchr(line, ':'), *path = name ? strchr(name + 1, ':') : NULL;
		char place[PATH_MAX];

		if (path == NULL)
			continue;
		if (strncmp(name, ":memory:", 8) == 0)
			snprintf(place, sizeof(place), "/sys/fs/cgroup/memory%s", path + 1);
		else if (strncmp(line, "0::", 3) == 0)
			snprintf(place, sizeof(place), "/sys/fs/cgroup%s", path + 1);
		else
			continue;
		if (access(place, W_OK) == 0 && access("/sys/fs/cgroup", X_OK) == 0)
			found = strdup(place);
	}
	free(groups);
	return found;
}

/* A run is seldom swept from the session it was started in: its cgroup is beside ours, or deeper.
 */
Test(gc, cgroups_of_another_session)
{
	static const char *const names[] = {"safe-run-sr-20200101-000000-0000c902",
					    "other-session/safe-run-sr-20200101-000000-0000c903",
					    "other-session/safe-run-of-somebody-else"};
	char *base = child_make_dir("sr-gc");
	char *place = own_cgroup(), *session = NULL;

	if (place == NULL)
		run_skip("this user has no cgroup to make others in");
	cr_assert_gt(asprintf(&session, "sr-gc-%d", (int)getpid()), 0);
	make_dir(place, session);
	char *elsewhere = path_of(place, session), *other = path_of(elsewhere, "other-session");
	make_dir(elsewhere, "other-session");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		make_dir(elsewhere, names[i]);
	/* What has no run directory is left alone while any launcher lives. */
	make_dead(base, "sr-20200101-000000-0000c902");
	make_dead(base, "sr-20200101-000000-0000c903");
	sweep(base, "60", 0);
	cr_expect_not(is_there(elsewhere, names[0]));
	cr_expect_not(is_there(elsewhere, names[1]));
	cr_expect(is_there(elsewhere, names[2]), "not a run's name");
	cr_expect_eq(rmdir(path_of(elsewhere, names[2])), 0);
	cr_expect_eq(rmdir(other), 0);
	cr_expect_eq(rmdir(elsewhere), 0);
	child_remove_dir(base);
	free(session);
	free(elsewhere);
	free(other);
	free(place);
	free(base);
}

Test(gc, left_over_cgroups)
{
	char *base = child_make_dir("sr-gc");
	char *place = own_cgroup();
	char name[64];

	if (place == NULL)
		run_skip("this user has no cgroup to make others in");
	make_dead(base, "sr-20200101-000000-0000c901");
	snprintf(name, sizeof(name), "safe-run-sr-20200101-000000-0000c901");
	make_dir(place, name);
	sweep(base, "60", 0);
	cr_expect_not(is_there(place, name), "%s/%s", place, name);
	cr_expect_not(is_there(base, "sr-20200101-000000-0000c901"));
	child_remove_dir(base);
	free(place);
	free(base);
}
