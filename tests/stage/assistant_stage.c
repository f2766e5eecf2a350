/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stage that does to its launcher what an assistant may do: work, lie, talk too much, hang, die.
 * It runs under the launcher's filter, the one that lets a process look at itself.
 *
 *     assistant-stage --do WHAT [--dir-fd N] [--text T]
 */
#include "ipc/object.h"
#include "stages/stage.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DO, DIR_FD, TEXT, OPTION_COUNT };

static const struct stage_option options[OPTION_COUNT] = {
	[DO] = {"do", STAGE_OPTION_TEXT, 0, 0, "WHAT", "what to do"},
	[DIR_FD] = {"dir-fd", STAGE_OPTION_FD, 0, 0, "N", "a directory"},
	[TEXT] = {"text", STAGE_OPTION_TEXT, 0, 0, "T", "a text"},
};

/* The kernel's own words on this process, before any of it could be read from elsewhere. */
static void add_status(struct json_object *seen)
{
	char text[8192];
	char *rest = text, *line;
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, text, sizeof text - 1);

	text[len > 0 ? len : 0] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL) {
		char *value = strstr(line, ":\t");

		if (value == NULL)
			continue;
		*value = '\0';
		value += strlen(":\t");
		object_add_escaped(seen, line, value, strlen(value));
	}
	(void)close(fd);
}

static enum stage_exit look(struct stage_context *context)
{
	struct json_object *seen OBJECT_CLEANUP = object_new();
	struct fault fault;
	int64_t open_count = 0;
	char byte;

	add_status(seen);
	for (int fd = 0; fd < 1024; fd++)
		open_count += fcntl(fd, F_GETFD) >= 0;
	object_add_integer(seen, "descriptors", open_count);
	object_add_integer(seen, "environment", environ != NULL && *environ != NULL);
	object_add_integer(seen, "dirFd", context->values[DIR_FD].fd >= 0);
	object_add_string(seen, "text", context->values[TEXT].text ?: "");
	object_add_integer(seen, "stdin", read(STDIN_FILENO, &byte, 1));
	return record_send(&context->out, seen, RECORD_EVENT_MAX, &fault) == FAULT_NONE
		       ? STAGE_DONE
		       : STAGE_FAILED;
}

static enum stage_exit say(const char *text, enum stage_exit status)
{
	return record_write_all(STDOUT_FILENO, text, strlen(text)) < 0 ? STAGE_FAILED : status;
}

_Noreturn static void hang(void)
{
	for (;;)
		(void)pause();
}

static enum stage_exit run(struct stage_context *context)
{
	static const struct {
		const char *name, *text;
		enum stage_exit status;
	} words[] = {
		{"silent", "", STAGE_DONE},
		{"fail", "", STAGE_FAILED},
		{"fail-late", "{\"a\":1}\n", STAGE_FAILED},
		{"two", "{\"a\":1}\n{\"a\":2}\n", STAGE_DONE},
		{"not-canonical", "{\"a\": 1}\n", STAGE_DONE},
		{"no-line-feed", "{\"a\":1}", STAGE_DONE},
		{"ten", "{\"a\":\"12\"}\n", STAGE_DONE},
		{"refuse",
		 "{\"errors\":[{\"code\":\"SR-OPS-001\",\"message\":\"because\",\"path\":\"x.y\"}]}"
		 "\n",
		 STAGE_REFUSED},
		{"refuse-oddly", "{\"errors\":[7]}\n", STAGE_REFUSED},
		{"no-errors", "{\"errors\":[]}\n", STAGE_DONE},
	};
	const char *what = context->values[DO].text ?: "";

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(what, words[i].name) == 0)
			return say(words[i].text, words[i].status);
	if (strcmp(what, "look") == 0)
		return look(context);
	if (strcmp(what, "hang") == 0)
		hang();
	if (strcmp(what, "hang-after") == 0 && say("{\"a\":1}\n", STAGE_DONE) == STAGE_DONE &&
	    close(STDOUT_FILENO) == 0)
		hang();
	(void)raise(strcmp(what, "sigsys") == 0 ? SIGSYS : SIGSEGV);
	return STAGE_FAILED;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "assistant-stage",
		.summary = "Does what an assistant may do to its launcher.",
		.profile = &sandbox_profile_launch,
		.options = options,
		.option_count = OPTION_COUNT,
		.run = run,
	};

	return stage_main(&stage, NULL, argc, argv);
}
