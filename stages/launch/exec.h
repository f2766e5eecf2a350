/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_EXEC_H
#define LAUNCH_EXEC_H

#include "ipc/fault.h"
#include "stages/launch/plan.h"
#include "stages/seal/digest.h"

#include <stdbool.h>

/*
 * Run what was hashed. The command is looked up once, opened once, hashed through that descriptor
 * and executed through it (execveat(2), AT_EMPTY_PATH), so swapping the file changes nothing. All
 * of it happens in the finished sandbox with the workload's own identity: a file it may not read is
 * not hashed, and not run.
 *
 * For a #! script the interpreter is what the kernel executes; it is treated the same, and gets the
 * script as an argument it opens itself. In the system part of the root, which is read-only here
 * and root's outside, that is the script's path. Elsewhere a path could be swapped, so it is
 * /dev/fd/3 with the descriptor that was hashed left open, as execveat(2) does for scripts: the one
 * case in which a workload has a fourth descriptor, and $0 is not the script's name.
 */
#define EXEC_FD		 4096 /* where policies/seccomp/strict.filter expects it */
#define EXEC_SCRIPT_FD	 3
#define EXEC_SCRIPT_PATH "/dev/fd/3"

struct exec_file {
	int fd;
	char path[PLAN_PATH_MAX]; /* without symbolic links, as seen inside */
	char hash[DIGEST_TEXT_SIZE];
};

struct exec_plan {
	struct exec_file program; /* what was asked for; the script, when it is one */
	struct exec_file interpreter;
	bool script;
	char *const *words; /* by the caller: the command and its arguments, of the plan's */
	size_t word_count;
	char interpreter_name[PLAN_PATH_MAX]; /* as the script writes it */
	char interpreter_argument[256];	      /* "" when it has none */
	char script_argument[PLAN_PATH_MAX];
	char **argv;	       /* allocated by exec_arrange; exec is the end of it */
	const char *exec_path; /* "" at the one address the strict filter allows */
};

/*
 * Find, open and hash. *error_number says what execve(2) would have failed with (ENOENT, EACCES,
 * ENOEXEC, ...) when the fault is the command's own.
 */
enum fault_code exec_prepare(const struct plan *plan, struct exec_plan *exec, int *error_number,
			     struct fault *fault) __attribute__((warn_unused_result));

/* Put descriptors in place; *strict_name is the strict filter this kernel needs. */
enum fault_code exec_arrange(const struct plan *plan, struct exec_plan *exec,
			     const char **strict_name, struct fault *fault)
	__attribute__((warn_unused_result));

/* Does not return when it worked; else the errno of execveat(2). */
int exec_run(const struct plan *plan, const struct exec_plan *exec);

#endif
