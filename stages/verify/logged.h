/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_LOGGED_H
#define VERIFY_LOGGED_H

#include "stages/verify/keyring.h"
#include "stages/verify/side_file.h"
#include "stages/verify/verdict.h"

/*
 * A log proof held against a report and its bundle: the leaf names exactly these bytes and says of
 * the run what the report says, it is under the root of the checkpoint, and the checkpoint is
 * signed by a key that is trusted here for the purpose "archive". What holds for one of the three
 * alone proves nothing (cosign GHSA-8gw7-4j42-w388).
 */
struct logged {
	struct side_file proof; /* fd -1: none */
	struct keyring keys;	/* read by the caller */
};

/* bundle: its bytes, empty when there is none; its key is verdict->keyid. Reads the proof. */
void logged_check(struct logged *logged, struct span report, struct span bundle,
		  struct verdict *verdict);
void logged_release(struct logged *logged);

#endif
