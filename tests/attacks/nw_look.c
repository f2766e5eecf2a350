/* SPDX-License-Identifier: Apache-2.0 */
/* What the world of nw.c saw, and what a run's report says of its network. */
#include "tests/attacks/nw.h"

#include <arpa/inet.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

unsigned nw_count(const struct nw_world *world, const char *to, int protocol, int port)
{
	uint32_t address = to ? ntohl(inet_addr(to)) : 0;
	unsigned count = 0;

	for (unsigned i = 0; i < world->notes->count; i++) {
		const struct nw_seen *seen = &world->notes->seen[i];

		if ((!to || seen->to == address) && (!protocol || seen->protocol == protocol) &&
		    (!port || seen->port == port))
			count += seen->count;
	}
	return count;
}

unsigned nw_secrets(const struct nw_world *world)
{
	unsigned count = 0;

	for (unsigned i = 0; i < world->notes->count; i++)
		count += world->notes->seen[i].secret;
	return count;
}

const char *nw_tell(const struct nw_world *world)
{
	static char text[4096];
	size_t used = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < world->notes->count && used < sizeof text; i++) {
		const struct nw_seen *seen = &world->notes->seen[i];
		struct in_addr in = {.s_addr = htonl(seen->to)};

		used += (size_t)snprintf(text + used, sizeof text - used, "%s/%d:%d x%u%s ",
					 seen->version == 6 ? "IPv6" : inet_ntoa(in),
					 seen->protocol, seen->port, seen->count,
					 seen->secret ? " SECRET" : "");
	}
	return text;
}

void nw_forget(struct nw_world *world)
{
	memset(world->notes, 0, sizeof *world->notes);
}

void nw_attack(struct attack *attack, const struct nw_world *world, const char *const argv[],
	       const char *const rules[])
{
	char network[4096] = "{\"mode\":\"allowlist\",\"egress\":[";

	for (size_t i = 0; rules[i]; i++)
		snprintf(network + strlen(network), sizeof network - strlen(network), "%s%s",
			 i ? "," : "", rules[i]);
	snprintf(network + strlen(network), sizeof network - strlen(network), "]}");
	attack_open(attack, argv);
	attack_set(attack, "network", network);
	attack->wrapper[0] = "join";
	attack->wrapper[1] = world->host_text;
}

void nw_run(struct attack *attack, struct nw_world *world, const char *const argv[],
	    const char *const rules[])
{
	nw_open(world);
	nw_attack(attack, world, argv, rules);
	attack_run(attack);
	attack_expect_finished(attack);
}

long long nw_refused(const struct attack *attack, const char *target, long long port)
{
	struct json_object *events = NULL, *type, *payload, *value;
	long long count = 0;

	json_object_object_get_ex(attack->report, "events", &events);
	for (size_t i = 0; events && i < json_object_array_length(events); i++) {
		struct json_object *event = json_object_array_get_idx(events, i);

		if (!json_object_object_get_ex(event, "type", &type) ||
		    strcmp(json_object_get_string(type), "network.rule.hit") != 0 ||
		    !json_object_object_get_ex(event, "payload", &payload) ||
		    (json_object_object_get_ex(payload, "index", &value) && value) ||
		    !json_object_object_get_ex(payload, "target", &value) ||
		    strcmp(json_object_get_string(value), target) != 0 ||
		    !json_object_object_get_ex(payload, "port", &value) ||
		    json_object_get_int64(value) != port)
			continue;
		if (json_object_object_get_ex(payload, "blockedHits", &value))
			count += json_object_get_int64(value);
	}
	return count;
}
