/* SPDX-License-Identifier: Apache-2.0 */
/* safe-run report VERB: what can be done with a report somebody has. */
#include "cmd/option.h"
#include "cmd/report.h"
#include "cmd/verb.h"
#include "ipc/fault.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	const char *synopsis;
	const char *summary;
	int (*main)(char **argv);
} verbs[] = {
	{"verify", REPORT_VERIFY_SYNOPSIS, "say what a report proves", report_verify},
	{"inspect", REPORT_INSPECT_SYNOPSIS, "show a report to a person", report_inspect},
	{"prove", REPORT_PROVE_SYNOPSIS, "prove that event N is in a report", report_prove},
	{"verify-event", REPORT_VERIFY_EVENT_SYNOPSIS, "say what a proof proves",
	 report_verify_event},
};

#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

static void print_verbs(FILE *stream)
{
	fputs("usage: safe-run report VERB [ARGUMENT]...\n\n", stream);
	for (size_t i = 0; i < VERB_COUNT; i++)
		fprintf(stream, "  %s %s\n            %s\n", verbs[i].name, verbs[i].synopsis,
			verbs[i].summary);
}

int verb_report(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	struct fault unknown;

	for (size_t i = 0; i < VERB_COUNT; i++)
		if (strcmp(name, verbs[i].name) == 0)
			return verbs[i].main(argv + 1);
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		print_verbs(stdout);
		return fflush(stdout) == 0 ? VERB_DONE : VERB_FAILED;
	}
	if (*name != '\0') {
		/* Escaped: a word of the command line may hold a terminal sequence. */
		fault_set(&unknown, FAULT_RUN_INIT, "", "there is no report '%s'", name);
		fprintf(stderr, "safe-run: %s\n", unknown.message);
	}
	print_verbs(stderr);
	return VERB_USAGE;
}
