/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_REPORT_H
#define LAUNCH_REPORT_H

#include "ipc/fault.h"
#include "stages/launch/launch.h"

#include <stdbool.h>
#include <stdint.h>

struct json_object;

/*
 * The launcher's events (ipc/event.h, safe-run-ipc(7)). Each function emits one; a stream that
 * cannot be written is a fault like any other, and ends the run: no witness, no execution.
 */

/* The first event of every stream, whatever became of the bundle; failure says what, or is NULL. */
enum fault_code report_compile(struct launch *launch, const struct fault *failure,
			       struct fault *fault) __attribute__((warn_unused_result));

/* mount.validated, .applied or .rejected from init's {"type":"mount"} message. */
enum fault_code report_mount(struct launch *launch, struct json_object *message,
			     struct fault *fault) __attribute__((warn_unused_result));

/* enforcement is taken over. */
enum fault_code report_prepared(struct launch *launch, struct json_object *enforcement,
				struct fault *fault) __attribute__((warn_unused_result));
enum fault_code report_started(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));
/* name is "first" or "last". */
enum fault_code report_sample(struct launch *launch, const char *name, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code report_exited(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/* run.cleaned, or run.failed when failure is not NULL. */
enum fault_code report_closing(struct launch *launch, const struct fault *failure,
			       struct fault *fault) __attribute__((warn_unused_result));

/* "SIGKILL"; "SIG42" for one without a name of its own. */
void report_signal_name(int number, char *out, size_t size);

#endif
