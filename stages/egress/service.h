/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EGRESS_SERVICE_H
#define EGRESS_SERVICE_H

#include "ipc/fault.h"
#include "ipc/record.h"
#include "stages/egress/connection.h"
#include "stages/egress/names.h"

#include <stddef.h>

struct json_object;

#define SERVICE_CONNECTION_MAX 512

/* All that sr-egress holds while the run lives. */
struct service {
	struct record_reader *input; /* of the plan; its end is the end of the run */
	int listen_fd;
	size_t connection_max; /* as many as its descriptors allow, at most SERVICE_CONNECTION_MAX */
	struct book book;
	struct tally tally;
	struct flows flows;
	struct own_host host;
	struct names names;
	struct connection connections[SERVICE_CONNECTION_MAX];
};

/* How many connections a process with so many descriptors may hold: each has two sockets and two
 * pipes. */
size_t service_connections(unsigned long long descriptors);

/* Until the input ends; anything else that comes there is a fault. */
enum fault_code service_run(struct service *service, struct fault *fault)
	__attribute__((warn_unused_result));

/* {"allowed":[...],"allowedOverflow":n,"refused":[...],"refusedOverflow":n,"rules":[...],
 * "type":"final"}, new. */
struct json_object *service_final(const struct service *service);

#endif
