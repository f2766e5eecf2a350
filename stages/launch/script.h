/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_SCRIPT_H
#define LAUNCH_SCRIPT_H

#include "stages/launch/plan.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The first line of a #! script, as the kernel reads it (fs/binfmt_script.c): at most 256 bytes of
 * the file count, the interpreter's path must end within them, the rest of the line without its
 * white space is one argument.
 */
#define SCRIPT_HEAD_SIZE     256
#define SCRIPT_ARGUMENT_SIZE 256

enum script_kind {
	SCRIPT_NO,
	SCRIPT_YES,
	SCRIPT_BAD, /* "#!" and no usable interpreter: ENOEXEC */
};

enum script_kind script_parse(const char *head, size_t len, char interpreter[PLAN_PATH_MAX],
			      char argument[SCRIPT_ARGUMENT_SIZE])
	__attribute__((warn_unused_result));

/*
 * Whether path (without links) is in the system part of the root: no mount of the policy, not /tmp,
 * not the work directory. Nobody but the host's root can swap a file there.
 */
bool script_stays(const struct plan *plan, const char *path);

#endif
