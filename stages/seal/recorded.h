/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_RECORDED_H
#define SEAL_RECORDED_H

#include "ipc/event.h"
#include "ipc/fault.h"
#include "ipc/runid.h"
#include "stages/seal/closing.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What sr-seal itself put into a run that is sealed again: the times of the events it wrote in a
 * lost stage's place, the nonce, how stages ended. A clock and a dice have no other way to be
 * repeated; everything else is derived anew.
 */
#define RECORDED_OWN_MAX (CLOSING_DEATHS_MAX + 2)

struct recorded {
	struct {
		char timestamp[EVENT_TIMESTAMP_SIZE];
		uint64_t boot_ns;
	} own[RECORDED_OWN_MAX];
	size_t own_count, own_used;
	struct closing_death deaths[CLOSING_DEATHS_MAX];
	size_t death_count;
	char run_id[RUNID_SIZE]; /* "" when there is no event */
	char nonce[33];		 /* "" unless event 0 is seal's */
};

/* The events.ndjson of that run; a last line that is cut off is passed over. */
enum fault_code recorded_read(int fd, struct recorded *recorded, struct fault *fault)
	__attribute__((warn_unused_result));

/* Give place the time of seal's next own event; no change when the record has no more. */
void recorded_place(struct recorded *recorded, struct closing_place *place);

#endif
