/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_KEYRING_H
#define VERIFY_KEYRING_H

#include "ipc/event.h"
#include "ipc/fault.h"
#include "stages/seal/key_public.h"
#include "stages/verify/side_file.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * The public keys a verifier was given: files named on its command line, and the entries of trust
 * directories (safe-run-key(1), TRUST DIRECTORIES). Never one out of a bundle or a report.
 *
 * A trust directory belongs to root or to whoever verifies, and nobody else may write to it; the
 * same holds for each entry. An entry is <keyid>.json, canonical:
 *   {"algorithm","keyid","notAfter","notBefore","publicKey","purpose","revokedAt","schemaVersion"}
 */
#define KEYRING_SCHEMA "safe-run.trust/v1"
#define KEYRING_MAX    256 /* keys of one verification */

struct keyring_key {
	struct side_file file; /* until it has been read */
	bool named;	       /* on the command line, not from a directory */
	struct key_public key;
	char not_before[EVENT_TIMESTAMP_SIZE]; /* "" when there is no such limit */
	char not_after[EVENT_TIMESTAMP_SIZE];
	char revoked_at[EVENT_TIMESTAMP_SIZE];
};

struct keyring {
	struct keyring_key *keys; /* owned */
	size_t count;
	bool any_named;
};

/* Before confinement. SR-EVD-304. */
enum fault_code keyring_open_file(struct keyring *ring, const char *path, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code keyring_open_directory(struct keyring *ring, const char *path, struct fault *fault)
	__attribute__((warn_unused_result));

/* Confined. One entry that cannot be read is a fault of the whole: it might have been a revocation.
 */
enum fault_code keyring_read(struct keyring *ring, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * The key of that id to judge a signature by; NULL when there is none. Of several entries one that
 * revokes it comes first. Who names keys on the command line wants one of those: entries then only
 * say until when, and what was revoked.
 */
const struct keyring_key *keyring_find(const struct keyring *ring, const char *keyid);

/* Whether key may vouch for a report finished at that time; the fault says why not. */
enum fault_code keyring_admit(const struct keyring_key *key, enum key_purpose purpose,
			      const char *finished_at, struct fault *fault)
	__attribute__((warn_unused_result));

void keyring_release(struct keyring *ring);

#endif
