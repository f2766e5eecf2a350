/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_RULESET_H
#define FILTER_RULESET_H

#include "ipc/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct filter_plan;
struct json_object;

/*
 * The run's table, inet safe_run, in its own network namespace:
 *
 *   output    what the sandbox sends: its own loopback, then forward
 *   input     replies, and its own loopback
 *   forward   the policy's rules, each with a counter; what none of them opens is remembered and
 *             refused (refusal.h)
 *   redirect  connections that go to the run's own loopback instead
 *
 * A machine's run has more: ruleset_tap.h.
 *
 * Connections are tracked here (nf_conntrack) unless somebody behind the interface does it, the
 * plan's tracked, and TCP is all there is, with nothing turned and no machine: packets are then the
 * kernel's own, and what begins a connection is known by its flags. Tracking it twice would cost each
 * connection 2.5 microseconds.
 *
 * The table has no owner: the network namespace ends with the run and takes it along, while one that
 * vanished with the process that set it would leave the sandbox open.
 */
#define RULESET_FAMILY	    "inet"
#define RULESET_TABLE	    "safe_run"
#define RULESET_CONNECTIONS 4096 /* at once: the host's table of them is everybody's */
#define RULESET_COMMENT	    "rule "

/* Whether connections are tracked in the run's own namespace. */
bool ruleset_tracks(const struct filter_plan *plan);

/* The commands that make it: an array the caller owns. */
struct json_object *ruleset_make(const struct filter_plan *plan);

/* listing, the kernel's, has what commands asked for and no more. *objects: how much that is. */
enum fault_code ruleset_compare(struct json_object *commands, struct json_object *listing,
				size_t *objects, struct fault *fault)
	__attribute__((warn_unused_result));

/* Packets that the counters of rules with this comment saw. */
int64_t ruleset_hits(struct json_object *listing, const char *comment);

/* The counters of a listing as the final record (safe-run-ipc(7)), the caller's. */
struct json_object *ruleset_count(const struct filter_plan *plan, struct json_object *listing);

#endif
