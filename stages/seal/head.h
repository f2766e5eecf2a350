/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_HEAD_H
#define SEAL_HEAD_H

#include "ipc/event.h"
#include "ipc/fault.h"
#include "stages/seal/span.h"

#include <stddef.h>
#include <stdint.h>

/*
 * One event as canonical text, and where its fields lie in it: what event_parse says of the same
 * line, found in one pass and without allocating. Both refuse the same lines; the unit tests and
 * the fuzzer hold that. Everything is borrowed from the line.
 */
enum head_form {
	HEAD_TRAVELLING, /* as stages write events */
	HEAD_SEALED,	 /* with hashPrev and hashSelf in front, as reports hold them */
};

/* The payload's first members, kept from the walk that finds its end; a sample has no more. */
#define HEAD_MEMBERS_MAX 8

struct head_member {
	struct span key, value;
};

struct head {
	struct span line;
	struct span hash_prev, hash_self; /* sealed: "sha256:..." without its quotes */
	struct span payload;
	struct span run_id, stage, timestamp; /* without their quotes */
	enum event_type type;
	uint64_t seq;
	uint64_t boot_ns;
	size_t depth;				      /* nesting of the whole event, at least 2 */
	size_t member_count;			      /* of the payload, all of them */
	struct head_member members[HEAD_MEMBERS_MAX]; /* the first of them */
};

/* canon_check and then head_scan. */
enum fault_code head_read(const char *line, size_t len, enum head_form form, enum fault_code code,
			  struct head *head, struct fault *fault)
	__attribute__((warn_unused_result));

/* As head_read, for text that canon_check has accepted already, alone or as part of a whole. */
enum fault_code head_scan(struct span line, enum head_form form, enum fault_code code,
			  struct head *head, struct fault *fault)
	__attribute__((warn_unused_result));

/* Puts "events[<index>]." in front of the fault's path. */
void head_place(struct fault *fault, uint64_t index);

#endif
