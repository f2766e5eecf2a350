/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILE_BUNDLE_H
#define COMPILE_BUNDLE_H

#include "ipc/fault.h"

#include <stddef.h>

struct json_object;

/*
 * The mapping itself (seed interface I-CP-001): one ValidationResult in, one CompileBundle out. A
 * pure function of its bytes: no clock, no random, no files. Hashing must be prewarmed.
 *
 * line[0..len) is the ValidationResult, or line is NULL when there was none and *fault says why.
 * The bundle always comes, new, owned by the caller; with errors in it every plan is null, and the
 * return value is the first error's code.
 */
enum fault_code bundle_compile(const char *line, size_t len, struct fault *fault,
			       struct json_object **bundle) __attribute__((warn_unused_result));

#endif
