/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_VALIDATE_H
#define VALIDATE_VALIDATE_H

#include "ipc/fault.h"

#include <stdbool.h>
#include <stddef.h>

struct json_object;

/* Bytes somebody handed in, or why there are none. */
struct validate_text {
	const char *data;
	size_t len;
	struct fault fault; /* code FAULT_NONE: data and len hold */
};

struct validate_request {
	struct validate_text policy;
	const struct validate_text *allowlist; /* NULL: the built-in one */
	const char *const *settings;	       /* --set, in order */
	size_t setting_count;
	struct json_object *record; /* an earlier ValidationResult: its host's answers and its
				     * allowlist are used, and this host's are not; or NULL */
};

/*
 * The whole stage but its descriptors: a ValidationResult (seed interface I-VA-001,
 * safe-run.validation/v1), the caller's to release. *valid says what its field says.
 */
struct json_object *validate_request(const struct validate_request *request, bool *valid);

#endif
