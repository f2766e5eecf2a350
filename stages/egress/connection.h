/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EGRESS_CONNECTION_H
#define EGRESS_CONNECTION_H

#include "stages/egress/book.h"
#include "stages/egress/flow.h"
#include "stages/egress/http.h"
#include "stages/egress/own_host.h"
#include "stages/egress/pump.h"
#include "stages/egress/tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * One connection of the run, from the moment it is accepted: what it says first is read, held
 * against the rules, and only then does a connection to where it was going exist. Refused, it is
 * reset, so that the program fails at once.
 */
#define CONNECTION_START_MS 10000  /* for the first message; for the connection onwards */
#define CONNECTION_IDLE_MS  900000 /* without a byte in either direction */
#define CONNECTION_BUFFER   16384  /* HELLO_MAX, HTTP_HEAD_MAX */

enum connection_state {
	CONNECTION_FREE,
	CONNECTION_READING,    /* the first message */
	CONNECTION_CONNECTING, /* onwards */
	CONNECTION_LOOKING,    /* TLS: what comes behind the ClientHello */
	CONNECTION_CHECKING,   /* HTTP: every request */
	CONNECTION_PASSING,    /* TLS: everything passes */
};

struct connection {
	enum connection_state state;
	int client_fd, server_fd;
	uint32_t address; /* where it was going, host byte order */
	unsigned port;
	char name[DNS_NAME_SIZE]; /* it was let through for; "" before */
	struct book_rule *rule;	  /* NULL before */
	struct book_count *count; /* for that name; NULL before */
	uint64_t until_ms;
	uint8_t *buffer;   /* CONNECTION_BUFFER; NULL when there is no more use for it */
	size_t len;	   /* bytes in it */
	size_t passed;	   /* of these may go onwards */
	bool client_ended; /* no more comes */
	bool server_told;  /* and the server knows */
	bool in_body;	   /* HTTP */
	struct http_stream body;
	struct pump up, down;
};

/* What connections share; borrowed. */
struct connection_world {
	struct book *book;
	struct tally *tally;
	struct flows *flows;
	struct own_host *host;
};

/* Takes fd over. When it cannot be let in (why is REASON_NONE or not), it is reset at once. */
void connection_accept(struct connection *connection, struct connection_world *world, int fd,
		       enum reason why, uint64_t now_ms);
/* Reset and forget it. */
void connection_reset(struct connection *connection);

/* What poll(2) is to wait for; a descriptor of -1: for nothing there. */
struct connection_wait {
	int client_fd, server_fd;
	short client_events, server_events;
};
struct connection_wait connection_wait(const struct connection *connection);

/* After poll(2), whatever it said. The state is CONNECTION_FREE when it is over. */
void connection_step(struct connection *connection, struct connection_world *world,
		     uint64_t now_ms);

#endif
