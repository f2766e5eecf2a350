/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RESOLVE_LOOKUP_H
#define RESOLVE_LOOKUP_H

#include "stages/resolve/dns_message.h"
#include "stages/resolve/reach.h"
#include "stages/resolve/resolv_conf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One name's A records, asked of the servers of a resolv.conf one after the other. It never waits:
 * the caller polls lookup_fd for lookup_events until lookup_expires, and calls lookup_step.
 *
 * What makes an answer ours: it comes over a socket connected to the server asked, which the kernel
 * gives a port of its own at random for each try; it has the id, 16 random bits; and the question
 * comes back byte for byte, with the random case of its letters ("0x20"). A server that does not
 * keep the case is asked again over TCP, where nobody off the path can answer for it.
 */
#define LOOKUP_PATH	   "launch.network.dns"
#define LOOKUP_FOREIGN_MAX 64 /* answers to somebody else, before a server is given up */

enum lookup_outcome {
	LOOKUP_PENDING,
	LOOKUP_FOUND,
	LOOKUP_NXDOMAIN,
	LOOKUP_NO_ADDRESS,
	LOOKUP_TIMEOUT,
	LOOKUP_SERVER, /* SERVFAIL, REFUSED and the like: rcode */
	LOOKUP_MALFORMED,
	LOOKUP_UNREACHABLE, /* error_number */
	LOOKUP_CLOSED,	    /* an address no name may lead to: closed */
	LOOKUP_OUTCOME_COUNT
};

struct lookup {
	const struct resolv_conf *conf;
	const struct reach *reach;
	char name[DNS_NAME_SIZE];
	enum lookup_outcome outcome;
	struct dns_addresses addresses; /* LOOKUP_FOUND */
	unsigned rcode;
	int error_number;
	uint32_t closed;
	/* of the try that is going on */
	enum lookup_outcome failure; /* what it comes to when no other try is left */
	int fd;			     /* -1: none */
	bool tcp;
	unsigned tries, foreign;
	uint64_t try_until_ms, until_ms;
	uint8_t query[2 + DNS_QUERY_MAX]; /* behind its length, as TCP wants it */
	size_t query_len, sent;
	uint8_t *reply; /* over TCP, with its length in front; NULL until needed */
	size_t reply_len;
};

/* Milliseconds of CLOCK_BOOTTIME. */
uint64_t lookup_now_ms(void);

/* *lookup is valid in every case and belongs to lookup_release. conf and reach are borrowed. */
void lookup_start(struct lookup *lookup, const char *name, const struct resolv_conf *conf,
		  const struct reach *reach, uint64_t now_ms, uint64_t until_ms);
void lookup_release(struct lookup *lookup);

int lookup_fd(const struct lookup *lookup); /* may be another after each step; -1 when decided */
short lookup_events(const struct lookup *lookup);
uint64_t lookup_expires(const struct lookup *lookup);

/* After poll(2), with what it said or 0. Returns the outcome, LOOKUP_PENDING: poll again. */
enum lookup_outcome lookup_step(struct lookup *lookup, short answer, uint64_t now_ms);

/* SR-RUN-201 for what lookup came to, naming the host and why. Not for LOOKUP_FOUND. */
void lookup_fault(const struct lookup *lookup, struct fault *fault);

#endif
