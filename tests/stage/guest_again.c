/* SPDX-License-Identifier: Apache-2.0 */
/* sr-guest --again: who was never heard is replaced, who was heard is not, and one job is for one. */
#include "tests/stage/guest_scene.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(stage_guest_again, .timeout = 120);

#define JOB   "{\"type\":\"job\"}\n"
#define AGAIN "{\"again\":true}\n"

static void order(const struct scene *scene, const char *line)
{
	cr_assert_eq(write(scene->launcher, line, strlen(line)), (ssize_t)strlen(line));
}

/* The job, and nothing else: what the launcher says to sr-guest is not for the guest. */
static void expect_job(const struct scene *scene)
{
	struct pollfd item = {.fd = scene->streams[SCENE_CONTROL], .events = POLLIN};
	char text[64] = "";
	size_t len = 0;

	while (len < strlen(JOB) && poll(&item, 1, 10000) > 0) {
		ssize_t got = read(item.fd, text + len, sizeof text - 1 - len);

		cr_assert_gt(got, 0);
		len += (size_t)got;
	}
	cr_expect_str_eq(text, JOB);
	cr_expect_eq(poll(&item, 1, 50), 0);
}

static bool nothing_comes(const struct scene *scene)
{
	struct pollfd item = {.fd = scene->records, .events = POLLIN};

	return scene->at == scene->len && poll(&item, 1, 1500) == 0;
}

/* However much of the job the first one took: the second gets all of it, and is the only one then. */
static void replace(bool reads)
{
	struct scene *scene = malloc(sizeof *scene);
	struct json_object *final;

	scene_begin_with(scene, -1, true);
	order(scene, JOB);
	scene_connect(scene);
	if (reads)
		expect_job(scene);
	scene_leave_all(scene);
	cr_expect(nothing_comes(scene), "the end of one that was never heard is nothing");
	order(scene, AGAIN);
	json_object_put(scene_record(scene, "again"));
	scene_connect(scene);
	expect_job(scene);
	scene_say_text(scene, SCENE_CONTROL, HELLO STARTED EXITED DONE);
	final = scene_final(scene);
	cr_expect_not_null(scene_member(final, "exit"));
	cr_expect_str_eq(scene_violations(final), "");
	json_object_put(final);
	scene_end(scene, 0);
	free(scene);
}

Test(stage_guest_again, replaces_who_was_never_heard)
{
	replace(true);
	replace(false);
}

/* One that never connected has nothing to be closed. */
Test(stage_guest_again, replaces_who_never_came)
{
	struct scene *scene = malloc(sizeof *scene);
	struct json_object *final;

	scene_begin_with(scene, -1, true);
	order(scene, JOB);
	order(scene, AGAIN);
	json_object_put(scene_record(scene, "again"));
	scene_connect(scene);
	expect_job(scene);
	scene_say_text(scene, SCENE_CONTROL, HELLO STARTED EXITED DONE);
	final = scene_final(scene);
	cr_expect_not_null(scene_member(final, "exit"));
	json_object_put(final);
	scene_end(scene, 0);
	free(scene);
}

/* One byte is enough, on any stream: it may have had the job. */
static void keep(enum scene_stream stream, const char *bytes)
{
	struct scene *scene = malloc(sizeof *scene);
	struct json_object *final;
	int fd;

	scene_begin_with(scene, -1, true);
	order(scene, JOB);
	scene_connect(scene);
	scene_say_text(scene, stream, bytes);
	usleep(50000);
	order(scene, AGAIN);
	scene_leave_all(scene);
	close(scene->launcher);
	scene->launcher = -1;
	fd = scene_connect_one(scene, SCENE_CONTROL);
	cr_expect_lt(fd, 0, "somebody else can connect");
	final = scene_final(scene);
	cr_expect_null(scene_member(final, "exit"));
	cr_expect_null(memmem(scene->text, scene->len, "\"again\"", strlen("\"again\"")),
		       "\"%s\" was heard, and who said it is replaced", bytes);
	json_object_put(final);
	scene_end(scene, 0);
	free(scene);
}

Test(stage_guest_again, keeps_to_who_was_heard)
{
	keep(SCENE_CONTROL, HELLO);
	keep(SCENE_CONTROL, "{");
	keep(SCENE_STDOUT, "x");
	keep(SCENE_STDERR, "x");
	keep(SCENE_OUTPUTS, "x");
}

/* Twice is once too often; and without the option nobody is replaced at all. */
Test(stage_guest_again, once)
{
	for (int again = 0; again < 2; again++) {
		struct scene *scene = malloc(sizeof *scene);

		scene_begin_with(scene, -1, again == 1);
		order(scene, JOB);
		if (again == 1) {
			order(scene, AGAIN);
			json_object_put(scene_record(scene, "again"));
		}
		scene_connect(scene);
		order(scene, AGAIN);
		expect_job(scene);
		scene_leave_all(scene);
		json_object_put(scene_final(scene));
		scene_end(scene, 0);
		free(scene);
	}
}
