/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IPC_FAULT_H
#define IPC_FAULT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Faults: what can go wrong, as the registry of error codes knows it (safe-run-ipc(7), ERRORS).
 *
 * A fault is a plain value of fixed size; making one never allocates. Its three parts are what a
 * person sees as {"code","message","path"}: the path is a schema field (mounts[0].source) or a
 * stage and action (launch.cgroup.memory); the message says what happened, why, and how to mend it.
 */
enum fault_code {
	FAULT_NONE = 0,
	FAULT_POLICY_MISSING,	 /* SR-POL-001 required field missing */
	FAULT_POLICY_FORMAT,	 /* SR-POL-002 wrong format */
	FAULT_POLICY_CONFLICT,	 /* SR-POL-003 semantic conflict */
	FAULT_MOUNT_SOURCE,	 /* SR-POL-101 mount source outside the allowlist */
	FAULT_MOUNT_TARGET,	 /* SR-POL-102 illegal mount target */
	FAULT_MOUNT_COMBINATION, /* SR-POL-103 mount combination */
	FAULT_NETWORK_RULE,	 /* SR-POL-201 network rule missing or illegal */
	FAULT_COMPILE_MAPPING,	 /* SR-CMP-001 mapping failed */
	FAULT_COMPILE_REQUEST,	 /* SR-CMP-002 incomplete output or illegal request */
	FAULT_COMPILE_NETWORK,	 /* SR-CMP-201 networkPlan failed */
	FAULT_RUN_INIT,		 /* SR-RUN-001 runner initialisation, or workload ended non-zero */
	FAULT_RUN_LAUNCH,	 /* SR-RUN-002 launch failed */
	FAULT_RUN_TIMEOUT,	 /* SR-RUN-003 timeout */
	FAULT_RUN_MOUNT,	 /* SR-RUN-101 mount failed */
	FAULT_RUN_NETWORK,	 /* SR-RUN-201 network rule not applied */
	FAULT_RUN_RELEASE,	 /* SR-RUN-202 network rule not released */
	FAULT_EVIDENCE_EVENT,	 /* SR-EVD-001 event not written */
	FAULT_EVIDENCE_REPORT,	 /* SR-EVD-002 report not built */
	FAULT_REPORT_SCHEMA,	 /* SR-EVD-301 */
	FAULT_REPORT_HASH,	 /* SR-EVD-302 */
	FAULT_REPORT_CHAIN,	 /* SR-EVD-303 */
	FAULT_REPORT_SIGNATURE,	 /* SR-EVD-304 */
	FAULT_REPORT_INCOMPLETE, /* SR-EVD-305 no closing event */
	FAULT_REPORT_CANONICAL,	 /* SR-EVD-306 not canonical */
	FAULT_REPORT_CHALLENGE,	 /* SR-EVD-307 not the caller's challenge */
	FAULT_REPORT_PREV,	 /* SR-EVD-308 not the run it follows */
	FAULT_REPORT_FORWARD,	 /* SR-EVD-309 not what was sealed forward */
	FAULT_HOST_LACKS,	 /* SR-OPS-001 the host lacks something */
	FAULT_ARCHIVE,		 /* SR-OPS-301 archive write failed */
	FAULT_CODE_COUNT
};

#define FAULT_PATH_SIZE	   192
#define FAULT_MESSAGE_SIZE 640
#define FAULT_LIST_MAX	   64
#define FAULT_ARRAY_MAX	   (FAULT_LIST_MAX + 1) /* elements of fault_list_to_json */

struct fault {
	enum fault_code code;
	char path[FAULT_PATH_SIZE];
	char message[FAULT_MESSAGE_SIZE];
};

/*
 * All the faults of one input. More than FAULT_LIST_MAX are counted in dropped, not kept; as JSON
 * a last element says how many, so that no reader takes the list for all there is.
 */
struct fault_list {
	struct fault items[FAULT_LIST_MAX];
	size_t count;
	size_t dropped;
};

struct json_object;

/* "SR-POL-001" for a code; never NULL. FAULT_NONE is "". */
const char *fault_code_name(enum fault_code code);

/* The code a name stands for; FAULT_NONE when the registry does not have it. */
enum fault_code fault_code_parse(const char *name);

/*
 * Fill *fault and return its code. path and the formatted message may hold untrusted text: control
 * bytes, DEL, what changes the direction of text and invalid UTF-8 come out as \xNN, and both are
 * cut to their sizes on a character boundary.
 */
enum fault_code fault_set(struct fault *fault, enum fault_code code, const char *path,
			  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* As fault_set, with ": <strerror(error_number)>" behind the message. */
enum fault_code fault_set_errno(struct fault *fault, enum fault_code code, int error_number,
				const char *path, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

void fault_list_add(struct fault_list *list, const struct fault *fault);

/* Empty. The items stay as they are: clearing 50 KiB is 13 pages no run without a fault needs. */
void fault_list_init(struct fault_list *list);

/* A new array of {"code","message","path"}; the caller owns it. */
struct json_object *fault_list_to_json(const struct fault_list *list);

/* A new {"code","message","path"}; the caller owns it. */
struct json_object *fault_to_json(const struct fault *fault);

#endif
