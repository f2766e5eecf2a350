/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_VERDICT_H
#define VERIFY_VERDICT_H

#include "ipc/fault.h"
#include "ipc/record.h"
#include "ipc/runid.h"
#include "stages/archive/note.h"
#include "stages/seal/key_id.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * What the checks found: every check is run that can be, and every reason is kept (of a hundred
 * thousand bad events the first few, and how many more).
 */
enum verdict_check {
	VERDICT_CANONICAL,
	VERDICT_SCHEMA,
	VERDICT_CROSS_FIELD,
	VERDICT_ARTIFACT_HASH,
	VERDICT_EVENT_CHAIN,
	VERDICT_EVENT_COUNT,
	VERDICT_MERKLE_ROOT,
	VERDICT_REPORT_DIGEST,
	VERDICT_DERIVED,
	VERDICT_COMPLETE,
	/* From here on only what was asked for, or what there was something to look at for. */
	VERDICT_STATEMENT,
	VERDICT_SIGNATURE,
	VERDICT_PREV,
	VERDICT_CHALLENGE,
	VERDICT_LOG,
	VERDICT_FORWARD_SEAL,
	VERDICT_CHECK_COUNT
};

#define VERDICT_REASONS_MAX 4 /* kept for each check */

enum verdict_state {
	VERDICT_NOT_RUN, /* what it looks at could not be read; counts as not passed */
	VERDICT_PASSED,
	VERDICT_REFUSED,
};

struct verdict {
	enum verdict_state states[VERDICT_CHECK_COUNT];
	size_t reason_counts[VERDICT_CHECK_COUNT];
	struct fault_list faults;
	char run_id[RUNID_SIZE];	  /* "" when the report names none */
	bool wanted[VERDICT_CHECK_COUNT]; /* of those that are optional */
	char keyid[KEY_ID_SIZE];	  /* who signed, as the bundle says; "" without one */
	char key_where[16];		  /* where that key lives, as its holder says */
	struct note_checkpoint log;	  /* once VERDICT_LOG has passed */
	bool output_uncaptured;		  /* the report says nobody saw the workload's output */
};

/* The code a check's reasons have in the registry. */
enum fault_code verdict_code(enum verdict_check check);

/* An optional check that has not passed counts against the report. */
void verdict_want(struct verdict *verdict, enum verdict_check check);
void verdict_pass(struct verdict *verdict, enum verdict_check check);
/* A reason against a check, which may have passed before. */
void verdict_refuse(struct verdict *verdict, enum verdict_check check, const struct fault *fault);
/* As verdict_refuse, with the check's code. */
void verdict_refuse_at(struct verdict *verdict, enum verdict_check check, const char *path,
		       const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Nothing speaks against it. */
bool verdict_valid(const struct verdict *verdict);

struct json_object;

/* ReportVerify (seed interface I-VF-001); the caller's. */
struct json_object *verdict_to_json(const struct verdict *verdict);
/* The same as one record. */
enum fault_code verdict_send(const struct verdict *verdict, const struct record_sink *sink,
			     struct fault *fault) __attribute__((warn_unused_result));

#endif
