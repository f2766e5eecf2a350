/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_CLOSING_H
#define SEAL_CLOSING_H

#include "ipc/buf.h"
#include "ipc/event.h"
#include "ipc/fault.h"
#include "stages/seal/digest.h"
#include "stages/seal/head.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Closing a stream: the last touch on the monitor's closing event, and the events seal writes
 * itself when a stage was lost. Each writes one travelling event, canonical, into out (cleared
 * first).
 */

/* Where seal's own events stand in the stream. */
struct closing_place {
	const char *run_id;
	uint64_t seq;
	uint64_t boot_ns_min;  /* of the event before: time must not go back */
	uint64_t boot_ns_max;  /* of a closing event that came already: deaths stand before it */
	const char *timestamp; /* of a run sealed again, as is boot_ns; NULL: now */
	uint64_t boot_ns;
};

/* How a stage ended, as the front-end reaped it. */
struct closing_death {
	char stage[32];
	int signal; /* 0: it exited by itself */
	int status;
};

#define CLOSING_DEATHS_MAX 16

/* Why there is no acceptable closing event. */
struct closing_loss {
	const struct fault *refused; /* what of the stream was refused; NULL: it just ended */
	char refused_hash[72];	     /* "sha256:..." of the record refused; "" when there is none */
	bool withheld;		     /* a closing event had come before */
	struct closing_death deaths[CLOSING_DEATHS_MAX];
	size_t death_count;
	const struct fault *notices; /* why the front-end's notices were not understood, or NULL */
};

/* The event with eventCount in its payload and seq as its number. */
void closing_complete(const struct head *event, uint64_t seq, struct buf *out);

/* compile, when none came: every hash null. nonce is 32 hex digits. */
void closing_write_compile(const struct closing_place *place, const char *nonce,
			   const struct fault *why, struct buf *out);
/* stage.killed */
void closing_write_death(const struct closing_place *place, const struct closing_death *death,
			 struct buf *out);
/* run.failed, cause stage-lost, with eventCount */
void closing_write_failed(const struct closing_place *place, const struct closing_loss *loss,
			  struct buf *out);

#endif
