/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GUEST_CONTROL_H
#define GUEST_CONTROL_H

#include "ipc/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/*
 * What the guest says on its control stream (safe-run-ipc(7), GuestRecord), one canonical line of
 * at most CONTROL_LINE_MAX bytes each, in this order:
 *
 *   hello                 first; the guest's kernel, and its clock so far
 *   failed | started      then; failed is the last
 *   exited                how the command ended
 *   done                  its outputs are delivered; the last
 *
 * Nobody in there is believed: a line that is not one of these, in form or in place, is a
 * violation, and nothing is read after it. Texts are cut and escaped.
 */
#define CONTROL_LINE_MAX (64 << 10)

enum control_phase {
	CONTROL_SILENT,
	CONTROL_HELLO,
	CONTROL_STARTED,
	CONTROL_EXITED,
	CONTROL_DONE,
	CONTROL_FAILED,
	CONTROL_BROKEN, /* after a violation */
};

struct control {
	enum control_phase phase;
	struct json_object *guest;  /* of hello; owned, as the three below; NULL until then */
	struct json_object *setup;  /* of failed */
	struct json_object *exit;   /* of exited */
	struct json_object *rusage; /* of exited */
	int64_t last_ms;	    /* of the guest's clock */
	int64_t oom_kills, pids_refused;
	uint64_t stdout_bytes, stderr_bytes; /* what it says it has written */
	int64_t entries;		     /* of done */
};

void control_init(struct control *control);
void control_release(struct control *control);

/* One line. A fault is the violation; the phase is CONTROL_BROKEN then. */
enum fault_code control_line(struct control *control, const char *line, size_t len,
			     struct fault *fault) __attribute__((warn_unused_result));

#endif
