/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_OPTION_H
#define CMD_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reading a verb's command line, one word at a time. Long options only, written out in full, as
 * "--name VALUE" or "--name=VALUE". "--" ends the options; what follows it is not looked at.
 */
struct option {
	const char *name;	/* without the dashes */
	const char *value_name; /* NULL: a flag */
	const char *help;
};

struct option_cursor {
	const char *verb;
	const char *synopsis;
	const struct option *options;
	size_t option_count;
	char **argv; /* NULL-terminated */
	size_t next; /* the first word not looked at yet; 1 at the start */
};

enum option_step {
	OPTION_FOUND,	/* *index of the table, *value when it takes one */
	OPTION_OPERAND, /* *value */
	OPTION_COMMAND, /* "--" was met; argv[next] is what follows */
	OPTION_END,
	OPTION_HELP,  /* --help: it has been printed */
	OPTION_WRONG, /* *value: what is wrong with argv[next - 1]; it has been said on stderr */
};

enum option_step option_next(struct option_cursor *cursor, size_t *index, const char **value);

/* "safe-run VERB: WHAT" and the usage line on stderr; returns VERB_USAGE. */
int option_usage(const char *verb, const char *synopsis, const char *what);

/* A decimal number min..max, nothing before or behind it. */
bool option_number(const char *text, uint64_t min, uint64_t max, uint64_t *number);

#endif
