/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_ANSWERS_H
#define FILTER_ANSWERS_H

struct filter_plan;
struct json_object;

/*
 * A second table for a way out whose refusals nobody hears: pasta (2023) answers a connection that was
 * refused, or has no route, by a reset with the right acknowledgement and without the flag that says
 * so, which a kernel that waits for an answer drops (RFC 9293, 3.10.7.3). The flag is set before
 * anything here looks at the packet; only what has no other flag is touched. It lets nothing through,
 * so it is not among what is read back and counted.
 */
#define ANSWERS_TABLE "safe_run_answers"

/* The commands that make it (expr.h), the caller's. */
struct json_object *answers_make(const struct filter_plan *plan);

#endif
