/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_COMPARISON_H
#define CMD_COMPARISON_H

#include "cmd/spawn.h"
#include "ipc/fault.h"

#include <stdbool.h>

struct json_object;

/*
 * One stage's work done again and held against the record: PRODUCER | sr-compare. The producer's
 * spawn has its standard output filled in here.
 */
struct comparison {
	struct spawn *producer; /* NULL: replayed_fd is read instead */
	int replayed_fd;
	const char *mode; /* sr-compare's */
	int recorded_fd;
};

/*
 * *answer is sr-compare's record, the caller's. A fault is the system's, or a stage's that was
 * killed: nothing is known then.
 */
enum fault_code comparison_run(const struct comparison *comparison, const struct spawn_home *home,
			       struct json_object **answer, struct fault *fault)
	__attribute__((warn_unused_result));

/* "same", "different", "refused" of an answer. */
const char *comparison_result(struct json_object *answer);

#endif
