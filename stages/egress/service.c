/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/egress/service.h"

#include "ipc/object.h"
#include "stages/resolve/lookup.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CODE		FAULT_RUN_NETWORK
#define PATH		"launch.network.egress"
#define DESCRIPTORS_OWN 160 /* questions, peers, and what was given */
#define DESCRIPTORS_PER 6
#define BATCH		32 /* connections taken in one turn */

enum place {
	PLACE_INPUT,
	PLACE_LISTENER,
	PLACE_NAMES,
	PLACE_CONNECTION = PLACE_NAMES + NAMES_POLL_MAX,
	PLACE_COUNT = PLACE_CONNECTION + 2 * SERVICE_CONNECTION_MAX
};

size_t service_connections(unsigned long long descriptors)
{
	size_t most = 1;

	if (descriptors > DESCRIPTORS_OWN + DESCRIPTORS_PER)
		most = (size_t)((descriptors - DESCRIPTORS_OWN) / DESCRIPTORS_PER);
	return most < SERVICE_CONNECTION_MAX ? most : SERVICE_CONNECTION_MAX;
}

static void fill(const struct service *service, struct pollfd *entries, uint64_t *soonest_ms)
{
	entries[PLACE_INPUT] = (struct pollfd){.fd = service->input->fd, .events = POLLIN};
	entries[PLACE_LISTENER] = (struct pollfd){.fd = service->listen_fd, .events = POLLIN};
	names_wait(&service->names, entries + PLACE_NAMES, soonest_ms);
	for (size_t i = 0; i < service->connection_max; i++) {
		struct pollfd *pair = entries + PLACE_CONNECTION + 2 * i;
		const struct connection *connection = &service->connections[i];
		struct connection_wait wait;

		pair[0] = pair[1] = (struct pollfd){.fd = -1};
		if (connection->state == CONNECTION_FREE)
			continue;
		wait = connection_wait(connection);
		pair[0] = (struct pollfd){.fd = wait.client_fd, .events = wait.client_events};
		pair[1] = (struct pollfd){.fd = wait.server_fd, .events = wait.server_events};
		if (connection->until_ms < *soonest_ms)
			*soonest_ms = connection->until_ms;
	}
}

static struct connection *free_connection(struct service *service)
{
	for (size_t i = 0; i < service->connection_max; i++)
		if (service->connections[i].state == CONNECTION_FREE)
			return &service->connections[i];
	return NULL;
}

static void accept_some(struct service *service, struct connection_world *world, uint64_t now_ms)
{
	for (int i = 0; i < BATCH; i++) {
		const int fd =
			accept4(service->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct connection *connection;
		struct connection none;

		if (fd < 0)
			return;
		connection = free_connection(service);
		if (connection == NULL)
			connection_accept(&none, world, fd, REASON_TOO_MANY, now_ms);
		else
			connection_accept(connection, world, fd, REASON_NONE, now_ms);
	}
}

static void step_connections(struct service *service, struct connection_world *world,
			     const struct pollfd *entries, uint64_t now_ms)
{
	for (size_t i = 0; i < service->connection_max; i++) {
		struct connection *connection = &service->connections[i];
		const struct pollfd *pair = entries + PLACE_CONNECTION + 2 * i;

		if (connection->state != CONNECTION_FREE &&
		    ((pair[0].revents | pair[1].revents) != 0 || now_ms >= connection->until_ms))
			connection_step(connection, world, now_ms);
	}
}

/* true: it has ended, or *code says what came instead of the end. */
static bool input_ended(struct service *service, enum fault_code *code, struct fault *fault)
{
	const char *line;
	size_t len;

	*code = FAULT_NONE;
	switch (record_read_once(service->input, &line, &len, CODE, fault)) {
	case RECORD_END:
		return true;
	case RECORD_AGAIN:
		return false;
	case RECORD_LINE:
		*code = fault_set(fault, CODE, PATH, "there is one plan, and behind it nothing");
		return true;
	case RECORD_FAULT:
		*code = fault->code;
		return true;
	}
	return true;
}

static int wait_ms(uint64_t soonest_ms, uint64_t now_ms)
{
	if (soonest_ms == UINT64_MAX)
		return -1;
	if (soonest_ms <= now_ms)
		return 0;
	return soonest_ms - now_ms < INT_MAX ? (int)(soonest_ms - now_ms) : INT_MAX;
}

enum fault_code service_run(struct service *service, struct fault *fault)
{
	static struct pollfd entries[PLACE_COUNT];
	struct connection_world world = {&service->book, &service->tally, &service->flows,
					 &service->host};
	const nfds_t count = PLACE_CONNECTION + 2 * service->connection_max;
	enum fault_code code = FAULT_NONE;

	for (;;) {
		uint64_t soonest_ms = UINT64_MAX, now_ms;

		fill(service, entries, &soonest_ms);
		if (poll(entries, count, wait_ms(soonest_ms, lookup_now_ms())) < 0) {
			if (errno != EINTR)
				return fault_set_errno(fault, CODE, errno, PATH, "poll");
			continue;
		}
		now_ms = lookup_now_ms();
		names_step(&service->names, entries + PLACE_NAMES, now_ms);
		step_connections(service, &world, entries, now_ms);
		if (entries[PLACE_LISTENER].revents != 0)
			accept_some(service, &world, now_ms);
		if (entries[PLACE_INPUT].revents != 0 && input_ended(service, &code, fault))
			break;
	}
	for (size_t i = 0; i < service->connection_max; i++)
		if (service->connections[i].state != CONNECTION_FREE)
			connection_reset(&service->connections[i]);
	names_close(&service->names);
	return code;
}

static struct json_object *rule_to_json(const struct service *service, const struct book_rule *rule)
{
	const struct book_count sum = flow_sum(&service->flows, rule);
	struct json_object *item = object_new();

	object_add_integer(item, "allowed", (int64_t)sum.connections);
	object_add_integer(item, "blocked", (int64_t)rule->blocked);
	object_add_integer(item, "bytesIn", (int64_t)sum.bytes_in);
	object_add_integer(item, "bytesOut", (int64_t)sum.bytes_out);
	object_add_integer(item, "index", rule->index);
	return item;
}

struct json_object *service_final(const struct service *service)
{
	struct json_object *record = object_new();
	struct json_object *rules = array_new();
	uint64_t rest = 0;

	for (size_t i = 0; i < service->book.rule_count; i++) {
		array_append(rules, rule_to_json(service, &service->book.rules[i]));
		rest += service->book.rules[i].rest.connections;
	}
	object_add(record, "allowed", flow_to_json(&service->flows));
	object_add_integer(record, "allowedOverflow", (int64_t)rest);
	object_add(record, "refused", tally_to_json(&service->tally));
	object_add_integer(record, "refusedOverflow", (int64_t)service->tally.overflow);
	object_add(record, "rules", rules);
	object_add_string(record, "type", "final");
	return record;
}
