/* SPDX-License-Identifier: Apache-2.0 */
/* Plans for sr-filter and sr-uplink, rules made of them, and listings counted: never a crash. */
#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/filter/plan.h"
#include "stages/filter/ruleset.h"
#include "stages/uplink/plan.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct filter_plan filter;
static struct uplink_plan uplink;

static void require(int holds)
{
	if (!holds)
		abort();
}

static void try_filter(struct json_object *record)
{
	struct json_object *commands, *final;
	struct fault fault;

	memset(&filter, 0, sizeof filter);
	if (filter_plan_read(record, &filter, &fault) != FAULT_NONE)
		return;
	require(filter.rule_count <= FILTER_RULE_MAX && filter.closed_count <= FILTER_CLOSED_MAX);
	commands = ruleset_make(&filter);
	require(json_object_array_length(commands) > filter.rule_count);
	final = ruleset_count(&filter, record);
	require(json_object_array_length(json_object_object_get(final, "rules")) ==
		filter.rule_count);
	json_object_put(final);
	json_object_put(commands);
}

/* A listing is libnftables', which made it of what the kernel has. */
static void try_listing(struct json_object *record)
{
	struct json_object *final;

	memset(&filter, 0, sizeof filter);
	filter.rule_count = 2;
	filter.rules[1].index = 1;
	final = ruleset_count(&filter, record);
	json_object_put(final);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct json_object *record = NULL;
	struct fault fault;

	if (canon_parse((const char *)data, len, FAULT_RUN_NETWORK, &record, &fault) != FAULT_NONE)
		return 0;
	try_filter(record);
	memset(&uplink, 0, sizeof uplink);
	if (uplink_plan_read(record, &uplink, &fault) == FAULT_NONE)
		require(uplink.opened_count <= uplink.address_count &&
			strncmp(uplink.interface, "sr-", 3) == 0);
	try_listing(record);
	json_object_put(record);
	return 0;
}
