/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROVE_VOUCH_H
#define PROVE_VOUCH_H

#include "stages/prove/examine.h"
#include "stages/verify/keyring.h"
#include "stages/verify/side_file.h"

/*
 * A signed bundle held against a proof, without the report: the statement names the same run,
 * report digest, number of events and Merkle root, and a trusted key that may seal reports has
 * signed it. Then the proof holds under that key.
 */
struct vouch {
	struct side_file bundle; /* fd -1: none */
	struct keyring keys;
	struct fault open_fault;
};

/* Confined. */
void vouch_check(struct vouch *vouch, struct examination *examination);
void vouch_release(struct vouch *vouch);

#endif
