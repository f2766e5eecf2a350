/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_ENDORSE_H
#define SEAL_ENDORSE_H

#include "ipc/fault.h"
#include "stages/seal/digest.h"
#include "stages/seal/key_id.h"
#include "stages/seal/lineage.h"
#include "stages/seal/statement.h"

#include <stdbool.h>

/*
 * The signature beside a report. seal holds no key: it asks sr-signer(1) through a connected unix
 * socket (SOCK_SEQPACKET, one record a packet), and puts what comes back into the bundle.
 */
#define ENDORSE_BUNDLE	"run_report.sigstore.json"
#define ENDORSE_PARTIAL ".run_report.sigstore.json.partial"

struct endorse {
	int signer_fd;	    /* -1: nobody asked for a signature */
	int chain_fd;	    /* -1: the run has no predecessor */
	struct fault fault; /* why there is no signature; FAULT_NONE: there is, or nobody asked */
	char keyid[KEY_ID_SIZE]; /* "" unless signed */
	char bundle_digest[DIGEST_TEXT_SIZE];
	bool locked, published;
	bool ed25519;	     /* the signer's key; else P-256 */
	int64_t chain_start; /* where the chain ended before this run's line; -1: it has none yet */
	int bundle_fd;	     /* between the two calls; -1 else */
};

/*
 * Have the statement signed and write the bundle as ENDORSE_PARTIAL into the directory, with the
 * chain locked and its last run as prev. The statement's prev and signer are filled in here.
 * A failure is kept in endorse->fault, and the caller goes on without a bundle.
 */
void endorse_prepare(struct endorse *endorse, int directory_fd, struct statement *statement);

/*
 * Behind the report's own fsync, whose journal commit carries the bundle too: bundle and chain on
 * the disk, and the bundle under its name. A bundle that is there already is never replaced. Lets
 * the chain go in every case.
 */
void endorse_publish(struct endorse *endorse, int directory_fd);

/* The report itself came to nothing: no bundle stays behind, under either name. */
void endorse_abandon(struct endorse *endorse, int directory_fd);

#endif
