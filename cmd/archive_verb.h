/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_ARCHIVE_VERB_H
#define CMD_ARCHIVE_VERB_H

#include "cmd/spawn.h"
#include "ipc/fault.h"

#include <stddef.h>

/* What the files of safe-run archive share: its command line, and starting sr-archive for it. */
#define ARCHIVE_SYNOPSIS                                                                           \
	"add|list|find|show|prove|verify|prune|checkpoint|reindex --archive DIR [OPTION]... "      \
	"[ARGUMENT]..."
#define ARCHIVE_FILES_MAX 4096 /* reports of one command line */
#define ARCHIVE_KEYS_MAX  8

enum archive_option {
	ARCHIVE_ARCHIVE,
	ARCHIVE_FIRST,
	ARCHIVE_JSON,
	ARCHIVE_KEY,
	ARCHIVE_LIMIT,
	ARCHIVE_OLD_KEY,
	ARCHIVE_ORIGIN,
	ARCHIVE_OUT,
	ARCHIVE_PASSPHRASE,
	ARCHIVE_REQUIRE,
	ARCHIVE_RETENTION,
	ARCHIVE_SINCE,
	ARCHIVE_TRUST_DIR,
	ARCHIVE_COUNT
};

struct archive_args {
	const char *values[ARCHIVE_COUNT]; /* NULL: not given */
	const char *keys[ARCHIVE_KEYS_MAX];
	size_t key_count;
	const char *trust_dirs[ARCHIVE_KEYS_MAX];
	size_t trust_dir_count;
	const char *action;
	const char *operands[ARCHIVE_FILES_MAX];
	size_t operand_count;
};

/* The fault on stderr; VERB_REFUSED. */
int archive_verb_complain(const struct fault *fault);
/* Nothing when value is NULL. */
void archive_verb_add_option(struct spawn *spawn, const char *name, const char *value);
/* sr-archive with what every action has. */
void archive_verb_begin(struct spawn *spawn, const struct archive_args *args);
/* Runs it, its records as they are or in words; the exit status. */
int archive_verb_run(struct spawn *spawn, const struct spawn_home *home,
		     const struct archive_args *args);

/* Prints the records that come from fd in words, errors on stderr. */
enum fault_code archive_verb_print(int fd, const struct archive_args *args, struct fault *fault)
	__attribute__((warn_unused_result));

/* cmd/archive_prove.c */
int archive_prove(const struct archive_args *args);
/* The actions that take a private key (cmd/archive_add.c). */
int archive_add(const struct archive_args *args);
int archive_checkpoint(const struct archive_args *args);

#endif
