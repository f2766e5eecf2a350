/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_STREAM_H
#define SEAL_STREAM_H

#include "ipc/fault.h"
#include "ipc/runid.h"
#include "stages/seal/chain.h"
#include "stages/seal/closing.h"
#include "stages/seal/facts.h"
#include "stages/seal/forward.h"
#include "stages/seal/recorded.h"
#include "stages/seal/store.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The event stream on its way into the store: every record is refused or chained, none dropped.
 * A stream that is refused is closed there, and the stages before it find their pipe broken: no
 * witness, no execution.
 */
struct stream {
	struct facts facts;
	struct chain chain;
	struct store store;
	struct buf withheld; /* the closing event, until it is sure that nothing follows */
	uint64_t withheld_boot_ns;
	struct buf line; /* an event seal writes itself */
	struct fault refused;
	struct closing_loss loss;
	char run_id[RUNID_SIZE]; /* the run's, for a stream that does not say */
	bool run_id_fixed;	 /* the stream must agree */
	char nonce[33];
	struct recorded *recorded; /* the run is sealed again; NULL: for the first time */
	struct forward *forward;   /* NULL: nobody asked for a forward seal */
};

/* The store's fd and run_id, run_id_fixed and nonce are the caller's to fill. */
void stream_init(struct stream *stream, int store_fd, bool durable);
void stream_release(struct stream *stream);

/*
 * Read fd to its end, then close the stream: with its own closing event, or in a lost stage's
 * place, with what notice_fd (-1: none) says of how stages ended. FAULT_NONE: the store holds a
 * whole stream, written and not yet durable (store_settle). A fault is the system's,
 * FAULT_EVIDENCE_EVENT: the store failed.
 */
enum fault_code stream_seal(struct stream *stream, int fd, int notice_fd, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
