/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_REPORT_H
#define SEAL_REPORT_H

#include "ipc/buf.h"
#include "stages/seal/chain.h"
#include "stages/seal/facts.h"

/*
 * The text of a report beside its events: a pure function of them (safe-run-report(5), seed
 * interface I-RP-001). seal writes it; verify writes it again and compares.
 */
#define REPORT_SCHEMA "safe-run.report/v1"

/* The members of a report in canonical order. */
enum report_member {
	REPORT_ARTIFACTS,
	REPORT_DEGRADED,
	REPORT_ENFORCEMENT,
	REPORT_ERRORS,
	REPORT_EVENTS,
	REPORT_EXIT_CODE,
	REPORT_FINISHED_AT,
	REPORT_INTEGRITY,
	REPORT_MOUNT_AUDIT,
	REPORT_NETWORK_AUDIT,
	REPORT_OUTCOME,
	REPORT_OUTPUT,
	REPORT_OUTPUTS,
	REPORT_POLICY_SUMMARY,
	REPORT_RESOURCE_USAGE,
	REPORT_RUN_ID,
	REPORT_SCHEMA_VERSION,
	REPORT_STARTED_AT,
	REPORT_STATE,
	REPORT_VERDICT,
	REPORT_MEMBER_COUNT
};

const char *report_member_name(enum report_member member);

/* Append the value of one member that facts alone decide: not REPORT_EVENTS, REPORT_INTEGRITY. */
void report_value(enum report_member member, const struct facts *facts, struct buf *out);

/* Append what stands in front of the first event, "events":[ included. */
void report_before(const struct facts *facts, struct buf *out);

/*
 * Append what stands behind the last event, from ] to the end, with an empty digest; the digest
 * belongs at the offset returned.
 */
size_t report_behind(const struct facts *facts, const struct chain *chain, struct buf *out);

#endif
