/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_EVENTS_H
#define VERIFY_EVENTS_H

#include "stages/seal/chain.h"
#include "stages/seal/facts.h"
#include "stages/seal/span.h"
#include "stages/verify/verdict.h"

#include <stdbool.h>
#include <stdint.h>

/* Going over sealed events as sr-seal did: the same chain, the same facts, from the bytes there. */
struct events {
	struct facts facts;
	struct chain chain;
	uint64_t count;		/* events seen, good or bad */
	bool gapped;		/* some were not acceptable: facts do not cover the whole stream */
	int64_t declared_count; /* eventCount of the closing event; FACTS_UNKNOWN without one */
};

void events_init(struct events *events);
void events_release(struct events *events);

/* The next event; text has passed canon_check. What is wrong with it goes into the verdict. */
void events_take(struct events *events, struct span text, struct verdict *verdict);

/* Behind the last one: there were some, they end with a closing event, and it counts them right. */
void events_finish(const struct events *events, struct verdict *verdict);

#endif
