/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EGRESS_GATE_H
#define EGRESS_GATE_H

#include "stages/egress/connection.h"

/*
 * What a connection says, held against the rules: what of its buffer may pass (connection->passed), for
 * whom (rule, name, count), or that it is over. All that decides is here and in what it calls: hello.h,
 * http.h, book.h, own_host.h.
 */
#define GATE_HTTP 80 /* the port at which HTTP is spoken; at the other TLS is */

/* CONNECTION_READING, after more came. Once connection->rule is there, it may go onwards. */
void gate_first(struct connection *connection, struct connection_world *world);
/* CONNECTION_LOOKING, which may become _PASSING, and CONNECTION_CHECKING. */
void gate_next(struct connection *connection, struct connection_world *world);

/* Count it for the rule that has the destination, and reset it. name: one that was checked, or "". */
void gate_refuse(struct connection *connection, struct connection_world *world, const char *name,
		 enum reason reason);

#endif
