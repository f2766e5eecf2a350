/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/stage/guest_scene.h"

#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 10000

static const char *const names[SCENE_COUNT] = {"control", "stdin", "stdout", "stderr", "outputs"};

static void make_pipe(int *read_end, int *write_end)
{
	int ends[2];

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	*read_end = ends[0];
	*write_end = ends[1];
}

/* In the child: the descriptors by number, and nothing else of ours stays open at exec. */
static void execute(const int fds[7], bool again)
{
	static const char *const options[] = {"--place-fd", "--tree-fd", "--stdin-fd",
					      "--stdout-fd", "--stderr-fd"};
	char numbers[5][16];
	const char *argv[16] = {child_path("sr-guest"), "--vmm", "qemu"};
	size_t count = 3;

	for (size_t i = 0; i < 5; i++) {
		snprintf(numbers[i], sizeof numbers[i], "%d", fds[i]);
		argv[count++] = options[i];
		argv[count++] = numbers[i];
		(void)fcntl(fds[i], F_SETFD, 0);
	}
	if (again)
		argv[count++] = "--again";
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)dup2(fds[5], STDIN_FILENO);
	(void)dup2(fds[6], STDOUT_FILENO);
	execv(argv[0], (char *const *)argv);
	_exit(99);
}

void scene_begin(struct scene *scene, int tree_fd)
{
	scene_begin_with(scene, tree_fd, false);
}

void scene_begin_with(struct scene *scene, int tree_fd, bool again)
{
	char *dir = child_make_dir("guest");
	char path[600];
	int fds[7];

	(void)signal(SIGPIPE, SIG_IGN);
	scene->at = scene->len = 0;
	snprintf(scene->dir, sizeof scene->dir, "%s", dir);
	free(dir);
	snprintf(path, sizeof path, "%s/sockets", scene->dir);
	snprintf(scene->tree, sizeof scene->tree, "%s/tree", scene->dir);
	cr_assert(mkdir(path, 0700) == 0 && mkdir(scene->tree, 0700) == 0);
	fds[0] = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fds[1] =
		tree_fd >= 0 ? dup(tree_fd) : open(scene->tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_pipe(&fds[2], &scene->stdin_fd);
	make_pipe(&scene->stdout_fd, &fds[3]);
	make_pipe(&scene->stderr_fd, &fds[4]);
	make_pipe(&fds[5], &scene->launcher);
	make_pipe(&scene->records, &fds[6]);
	scene->pid = fork();
	if (scene->pid == 0)
		execute(fds, again);
	for (size_t i = 0; i < 7; i++)
		close(fds[i]);
	for (size_t i = 0; i < SCENE_COUNT; i++)
		scene->streams[i] = -1;
	json_object_put(scene_record(scene, "listening"));
}

int scene_connect_one(const struct scene *scene, enum scene_stream stream)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_lt(snprintf(address.sun_path, sizeof address.sun_path, "%s/sockets/%s",
			      scene->dir, names[stream]),
		     (int)sizeof address.sun_path);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	close(fd);
	return -1;
}

void scene_connect(struct scene *scene)
{
	for (unsigned stream = 0; stream < SCENE_COUNT; stream++) {
		scene->streams[stream] = scene_connect_one(scene, (enum scene_stream)stream);
		cr_assert_geq(scene->streams[stream], 0, "%s: %s", names[stream], strerror(errno));
	}
	json_object_put(scene_record(scene, "connected"));
}

/* What is not taken any more is dropped, as a VMM would. */
void scene_say(const struct scene *scene, enum scene_stream stream, const void *data, size_t len)
{
	const char *rest = data;

	while (len > 0) {
		ssize_t put = send(scene->streams[stream], rest, len, MSG_NOSIGNAL);

		if (put < 0)
			return;
		rest += put;
		len -= (size_t)put;
	}
}

void scene_say_text(const struct scene *scene, enum scene_stream stream, const char *text)
{
	scene_say(scene, stream, text, strlen(text));
}

void scene_leave(struct scene *scene, enum scene_stream stream)
{
	/* A child of the test's may have it too. */
	if (scene->streams[stream] >= 0) {
		(void)shutdown(scene->streams[stream], SHUT_RDWR);
		close(scene->streams[stream]);
	}
	scene->streams[stream] = -1;
}

void scene_leave_all(struct scene *scene)
{
	for (unsigned stream = 0; stream < SCENE_COUNT; stream++)
		scene_leave(scene, (enum scene_stream)stream);
}

static void read_more(struct scene *scene)
{
	struct pollfd item = {.fd = scene->records, .events = POLLIN};
	ssize_t len;

	cr_assert_eq(poll(&item, 1, PATIENCE_MS), 1, "sr-guest says nothing");
	len = read(scene->records, scene->text + scene->len, sizeof scene->text - scene->len);
	cr_assert_gt(len, 0, "sr-guest ended");
	scene->len += (size_t)len;
}

static struct json_object *next(struct scene *scene)
{
	struct json_object *record;
	char *end;

	while ((end = memchr(scene->text + scene->at, '\n', scene->len - scene->at)) == NULL)
		read_more(scene);
	*end = '\0';
	record = json_tokener_parse(scene->text + scene->at);
	cr_assert_not_null(record, "%s", scene->text + scene->at);
	scene->at = (size_t)(end - scene->text) + 1;
	cr_expect_str_eq(json_object_get_string(scene_member(record, "observedBy")), "guest");
	return record;
}

struct json_object *scene_record(struct scene *scene, const char *type)
{
	struct json_object *record = next(scene);

	cr_assert_str_eq(json_object_get_string(scene_member(record, "type")), type);
	return record;
}

struct json_object *scene_final(struct scene *scene)
{
	for (;;) {
		struct json_object *record = next(scene);

		if (strcmp(json_object_get_string(scene_member(record, "type")), "final") == 0)
			return record;
		json_object_put(record);
	}
}

struct json_object *scene_member(struct json_object *record, const char *path)
{
	char part[64];

	while (record != NULL && *path != '\0') {
		size_t len = strcspn(path, ".");
		struct json_object *value = NULL;

		snprintf(part, sizeof part, "%.*s", (int)len, path);
		if (json_object_is_type(record, json_type_object))
			(void)json_object_object_get_ex(record, part, &value);
		record = value;
		path += len + (path[len] == '.');
	}
	return record;
}

const char *scene_violations(struct json_object *final)
{
	static char all[8192];
	struct json_object *list = scene_member(final, "violations");
	size_t len = 0;

	all[0] = '\0';
	cr_assert(json_object_is_type(list, json_type_array));
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *fault = json_object_array_get_idx(list, i);

		len += (size_t)snprintf(all + len, sizeof all - len, "%s: %s; ",
					json_object_get_string(scene_member(fault, "path")),
					json_object_get_string(scene_member(fault, "message")));
	}
	return all;
}

void scene_end(struct scene *scene, int status)
{
	struct pollfd item = {.fd = scene->records, .events = POLLIN};
	char byte;
	int got;

	/* It ends by itself: its last record is its last act. */
	cr_expect_eq(poll(&item, 1, PATIENCE_MS), 1, "sr-guest does not end");
	cr_expect_eq(read(scene->records, &byte, 1), 0, "a record behind the last");
	if (item.revents == 0)
		(void)kill(scene->pid, SIGKILL);
	cr_assert_eq(waitpid(scene->pid, &got, 0), scene->pid);
	cr_expect(WIFEXITED(got) && WEXITSTATUS(got) == status, "sr-guest ended with %x", got);
	scene_leave_all(scene);
	if (scene->launcher >= 0)
		close(scene->launcher);
	if (scene->stdin_fd >= 0)
		close(scene->stdin_fd);
	close(scene->stdout_fd);
	close(scene->stderr_fd);
	close(scene->records);
	child_remove_dir(scene->dir);
}
