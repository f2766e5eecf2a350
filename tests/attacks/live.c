/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/attacks/live.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <json-c/json_pointer.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_LIMIT_MS 30000
#define LOOK_MS	       2

static _Noreturn void exec_safe_run(struct attack *attack, int out_fd, char *const argv[])
{
	char path[4200];

	snprintf(path, sizeof path, "%s/stderr", attack->dir);
	int null_fd = open("/dev/null", O_RDONLY);
	int err_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (null_fd < 0 || err_fd < 0 || dup2(null_fd, 0) < 0 || dup2(out_fd, 1) < 0 ||
	    dup2(err_fd, 2) < 0)
		_exit(127);
	closefrom(3);
	execv(argv[0], argv);
	_exit(127);
}

static int open_out(struct live *live, bool pipe_out)
{
	char path[4200];
	int ends[2];

	live->out_fd = -1;
	if (pipe_out) {
		cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
		live->out_fd = ends[0];
		return ends[1];
	}
	snprintf(path, sizeof path, "%s/stdout", live->attack->dir);
	return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

void live_start(struct live *live, struct attack *attack, bool pipe_out)
{
	char *argv[ATTACK_ARGV_MAX];

	*live = (struct live){.attack = attack};
	attack_prepare(attack, argv);
	int out_fd = open_out(live, pipe_out);
	cr_assert_geq(out_fd, 0);
	live->pid = fork();
	cr_assert_geq(live->pid, 0);
	if (live->pid == 0)
		exec_safe_run(attack, out_fd, argv);
	close(out_fd);
	for (size_t i = 0; argv[i]; i++)
		free(argv[i]);
}

static bool find_record(struct live *live)
{
	char runs[4100];
	struct dirent *entry;
	DIR *dir;

	if (live->record[0])
		return true;
	snprintf(runs, sizeof runs, "%s/runs", live->attack->dir);
	dir = opendir(runs);
	while (dir && (entry = readdir(dir))) {
		if (!strncmp(entry->d_name, "sr-", 3))
			snprintf(live->record, sizeof live->record, "%s/%.64s/stages/launch.ndjson",
				 runs, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return live->record[0];
}

static bool has_ended(const struct live *live)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)live->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid != 0;
}

bool live_wait_started(struct live *live)
{
	long long end = attack_now_ms() + START_LIMIT_MS;

	while (attack_now_ms() < end) {
		char *text = find_record(live) ? child_read_file(live->record, NULL) : NULL;
		bool started = text && strstr(text, "\"type\":\"vm.started\"");

		free(text);
		if (started)
			return true;
		if (has_ended(live))
			return false;
		poll(NULL, 0, LOOK_MS);
	}
	return false;
}

/* The value at "payload.cgroup.paths" in one line, when that line is such an event. */
static char *value_in(const char *line, size_t len, const char *type, const char *name)
{
	char pointer[256] = "/payload/";
	struct json_object *event, *value = NULL, *kind = NULL;
	struct json_tokener *tokener = json_tokener_new();
	char *found = NULL;

	for (size_t i = 0; name[i] && i < sizeof pointer - 16; i++)
		pointer[9 + i] = name[i] == '.' ? '/' : name[i];
	event = json_tokener_parse_ex(tokener, line, (int)len);
	if (event && json_object_object_get_ex(event, "type", &kind) &&
	    !strcmp(json_object_get_string(kind), type) &&
	    json_pointer_get(event, pointer, &value) == 0)
		found = strdup(json_object_get_string(value));
	json_object_put(event);
	json_tokener_free(tokener);
	return found;
}

char *live_event(struct live *live, const char *type, const char *name)
{
	char *text = find_record(live) ? child_read_file(live->record, NULL) : NULL;
	char *found = NULL;

	for (const char *line = text; line && *line;) {
		size_t len = strcspn(line, "\n");
		char *value = value_in(line, len, type, name);

		if (value) {
			free(found);
			found = value;
		}
		line += len + (line[len] == '\n');
	}
	free(text);
	return found;
}

/* Parent of a process, 0 when it is gone; its name into comm. */
static pid_t parent_of(const char *pid, char comm[32])
{
	char path[300], text[512];
	int parent = 0;

	snprintf(path, sizeof path, "/proc/%s/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	if (len <= 0)
		return 0;
	text[len] = '\0';
	/* The name is in parentheses and may hold some. */
	char *open_paren = strchr(text, '('), *close_paren = strrchr(text, ')');
	if (!open_paren || !close_paren || sscanf(close_paren + 1, " %*c %d", &parent) != 1)
		return 0;
	*close_paren = '\0';
	snprintf(comm, 32, "%.31s", open_paren + 1);
	return parent;
}

pid_t live_stage(const struct live *live, const char *name)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;
	char comm[32];

	while (proc && !found && (entry = readdir(proc))) {
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    parent_of(entry->d_name, comm) == live->pid && !strcmp(comm, name))
			found = (pid_t)strtol(entry->d_name, NULL, 10);
	}
	if (proc)
		closedir(proc);
	return found;
}

bool live_ends(const struct live *live, unsigned limit_ms)
{
	int pidfd = pidfd_open(live->pid, 0);
	struct pollfd ended = {.fd = pidfd, .events = POLLIN};
	bool in_time = poll(&ended, 1, (int)limit_ms) == 1;

	close(pidfd);
	return in_time;
}

int live_end(struct live *live, unsigned limit_ms)
{
	bool in_time = live_ends(live, limit_ms);
	int status;

	if (!in_time)
		kill(live->pid, SIGKILL);
	cr_assert_eq(waitpid(live->pid, &status, 0), live->pid);
	if (live->out_fd >= 0)
		close(live->out_fd);
	live->out_fd = -1;
	if (!in_time)
		return -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

const char *live_verdict(struct live *live)
{
	static char verdict[32];
	char report[4400];
	const char *argv[] = {"sr-verify", report, NULL};
	struct child_result result;
	char *stages;

	if (!find_record(live))
		return NULL;
	snprintf(report, sizeof report, "%s", live->record);
	stages = strstr(report, "/stages/");
	cr_assert_not_null(stages);
	snprintf(stages, sizeof report - (size_t)(stages - report), "/artifacts/run_report.json");
	if (access(report, F_OK))
		return NULL;
	child_run(argv, NULL, 0, NULL, &result);
	struct json_object *answer = json_tokener_parse(result.out), *word = NULL;
	json_object_object_get_ex(answer, "result", &word);
	snprintf(verdict, sizeof verdict, "%s", word ? json_object_get_string(word) : "none");
	json_object_put(answer);
	child_release(&result);
	return verdict;
}
