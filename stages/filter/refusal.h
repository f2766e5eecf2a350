/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_REFUSAL_H
#define FILTER_REFUSAL_H

#include <stdint.h>

struct json_object;
struct rule;

/*
 * What a run's table refuses:
 *
 *   remember  counts a packet by destination, protocol and port in the set refused, without the port
 *             in refused_other, or in one sum (refused_overflow), and goes to refuse
 *   refuse    tcp reset, else ICMP admin-prohibited: programs fail at once
 */
#define REFUSAL_SET	 "refused"
#define REFUSAL_SET_MORE "refused_other"
#define REFUSAL_OVERFLOW "refused_overflow"
#define REFUSAL_MAX	 256 /* elements of each set */

/* The counter, the sets and the two chains; then their rules. */
void refusal_objects(struct rule *rule);
void refusal_rules(struct rule *rule);

/* Of a listing: [{"count","destination","port","protocol"}], sorted, the caller's; and the rest. */
struct json_object *refusal_read(struct json_object *listing, int64_t *overflow);

#endif
