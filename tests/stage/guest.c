/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-guest with guests that are nobody's friend (VM4): the control stream, and when it ends. Each
 * lie has the record it must come to; what a launcher makes of it is in tests/machine.
 */
#include "tests/stage/guest_scene.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

TestSuite(stage_guest, .timeout = 120);

#define LINE_MAX_LEN 65536
#define JOB	     "{\"type\":\"job\"}\n"
#define FAILED(code, message, more)                                                                \
	"{\"setup\":{\"code\":\"" code "\",\"errno\":2,\"message\":\"" message                     \
	"\",\"path\":\"launch.exec\"" more "},\"type\":\"failed\"}\n"
#define EXIT(core, code, signal)                                                                   \
	EXITED_WITH("{\"coreDumped\":" core ",\"exitCode\":" code ",\"signalNumber\":" signal "}", \
		    RUSAGE, "0")
#define FOUR_TIMES(text) text text text text
#define SIXTY_FOUR(text) FOUR_TIMES(FOUR_TIMES(FOUR_TIMES(text)))

enum told { NOTHING, THE_EXIT, THE_SETUP };

struct lie {
	const char *what, *text;
	const char *violation; /* a part of the message; NULL: none */
	enum told told;	       /* what is left of it */
};

static void expect_told(struct json_object *final, const struct lie *lie)
{
	bool exited = scene_member(final, "exit") != NULL;
	bool failed = scene_member(final, "setup") != NULL;
	const char *violations = scene_violations(final);

	cr_expect_eq(exited, lie->told == THE_EXIT, "%s: %s", lie->what,
		     json_object_to_json_string(final));
	cr_expect_eq(failed, lie->told == THE_SETUP, "%s: %s", lie->what,
		     json_object_to_json_string(final));
	if (lie->violation == NULL)
		cr_expect_str_eq(violations, "", "%s", lie->what);
	else
		cr_expect_not_null(strstr(violations, lie->violation), "%s: \"%s\"", lie->what,
				   violations);
	cr_expect_eq(scene_member(final, "rusage") != NULL, exited, "%s", lie->what);
}

static void tell(const struct lie *lie, const void *data, size_t len)
{
	struct scene *scene = malloc(sizeof *scene);
	struct json_object *final;

	scene_begin(scene, -1);
	scene_connect(scene);
	scene_say(scene, SCENE_CONTROL, data, len);
	scene_leave_all(scene);
	final = scene_final(scene);
	expect_told(final, lie);
	json_object_put(final);
	scene_end(scene, 0);
	free(scene);
}

static void tell_all(const struct lie *lies, size_t count)
{
	for (size_t i = 0; i < count; i++)
		tell(&lies[i], lies[i].text, strlen(lies[i].text));
}

#define TELL_ALL(lies) tell_all(lies, sizeof(lies) / sizeof *(lies))

Test(stage_guest, what_an_honest_guest_says)
{
	static const struct lie lies[] = {
		{"the whole run", HELLO STARTED EXITED DONE, NULL, THE_EXIT},
		{"an older one's hello",
		 "{\"bootMs\":0,\"release\":\"\",\"type\":\"hello\",\"version\":\"\"}\n" STARTED
			 EXITED DONE,
		 NULL, THE_EXIT},
		{"a signal, with its core", HELLO STARTED EXIT("true", "null", "11") DONE, NULL,
		 THE_EXIT},
		{"failed at once", FAILED("SR-RUN-002", "no", ""), NULL, THE_SETUP},
		{"failed behind hello", HELLO FAILED("SR-RUN-101", "no", ""), NULL, THE_SETUP},
		{"failed behind started", HELLO STARTED FAILED("SR-RUN-101", "no", ""), NULL,
		 THE_SETUP},
		{"nothing", "", NULL, NOTHING},
		{"no more than hello", HELLO, NULL, NOTHING},
		{"not how it ended", HELLO STARTED, NULL, NOTHING},
		{"not what it leaves", HELLO STARTED EXITED, NULL, THE_EXIT},
	};

	TELL_ALL(lies);
}

Test(stage_guest, VM4_lines_at_the_wrong_place)
{
	static const struct lie lies[] = {
		{"started first", STARTED, "\"started\" has no place", NOTHING},
		{"exited first", EXITED, "\"exited\" has no place", NOTHING},
		{"done first", DONE, "\"done\" has no place", NOTHING},
		{"exited before started", HELLO EXITED, "has no place", NOTHING},
		{"done before exited", HELLO STARTED DONE, "has no place", NOTHING},
		{"hello twice", HELLO HELLO, "has no place", NOTHING},
		{"started twice", HELLO STARTED STARTED, "has no place", NOTHING},
		{"exited twice", HELLO STARTED EXITED EXITED, "has no place", THE_EXIT},
		{"another end behind the end", HELLO STARTED EXITED EXIT("false", "9", "null"),
		 "has no place", THE_EXIT},
		{"failed twice", FAILED("SR-RUN-002", "a", "") FAILED("SR-RUN-002", "b", ""),
		 "has no place", THE_SETUP},
		{"done twice", HELLO STARTED EXITED DONE DONE, "has no place", THE_EXIT},
		{"hello again at the end", HELLO STARTED EXITED DONE HELLO, "has no place",
		 THE_EXIT},
		{"another type", HELLO "{\"type\":\"job\"}\n", "\"job\" has no place", NOTHING},
		{"a host's record", "{\"received\":true}\n", "type", NOTHING},
	};

	TELL_ALL(lies);
}

Test(stage_guest, VM4_lines_that_are_not_canonical)
{
	static const struct lie lies[] = {
		{"a space", "{\"initMs\": 1,\"type\":\"started\"}\n", "", NOTHING},
		{"members not in order",
		 "{\"type\":\"hello\",\"bootMs\":1,\"release\":\"\",\"version\":\"\"}\n", "",
		 NOTHING},
		{"a member twice", "{\"type\":\"hello\",\"type\":\"hello\"}\n", "", NOTHING},
		{"an exponent", HELLO "{\"initMs\":1e3,\"type\":\"started\"}\n", "", NOTHING},
		{"a fraction", HELLO "{\"initMs\":99.0,\"type\":\"started\"}\n", "", NOTHING},
		{"minus nought", HELLO "{\"initMs\":-0,\"type\":\"started\"}\n", "", NOTHING},
		{"a leading nought", HELLO "{\"initMs\":099,\"type\":\"started\"}\n", "", NOTHING},
		{"an escape that need not be", "{\"type\":\"\\u0068ello\"}\n", "", NOTHING},
		{"a lone surrogate", "{\"type\":\"\\ud800\"}\n", "", NOTHING},
		{"no UTF-8", "{\"type\":\"\xff\xfe\"}\n", "", NOTHING},
		{"overlong UTF-8", "{\"type\":\"\xc0\xaf\"}\n", "", NOTHING},
		{"an array", "[]\n", "", NOTHING},
		{"a word", "\"hello\"\n", "", NOTHING},
		{"an empty line", "\n", "", NOTHING},
		{"a carriage return", "{\"type\":\"hello\"}\r\n", "", NOTHING},
		{"two on a line", "{\"type\":\"hello\"}{\"type\":\"hello\"}\n", "", NOTHING},
		{"no end", HELLO "{\"initMs\":40,\"type\":\"star", "inside a record", NOTHING},
		{"no line feed", HELLO STARTED EXITED "{\"entries\":0,\"type\":\"done\"}",
		 "inside a record", THE_EXIT},
		{"depth", SIXTY_FOUR("[") SIXTY_FOUR("]") "\n", "", NOTHING},
	};

	TELL_ALL(lies);
	tell(&(struct lie){"NUL", NULL, "", NOTHING}, "{\"type\":\"hel\0lo\"}\n", 18);
}

Test(stage_guest, VM4_status_and_numbers_that_cannot_be)
{
	static const struct lie lies[] = {
		{"status 255", HELLO STARTED EXIT("false", "255", "null") DONE, NULL, THE_EXIT},
		{"status 256", HELLO STARTED EXIT("false", "256", "null"), "exitCode", NOTHING},
		{"status -1", HELLO STARTED EXIT("false", "-1", "null"), "exitCode", NOTHING},
		{"signal 64", HELLO STARTED EXIT("false", "null", "64") DONE, NULL, THE_EXIT},
		{"signal 65", HELLO STARTED EXIT("false", "null", "65"), "signalNumber", NOTHING},
		{"signal 0", HELLO STARTED EXIT("false", "null", "0"), "signalNumber", NOTHING},
		{"both", HELLO STARTED EXIT("false", "0", "9"), "a status and a signal", NOTHING},
		{"neither", HELLO STARTED EXIT("false", "null", "null"), "signalNumber", NOTHING},
		{"a text for a status", HELLO STARTED EXIT("false", "\"0\"", "null"), "exitCode",
		 NOTHING},
		{"a number for a truth", HELLO STARTED EXIT("1", "0", "null"), "coreDumped",
		 NOTHING},
		{"a truth for an object", HELLO STARTED EXITED_WITH("true", RUSAGE, "0"), "exit",
		 NOTHING},
		{"more in the exit",
		 HELLO STARTED EXITED_WITH("{\"coreDumped\":false,\"exitCode\":0,\"more\":1,"
					   "\"signalNumber\":null}",
					   RUSAGE, "0"),
		 "more", NOTHING},
		{"less in the exit",
		 HELLO STARTED EXITED_WITH("{\"exitCode\":0,\"signalNumber\":null}", RUSAGE, "0"),
		 "coreDumped", NOTHING},
		{"used less than nothing",
		 HELLO STARTED EXITED_WITH(EXIT_0,
					   "{\"maxRssBytes\":-1,\"systemUs\":0,\"userUs\":0}", "0"),
		 "maxRssBytes", NOTHING},
		{"2^53 - 1",
		 HELLO STARTED EXITED_WITH(
			 EXIT_0, "{\"maxRssBytes\":9007199254740991,\"systemUs\":0,\"userUs\":0}",
			 "0") DONE,
		 NULL, THE_EXIT},
		{"2^53",
		 HELLO STARTED EXITED_WITH(
			 EXIT_0, "{\"maxRssBytes\":9007199254740992,\"systemUs\":0,\"userUs\":0}",
			 "0"),
		 "", NOTHING},
		{"2^64", HELLO STARTED EXITED_WITH(EXIT_0, RUSAGE, "18446744073709551616"), "",
		 NOTHING},
		{"a hundred digits",
		 HELLO "{\"initMs\":" SIXTY_FOUR("9") SIXTY_FOUR("9") ",\"type\":\"started\"}\n",
		 "", NOTHING},
		{"an unknown member", HELLO "{\"initMs\":40,\"more\":{},\"type\":\"started\"}\n",
		 "more", NOTHING},
		{"no time", HELLO "{\"type\":\"started\"}\n", "initMs", NOTHING},
		{"entries below nought",
		 HELLO STARTED EXITED "{\"entries\":-1,\"type\":\"done\"}\n", "entries", THE_EXIT},
		{"no entries", HELLO STARTED EXITED "{\"type\":\"done\"}\n", "entries", THE_EXIT},
	};

	TELL_ALL(lies);
}

Test(stage_guest, VM4_time_that_goes_back)
{
	static const struct lie lies[] = {
		{"the same moment",
		 "{\"bootMs\":7,\"kernelMs\":7,\"release\":\"\",\"type\":\"hello\",\"version\":"
		 "\"\"}\n{\"initMs\":7,\"type\":\"started\"}\n" EXITED DONE,
		 NULL, THE_EXIT},
		{"started before hello", HELLO "{\"initMs\":19,\"type\":\"started\"}\n",
		 "initMs lies before", NOTHING},
		{"up before its kernel",
		 "{\"bootMs\":9,\"kernelMs\":10,\"release\":\"\",\"type\":\"hello\",\"version\":"
		 "\"\"}\n",
		 "bootMs lies before", NOTHING},
	};

	TELL_ALL(lies);
}

Test(stage_guest, VM4_texts)
{
	static const struct lie lies[] = {
		{"128 bytes",
		 "{\"bootMs\":0,\"release\":\"" SIXTY_FOUR("x")
			 SIXTY_FOUR("x") "\",\"type\":\"hello\",\"version\":\"\"}\n",
		 NULL, NOTHING},
		{"129 bytes",
		 "{\"bootMs\":0,\"release\":\"" SIXTY_FOUR("x")
			 SIXTY_FOUR("x") "x\",\"type\":\"hello\",\"version\":\"\"}\n",
		 "longer than 128", NOTHING},
		{"a code of its own", FAILED("SR-RUN-999", "no", ""), "no code of ours", NOTHING},
		{"a message without end", FAILED("SR-RUN-002", SIXTY_FOUR(SIXTY_FOUR("long ")), ""),
		 NULL, THE_SETUP},
		{"a terminal's words", FAILED("SR-RUN-002", "\\u001b[31m", ""), NULL, THE_SETUP},
		{"more than a fault has", FAILED("SR-RUN-002", "no", ",\"who\":1"), "who", NOTHING},
	};
	struct scene *scene = malloc(sizeof *scene);
	struct json_object *final;

	TELL_ALL(lies);
	/* What is told of such a message is short, and no terminal's. */
	scene_begin(scene, -1);
	scene_connect(scene);
	scene_say_text(scene, SCENE_CONTROL,
		       FAILED("SR-RUN-002", "\\u001b[31m" SIXTY_FOUR(SIXTY_FOUR("long ")), ""));
	final = scene_final(scene);
	cr_expect_lt(strlen(json_object_get_string(scene_member(final, "setup.message"))), 4096);
	cr_expect_null(strchr(json_object_get_string(scene_member(final, "setup.message")), 27));
	json_object_put(final);
	scene_end(scene, 0);
	free(scene);
}

static void tell_long(size_t len, const char *violation)
{
	char *line = malloc(len + 1);

	memset(line, 'x', len);
	line[len] = '\n';
	tell(&(struct lie){"a line", NULL, violation, NOTHING}, line, len + 1);
	free(line);
}

Test(stage_guest, VM4_lines_without_end)
{
	tell_long(LINE_MAX_LEN - 1, "guest.control");
	tell_long(LINE_MAX_LEN, "guest.control");
	tell_long(LINE_MAX_LEN + 1, "longer than 65536");
	tell_long(16 << 20, "longer than 65536");
}

/* It stays connected, says no more, and would hold the run for ever. */
Test(stage_guest, VM4_a_broken_guest_is_not_waited_for)
{
	struct scene *scene = malloc(sizeof *scene);
	struct json_object *final;

	scene_begin(scene, -1);
	scene_connect(scene);
	scene_say_text(scene, SCENE_STDOUT, "said before");
	scene_say_text(scene, SCENE_CONTROL, HELLO STARTED "garbage\n");
	final = scene_final(scene);
	cr_expect_str_neq(scene_violations(final), "");
	json_object_put(final);
	char seen[64] = "";
	cr_expect_eq(read(scene->stdout_fd, seen, sizeof seen - 1), 11);
	cr_expect_str_eq(seen, "said before");
	scene_end(scene, 0);
	free(scene);
}

/* The output never ends, and neither does a guest whose control stream has: a second it gets. */
Test(stage_guest, VM4_output_without_end_behind_the_end)
{
	struct scene *scene = malloc(sizeof *scene);
	struct json_object *final = NULL;
	char block[4096];
	pid_t writer, reader;

	memset(block, 'x', sizeof block);
	scene_begin(scene, -1);
	scene_connect(scene);
	writer = fork();
	if (writer == 0)
		for (;;)
			if (send(scene->streams[SCENE_STDOUT], block, sizeof block, MSG_NOSIGNAL) <
			    0)
				_exit(0);
	reader = fork();
	if (reader == 0)
		for (;;)
			if (read(scene->stdout_fd, block, sizeof block) <= 0)
				_exit(0);
	scene_say_text(scene, SCENE_CONTROL, HELLO STARTED);
	scene_leave(scene, SCENE_CONTROL);
	final = scene_final(scene);
	cr_expect_null(scene_member(final, "exit"));
	json_object_put(final);
	scene_end(scene, 0);
	(void)kill(writer, SIGKILL);
	(void)kill(reader, SIGKILL);
	free(scene);
}

/* Nobody ever connects, or somebody does and is silent: the launcher gives up, and hears of it. */
Test(stage_guest, VM4_a_guest_that_never_answers)
{
	for (int connects = 0; connects < 2; connects++) {
		struct scene *scene = malloc(sizeof *scene);
		struct json_object *final;

		scene_begin(scene, -1);
		if (connects)
			scene_connect(scene);
		close(scene->launcher);
		scene->launcher = -1;
		final = scene_final(scene);
		cr_expect(scene_member(final, "exit") == NULL &&
			  scene_member(final, "guest") == NULL &&
			  scene_member(final, "setup") == NULL);
		json_object_put(final);
		scene_end(scene, 0);
		free(scene);
	}
}

/* All is said, and it stays: that is the launcher's to see. What it says later nobody reads. */
Test(stage_guest, VM4_a_guest_that_stays)
{
	struct scene *scene = malloc(sizeof *scene);
	struct json_object *final;
	char received[64] = "";

	scene_begin(scene, -1);
	scene_connect(scene);
	scene_say_text(scene, SCENE_CONTROL, HELLO STARTED EXITED DONE);
	final = scene_final(scene);
	cr_expect_str_eq(scene_violations(final), "");
	json_object_put(final);
	cr_expect_gt(read(scene->streams[SCENE_CONTROL], received, sizeof received - 1), 0);
	cr_expect_str_eq(received, "{\"received\":true}\n");
	scene_end(scene, 0);
	free(scene);
}

/*
 * It ends with words of the launcher's still unread, more of them than there is room for: that nobody
 * takes those any more must not cost what it said before.
 */
Test(stage_guest, a_guest_that_has_ended_and_not_listened)
{
	struct scene *scene = malloc(sizeof *scene);
	char *job = malloc(2 << 20);
	struct json_object *final;

	memset(job, 'x', 2 << 20);
	job[(2 << 20) - 1] = '\n';
	scene_begin(scene, -1);
	scene_connect(scene);
	for (size_t at = 0; at < 2 << 20;) {
		ssize_t put = write(scene->launcher, job + at, (2 << 20) - at);

		cr_assert_gt(put, 0);
		at += (size_t)put;
	}
	scene_say_text(scene, SCENE_CONTROL, HELLO);
	json_object_put(scene_record(scene, "hello"));
	cr_assert_eq(kill(scene->pid, SIGSTOP), 0);
	scene_say_text(scene, SCENE_CONTROL, STARTED EXIT("false", "5", "null") DONE);
	scene_leave_all(scene);
	cr_assert_eq(kill(scene->pid, SIGCONT), 0);
	final = scene_final(scene);
	cr_expect_eq(json_object_get_int(scene_member(final, "exit.exitCode")), 5);
	cr_expect_str_eq(scene_violations(final), "");
	json_object_put(final);
	scene_end(scene, 0);
	free(job);
	free(scene);
}

/* 'S' for who waits, 'T' for who is stopped. */
static void await_state(pid_t pid, char wanted)
{
	char path[64], text[512] = "";

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	for (int i = 0; i < 100000 && strchr(text, ')') == NULL; i++) {
		FILE *file = fopen(path, "r");

		cr_assert_not_null(file);
		cr_assert_not_null(fgets(text, sizeof text, file));
		fclose(file);
		if (strrchr(text, ')')[2] != wanted)
			text[0] = '\0';
	}
	cr_assert_not_null(strchr(text, ')'), "never in state %c", wanted);
}

/* A host that is suspended, or a person's Ctrl-Z: poll(2) goes on as another system call. */
Test(stage_guest, stopped_and_continued)
{
	struct scene *scene = malloc(sizeof *scene);
	struct json_object *final;

	scene_begin(scene, -1);
	scene_connect(scene);
	await_state(scene->pid, 'S');
	cr_assert_eq(kill(scene->pid, SIGSTOP), 0);
	await_state(scene->pid, 'T');
	cr_assert_eq(kill(scene->pid, SIGCONT), 0);
	await_state(scene->pid, 'S');
	scene_say_text(scene, SCENE_CONTROL, HELLO STARTED EXITED DONE);
	final = scene_final(scene);
	cr_expect_not_null(scene_member(final, "exit"));
	json_object_put(final);
	scene_end(scene, 0);
	free(scene);
}
