/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_RESULT_H
#define CMD_RESULT_H

#include "ipc/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/*
 * How a run ended, as seal says in its result record or, when seal said nothing, as the front-end
 * knows. Strings and errors live until result_release.
 */
struct result {
	struct json_object *root; /* seal's record; NULL when it gave none */
	struct json_object *errors;
	struct json_object *degraded; /* clauses not enforced; in root, NULL without one */
	const char *verdict;	      /* "enforced" or "degraded"; NULL: never prepared */
	struct json_object *exports;  /* what sr-export and sr-diff said; NULL: not asked */
	const char *state;	      /* "finished" or "failed" */
	const char *summary;
	const char *cause;
	int exit_code;
	int64_t memory_peak;	       /* bytes; -1: not known */
	int64_t wall_ms;	       /* -1: not known */
	bool sealed;		       /* there is a report */
	struct json_object *signature; /* {bundleDigest, keyid}; in root, NULL when not signed */
	const char *keyid;	       /* of the signature; NULL */
	bool not_signed;	       /* it was to be signed and is not: errors says why */
};

void result_init(struct result *result);

/* Take over what a line of seal's says; every field is checked, none may be left over. */
enum fault_code result_parse(const char *line, size_t len, const char *run_id,
			     struct result *result, struct fault *fault)
	__attribute__((warn_unused_result));

/* Failed, exit status 125, for this reason; what the result said before is gone. */
void result_fail(struct result *result, const struct fault *fault);

/* Failed, exit status 125, for this reason beside those there are. */
void result_blame(struct result *result, const struct fault *fault);

void result_release(struct result *result);

#endif
