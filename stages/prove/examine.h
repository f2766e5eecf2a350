/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROVE_EXAMINE_H
#define PROVE_EXAMINE_H

#include "stages/prove/proof.h"
#include "stages/seal/key_id.h"
#include "stages/verify/checklist.h"

#include <stdbool.h>

struct json_object;

/*
 * What a proof proves. By itself: that an event is in a tree with the root it names, and anybody
 * can grow a tree. What the root is worth comes from outside: the caller's word for it, the whole
 * report, or a signed bundle that names it.
 */
enum examine_check {
	EXAMINE_CANONICAL,
	EXAMINE_SCHEMA,
	EXAMINE_EVENT,	   /* its own hash, run and place */
	EXAMINE_INCLUSION, /* the path */
	EXAMINE_SIZE,	   /* the closing event and its path */
	EXAMINE_ROOT,	   /* against the one given */
	EXAMINE_REPORT,	   /* against the report given */
	EXAMINE_SIGNATURE, /* against the bundle given */
	EXAMINE_CHECK_COUNT
};

struct examination {
	struct checklist list;
	struct proof proof;
	struct head event;	  /* known once the event's check has passed */
	bool readable;		  /* proof is filled in */
	char signer[KEY_ID_SIZE]; /* "" without a signature that holds */
};

void examine_init(struct examination *examination);
/* The checks that need the proof alone. text must stay. */
void examine_proof(struct examination *examination, struct span text);
/* Against a root known from elsewhere, "sha256:..." or 64 hexadecimal digits. */
void examine_root(struct examination *examination, const char *root);
/* Against the report, which is checked whole. */
void examine_report(struct examination *examination, struct span report);

/* ProofVerify, the answer; the caller owns it. */
struct json_object *examine_answer(const struct examination *examination);

#endif
