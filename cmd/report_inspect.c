/* SPDX-License-Identifier: Apache-2.0 */
/* safe-run report inspect: sr-inspect, told what terminal it writes for, or into a page. */
#include "cmd/archive_query.h"
#include "cmd/option.h"
#include "cmd/page_file.h"
#include "cmd/report.h"
#include "cmd/spawn.h"
#include "cmd/trust.h"
#include "cmd/verb.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define VERB	 "report inspect"
#define SYNOPSIS REPORT_INSPECT_SYNOPSIS

/* What sr-inspect takes. */
#define WIDTH_MIN     40
#define WIDTH_MAX     160
#define WIDTH_DEFAULT 80

enum inspect_option {
	INSPECT_HTML,
	INSPECT_EVENTS,
	INSPECT_ASCII,
	INSPECT_KEY,
	INSPECT_TRUST_DIR,
	INSPECT_ARCHIVE,
	INSPECT_LOG,
	INSPECT_ARCHIVE_KEY,
	INSPECT_OPTION_COUNT
};

/* How many keys and trust directories may be named. */
#define NAMED_MAX 64

static const struct option table[INSPECT_OPTION_COUNT] = {
	[INSPECT_HTML] = {"html", "OUT",
			  "one page of HTML into the file OUT; - is standard output"},
	[INSPECT_EVENTS] = {"events", NULL, "every event, the samples too"},
	[INSPECT_ASCII] = {"ascii", NULL, "nothing beyond ASCII"},
	[INSPECT_KEY] = {"key", "PUB", "a public key, one of which must have signed"},
	[INSPECT_TRUST_DIR] = {"trust-dir", "DIR",
			       "a directory of trusted keys, instead of the usual"},
	[INSPECT_ARCHIVE] = {"archive", "DIR", "what this archive has about it, too"},
	[INSPECT_LOG] = {"log", "FILE", "an archive's proof that it holds the report"},
	[INSPECT_ARCHIVE_KEY] = {"archive-key", "PUB", "an archive's public key, for --log"},
};

struct inspect_args {
	const char *file;
	const char *html;
	const char *archive;
	bool events, ascii;
	bool trusts; /* a trust directory was named */
	struct {
		const char *option, *value;
	} named[NAMED_MAX];
	size_t named_count;
};

static int complain(const struct fault *fault)
{
	fprintf(stderr, "safe-run: %s\n", fault->message);
	return VERB_FAILED;
}

static bool set(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0';
}

/* https://no-color.org: set and not empty means no. */
static bool wants_colour(void)
{
	const char *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !set("NO_COLOR") && terminal != NULL &&
	       strcmp(terminal, "dumb") != 0;
}

/* The first of the three that is set names the character set (locale(7)). */
static bool speaks_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (set(names[i]))
			return strcasestr(getenv(names[i]), "utf-8") != NULL ||
			       strcasestr(getenv(names[i]), "utf8") != NULL;
	return false;
}

/* COLUMNS as a person set it, else the terminal's own word. */
static unsigned width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size = {0};
	uint64_t number = 0;

	if (columns == NULL || !option_number(columns, 1, 100000, &number)) {
		if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
			number = size.ws_col;
	}
	if (number == 0)
		return WIDTH_DEFAULT;
	return number < WIDTH_MIN ? WIDTH_MIN : number > WIDTH_MAX ? WIDTH_MAX : (unsigned)number;
}

static int run_over(const struct inspect_args *args, const struct spawn_home *home, int stdout_fd,
		    int archive_fd)
{
	struct trust_directories usual = {.count = 0};
	struct spawn spawn;
	char columns[16];

	spawn_begin(&spawn, "sr-inspect", STDIN_FILENO, stdout_fd);
	snprintf(columns, sizeof(columns), "%u", width());
	spawn_text(&spawn, "--width", columns);
	if (args->html != NULL)
		spawn_flag(&spawn, "--html");
	if (args->events)
		spawn_flag(&spawn, "--events");
	if (wants_colour())
		spawn_flag(&spawn, "--colour");
	if (args->ascii || !speaks_utf8())
		spawn_flag(&spawn, "--ascii");
	for (size_t i = 0; i < args->named_count; i++)
		spawn_text(&spawn, args->named[i].option, args->named[i].value);
	spawn_fd(&spawn, "--archive-fd", archive_fd);
	if (!args->trusts)
		trust_find(&usual);
	for (size_t i = 0; i < usual.count; i++)
		spawn_text(&spawn, "--trust-dir", usual.paths[i]);
	/* A name that starts with a dash is no option of sr-inspect's. */
	spawn_flag(&spawn, "--");
	spawn_flag(&spawn, args->file);
	return spawn_and_wait(&spawn, home);
}

static int run(const struct inspect_args *args, const struct spawn_home *home, int stdout_fd)
{
	struct process archive = PROCESS_NONE;
	struct fault fault;
	int archive_fd = -1;
	int status;

	if (args->archive != NULL && archive_query(args->archive, args->file, home, &archive,
						   &archive_fd, &fault) != FAULT_NONE)
		return complain(&fault);
	status = run_over(args, home, stdout_fd, archive_fd);
	if (archive_fd >= 0)
		close(archive_fd);
	if (process_runs(&archive))
		(void)process_reap(&archive);
	return status;
}

/* A page is kept of an invalid report too: it says so, and why. */
static int run_into_file(const struct inspect_args *args, const struct spawn_home *home)
{
	struct page_file page = PAGE_FILE_NONE;
	struct fault fault;
	int status = VERB_FAILED;

	if (page_file_open(&page, args->html, &fault) == FAULT_NONE)
		status = run(args, home, page.fd);
	else
		complain(&fault);
	if ((status == VERB_DONE || status == VERB_REFUSED) &&
	    page_file_keep(&page, &fault) != FAULT_NONE)
		status = complain(&fault);
	page_file_close(&page);
	return status;
}

static int inspect(const struct inspect_args *args)
{
	struct spawn_home home;
	struct fault fault;

	if (spawn_find_home(&home, &fault) != FAULT_NONE)
		return complain(&fault);
	if (args->html != NULL && strcmp(args->html, "-") != 0)
		return run_into_file(args, &home);
	return run(args, &home, STDOUT_FILENO);
}

/* More than NAMED_MAX are told by the count, which goes one beyond. */
static void name(struct inspect_args *args, const char *option, const char *value)
{
	if (args->named_count < NAMED_MAX) {
		args->named[args->named_count].option = option;
		args->named[args->named_count].value = value;
	}
	args->named_count++;
}

static void take(struct inspect_args *args, enum inspect_option option, const char *value)
{
	switch (option) {
	case INSPECT_HTML:
		args->html = value;
		break;
	case INSPECT_EVENTS:
		args->events = true;
		break;
	case INSPECT_KEY:
		name(args, "--key", value);
		break;
	case INSPECT_TRUST_DIR:
		args->trusts = true;
		name(args, "--trust-dir", value);
		break;
	case INSPECT_ARCHIVE:
		args->archive = value;
		break;
	case INSPECT_LOG:
		name(args, "--log", value);
		break;
	case INSPECT_ARCHIVE_KEY:
		name(args, "--archive-key", value);
		break;
	case INSPECT_ASCII:
	case INSPECT_OPTION_COUNT:
		args->ascii = true;
		break;
	}
}

int report_inspect(char **argv)
{
	struct option_cursor cursor = {VERB, SYNOPSIS, table, INSPECT_OPTION_COUNT, argv, 1};
	struct inspect_args args = {.file = NULL};
	const char *value = NULL;
	size_t index;

	for (;;) {
		switch (option_next(&cursor, &index, &value)) {
		case OPTION_FOUND:
			take(&args, (enum inspect_option)index, value);
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
			if (args.named_count > NAMED_MAX)
				return option_usage(VERB, SYNOPSIS, "too many keys");
			return inspect(&args);
		}
	}
}
