/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_RUNTIME_H
#define VALIDATE_RUNTIME_H

#include "stages/validate/resolve.h"
#include "stages/validate/schema.h"
#include "stages/validate/value.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * runtime: what is run, and as what.
 *
 * RUNTIME_STRING_MAX is execve(2)'s cap on one string (MAX_ARG_STRLEN). RUNTIME_ARGS_TEXT_MAX is
 * for command and args together, below what execve takes with the usual limit on the stack (2 MiB).
 * RUNTIME_TEXT_MAX is for env, and for command and args where the report repeats them: however it
 * is escaped, it fits an event (RECORD_EVENT_MAX). A NUL behind each string is counted.
 */
#define RUNTIME_ARGS_MAX      ((size_t)4096)
#define RUNTIME_ENV_MAX	      ((size_t)256)
#define RUNTIME_STRING_MAX    ((size_t)131072)
#define RUNTIME_ARGS_TEXT_MAX ((size_t)1 << 20)
#define RUNTIME_TEXT_MAX      ((size_t)131072)

enum runtime_isolation { RUNTIME_PROCESS, RUNTIME_MICROVM, RUNTIME_ISOLATION_COUNT };

enum runtime_seccomp {
	RUNTIME_STRICT,
	RUNTIME_STANDARD,
	RUNTIME_STANDARD_NET,
	RUNTIME_SECCOMP_COUNT /* not given: standard, or standard-net with a network */
};

enum runtime_stdin { RUNTIME_STDIN_INHERIT, RUNTIME_STDIN_NONE, RUNTIME_STDIN_COUNT };

struct runtime_variable {
	const char *name;
	const char *value;
};

struct runtime {
	const char *command; /* NULL when refused */
	struct value_texts args;
	struct runtime_variable *env;
	size_t env_count;
	const char *workdir;
	struct value_limit timeout_sec;
	const struct resolve_facts *rootfs; /* NULL: the host's programs */
	unsigned isolation;
	unsigned seccomp;
	unsigned stdin_mode;
};

extern const char *const runtime_isolation_names[RUNTIME_ISOLATION_COUNT];
extern const char *const runtime_seccomp_names[RUNTIME_SECCOMP_COUNT];
extern const char *const runtime_stdin_names[RUNTIME_STDIN_COUNT];

/* Reads into struct runtime, which holds the defaults already. */
extern const struct schema runtime_schema;

/* command and args together, a NUL behind each counted. */
size_t runtime_args_text(const struct runtime *runtime);

/* [A-Za-z_][A-Za-z0-9_]* of at most 255 characters. */
bool runtime_env_name(const char *name);

#endif
