/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FILTER_RULESET_TAP_H
#define FILTER_RULESET_TAP_H

#include <stdint.h>

struct filter_plan;
struct json_object;
struct rule;

/*
 * What a machine's run has of rules beside everybody's (ruleset.h). Its guest is at the other end of
 * an interface, and has a kernel of its own that need not play by anybody's rules:
 *
 *   inet safe_run
 *     through  forwarded packets: the guest's to the way out go to forward, what answers them comes
 *              back, and nothing else passes
 *     redirect the guest's connections that go to a listener here instead (match: name)
 *     input    nothing else of the guest's ends in this network namespace, but questions for names
 *              where somebody answers them
 *     output   this kernel's refusals to the guest, and nothing else leaves
 *     source   the guest leaves with the run's own address
 *   netdev safe_run
 *     guard    before any of that: IPv4 from the guest's one address and hardware address, without
 *              options (a source route would let it say one destination here and another later)
 *
 * All of it does nothing without a tap in the plan.
 */
#define RULESET_GUARD_FAMILY "netdev"
#define RULESET_GUARD_OTHER  "not the guest's" /* comment of what counts the rest */

void ruleset_tap_chains(struct rule *rule, const struct filter_plan *plan);
/* Before those of everybody's output and input. */
void ruleset_tap_hooks(struct rule *rule, const struct filter_plan *plan);

/* Before the redirections, which in a machine's run are of what comes in: they are the guest's alone. */
void ruleset_tap_redirect(struct rule *rule, const struct filter_plan *plan);

/* The second table's commands; the caller's. */
struct json_object *ruleset_guard(const struct filter_plan *plan);

#endif
