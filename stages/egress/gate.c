/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/egress/gate.h"

#include "stages/egress/hello.h"
#include "stages/egress/own_host.h"

#include <string.h>

void gate_refuse(struct connection *connection, struct connection_world *world, const char *name,
		 enum reason reason)
{
	struct book_rule *owner =
		connection->rule != NULL
			? connection->rule
			: book_owner(world->book, connection->address, connection->port);

	if (owner != NULL)
		owner->blocked++;
	tally_add(world->tally, owner != NULL ? owner->index : TALLY_NO_RULE, connection->address,
		  connection->port, name, reason);
	connection_reset(connection);
}

/* A CIDR of one address says that it is meant, though it is the machine's own. */
static bool is_of_host(struct connection_world *world, uint32_t address)
{
	return own_host_loopback(address) ||
	       (!reach_names(&world->book->reach, address) && own_host_has(world->host, address));
}

static bool permit(struct connection *connection, struct connection_world *world, const char *name)
{
	enum reason reason;
	struct book_rule *rule =
		book_permit(world->book, name, connection->address, connection->port, &reason);

	/* Once: an address does not become the machine's own between two requests of a connection. */
	if (rule != NULL && connection->rule == NULL && is_of_host(world, connection->address)) {
		rule = NULL;
		reason = REASON_ADDRESS_OF_HOST;
	}
	if (rule == NULL) {
		gate_refuse(connection, world, name, reason);
		return false;
	}
	/* A connection counts once for each name it is used for in a row. */
	if (connection->rule != rule || strcmp(connection->name, name) != 0) {
		connection->count = flow_find(world->flows, rule, connection->address, name);
		connection->count->connections++;
	}
	connection->rule = rule;
	memcpy(connection->name, name, sizeof connection->name);
	return true;
}

/* The next request's head at from; false when there is none yet, or the connection is over. */
static bool take_head(struct connection *connection, struct connection_world *world, size_t from)
{
	struct http_head head;

	switch (http_head_read((const char *)connection->buffer + from, connection->len - from,
			       connection->port, &head)) {
	case HTTP_DONE:
		break;
	case HTTP_MORE:
		return false;
	case HTTP_REFUSED:
		gate_refuse(connection, world, "", head.reason);
		return false;
	}
	if (!permit(connection, world, head.name))
		return false;
	connection->passed = from + head.len;
	connection->in_body = true;
	http_stream_begin(&connection->body, &head);
	return true;
}

/* Let through what is checked of the buffer: heads that may pass and the bodies behind them. */
static void check_requests(struct connection *connection, struct connection_world *world)
{
	size_t used;

	for (;;) {
		if (!connection->in_body) {
			if (connection->passed == connection->len ||
			    !take_head(connection, world, connection->passed))
				return;
			continue;
		}
		switch (http_stream_pass(&connection->body,
					 (const char *)connection->buffer + connection->passed,
					 connection->len - connection->passed, &used)) {
		case HTTP_DONE:
			connection->passed += used;
			connection->in_body = false;
			break;
		case HTTP_MORE:
			connection->passed += used;
			return;
		case HTTP_REFUSED:
			gate_refuse(connection, world, connection->name, REASON_HTTP_FRAMING);
			return;
		}
	}
}

static void read_hello(struct connection *connection, struct connection_world *world)
{
	struct hello hello;

	switch (hello_read(connection->buffer, connection->len, &hello)) {
	case HELLO_MORE:
		return;
	case HELLO_REFUSED:
		gate_refuse(connection, world, hello.name, hello.reason);
		return;
	case HELLO_DONE:
		break;
	}
	if (!permit(connection, world, hello.name))
		return;
	connection->passed = hello.wire_len;
}

static void look(struct connection *connection, struct connection_world *world)
{
	struct hello hello;

	/* What is not sent yet of the ClientHello lies in front. */
	switch (hello_second(connection->buffer + connection->passed,
			     connection->len - connection->passed, connection->name, &hello)) {
	case HELLO_MORE:
		/* No more fits: nothing would ever come of it. */
		if (connection->passed == 0 && connection->len == CONNECTION_BUFFER)
			gate_refuse(connection, world, "", REASON_HELLO_TOO_LONG);
		return;
	case HELLO_REFUSED:
		gate_refuse(connection, world, hello.name, hello.reason);
		return;
	case HELLO_DONE:
		connection->passed = connection->len;
		connection->state = CONNECTION_PASSING;
		return;
	}
}

void gate_first(struct connection *connection, struct connection_world *world)
{
	if (connection->port == GATE_HTTP)
		check_requests(connection, world);
	else
		read_hello(connection, world);
}

void gate_next(struct connection *connection, struct connection_world *world)
{
	if (connection->state == CONNECTION_LOOKING && connection->len > connection->passed)
		look(connection, world);
	else if (connection->state == CONNECTION_CHECKING)
		check_requests(connection, world);
}
