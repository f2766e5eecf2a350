/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/host_policy.h"

#include "ipc/buf.h"
#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/validate/allowlist.h"
#include "stages/validate/host_value.h"
#include "stages/validate/input.h"
#include "stages/validate/value.h"

#include <json-c/json.h>
#include <stdlib.h>

#define COUNT(array)   (sizeof(array) / sizeof((array)[0]))
#define CODE	       FAULT_HOST_LACKS
#define PATH	       "launch.host"
#define SCHEMA_VERSION "safe-run.host/v1"
#define CPU_PERIOD_US  100000

static void check_callers(const struct site *site, void *base)
{
	struct host_callers *callers = &((struct host_policy *)base)->callers;

	(void)site;
	callers->given = true;
}

#define FIELD(member) .offset = offsetof(struct host_policy, member)

static const struct schema_field callers_fields[] = {
	{.name = "uids", .example = "uids: [0]", FIELD(callers.uids), .read = host_ranges},
	{.name = "gids", .example = "gids: [0]", FIELD(callers.gids), .read = host_ranges},
};
static const struct schema callers_schema = {callers_fields, COUNT(callers_fields), CODE,
					     check_callers};

static const size_t prefixes_max = ALLOWLIST_PREFIXES_MAX;

static const struct schema_field rootfs_fields[] = {
	{.name = "kinds",
	 .example = "kinds: [directory]",
	 FIELD(rootfs),
	 .read = host_choices,
	 .rule = &host_rootfs_kinds},
	{.name = "hostAllowPrefixes",
	 .example = "hostAllowPrefixes: [/srv/roots]",
	 FIELD(rootfs_host),
	 .read = host_prefixes,
	 .rule = &prefixes_max},
};
static const struct schema rootfs_schema = {rootfs_fields, COUNT(rootfs_fields), CODE, NULL};

static const struct schema_field network_fields[] = {
	{.name = "modes",
	 .required = true,
	 .example = "modes: [none]",
	 FIELD(network),
	 .read = host_choices,
	 .rule = &host_network_modes},
};
static const struct schema host_network_schema = {network_fields, COUNT(network_fields), CODE,
						  NULL};

static const struct schema_field mounts_fields[] = {
	{.name = "hostAllowPrefixes",
	 .example = "hostAllowPrefixes: [/data]",
	 FIELD(host),
	 .read = host_prefixes,
	 .rule = &prefixes_max},
	{.name = "guestAllowPrefixes",
	 .example = "guestAllowPrefixes: [/data]",
	 FIELD(guest),
	 .read = host_prefixes,
	 .rule = &prefixes_max},
};
static const struct schema mounts_schema = {mounts_fields, COUNT(mounts_fields), CODE, NULL};

static const struct value_range sizes = {
	.max = CANON_INTEGER_MAX, .size = true, .unlimited = true, .words = "0 to 2^53-1 bytes"};
static const struct value_range counts = {
	.max = CANON_INTEGER_MAX, .unlimited = true, .words = "0 to 2^53-1"};

/* One table for each of {max: ...}, as in a policy. */
#define MAX_SCHEMA(limit, reader, range, text)                                                     \
	static const struct schema_field limit##_fields[] = {                                      \
		{.name = "max",                                                                    \
		 .required = true,                                                                 \
		 .example = text,                                                                  \
		 FIELD(limit),                                                                     \
		 .read = (reader),                                                                 \
		 .rule = (range)},                                                                 \
	};                                                                                         \
	static const struct schema limit##_schema = {limit##_fields, COUNT(limit##_fields), CODE,  \
						     NULL}

MAX_SCHEMA(cpu, value_cpu, NULL, "max: 100000 100000");
MAX_SCHEMA(memory, value_number, &sizes, "max: 4Gi");
MAX_SCHEMA(pids, value_number, &counts, "max: 1024");
MAX_SCHEMA(disk, value_number, &sizes, "max: 1Gi");
MAX_SCHEMA(output, value_number, &sizes, "max: 1Gi");

#define MAX_FIELD(field, text)                                                                     \
	{                                                                                          \
		.name = #field, .example = text, .read = schema_object, .rule = &field##_schema    \
	}
static const struct schema_field resources_fields[] = {
	MAX_FIELD(cpu, "cpu: {max: 100000 100000}"), MAX_FIELD(memory, "memory: {max: 4Gi}"),
	MAX_FIELD(pids, "pids: {max: 1024}"),	     MAX_FIELD(disk, "disk: {max: 1Gi}"),
	MAX_FIELD(output, "output: {max: 1Gi}"),
};
static const struct schema resources_schema = {resources_fields, COUNT(resources_fields), CODE,
					       NULL};

static const struct schema_field fields[] = {
	{.name = "schemaVersion",
	 .required = true,
	 .example = "schemaVersion: " SCHEMA_VERSION,
	 .read = value_literal,
	 .rule = SCHEMA_VERSION},
	{.name = "callers",
	 .example = "callers: {uids: [0]}",
	 .read = schema_object,
	 .rule = &callers_schema},
	{.name = "isolation",
	 .example = "isolation: [process]",
	 FIELD(isolation),
	 .read = host_choices,
	 .rule = &host_isolations},
	{.name = "rootfs",
	 .example = "rootfs: {kinds: [directory]}",
	 .read = schema_object,
	 .rule = &rootfs_schema},
	{.name = "network",
	 .example = "network: {modes: [none]}",
	 .read = schema_object,
	 .rule = &host_network_schema},
	{.name = "mounts",
	 .example = "mounts: {hostAllowPrefixes: [/data]}",
	 .read = schema_object,
	 .rule = &mounts_schema},
	{.name = "resources",
	 .example = "resources: {memory: {max: 4Gi}}",
	 .read = schema_object,
	 .rule = &resources_schema},
	{.name = "timeoutSec",
	 .example = "timeoutSec: 3600",
	 FIELD(timeout_sec),
	 .read = value_number,
	 .rule = &counts},
};

static const struct schema schema = {.fields = fields, .count = COUNT(fields), .code = CODE};

static void read_text(struct reading *reading, const struct validate_text *text,
		      struct host_policy *policy)
{
	struct site site = {.reading = reading, .code = CODE, .path = PATH};
	struct fault fault = text->fault;

	if (fault.code == FAULT_NONE)
		(void)!input_parse(text->data, text->len, reading->document, &fault);
	if (fault.code != FAULT_NONE) {
		site_refuse(&site, CODE, "the host policy cannot be read: %s", fault.message);
		return;
	}
	site.node = reading->document->root;
	schema_object(&site, &schema, policy);
}

struct json_object *host_policy_read(const struct validate_text *text, bool *valid)
{
	const struct value_limit none = {.unlimited = true};
	struct host_policy policy = {
		.cpu = {.quota_us = none, .period_us = CPU_PERIOD_US},
		.memory = none,
		.pids = none,
		.disk = none,
		.output = none,
		.timeout_sec = none,
	};
	struct document document DOCUMENT_CLEANUP;
	struct json_object *record = object_new();
	struct reading *reading = calloc(1, sizeof(*reading));

	if (reading == NULL)
		buf_no_memory();
	document_init(&document);
	reading->document = &document;
	read_text(reading, text, &policy);
	*valid = reading->errors.count == 0;
	object_add_string(record, "schemaVersion", SCHEMA_VERSION);
	object_add(record, "errors", fault_list_to_json(&reading->errors));
	if (*valid)
		object_add(record, "hostPolicy", host_record(&policy));
	else
		object_add_null(record, "hostPolicy");
	free(reading);
	return record;
}
