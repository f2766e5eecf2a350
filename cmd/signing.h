/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_SIGNING_H
#define CMD_SIGNING_H

#include "cmd/process.h"
#include "cmd/rundir.h"
#include "cmd/spawn.h"
#include "ipc/fault.h"

/*
 * A run's signer: started for this run with the key of --seal-key, sr-signer or, for a plain Ed25519
 * key, signer_child.h; or a connection to the one at --signer. Only sr-seal is given the other end of
 * the socket; the key's descriptor goes to the signer and is closed here. The launcher does not let the
 * command start before the signer has shown that it has a key.
 */
struct signing {
	struct process signer; /* of --seal-key alone */
	int signer_fd;	       /* for sr-seal; -1: nobody asked for a signature */
	int key_fd, peer_fd;   /* of a signer_child.h that is still to be started, or -1 */
	char **words;	       /* its, too */
	int chain_fd;	       /* the base directory's chain.ndjson */
};

#define SIGNING_NONE                                                                               \
	{                                                                                          \
		.signer = PROCESS_NONE, .signer_fd = -1, .key_fd = -1, .peer_fd = -1,              \
		.chain_fd = -1                                                                     \
	}

struct signing_plan {
	const char *key;	/* --seal-key, or NULL */
	const char *passphrase; /* --seal-passphrase-fd, or NULL */
	const char *socket;	/* --signer, or NULL */
	char **words;		/* of our command line, for the signer to forget */
};

/*
 * Open the key; start the signer or connect to it, do not wait. The child of signer_child.h is left
 * to signing_ready: a fork here would keep everything that the run waits for. Nothing when the plan
 * names neither. Faults: SR-EVD-304.
 */
enum fault_code signing_start(struct signing *signing, const struct signing_plan *plan,
			      const struct spawn_home *home, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Start the child, open the chain of signed runs beside the run directory, wait until the signer has a
 * key. Before sr-seal is given the socket: it reads what is only looked at here. Nothing without a
 * signer.
 */
enum fault_code signing_ready(struct signing *signing, const struct rundir *rundir,
			      struct fault *fault) __attribute__((warn_unused_result));

/* Once sr-seal has it: the signer is to see the end of sr-seal. */
void signing_hand_over(struct signing *signing);

/* Ends and reaps the signer of this run. */
void signing_close(struct signing *signing);

#endif
