/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_NETWORK_H
#define LAUNCH_NETWORK_H

#include "ipc/fault.h"
#include "ipc/field.h"
#include "stages/launch/assistant.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct json_object;
struct launch;
struct plan;
struct pollfd;

/*
 * network.mode allowlist: the run's own network namespace gets a packet filter (sr-filter(1)) and a
 * way out: as root a pair of interfaces (sr-uplink(1)), else a program of the user's own
 * (sr-usernet(1), network_user.h), for rules that are held against names sr-egress(1). The launcher
 * itself speaks with no network and parses no packet; it hands plans to them and turns what they
 * tell into events.
 *
 * All live as long as the run. One that ends before is a fault, and the run with it.
 */
#define NETWORK_SOURCE_COUNT 3 /* the assistants' pidfds */

enum { /* sr-egress's sockets (network_egress.h) */
       NETWORK_EGRESS_LISTENER,
       NETWORK_EGRESS_DNS,
       NETWORK_EGRESS_DNS_TCP,
       NETWORK_EGRESS_SOCKETS
};

struct network {
	int net_fd, user_fd;			 /* the run's namespaces, from init; -1: none */
	int link_fd;				 /* rootless: a socket for news of its links; -1 */
	struct assistant uplink, filter, egress; /* uplink and egress: where rules need them */
	int egress_fds[NETWORK_EGRESS_SOCKETS];	 /* from init, until egress has them; -1 */
	char interface[IFNAMSIZ];		 /* "": none */
	char address[16], gateway[16];
	bool bare_resets;	    /* sr-filter's plan */
	int64_t mtu;		    /* 0: as it is */
	struct json_object *facts;  /* of the uplink's program; NULL: none; owned */
	struct json_object *closed; /* what no rule opens by being wide; owned */
	struct json_object *ready;  /* sr-filter's first record; owned */
	bool applied;		    /* rules are in place: they have to be released */
	bool released;
};

void network_init(struct network *network);

/* networkPlan and policy.network, compared (network_plan.c). */
enum fault_code network_plan_read(struct fields *top, struct json_object *policy, struct plan *plan,
				  struct fault *fault) __attribute__((warn_unused_result));

/*
 * The way out is a pair of interfaces of sr-uplink's, root's: still to be made when its address is
 * known, and the host's table tracks what goes through. An ordinary user's is sr-usernet's.
 */
bool network_is_veth(const struct launch *launch);

/* In init: its namespaces for the launcher (CHANNEL_BUILD has come, the host's /proc is there). */
enum fault_code network_pass(const struct plan *plan, int channel_fd, struct fault *fault)
	__attribute__((warn_unused_result));
/* In the launcher: one of them; false when it is not wanted. Takes fd over. */
bool network_take(struct launch *launch, const char *type, int fd);

/*
 * All of these do nothing in mode none. Before the bundle is built on; with both namespaces there;
 * then the run's own rules and interface, before the workload's process exists; and the host's are
 * read back and packets pass, before it executes anything.
 */
enum fault_code network_announce(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code network_start(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code network_apply(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code network_settle(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));
/* confined: the workload's process' message. */
void network_enforcement(const struct launch *launch, struct json_object *confined,
			 struct json_object *enforcement);

/* For the loop: NETWORK_SOURCE_COUNT entries; then a fault when one of them has ended. */
void network_watch(const struct launch *launch, struct pollfd *items);
enum fault_code network_check(const struct launch *launch, const struct pollfd *items,
			      struct fault *fault) __attribute__((warn_unused_result));

/*
 * Nothing of the workload lives any more: counters become events, everything is taken back. code is
 * what is known by then, with *fault: it goes first.
 */
enum fault_code network_finish(struct launch *launch, enum fault_code code, struct fault *fault)
	__attribute__((warn_unused_result));
/* At any moment, and more than once: ends what is still there. */
void network_stop(struct launch *launch);

#endif
