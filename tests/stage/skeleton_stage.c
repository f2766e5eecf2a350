/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stage made of nothing but the skeleton, so that what the skeleton leaves behind can be seen
 * from inside: it runs under the launcher's filter, the one that lets a process look at itself.
 *
 *     skeleton-stage [--fd N] [--number N] [--text T] [--list T]... [--flag] [--wait] [OPERAND]
 *
 * Writes one record of what it finds, then, with --wait, reads stdin to its end.
 */
#include "ipc/object.h"
#include "stages/stage.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define DESCRIPTORS_SHOWN 1024

enum { FD, NUMBER, TEXT, LIST, FLAG, WAIT, OPTION_COUNT };

static const struct stage_option options[OPTION_COUNT] = {
	[FD] = {"fd", STAGE_OPTION_FD, 0, 0, "N", "a descriptor to keep"},
	[NUMBER] = {"number", STAGE_OPTION_NUMBER, 10, 20, "N", "a number from 10 to 20"},
	[TEXT] = {"text", STAGE_OPTION_TEXT, 0, 0, "T", "a text"},
	[LIST] = {"list", STAGE_OPTION_LIST, 0, 0, "T", "one of several texts"},
	[FLAG] = {"flag", STAGE_OPTION_FLAG, 0, 0, NULL, "a flag"},
	[WAIT] = {"wait", STAGE_OPTION_FLAG, 0, 0, NULL, "read to the end of input"},
};

static struct json_object *descriptors(void)
{
	struct json_object *array = array_new();
	char name[16];

	for (int fd = 0; fd < DESCRIPTORS_SHOWN; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			continue;
		snprintf(name, sizeof name, "%d", fd);
		array_append_string(array, name);
	}
	return array;
}

static struct json_object *ignored_signals(void)
{
	struct json_object *array = array_new();
	struct sigaction now;

	for (int number = 1; number < _NSIG; number++)
		if (sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_IGN)
			array_append_string(array, sigabbrev_np(number));
	return array;
}

static int64_t blocked_signals(void)
{
	sigset_t blocked;
	int64_t count = 0;

	sigprocmask(SIG_SETMASK, NULL, &blocked);
	for (int number = 1; number < _NSIG; number++)
		count += sigismember(&blocked, number) == 1;
	return count;
}

static struct json_object *arguments(const struct stage_context *context)
{
	struct json_object *object = object_new();

	object_add_integer(object, "fd", context->values[FD].fd);
	object_add_integer(object, "number", (int64_t)context->values[NUMBER].number);
	object_add_string(object, "text", context->values[TEXT].text ?: "");
	object_add_integer(object, "list", (int64_t)context->values[LIST].list_count);
	object_add_bool(object, "flag", context->values[FLAG].given);
	object_add_string(object, "operand", context->operand_count ? context->operands[0] : "");
	return object;
}

static struct json_object *look_around(const struct stage_context *context)
{
	struct json_object *object = object_new();
	char directory[PATH_MAX] = "";
	mode_t mask = umask(0);

	object_add(object, "arguments", arguments(context));
	object_add(object, "descriptors", descriptors());
	object_add(object, "ignored", ignored_signals());
	object_add_integer(object, "blocked", blocked_signals());
	object_add_integer(object, "environment", environ && *environ ? 1 : 0);
	object_add_string(object, "directory",
			  getcwd(directory, sizeof directory) ? directory : "");
	object_add_integer(object, "umask", (int64_t)mask);
	object_add_integer(object, "dumpable", prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
	return object;
}

static enum stage_exit run(struct stage_context *context)
{
	struct json_object *seen OBJECT_CLEANUP = look_around(context);
	struct fault fault;
	char byte;

	if (record_send(&context->out, seen, RECORD_EVENT_MAX, &fault) != FAULT_NONE)
		return STAGE_FAILED;
	while (context->values[WAIT].given && read(STDIN_FILENO, &byte, 1) > 0)
		;
	return STAGE_DONE;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "skeleton-stage",
		.summary = "Shows what the skeleton leaves of its caller.",
		.profile = &sandbox_profile_launch,
		.options = options,
		.option_count = OPTION_COUNT,
		.operand_max = 1,
		.survives_keyboard = true,
		.run = run,
	};

	return stage_main(&stage, NULL, argc, argv);
}
