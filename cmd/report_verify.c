/* SPDX-License-Identifier: Apache-2.0 */
/* safe-run report verify: sr-verify's answer as lines, or as its record with --json. */
#include "cmd/option.h"
#include "cmd/report.h"
#include "cmd/spawn.h"
#include "cmd/summary.h"
#include "cmd/trust.h"
#include "cmd/verb.h"
#include "cmd/verification.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VERB	 "report verify"
#define SYNOPSIS REPORT_VERIFY_SYNOPSIS

/* All but the first go to sr-verify as they are. */
static const struct option table[] = {
	{"json", NULL, "sr-verify's record as it is"},
	{"bundle", "FILE", "the report's signature; else what lies beside it"},
	{"key", "PUB", "a public key, one of which must have signed; may be repeated"},
	{"trust-dir", "DIR", "a directory of trusted keys, instead of the usual; may be repeated"},
	{"require", "TIER", "less is invalid: self, signed or logged"},
	{"challenge", "TEXT", "the report must answer it"},
	{"prev", "FILE", "the bundle of the run before"},
	{"chain", "FILE", "chain.ndjson, in which the run must stand"},
	{"log", "FILE", "an archive's proof that it holds the report, which must hold"},
	{"archive-key", "PUB",
	 "an archive's public key, one of which must have signed; may be repeated"},
	{"forward-key", "FILE", "the run's first key, by which its forward seal must hold"},
	{"forward", "FILE", "the forward seal; else forward.json beside the report"},
};

#define OPTION_COUNT (sizeof(table) / sizeof(table[0]))
#define OPTION_JSON  0
#define PASSED_MAX   128
#define OPTION_SIZE  sizeof("--forward-key")

struct verify_args {
	const char *file; /* NULL until it has been read */
	bool json;
	bool trusts; /* a trust directory was named */
	struct {
		size_t option;
		const char *value;
	} passed[PASSED_MAX];
	size_t passed_count;
};

static int complain(const struct fault *fault)
{
	fprintf(stderr, "safe-run: %s\n", fault->message);
	return VERB_FAILED;
}

static int verify(const struct verify_args *args)
{
	struct spawn_home home;
	struct spawn spawn;
	struct fault fault;
	struct trust_directories usual = {.count = 0};
	char names[PASSED_MAX][OPTION_SIZE];

	if (spawn_find_home(&home, &fault) != FAULT_NONE)
		return complain(&fault);
	spawn_begin(&spawn, "sr-verify", STDIN_FILENO, STDOUT_FILENO);
	for (size_t i = 0; i < args->passed_count; i++) {
		snprintf(names[i], sizeof(names[i]), "--%s", table[args->passed[i].option].name);
		spawn_text(&spawn, names[i], args->passed[i].value);
	}
	if (!args->trusts)
		trust_find(&usual);
	for (size_t i = 0; i < usual.count; i++)
		spawn_text(&spawn, "--trust-dir", usual.paths[i]);
	/* A name that starts with a dash is no option of sr-verify's. */
	spawn_flag(&spawn, "--");
	spawn_flag(&spawn, args->file);
	return args->json ? spawn_and_wait(&spawn, &home) : verification_run(&spawn, &home);
}

static bool was_passed(const struct verify_args *args, const char *name)
{
	for (size_t i = 0; i < args->passed_count; i++)
		if (strcmp(table[args->passed[i].option].name, name) == 0)
			return true;
	return false;
}

static int verify_if_whole(const struct verify_args *args)
{
	if (args->file == NULL)
		return option_usage(VERB, SYNOPSIS, "needs a FILE");
	if (was_passed(args, "forward") && !was_passed(args, "forward-key"))
		return option_usage(VERB, SYNOPSIS, "--forward needs --forward-key");
	return verify(args);
}

int report_verify(char **argv)
{
	struct option_cursor cursor = {VERB, SYNOPSIS, table, OPTION_COUNT, argv, 1};
	struct verify_args args = {.file = NULL};
	const char *value;
	size_t index;

	for (;;) {
		switch (option_next(&cursor, &index, &value)) {
		case OPTION_FOUND:
			if (index == OPTION_JSON) {
				args.json = true;
				break;
			}
			if (args.passed_count == PASSED_MAX)
				return option_usage(VERB, SYNOPSIS, "too many options");
			args.trusts = args.trusts || strcmp(table[index].name, "trust-dir") == 0;
			args.passed[args.passed_count].option = index;
			args.passed[args.passed_count++].value = value;
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
			return verify_if_whole(&args);
		}
	}
}
