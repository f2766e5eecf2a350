/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_FORWARD_KEY_H
#define CMD_FORWARD_KEY_H

#include "ipc/fault.h"

/*
 * The first key of a run's forward seal (sr-seal(1)): 256 random bits, written once to a new file
 * for the caller to take off the host, and handed to sr-seal through a pipe. No copy is kept here.
 * The file is canonical JSON without a final newline, mode 0600:
 *   {"key":"<64 hex digits>","runId":"...","schemaVersion":"safe-run.forward-key/v1"}
 */
struct forward_key {
	int seal_fd;	  /* for sr-seal: the pipe's reading end; -1: none */
	const char *path; /* borrowed; NULL: no file of ours is there */
};

#define FORWARD_KEY_NONE                                                                           \
	{                                                                                          \
		.seal_fd = -1                                                                      \
	}

/* path NULL: nobody asked. A file that exists is not overwritten. SR-EVD-309. */
enum fault_code forward_key_make(struct forward_key *forward, const char *path, const char *run_id,
				 struct fault *fault) __attribute__((warn_unused_result));

/* The run came to nothing: neither does its key. */
void forward_key_discard(struct forward_key *forward);

/* Close what is open here. */
void forward_key_close(struct forward_key *forward);

#endif
