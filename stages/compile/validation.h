/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILE_VALIDATION_H
#define COMPILE_VALIDATION_H

#include "ipc/fault.h"

#include <stdbool.h>
#include <stddef.h>

struct json_object;

/* A ValidationResult (seed interface I-VA-001) taken apart; the members are borrowed from root. */
struct validation {
	struct json_object *root;
	struct json_object *errors; /* array of {code,message,path}, empty exactly when valid */
	struct json_object *policy;
	struct json_object *host_facts;
	enum fault_code first_error;
	bool valid;
};

/* SR-CMP-002 when it is none. Nothing to release then. */
enum fault_code validation_parse(const char *line, size_t len, struct validation *validation,
				 struct fault *fault) __attribute__((warn_unused_result));
void validation_release(struct validation *validation);
#define VALIDATION_CLEANUP __attribute__((cleanup(validation_release)))

#endif
