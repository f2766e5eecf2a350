/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STAGES_STAGE_H
#define STAGES_STAGE_H

#include "ipc/fault.h"
#include "ipc/record.h"
#include "sandbox/sandbox.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The one skeleton every stage starts from. A stage's main fills a struct stage and calls
 * stage_main, which owns the order: clean descriptors, environment and signals; read argv; let the
 * stage open the few files it may use (open); prewarm libraries; confine (sandbox_enter); only then
 * run, which may read the first byte of input.
 *
 * Options every stage has, handled by the skeleton:
 *   --record-fd N     exact copy of the stage's output records goes to N too
 *   --parent-pid N    the front-end is the parent: die with it
 *   --help --version  print and exit 0
 */
enum stage_exit {
	STAGE_DONE = 0,
	STAGE_REFUSED = 1, /* errors[] on stdout says why */
	STAGE_USAGE = 2,
	STAGE_FAILED = 3, /* the system failed us */
};

enum stage_option_kind {
	STAGE_OPTION_FLAG,
	STAGE_OPTION_FD,     /* an open descriptor, 3 and up; stays open */
	STAGE_OPTION_NUMBER, /* decimal, min..max */
	STAGE_OPTION_TEXT,
	STAGE_OPTION_LIST, /* TEXT, may be given up to STAGE_LIST_MAX times */
	STAGE_OPTION_FDS,  /* FD, may be given up to STAGE_FDS_MAX times; fd is the first */
};

#define STAGE_OPTION_MAX 24
#define STAGE_LIST_MAX	 128
#define STAGE_FDS_MAX	 64

struct stage_option {
	const char *name; /* without the dashes */
	enum stage_option_kind kind;
	uint64_t min, max;	/* NUMBER */
	const char *value_name; /* for --help */
	const char *help;
};

struct stage_value {
	bool given;
	int fd; /* -1 unless given */
	uint64_t number;
	const char *text; /* NULL unless given; points into argv */
	const char *list[STAGE_LIST_MAX];
	size_t list_count;
	int fds[STAGE_FDS_MAX];
	size_t fd_count;
};

struct stage_context {
	const struct stage *stage;
	const struct stage_value *values; /* in the order of stage->options */
	const char *const *operands;	  /* what follows the options */
	size_t operand_count;
	struct record_sink out; /* stdout and --record-fd */
	/* open may add directories the stage keeps */
	struct sandbox_fd_rule fd_rules[STAGE_FDS_MAX + 4];
	size_t fd_rule_count;
	void *state; /* the stage's own, on main's stack */
};

struct stage {
	const char *name; /* sr-validate */
	const char *summary;
	const struct sandbox_profile *profile;
	const struct stage_option *options;
	size_t option_count;
	size_t operand_max;
	bool survives_keyboard; /* ignores SIGINT, SIGQUIT, SIGHUP, SIGTERM: ends by end of file */
	bool hashes;		/* prewarm libcrypto through prewarm */
	/*
	 * Its output has an end that others wait for: it is closed when run is over, if not by run
	 * (stage_end_output). The kernel gives memory back before descriptors (do_exit).
	 */
	bool ends_output;
	/* Before confinement: open files, look at options. May be NULL. */
	enum stage_exit (*open)(struct stage_context *context);
	/* Before confinement: fetch what would need files later. May be NULL. */
	enum stage_exit (*prewarm)(struct stage_context *context);
	/* Confined. */
	enum stage_exit (*run)(struct stage_context *context);
};

/* Nothing more comes: before there is much to put away. Once; a filter with close(2). */
void stage_end_output(struct stage_context *context);

int stage_main(const struct stage *stage, void *state, int argc, char **argv);

/* "sr-compile: " and the message, escaped, one line on stderr. */
void stage_complain(const struct stage *stage, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
