/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STAGES_RESIDENT_H
#define STAGES_RESIDENT_H

#include "ipc/fault.h"
#include "ipc/record.h"
#include "stages/stage.h"

struct json_object;

/*
 * What the stages share that live as long as a run: one plan comes on stdin, and its end of file is
 * the order to finish. code and path are those of a plan that is none.
 */

/* The plan, which the caller owns. */
enum fault_code resident_plan(struct record_reader *reader, enum fault_code code, const char *path,
			      struct json_object **plan, struct fault *fault)
	__attribute__((warn_unused_result));

/* Wait for the end of file. */
enum fault_code resident_await_end(struct record_reader *reader, enum fault_code code,
				   const char *path, struct fault *fault)
	__attribute__((warn_unused_result));
/* After one poll(2) that found stdin readable: *ended when that was the end. */
enum fault_code resident_look(struct record_reader *reader, enum fault_code code, const char *path,
			      bool *ended, struct fault *fault) __attribute__((warn_unused_result));

/* One record with errors[]: the status to end with. */
enum stage_exit resident_refuse(const struct stage_context *context, const struct fault *fault);

/*
 * The last record is out and nothing will be said any more: whoever reads stdout or stderr has the
 * end now, and not when the kernel has taken back what this process holds.
 */
void resident_leave(void);

#endif
