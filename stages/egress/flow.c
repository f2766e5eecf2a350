/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/egress/flow.h"

#include "ipc/object.h"

#include <string.h>

struct book_count *flow_find(struct flows *flows, struct book_rule *rule, uint32_t address,
			     const char *name)
{
	struct flow *flow = flows->entries;

	for (size_t i = 0; i < flows->count; i++, flow++)
		if (flow->rule == rule && flow->address == address && strcmp(flow->name, name) == 0)
			return &flow->count;
	if (flows->count == FLOW_MAX)
		return &rule->rest;
	*flow = (struct flow){.rule = rule, .address = address};
	(void)memccpy(flow->name, name, '\0', sizeof flow->name - 1);
	flows->count++;
	return &flow->count;
}

struct json_object *flow_to_json(const struct flows *flows)
{
	struct json_object *list = array_new();
	char text[REACH_TEXT_SIZE];

	for (size_t i = 0; i < flows->count; i++) {
		const struct flow *flow = &flows->entries[i];
		struct json_object *item = object_new();

		reach_address_text(flow->address, text);
		object_add_integer(item, "bytesIn", (int64_t)flow->count.bytes_in);
		object_add_integer(item, "bytesOut", (int64_t)flow->count.bytes_out);
		object_add_integer(item, "count", (int64_t)flow->count.connections);
		object_add_string(item, "destination", text);
		object_add_integer(item, "index", flow->rule->index);
		object_add_string(item, "name", flow->name);
		object_add_integer(item, "port", flow->rule->port);
		array_append(list, item);
	}
	return list;
}

struct book_count flow_sum(const struct flows *flows, const struct book_rule *rule)
{
	struct book_count sum = rule->rest;

	for (size_t i = 0; i < flows->count; i++) {
		const struct flow *flow = &flows->entries[i];

		if (flow->rule != rule)
			continue;
		sum.connections += flow->count.connections;
		sum.bytes_in += flow->count.bytes_in;
		sum.bytes_out += flow->count.bytes_out;
	}
	return sum;
}
