/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EGRESS_ANSWER_H
#define EGRESS_ANSWER_H

#include "stages/egress/book.h"
#include "stages/egress/tally.h"
#include "stages/resolve/dns_message.h"
#include "stages/resolve/lookup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a question of the run is answered. Only the A record of a name below a wildcard that is not
 * known yet is ever asked of anybody, and then only that name: everything else is answered here.
 */
#define ANSWER_MAX 2048 /* header, question, DNS_ADDRESS_MAX addresses */

enum answer_kind {
	ANSWER_NONE,  /* nothing to answer to */
	ANSWER_READY, /* out holds it */
	ANSWER_ASK,   /* ask for question->name; then answer_found */
};

struct answer_world {
	struct book *book;
	struct tally *tally;
	uint32_t address; /* of our service, for the tally */
};

/* size: what fits, DNS_UDP_MAX or ANSWER_MAX. */
enum answer_kind answer_question(const struct answer_world *world, const uint8_t *message,
				 size_t len, uint64_t now_ms, struct dns_question *question,
				 uint8_t *out, size_t size, size_t *out_len)
	__attribute__((warn_unused_result));

/* Once lookup is decided: learns what it found, and the answer into out. */
size_t answer_found(const struct answer_world *world, const uint8_t *message,
		    const struct dns_question *question, const struct lookup *lookup,
		    uint64_t now_ms, uint8_t *out, size_t size) __attribute__((warn_unused_result));

/* When no more questions can be asked at this time. */
size_t answer_full(const struct answer_world *world, const uint8_t *message,
		   const struct dns_question *question, uint8_t *out, size_t size)
	__attribute__((warn_unused_result));

#endif
