/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/stage/launch_run.h"

#include "ipc/canon.h"
#include "tests/stage/launch_bundle.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGV_MAX 24
#define LIVE_MS	 60000

void launch_events_parse(struct launch_events *events, const char *text, size_t len)
{
	const char *end = text + len;

	events->count = 0;
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		struct fault fault;

		cr_assert_not_null(newline, "an event without its end: %s", text);
		cr_assert_lt(events->count, LAUNCH_EVENT_MAX);
		cr_assert_eq(canon_parse(text, (size_t)(newline - text), FAULT_RUN_LAUNCH,
					 &events->items[events->count], &fault),
			     FAULT_NONE, "%s: %s", fault.message, text);
		cr_assert_eq(json_object_get_int64(launch_get(events->items[events->count], "seq")),
			     (int64_t)events->count);
		events->count++;
		text = newline + 1;
	}
}

void launch_events_release(struct launch_events *events)
{
	for (size_t i = 0; i < events->count; i++)
		json_object_put(events->items[i]);
	events->count = 0;
}

static void fill_argv(const char *argv[ARGV_MAX], const char *const first[],
		      const char *const options[])
{
	size_t count = 0;

	argv[count++] = "sr-launch";
	for (size_t i = 0; first != NULL && first[i] != NULL; i++)
		argv[count++] = first[i];
	for (size_t i = 0; options != NULL && options[i] != NULL; i++)
		argv[count++] = options[i];
	argv[count] = NULL;
	cr_assert_lt(count, ARGV_MAX);
}

void launch_run_text(struct launch_run *run, const void *input, size_t len,
		     const char *const options[])
{
	const char *argv[ARGV_MAX];

	fill_argv(argv, NULL, options);
	child_run(argv, input, len, NULL, &run->result);
	launch_events_parse(&run->events, run->result.out, run->result.out_len);
}

void launch_run_policy(struct launch_run *run, struct json_object *policy,
		       const char *const options[], const struct child_options *child)
{
	struct json_object *bundle = launch_bundle(policy);
	const char *argv[ARGV_MAX];
	size_t len;
	char *line = launch_line(bundle, &len);

	fill_argv(argv, NULL, options);
	child_run(argv, line, len, child, &run->result);
	launch_events_parse(&run->events, run->result.out, run->result.out_len);
	json_object_put(bundle);
	json_object_put(policy);
	free(line);
}

void launch_run_release(struct launch_run *run)
{
	launch_events_release(&run->events);
	child_release(&run->result);
}

struct json_object *launch_event(const struct launch_events *events, const char *type)
{
	for (size_t i = 0; i < events->count; i++)
		if (strcmp(json_object_get_string(launch_get(events->items[i], "type")), type) == 0)
			return events->items[i];
	return NULL;
}

const char *launch_text(const struct launch_events *events, const char *type, const char *path)
{
	struct json_object *event = launch_event(events, type);
	struct json_object *payload = event != NULL ? launch_get(event, "payload") : NULL;
	struct json_object *value = payload != NULL ? launch_get(payload, path) : NULL;

	return value != NULL ? json_object_get_string(value) : "";
}

void launch_expect_types(const struct launch_events *events, const char *types)
{
	char text[2048] = "";

	for (size_t i = 0; i < events->count; i++) {
		const char *type = json_object_get_string(launch_get(events->items[i], "type"));
		size_t len = strlen(text);

		(void)snprintf(text + len, sizeof text - len, "%s%s", i == 0 ? "" : " ", type);
	}
	cr_expect_str_eq(text, types);
}

void launch_expect_refused(const struct launch_run *run, const char *code, const char *step)
{
	cr_expect_eq(run->result.status, 1, "%s %s", step, run->result.err);
	cr_expect_str_eq(launch_text(&run->events, "run.failed", "errors[0].code"), code, "%s: %s",
			 step, launch_text(&run->events, "run.failed", "errors[0].message"));
	cr_expect_str_eq(launch_text(&run->events, "run.failed", "step"), step);
	cr_expect_not_null(launch_event(&run->events, "compile"));
	cr_expect_null(launch_event(&run->events, "vm.started"));
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t written = fd < 0 ? -1 : write(fd, text, strlen(text));

	(void)close(fd);
	return written < 0 ? -1 : 0;
}

/* In a process of one thread: a user namespace is for nobody else (unshare(2)). */
static int own_mounts(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	char uids[64], gids[64];

	(void)snprintf(uids, sizeof uids, "%u %u 1", uid, uid);
	(void)snprintf(gids, sizeof gids, "%u %u 1", gid, gid);
	if (unshare(uid == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return -1;
	if (uid != 0 && (write_text("/proc/self/setgroups", "deny") < 0 ||
			 write_text("/proc/self/uid_map", uids) < 0 ||
			 write_text("/proc/self/gid_map", gids) < 0))
		return -1;
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

/* sr-launch with our pipes on 0, 1 and three numbers above. */
_Noreturn static void become_launch(const struct launch_live *live, const int ends[4],
				    const char *const argv[])
{
	enum { INPUT = 0, EVENTS = 1, OUTPUT = 10, CONTROL = 11 };
	const char *path = child_path(argv[0]);
	int high[4];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (live->before != NULL && (own_mounts() < 0 || live->before(live->argument) < 0)) {
		perror("cannot stage the test");
		_exit(98);
	}
	for (size_t i = 0; i < 4; i++)
		high[i] = fcntl(ends[i], F_DUPFD, 100);
	if (dup2(high[0], INPUT) < 0 || dup2(high[1], EVENTS) < 0 || dup2(high[2], OUTPUT) < 0 ||
	    dup2(high[3], CONTROL) < 0)
		_exit(99);
	(void)close_range(12, ~0U, 0);
	execv(path, (char *const *)argv);
	_exit(99);
}

void launch_live_start(struct launch_live *live, const char *const options[])
{
	static const char *const first[] = {"--stdout-fd",  "10", "--stderr-fd", "10",
					    "--control-fd", "11", NULL};
	const char *argv[ARGV_MAX];
	int in[2], out[2], output[2], control[2];

	fill_argv(argv, first, options);
	cr_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 &&
		  pipe2(output, O_CLOEXEC) == 0 && pipe2(control, O_CLOEXEC) == 0);
	live->pid = fork();
	cr_assert_geq(live->pid, 0);
	if (live->pid == 0) {
		const int ends[4] = {in[0], out[1], output[1], control[0]};

		become_launch(live, ends, argv);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	(void)close(output[1]);
	(void)close(control[0]);
	live->in = in[1];
	live->out = out[0];
	live->output = output[0];
	live->control = control[1];
	live->len = 0;
}

void launch_live_give(struct launch_live *live, struct json_object *policy)
{
	struct json_object *bundle = launch_bundle(policy);
	size_t len;
	char *line = launch_line(bundle, &len);

	cr_assert_eq(write(live->in, line, len), (ssize_t)len);
	(void)close(live->in);
	live->in = -1;
	json_object_put(bundle);
	json_object_put(policy);
	free(line);
}

static ssize_t read_soon(int fd, char *out, size_t size)
{
	struct pollfd item = {.fd = fd, .events = POLLIN};

	cr_assert_eq(poll(&item, 1, LIVE_MS), 1, "nothing came");
	return read(fd, out, size);
}

bool launch_live_await(struct launch_live *live, const char *type)
{
	char wanted[64];

	(void)snprintf(wanted, sizeof wanted, "\"type\":\"%s\"}\n", type);
	while (memmem(live->text, live->len, wanted, strlen(wanted)) == NULL) {
		ssize_t len =
			read_soon(live->out, live->text + live->len, sizeof live->text - live->len);

		if (len <= 0)
			return false;
		live->len += (size_t)len;
	}
	return true;
}

void launch_live_await_output(struct launch_live *live, const char *text)
{
	size_t len = 0;

	do {
		ssize_t got =
			read_soon(live->output, live->seen + len, sizeof live->seen - len - 1);

		cr_assert_gt(got, 0, "%s did not come", text);
		len += (size_t)got;
		live->seen[len] = '\0';
	} while (strstr(live->seen, text) == NULL);
}

static void close_all(struct launch_live *live)
{
	int *fds[] = {&live->in, &live->out, &live->output, &live->control};

	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++) {
		if (*fds[i] >= 0)
			(void)close(*fds[i]);
		*fds[i] = -1;
	}
}

int launch_live_end(struct launch_live *live, struct launch_events *events)
{
	char rest[4096];
	int status = 0;

	while (live->out >= 0) {
		ssize_t len =
			read_soon(live->out, live->text + live->len, sizeof live->text - live->len);

		if (len <= 0)
			break;
		live->len += (size_t)len;
	}
	while (read_soon(live->output, rest, sizeof rest) > 0)
		continue;
	cr_assert_eq(waitpid(live->pid, &status, 0), live->pid);
	close_all(live);
	if (events != NULL)
		launch_events_parse(events, live->text, live->len);
	return status;
}

/* The dying are in it a moment longer than their descriptors are open; nothing tells when. */
static void remove_one(const char *path)
{
	int tries = 0;

	while (rmdir(path) < 0 && errno == EBUSY && tries++ < 1000)
		(void)poll(NULL, 0, 1);
	cr_expect_neq(access(path, F_OK), 0, "%s stays", path);
}

/* The cgroup file systems are small: a walk costs a few milliseconds. */
static void remove_below(const char *path, const char *name)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char child[4096];

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' ||
		    snprintf(child, sizeof child, "%s/%s", path, entry->d_name) >=
			    (int)sizeof child)
			continue;
		if (strcmp(entry->d_name, name) == 0)
			remove_one(child);
		else
			remove_below(child, name);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

void launch_remove_cgroups(const char *run_id)
{
	char name[80];

	(void)snprintf(name, sizeof name, "safe-run-%s", run_id);
	remove_below("/sys/fs/cgroup", name);
}

void launch_need_sandbox(void)
{
	static const char *const argv[] = {"/bin/true", NULL};
	struct launch_run run;
	bool denied;

	launch_run_policy(&run, launch_policy(argv), NULL, NULL);
	denied = strcmp(launch_text(&run.events, "run.failed", "step"), "launch.namespace") == 0;
	if (denied) {
		(void)fprintf(stderr, "skipped: %s\n",
			      launch_text(&run.events, "run.failed", "errors[0].message"));
		cr_assert_null(getenv("MUST_WORK"), "MUST_WORK");
	}
	launch_run_release(&run);
	if (denied)
		cr_skip_test("no sandbox for this user here");
}
