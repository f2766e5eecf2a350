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

/* Wait for {"type":type}: anything else, the end of file too, is a fault. */
enum fault_code resident_await_word(struct record_reader *reader, const char *type,
				    enum fault_code code, const char *path, struct fault *fault)
	__attribute__((warn_unused_result));

/* Wait for the end of file. */
enum fault_code resident_await_end(struct record_reader *reader, enum fault_code code,
				   const char *path, struct fault *fault)
	__attribute__((warn_unused_result));
/* After one poll(2) that found stdin readable: *ended when that was the end. */
enum fault_code resident_look(struct record_reader *reader, enum fault_code code, const char *path,
			      bool *ended, struct fault *fault) __attribute__((warn_unused_result));

/* {"type":type}, nothing more. */
enum fault_code resident_tell(const struct stage_context *context, const char *type,
			      struct fault *fault) __attribute__((warn_unused_result));

/*
 * The end: after a fault one record with errors[]. Nothing will be said any more, and whoever reads
 * stdout or stderr has their end now, not when the kernel has taken back what this process holds.
 */
enum stage_exit resident_end(const struct stage_context *context, enum fault_code code,
			     const struct fault *fault) __attribute__((warn_unused_result));

#endif
