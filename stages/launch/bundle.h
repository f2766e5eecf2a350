/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_BUNDLE_H
#define LAUNCH_BUNDLE_H

#include "ipc/fault.h"
#include "stages/seal/digest.h"

#include <stddef.h>

struct json_object;
struct plan;

/*
 * The CompileBundle (seed interface I-PL-003, safe-run-ipc(7)) as the launcher takes it: hostile.
 * sr-compile is a process anybody can replace, so each field is checked for type, range and syntax,
 * the hashes are computed again, and every plan is compared with the policy it claims to come
 * from: a report can never name one policy while another one runs.
 */
struct bundle {
	struct json_object *root;	     /* owned */
	struct json_object *policy;	     /* borrowed from root; NULL when there is none */
	struct json_object *errors;	     /* borrowed; NULL unless an earlier stage refused */
	char policy_hash[DIGEST_TEXT_SIZE];  /* "" until computed */
	char command_hash[DIGEST_TEXT_SIZE]; /* "" until computed */
};

/*
 * Parse one line into *bundle and *plan (zeroed). A fault says which field is wrong; what could be
 * understood of the bundle until then stays in *bundle, for the evidence. FAULT_NONE with
 * bundle->errors set means that there is nothing to run.
 */
enum fault_code bundle_parse(const char *line, size_t len, struct bundle *bundle, struct plan *plan,
			     struct fault *fault) __attribute__((warn_unused_result));
void bundle_release(struct bundle *bundle);

#endif
