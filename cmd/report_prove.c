/* SPDX-License-Identifier: Apache-2.0 */
/* safe-run report prove and verify-event: sr-prove, its proof into a file, its answer in words. */
#include "cmd/option.h"
#include "cmd/report.h"
#include "cmd/spawn.h"
#include "cmd/trust.h"
#include "cmd/verb.h"
#include "cmd/verification.h"
#include "ipc/record.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROVE  "report prove"
#define VERIFY "report verify-event"

static int complain(const struct fault *fault)
{
	fprintf(stderr, "safe-run: %s\n", fault->message);
	return VERB_FAILED;
}

struct prove_args {
	const char *out;      /* NULL: "<n>.proof.json" */
	const char *words[2]; /* the report, the event's number */
	size_t word_count;
};

/* What sr-prove says instead of a proof is shown; a proof takes its name. */
static int finish(const char *temporary, const char *out, int fd, int status)
{
	char text[4096];
	ssize_t got;
	off_t at = 0;

	if (status == VERB_DONE && fsync(fd) == 0 && rename(temporary, out) == 0)
		return VERB_DONE;
	if (status == VERB_DONE) {
		fprintf(stderr, "safe-run: %s: %s\n", out, strerror(errno));
		status = VERB_FAILED;
	} else {
		while ((got = pread(fd, text, sizeof(text), at)) > 0) {
			if (record_write_all(STDOUT_FILENO, text, (size_t)got) != 0)
				break;
			at += got;
		}
	}
	unlink(temporary);
	return status;
}

static int prove(const struct prove_args *args)
{
	char name[64], temporary[PATH_MAX];
	const char *out = args->out;
	struct spawn_home home;
	struct spawn spawn;
	struct fault fault;
	int fd, status;

	if (out == NULL) {
		snprintf(name, sizeof(name), "%s.proof.json", args->words[1]);
		out = name;
	}
	if (spawn_find_home(&home, &fault) != FAULT_NONE)
		return complain(&fault);
	if ((size_t)snprintf(temporary, sizeof(temporary), "%s.XXXXXX", out) >= sizeof(temporary))
		return option_usage(PROVE, REPORT_PROVE_SYNOPSIS, "the file's name is too long");
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		fault_set_errno(&fault, FAULT_RUN_INIT, errno, "safe-run", "%s", out);
		return complain(&fault);
	}
	spawn_begin(&spawn, "sr-prove", STDIN_FILENO, fd);
	spawn_text(&spawn, "--event", args->words[1]);
	/* A name that starts with a dash is no option of sr-prove's. */
	spawn_text(&spawn, "--", args->words[0]);
	status = finish(temporary, out, fd, spawn_and_wait(&spawn, &home));
	close(fd);
	return status;
}

int report_prove(char **argv)
{
	static const struct option table[] = {{"out", "FILE", "where the proof goes"}};
	struct option_cursor cursor = {PROVE, REPORT_PROVE_SYNOPSIS, table, 1, argv, 1};
	struct prove_args args = {.out = NULL};
	const char *value;
	size_t index;
	uint64_t number;

	for (;;) {
		switch (option_next(&cursor, &index, &value)) {
		case OPTION_FOUND:
			args.out = value;
			break;
		case OPTION_OPERAND:
			if (args.word_count == 2)
				return option_usage(PROVE, REPORT_PROVE_SYNOPSIS,
						    "takes a report and a number");
			args.words[args.word_count++] = value;
			break;
		case OPTION_COMMAND:
			return option_usage(PROVE, REPORT_PROVE_SYNOPSIS, "runs no command");
		case OPTION_HELP:
			return VERB_DONE;
		case OPTION_WRONG:
			return VERB_USAGE;
		case OPTION_END:
			if (args.word_count != 2 ||
			    !option_number(args.words[1], 0, INT64_MAX, &number))
				return option_usage(PROVE, REPORT_PROVE_SYNOPSIS,
						    "needs a report and an event's number");
			return prove(&args);
		}
	}
}

enum verify_option {
	VERIFY_JSON,
	VERIFY_BUNDLE,
	VERIFY_KEY,
	VERIFY_REPORT,
	VERIFY_ROOT,
	VERIFY_TRUST_DIR,
	VERIFY_OPTION_COUNT
};

static const struct option verify_table[VERIFY_OPTION_COUNT] = {
	[VERIFY_JSON] = {"json", NULL, "sr-prove's record as it is"},
	[VERIFY_BUNDLE] = {"bundle", "FILE", "the signed bundle of the report it is said to be in"},
	[VERIFY_KEY] = {"key", "PUB", "the public key that must have signed the bundle"},
	[VERIFY_REPORT] = {"report", "FILE", "the report the event is said to be in"},
	[VERIFY_ROOT] = {"root", "HASH", "a Merkle root known from elsewhere"},
	[VERIFY_TRUST_DIR] = {"trust-dir", "DIR",
			      "a directory of trusted keys, instead of the usual"},
};

struct verify_args {
	const char *values[VERIFY_OPTION_COUNT];
	const char *proof;
};

static int verify(const struct verify_args *args)
{
	static const char *const names[VERIFY_OPTION_COUNT] = {
		[VERIFY_BUNDLE] = "--bundle",	    [VERIFY_KEY] = "--key",
		[VERIFY_REPORT] = "--report",	    [VERIFY_ROOT] = "--root",
		[VERIFY_TRUST_DIR] = "--trust-dir",
	};
	struct trust_directories usual = {.count = 0};
	struct spawn_home home;
	struct spawn spawn;
	struct fault fault;

	if (spawn_find_home(&home, &fault) != FAULT_NONE)
		return complain(&fault);
	spawn_begin(&spawn, "sr-prove", STDIN_FILENO, STDOUT_FILENO);
	for (size_t i = 0; i < VERIFY_OPTION_COUNT; i++)
		if (names[i] != NULL && args->values[i] != NULL)
			spawn_text(&spawn, names[i], args->values[i]);
	/* A key that was named is the only one that counts. */
	if (args->values[VERIFY_BUNDLE] != NULL && args->values[VERIFY_KEY] == NULL &&
	    args->values[VERIFY_TRUST_DIR] == NULL)
		trust_find(&usual);
	for (size_t i = 0; i < usual.count; i++)
		spawn_text(&spawn, "--trust-dir", usual.paths[i]);
	spawn_text(&spawn, "--", args->proof);
	return args->values[VERIFY_JSON] != NULL ? spawn_and_wait(&spawn, &home)
						 : verification_run(&spawn, &home);
}

int report_verify_event(char **argv)
{
	struct option_cursor cursor = {
		VERIFY, REPORT_VERIFY_EVENT_SYNOPSIS, verify_table, VERIFY_OPTION_COUNT, argv, 1};
	struct verify_args args = {.proof = NULL};
	const char *value;
	size_t index;

	for (;;) {
		switch (option_next(&cursor, &index, &value)) {
		case OPTION_FOUND:
			args.values[index] = index == VERIFY_JSON ? "" : value;
			break;
		case OPTION_OPERAND:
			if (args.proof != NULL)
				return option_usage(VERIFY, REPORT_VERIFY_EVENT_SYNOPSIS,
						    "takes one proof");
			args.proof = value;
			break;
		case OPTION_COMMAND:
			return option_usage(VERIFY, REPORT_VERIFY_EVENT_SYNOPSIS,
					    "runs no command");
		case OPTION_HELP:
			return VERB_DONE;
		case OPTION_WRONG:
			return VERB_USAGE;
		case OPTION_END:
			if (args.proof == NULL)
				return option_usage(VERIFY, REPORT_VERIFY_EVENT_SYNOPSIS,
						    "needs a proof");
			return verify(&args);
		}
	}
}
