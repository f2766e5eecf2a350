/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ATTACKS_NW_H
#define ATTACKS_NW_H

#include "tests/attacks/run.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * An internet of one's own for NW1 to NW8, out of two network namespaces. One child is the host:
 * safe-run is started in its namespaces, through the attack program join. Another is everything else:
 * it answers, and it notes every packet that reaches it, wanted or not. Nothing leaves the machine.
 *
 *   host      NW_HOST, default route to the outside, forwards; resolv.conf names NW_SERVER. It listens
 *             on TCP 80 of its address and of its loopback, and on the abstract socket NW_ABSTRACT
 *   outside   NW_ONE, NW_TWO, NW_META, NW_SERVER: TCP 80, 443, 853, 8080 answer "hello", UDP 123 and
 *             443 "heard ...", UDP and TCP 53 names
 *
 *   one.example   NW_ONE
 *   own.example   the host's own address
 *   meta.example  NW_META
 *   turn.example  NW_ONE when asked first, the host's own address from then on
 */
#define NW_HOST	    "198.51.100.2"
#define NW_ONE	    "203.0.113.10"
#define NW_TWO	    "198.18.2.10"
#define NW_META	    "169.254.169.254"
#define NW_SERVER   "203.0.113.53"
#define NW_ABSTRACT "/tmp/.X11-unix/X99"
#define NW_SECRET   "nw-secret" /* in what must not get out */

#define NW_SEEN_MAX 1024

/*
 * Less than an attempt takes that nobody refuses: it is given up after five seconds (inside/net.c). A
 * loaded machine is slow, so this is no measure of how fast refusing is.
 */
#define NW_REFUSED_MS 3000

struct nw_seen {
	uint8_t version, protocol;
	uint16_t port;
	uint32_t to; /* host order; 0 for IPv6 */
	unsigned count;
	bool secret;
};

struct nw_notes {
	unsigned count;
	unsigned host_reached; /* connections to what the host listens on */
	struct nw_seen seen[NW_SEEN_MAX];
};

struct nw_world {
	pid_t host;
	char host_text[16];	/* its number */
	struct nw_notes *notes; /* shared with both */
};

/*
 * An ordinary user's host is in a user namespace of his. Skips the test where sr-usernet(1) has no
 * program to start, or no tun device for it.
 */
void nw_open(struct nw_world *world);
void nw_close(struct nw_world *world);
/* A command in the host's namespaces: the control. */
void nw_bare(const struct nw_world *world, const char *const argv[], struct child_result *result);

/* Packets noted for this destination: protocol 0 and port 0 any; to NULL: to anywhere. */
unsigned nw_count(const struct nw_world *world, const char *to, int protocol, int port);
/* Packets with NW_SECRET in them. */
unsigned nw_secrets(const struct nw_world *world);
/* All that was noted, for a message; a buffer the next call overwrites. */
const char *nw_tell(const struct nw_world *world);
void nw_forget(struct nw_world *world);

/* An attack with network.mode allowlist and these rules (JSON objects, NULL at the end). */
void nw_attack(struct attack *attack, const struct nw_world *world, const char *const argv[],
	       const char *const rules[]);
/* nw_open, nw_attack, and the attack, which must come to its end. */
void nw_run(struct attack *attack, struct nw_world *world, const char *const argv[],
	    const char *const rules[]);
/* blockedHits of rule.hit events for what no rule lists, of this target and port. */
long long nw_refused(const struct attack *attack, const char *target, long long port);

#endif
