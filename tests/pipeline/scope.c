/* SPDX-License-Identifier: Apache-2.0 */
/* safe-run executes itself again in a scope of the user's manager, or knows why not. */
#include "cmd/scope.h"
#include "tests/pipeline/run.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define V2_MOUNT  "29 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
#define V1_MEMORY "33 30 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
#define OWN	  "0::/session-2.scope\n"
#define NOTE	  "going on in a scope"

TestSuite(pipeline_scope, .timeout = 120);

/* A directory that is the whole host as far as cmd/scope.c can see. */
struct host {
	char *dir;
	int listener; /* the manager's */
};

static char *in(const struct host *host, const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", host->dir, name);
	return path;
}

static void put(const struct host *host, const char *name, const char *text)
{
	child_write_file(in(host, name), text, strlen(text));
}

static void copy_program(const struct host *host, const char *from, const char *name)
{
	size_t len;
	char *data = child_read_file(from, &len);

	cr_assert_not_null(data, "%s", from);
	child_write_file(in(host, name), data, len);
	cr_assert_eq(chmod(in(host, name), 0755), 0);
	free(data);
}

static int listen_at(const struct host *host, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_lt(strlen(in(host, name)), sizeof(address.sun_path));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", in(host, name));
	cr_assert_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	cr_assert_eq(listen(fd, 8), 0);
	return fd;
}

/* The stages are those of the build; only the front-end is another. */
static void host_make(struct host *host)
{
	static const char *const stages[] = {"sr-validate", "sr-compile", "sr-launch", "sr-monitor",
					     "sr-seal"};

	host->dir = child_make_dir("scope");
	copy_program(host, child_helper("safe-run-scoped"), "safe-run");
	copy_program(host, child_helper("systemd-run"), "systemd-run");
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
		cr_assert_eq(symlink(child_path(stages[i]), in(host, stages[i])), 0);
	put(host, "mountinfo", V2_MOUNT);
	put(host, "cgroup", OWN);
	cr_assert_eq(mkdir(in(host, "tree"), 0755), 0);
	cr_assert_eq(mkdir(in(host, "tree/app.slice"), 0755), 0);
	cr_assert_eq(mkdir(in(host, "tree/app.slice/run-1.scope"), 0755), 0);
	cr_assert_eq(mkdir(in(host, "tree/session-2.scope"), 0555), 0);
	cr_assert_eq(mkdir(in(host, "run"), 0700), 0);
	host->listener = listen_at(host, "run/bus");
	put(host, "moves", "");
}

static void host_release(struct host *host)
{
	close(host->listener);
	chmod(in(host, "tree/session-2.scope"), 0755);
	child_remove_dir(host->dir);
	free(host->dir);
}

static void host_run(const struct host *host, const char *runtime, const char *guard,
		     const char *const words[], struct child_result *result)
{
	char safe_run[PATH_MAX], base[PATH_MAX], xdg[PATH_MAX], set[128];
	const char *env[] = {"PATH=/usr/bin:/bin", xdg, guard != NULL ? set : NULL, NULL};
	const struct child_options options = {.env = env, .cwd = host->dir, .keep_fds = {99}};
	const char *argv[32] = {safe_run, "run", "--workdir", base, "--best-effort"};
	size_t count = 5;

	snprintf(safe_run, sizeof(safe_run), "%s/safe-run", host->dir);
	snprintf(base, sizeof(base), "%s/runs", host->dir);
	snprintf(xdg, sizeof(xdg), "XDG_RUNTIME_DIR=%s%s", host->dir, runtime);
	snprintf(set, sizeof(set), SCOPE_GUARD "=%s", guard != NULL ? guard : "");
	for (size_t i = 0; words[i] != NULL; i++)
		argv[count++] = words[i];
	child_run(argv, "in", 2, &options, result);
}

static char *words_given(const struct host *host)
{
	size_t len;
	char *words = child_read_file(in(host, "words"), &len);

	return words != NULL ? words : calloc(1, 1);
}

/* The expected words: systemd-run's own, this safe-run, and the command line as it was given. */
static char *words_expected(const struct host *host, const char *behind)
{
	char *words;

	cr_assert_gt(asprintf(&words,
			      "--user\n--scope\n--quiet\n--collect\n-p\nDelegate=yes\n--\n"
			      "%s/safe-run\nrun\n--workdir\n%s/runs\n--best-effort\n%s",
			      host->dir, host->dir, behind),
		     0);
	return words;
}

/* Root needs no scope: nothing is asked of the manager then. */
static bool ordinary(void)
{
	return geteuid() != 0;
}

static void expect_words(const struct host *host, const char *behind)
{
	char *given = words_given(host);
	char *expected = words_expected(host, behind);

	cr_expect_str_eq(given, ordinary() ? expected : "", "%s", given);
	free(expected);
	free(given);
}

Test(pipeline_scope, the_same_command_line_runs_in_a_scope)
{
	struct child_result result;
	struct host host;

	host_make(&host);
	host_run(&host, "/run", NULL,
		 WORDS("--env", "A=$HOME", "--", "/bin/sh", "-c", "cat; echo \"$A\"; exit 3"),
		 &result);
	cr_expect_eq(result.status, 3, "%d %s", result.status, result.err);
	cr_expect_str_eq(result.out, "in$HOME\n");
	expect_words(&host, "--env\nA=$HOME\n--\n/bin/sh\n-c\ncat; echo \"$A\"; exit 3\n");
	cr_expect_eq(strstr(result.err, NOTE) != NULL, ordinary(), "%s", result.err);
	child_release(&result);
	host_release(&host);
}

/* A manager that gives nothing is asked once; sr-launch judges then. */
Test(pipeline_scope, once_is_enough)
{
	struct child_result result;
	struct host host;

	host_make(&host);
	cr_assert_eq(unlink(in(&host, "moves")), 0);
	host_run(&host, "/run", NULL, WORDS("--quiet", "--", "/bin/sh", "-c", "exit 4"), &result);
	cr_expect_eq(result.status, 4, "%d %s", result.status, result.err);
	expect_words(&host, "--quiet\n--\n/bin/sh\n-c\nexit 4\n");
	cr_expect_null(strstr(result.err, NOTE), "%s", result.err);
	child_release(&result);
	host_release(&host);
}

Test(pipeline_scope, a_command_line_that_was_changed_does_not_run)
{
	struct child_result result;
	struct host host;

	host_make(&host);
	put(&host, "changes", "");
	host_run(&host, "/run", NULL, WORDS("--", "/bin/echo", "ran"), &result);
	cr_expect_eq(result.status, ordinary() ? 125 : 0, "%d", result.status);
	cr_expect_str_eq(result.out, ordinary() ? "" : "ran\n");
	child_release(&result);
	/* The variable of a stranger is no leave either. */
	host_run(&host, "/run", "0123456789abcdef", WORDS("--", "/bin/echo", "ran"), &result);
	cr_expect_eq(result.status, 125, "%d", result.status);
	cr_expect_str_eq(result.out, "");
	cr_expect_not_null(strstr(result.err, SCOPE_GUARD));
	child_release(&result);
	host_release(&host);
}

Test(pipeline_scope, the_callers_descriptors_come_along)
{
	static const char policy[] = "{\"apiVersion\":\"policy.safe-run.dev/v1alpha1\","
				     "\"metadata\":{\"name\":\"fd\"},\"runtime\":{\"command\":"
				     "\"/bin/echo\",\"args\":[\"nine\"]},\"resources\":{\"cpu\":"
				     "{\"max\":\"max 100000\"},\"memory\":{\"max\":\"64Mi\"}},"
				     "\"network\":{\"mode\":\"none\"},\"mounts\":[],"
				     "\"audit\":{\"level\":\"basic\"}}";
	struct child_result result;
	struct host host;
	int fd;

	host_make(&host);
	put(&host, "policy", policy);
	fd = open(in(&host, "policy"), O_RDONLY);
	cr_assert_eq(dup2(fd, 99), 99);
	close(fd);
	host_run(&host, "/run", NULL, WORDS("--policy", "/dev/fd/99"), &result);
	cr_expect_eq(result.status, 0, "%d %s", result.status, result.err);
	cr_expect_str_eq(result.out, "nine\n");
	expect_words(&host, "--policy\n/dev/fd/99\n");
	close(99);
	child_release(&result);
	host_release(&host);
}

static void make_writable(struct host *host)
{
	cr_assert_eq(chmod(in(host, "tree/session-2.scope"), 0755), 0);
}

static void controllers_on_v1(struct host *host)
{
	put(host, "mountinfo", V2_MOUNT V1_MEMORY);
	put(host, "cgroup", "4:memory:/user.slice\n" OWN);
}

static void nobody_listens(struct host *host)
{
	close(host->listener);
	host->listener = -1;
}

static void a_file_for_a_socket(struct host *host)
{
	cr_assert_eq(unlink(in(host, "run/bus")), 0);
	put(host, "run/bus", "");
}

/* Behind a link there may be anybody's. */
static void a_link_to_the_socket(struct host *host)
{
	char real[PATH_MAX];

	snprintf(real, sizeof(real), "%s", in(host, "run/real"));
	cr_assert_eq(rename(in(host, "run/bus"), real), 0);
	cr_assert_eq(symlink(real, in(host, "run/bus")), 0);
}

static void a_link_to_the_directory(struct host *host)
{
	cr_assert_eq(symlink("run", in(host, "link")), 0);
}

static void no_systemd_run(struct host *host)
{
	cr_assert_eq(unlink(in(host, "systemd-run")), 0);
}

static void nothing(struct host *host)
{
	(void)host;
}

Test(pipeline_scope, not_where_it_cannot_help)
{
	static const struct {
		const char *name, *runtime;
		void (*change)(struct host *host);
	} cases[] = {
		{"our own subtree is writable", "/run", make_writable},
		{"version 1 has the memory", "/run", controllers_on_v1},
		{"nobody listens", "/run", nobody_listens},
		{"a file for a socket", "/run", a_file_for_a_socket},
		{"a link to the socket", "/run", a_link_to_the_socket},
		{"a link to the runtime directory", "/link", a_link_to_the_directory},
		{"there is no runtime directory", "/none", nothing},
		{"there is no systemd-run", "/run", no_systemd_run},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct child_result result;
		struct host host;
		char *given;

		host_make(&host);
		cases[i].change(&host);
		host_run(&host, cases[i].runtime, NULL, WORDS("--", "/bin/echo", "ran"), &result);
		given = words_given(&host);
		cr_expect_eq(result.status, 0, "%s: %s", cases[i].name, result.err);
		cr_expect_str_eq(result.out, "ran\n", "%s", cases[i].name);
		cr_expect_str_eq(given, "", "%s: %s", cases[i].name, given);
		cr_expect_null(strstr(result.err, NOTE), "%s", cases[i].name);
		free(given);
		child_release(&result);
		host_release(&host);
	}
}

/* The manager's private socket is as good as the bus. */
Test(pipeline_scope, takes_the_private_socket)
{
	struct child_result result;
	struct host host;

	host_make(&host);
	cr_assert_eq(unlink(in(&host, "run/bus")), 0);
	cr_assert_eq(mkdir(in(&host, "run/systemd"), 0700), 0);
	close(host.listener);
	host.listener = listen_at(&host, "run/systemd/private");
	host_run(&host, "/run", NULL, WORDS("--", "/bin/true"), &result);
	cr_expect_eq(result.status, 0, "%s", result.err);
	expect_words(&host, "--\n/bin/true\n");
	child_release(&result);
	host_release(&host);
}

Test(pipeline_scope, only_our_own_socket_counts)
{
	static const struct {
		mode_t mode;
		uid_t owner;
		bool ours;
	} cases[] = {
		{S_IFSOCK | 0666, 1000, true}, {S_IFSOCK | 0666, 1001, false},
		{S_IFSOCK | 0666, 0, false},   {S_IFREG | 0600, 1000, false},
		{S_IFLNK | 0777, 1000, false}, {S_IFIFO | 0600, 1000, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct stat status = {.st_mode = cases[i].mode, .st_uid = cases[i].owner};

		cr_expect_eq(scope_socket_ours(&status, 1000), cases[i].ours, "%zu", i);
	}
}

Test(pipeline_scope, helps_only_where_all_controllers_are_on_version_2)
{
	static const struct {
		const char *name, *mountinfo, *self_cgroup;
		bool helps;
	} cases[] = {
		{"version 2 alone", V2_MOUNT, OWN, true},
		{"only a named hierarchy beside it", V2_MOUNT, "1:name=systemd:/user.slice\n" OWN,
		 true},
		{"memory on version 1", V2_MOUNT V1_MEMORY, "4:memory:/\n" OWN, false},
		{"pids on version 1, not even mounted", V2_MOUNT, "4:pids:/\n" OWN, false},
		{"cpu on version 1", V2_MOUNT, "4:cpu,cpuacct:/\n" OWN, false},
		{"version 2 is not mounted", "", OWN, false},
		{"our cgroup is out of sight", V2_MOUNT, "0::/../x\n", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cgroup_layout layout;

		cgroup_layout_parse(cases[i].mountinfo, cases[i].self_cgroup, &layout);
		cr_expect_eq(scope_can_help(&layout), cases[i].helps, "%s", cases[i].name);
	}
}
