/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_RULESET_H
#define FILTER_RULESET_H

#include "ipc/fault.h"

#include <stddef.h>
#include <stdint.h>

struct filter_plan;
struct json_object;

/*
 * The run's table, inet safe_run, in its own network namespace:
 *
 *   output    what the sandbox sends: its own loopback, then forward
 *   input     replies, and its own loopback
 *   forward   the policy's rules, each with a counter; what none of them opens is remembered in the
 *             sets refused and refused_other, both bounded, and goes to refuse
 *   refuse    tcp reset, else ICMP admin-prohibited: programs fail at once
 *   redirect  connections that go to the run's own loopback instead
 *
 * A machine's run has more: ruleset_tap.h.
 *
 * The table has no owner: the network namespace ends with the run and takes it along, while one that
 * vanished with the process that set it would leave the sandbox open.
 */
#define RULESET_FAMILY	     "inet"
#define RULESET_TABLE	     "safe_run"
#define RULESET_REFUSED	     "refused"
#define RULESET_REFUSED_MORE "refused_other"
#define RULESET_OVERFLOW     "refused_overflow"
#define RULESET_REFUSED_MAX  256  /* elements of each set */
#define RULESET_CONNECTIONS  4096 /* at once: the host's table of them is everybody's */
#define RULESET_COMMENT	     "rule "

/* The commands that make it: an array the caller owns. */
struct json_object *ruleset_make(const struct filter_plan *plan);

/* listing, the kernel's, has what commands asked for, and made before, and no more. *objects: all. */
enum fault_code ruleset_compare(struct json_object *commands, struct json_object *listing,
				size_t before, size_t *objects, struct fault *fault)
	__attribute__((warn_unused_result));

/* Packets that the counters of rules with this comment saw. */
int64_t ruleset_hits(struct json_object *listing, const char *comment);

/* The counters of a listing as the final record (safe-run-ipc(7)), the caller's. */
struct json_object *ruleset_count(const struct filter_plan *plan, struct json_object *listing);

#endif
