/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_FORWARD_H
#define VERIFY_FORWARD_H

#include "ipc/fault.h"
#include "stages/seal/span.h"
#include "stages/verify/side_file.h"
#include "stages/verify/verdict.h"

#include <stdbool.h>

/*
 * The forward seal (stages/seal/ratchet.h): whether the events are those whose aggregate
 * forward.json holds, by the first key, which left the host. Asked for by naming that key: then
 * forward.json must be there. An aggregate is right or wrong as a whole, so no event can be named.
 */
struct forward_check {
	struct side_file key; /* each fd -1: none */
	struct side_file seal;
	bool asked;
	struct fault open_fault; /* of either */
};

enum forward_source {
	FORWARD_REPORT, /* its text, canonical, or empty when it is not */
	FORWARD_LINES,	/* events.ndjson of a run that has no report */
};

/* Before confinement. seal_path NULL: forward.json beside the report. report NULL: it has no path.
 */
void forward_open(struct forward_check *check, const char *key_path, const char *seal_path,
		  const char *report);
/* Confined, behind the checks of the report. */
void forward_verify(struct forward_check *check, enum forward_source source, struct span text,
		    struct verdict *verdict);
void forward_release_files(struct forward_check *check);

#endif
