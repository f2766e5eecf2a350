/* SPDX-License-Identifier: Apache-2.0 */
/* safe-run report verify: sr-verify's answer as lines, or as its record with --json. */
#include "cmd/option.h"
#include "cmd/report.h"
#include "cmd/spawn.h"
#include "cmd/summary.h"
#include "cmd/verb.h"
#include "cmd/verification.h"
#include "ipc/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define VERB	 "report verify"
#define SYNOPSIS REPORT_VERIFY_SYNOPSIS

static const struct option table[] = {
	{"json", NULL, "sr-verify's record as it is"},
};

struct verify_args {
	const char *file; /* NULL until it has been read */
	bool json;
};

static int complain(const struct fault *fault)
{
	fprintf(stderr, "safe-run: %s\n", fault->message);
	return VERB_FAILED;
}

/* sr-verify's one record, in words. */
static enum fault_code print_answer(int fd, struct fault *fault)
{
	struct record_reader reader;
	const char *line;
	size_t len;
	enum fault_code code = FAULT_NONE;

	record_reader_init(&reader, fd, RECORD_EVENT_MAX);
	if (record_read(&reader, &line, &len, FAULT_REPORT_SCHEMA, fault) == RECORD_LINE)
		code = verification_print(line, len, fault);
	else
		code = fault_set(fault, FAULT_REPORT_SCHEMA, "report", "sr-verify gave no answer");
	record_reader_release(&reader);
	return code;
}

static int verify_in_words(struct spawn *spawn, const struct spawn_home *home)
{
	struct process process = PROCESS_NONE;
	struct process_end end;
	struct fault fault;
	enum fault_code code;
	int answer[2];
	int status;

	if (pipe2(answer, O_CLOEXEC) != 0) {
		fault_set_errno(&fault, FAULT_RUN_INIT, errno, "safe-run", "pipe");
		return complain(&fault);
	}
	spawn->stdout_fd = answer[1];
	code = spawn_start(spawn, home, &process, &fault);
	close(answer[1]);
	if (code == FAULT_NONE) {
		code = print_answer(answer[0], &fault);
		end = process_reap(&process);
		status = process_status("sr-verify", &end);
	}
	close(answer[0]);
	return code == FAULT_NONE ? status : complain(&fault);
}

static int verify(const struct verify_args *args)
{
	struct spawn_home home;
	struct spawn spawn;
	struct fault fault;

	if (spawn_find_home(&home, &fault) != FAULT_NONE)
		return complain(&fault);
	spawn_begin(&spawn, "sr-verify", STDIN_FILENO, STDOUT_FILENO);
	/* A name that starts with a dash is no option of sr-verify's. */
	spawn_flag(&spawn, "--");
	spawn_flag(&spawn, args->file);
	return args->json ? spawn_and_wait(&spawn, &home) : verify_in_words(&spawn, &home);
}

int report_verify(char **argv)
{
	struct option_cursor cursor = {VERB, SYNOPSIS, table, 1, argv, 1};
	struct verify_args args = {.file = NULL};
	const char *value;
	size_t index;

	for (;;) {
		switch (option_next(&cursor, &index, &value)) {
		case OPTION_FOUND:
			args.json = true;
			break;
		case OPTION_OPERAND:
			if (args.file != NULL)
				return option_usage(VERB, SYNOPSIS, "takes one file");
			args.file = value;
			break;
		case OPTION_COMMAND:
			return option_usage(VERB, SYNOPSIS, "runs no command");
		case OPTION_HELP:
			return VERB_DONE;
		case OPTION_WRONG:
			return VERB_USAGE;
		case OPTION_END:
			if (args.file == NULL)
				return option_usage(VERB, SYNOPSIS, "needs a FILE");
			return verify(&args);
		}
	}
}
