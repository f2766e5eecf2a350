/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/verification.h"

#include "cmd/verb.h"
#include "ipc/canon.h"
#include "ipc/object.h"
#include "ipc/record.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The report is a stranger's, and so is text quoted from it: control bytes come out escaped. */
static const char *text_of(struct json_object *object, const char *name, struct fault *escaped)
{
	struct json_object *value = object_member(object, name);

	fault_set(escaped, FAULT_REPORT_SCHEMA, "", "%s",
		  json_object_is_type(value, json_type_string) ? json_object_get_string(value)
							       : "");
	return escaped->message;
}

static size_t count_of(struct json_object *list)
{
	return json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
}

static void print_checks(struct json_object *checks)
{
	struct fault escaped;

	for (size_t i = 0; i < count_of(checks); i++) {
		struct json_object *check = json_object_array_get_idx(checks, i);

		printf("  %-4s  %s\n",
		       json_object_get_boolean(object_member(check, "ok")) ? "ok" : "FAIL",
		       text_of(check, "name", &escaped));
	}
}

static void print_errors(struct json_object *errors)
{
	struct fault code;
	struct fault path;
	struct fault message;

	for (size_t i = 0; i < count_of(errors); i++) {
		struct json_object *error = json_object_array_get_idx(errors, i);

		printf("  %s %s: %s\n", text_of(error, "code", &code),
		       text_of(error, "path", &path), text_of(error, "message", &message));
	}
}

static void print_limits(struct json_object *limits)
{
	struct fault escaped;

	for (size_t i = 0; i < count_of(limits); i++) {
		struct json_object *limit = json_object_array_get_idx(limits, i);

		if (!json_object_is_type(limit, json_type_string))
			continue;
		fault_set(&escaped, FAULT_REPORT_SCHEMA, "", "%s", json_object_get_string(limit));
		printf("%s%s\n", i == 0 ? "does not prove: " : "                ", escaped.message);
	}
}

enum fault_code verification_print(const char *line, size_t len, struct fault *fault)
{
	struct json_object *answer OBJECT_CLEANUP = NULL;
	struct fault result;
	struct fault trust;
	enum fault_code code = canon_parse(line, len, FAULT_REPORT_SCHEMA, &answer, fault);

	if (code != FAULT_NONE)
		return code;
	/* A refusal to look has errors[] alone, and is no verdict. */
	if (object_member(answer, "result") != NULL) {
		printf("%s, trust=%s", text_of(answer, "result", &result),
		       text_of(answer, "trust", &trust));
		if (strcmp(trust.message, "signed") == 0)
			printf("(%s)", text_of(answer, "keyid", &result));
		putchar('\n');
	}
	print_checks(object_member(answer, "checks"));
	print_errors(object_member(answer, "errors"));
	print_limits(object_member(answer, "doesNotProve"));
	if (fflush(stdout) != 0)
		return fault_set(fault, FAULT_REPORT_SCHEMA, "report", "cannot write the answer");
	return FAULT_NONE;
}

static enum fault_code print_answer(const char *program, int fd, struct fault *fault)
{
	struct record_reader reader;
	const char *line;
	size_t len;
	enum fault_code code = FAULT_NONE;

	record_reader_init(&reader, fd, RECORD_EVENT_MAX);
	if (record_read(&reader, &line, &len, FAULT_REPORT_SCHEMA, fault) == RECORD_LINE)
		code = verification_print(line, len, fault);
	else
		code = fault_set(fault, FAULT_REPORT_SCHEMA, "report", "%s gave no answer",
				 program);
	record_reader_release(&reader);
	return code;
}

static int complain(const struct fault *fault)
{
	fprintf(stderr, "safe-run: %s\n", fault->message);
	return VERB_FAILED;
}

int verification_run(struct spawn *spawn, const struct spawn_home *home)
{
	struct process process = PROCESS_NONE;
	struct process_end end;
	struct fault fault;
	enum fault_code code;
	int answer[2];
	int status = VERB_FAILED;

	if (pipe2(answer, O_CLOEXEC) != 0) {
		fault_set_errno(&fault, FAULT_RUN_INIT, errno, "safe-run", "pipe");
		return complain(&fault);
	}
	spawn->stdout_fd = answer[1];
	code = spawn_start(spawn, home, &process, &fault);
	close(answer[1]);
	if (code == FAULT_NONE) {
		code = print_answer(spawn->args[0], answer[0], &fault);
		end = process_reap(&process);
		status = process_status(spawn->args[0], &end);
	}
	close(answer[0]);
	return code == FAULT_NONE ? status : complain(&fault);
}
