/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COLLECT_PLAN_H
#define COLLECT_PLAN_H

#include "ipc/fault.h"

#include <stddef.h>
#include <stdint.h>

struct json_object;

/*
 * What sr-launch asks for, once the workload is dead (safe-run-ipc(7), CollectPlan):
 *   {"outputs":[{"maxBytes":N,"maxFiles":N,"path":"results"}],"schemaVersion":"safe-run.collect/v1"}
 * A path is relative to the work directory; "." is all of it.
 */
#define COLLECT_OUTPUT_MAX 32

struct collect_output {
	const char *path; /* borrowed from the record */
	uint64_t max_bytes, max_files;
};

struct collect_plan {
	struct json_object *record;
	struct collect_output outputs[COLLECT_OUTPUT_MAX];
	size_t count;
};

/* Read it from fd: one record, then end of file. The caller releases *plan. */
enum fault_code collect_plan_read(int fd, struct collect_plan *plan, struct fault *fault)
	__attribute__((warn_unused_result));
void collect_plan_release(struct collect_plan *plan);

#endif
