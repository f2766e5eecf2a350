/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-uplink: a pair of interfaces between a run's network namespace and the host's.
 *
 * PURPOSE  Let packets of one run out, as root, and keep them from other runs and the host itself.
 * READS    one plan record on stdin: {"addresses":["cidr"],"interface",
 *          "schemaVersion":"safe-run.uplink/v1"}; its end of file is the order to finish.
 * WRITES   {"type":"ready","address","gateway","host":["cidr"],"interface"}, then {"type":"final"}
 *          when the interface is gone, or one record with errors[].
 * HOLDS    CAP_NET_ADMIN in the host's network namespace, and --netns-fd.
 * FILTER   sandbox/filters/uplink.filter.
 * REFUSES  a host that does not forward where the policy's networks are; rules and an interface that
 *          do not read back as set.
 * WHY NOT  in sr-filter: that holds a right over the run alone, this one over the host's network.
 */
#include "ipc/canon.h"
#include "ipc/field.h"
#include "ipc/object.h"
#include "stages/filter/nft.h"
#include "stages/filter/plan.h"
#include "stages/stage.h"
#include "stages/uplink/host_table.h"
#include "stages/uplink/veth.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCHEMA	    "safe-run.uplink/v1"
#define CODE	    FAULT_RUN_NETWORK
#define ADDRESS_MAX 16384

enum { OPTION_NETNS_FD, OPTION_COUNT };

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_NETNS_FD] = {"netns-fd", STAGE_OPTION_FD, 0, 0, "N", "the run's network namespace"},
};

struct uplink {
	struct nft nft;
	struct rtnetlink link;
	struct veth veth;
	int netns_fd;
	struct net4 addresses[ADDRESS_MAX];
	size_t address_count;
	struct net4 opened[ADDRESS_MAX]; /* addresses named one by one */
	size_t opened_count;
};

static enum stage_exit uplink_open(struct stage_context *context)
{
	struct uplink *uplink = context->state;
	struct fault fault;
	enum fault_code code = FAULT_NONE;

	uplink->netns_fd = context->values[OPTION_NETNS_FD].fd;
	if (!context->values[OPTION_NETNS_FD].given) {
		stage_complain(context->stage, "needs --netns-fd N");
		return STAGE_USAGE;
	}
	if (rtnetlink_open(&uplink->link) < 0)
		code = fault_set_errno(&fault, CODE, errno, "launch.network", "no netlink socket");
	if (code == FAULT_NONE)
		code = nft_open(&uplink->nft, &fault);
	if (code == FAULT_NONE)
		return STAGE_DONE;
	stage_complain(context->stage, "%s", fault.message);
	return STAGE_FAILED;
}

static enum fault_code read_name(struct fields *fields, struct veth *veth, struct fault *fault)
{
	const char *name = "";
	enum fault_code code = fields_string(fields, "interface", &name, fault);

	if (code == FAULT_NONE &&
	    (strncmp(name, "sr-", 3) != 0 || strlen(name) >= sizeof veth->name ||
	     strspn(name + 3, "0123456789abcdef") != strlen(name + 3) || name[3] == '\0'))
		code = fault_set(fault, CODE, "interface",
				 "must be sr- and up to twelve hexadecimal digits");
	if (code == FAULT_NONE)
		(void)snprintf(veth->name, sizeof veth->name, "%s", name);
	return code;
}

static enum fault_code read_addresses(struct fields *fields, struct uplink *uplink,
				      struct fault *fault)
{
	struct json_object *list = NULL;
	enum fault_code code = fields_array(fields, "addresses", ADDRESS_MAX, &list, fault);

	if (code == FAULT_NONE)
		uplink->address_count = json_object_array_length(list);
	for (size_t i = 0; code == FAULT_NONE && i < uplink->address_count; i++) {
		struct json_object *net = json_object_array_get_idx(list, i);

		if (!json_object_is_type(net, json_type_string) ||
		    !net4_parse(json_object_get_string(net), false, &uplink->addresses[i]))
			return fault_set(fault, CODE, "addresses",
					 "entry %zu is no network a.b.c.d/n", i);
		if (uplink->addresses[i].len == 32)
			uplink->opened[uplink->opened_count++] = uplink->addresses[i];
	}
	return code;
}

static enum fault_code read_plan(struct uplink *uplink, struct record_reader *reader,
				 struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct fields fields;
	const char *line = NULL;
	size_t len = 0;
	enum record_status status = record_read(reader, &line, &len, CODE, fault);

	if (status == RECORD_FAULT)
		return fault->code;
	if (status != RECORD_LINE)
		return fault_set(fault, CODE, "uplink.plan", "no plan came");
	if (canon_parse(line, len, CODE, &record, fault) != FAULT_NONE ||
	    fields_open(&fields, record, "", CODE, fault) != FAULT_NONE ||
	    fields_literal(&fields, "schemaVersion", SCHEMA, fault) != FAULT_NONE ||
	    read_name(&fields, &uplink->veth, fault) != FAULT_NONE ||
	    read_addresses(&fields, uplink, fault) != FAULT_NONE)
		return fault->code;
	return fields_close(&fields, fault);
}

/* The host's rules first: no packet of the sandbox's ever meets the host without them. */
static enum fault_code make(struct uplink *uplink, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	for (size_t i = 0; code == FAULT_NONE && i < uplink->address_count; i++)
		code = veth_check_route(&uplink->link, uplink->addresses[i], fault);
	if (code == FAULT_NONE)
		code = veth_choose(&uplink->link, &uplink->veth, fault);
	if (code == FAULT_NONE)
		code = host_table_make(&uplink->nft, &uplink->veth, uplink->opened,
				       uplink->opened_count, fault);
	if (code == FAULT_NONE)
		code = veth_make(&uplink->link, &uplink->veth, uplink->netns_fd, fault);
	return code;
}

static void add_address(struct json_object *record, const char *name, uint32_t address)
{
	char text[NET4_TEXT_SIZE];

	net4_format((struct net4){address, 32}, true, text);
	object_add_string(record, name, text);
}

static struct json_object *make_ready(const struct uplink *uplink)
{
	struct json_object *record = object_new(), *own = array_new();
	char text[NET4_TEXT_SIZE];

	for (size_t i = 0; i < uplink->veth.own_count; i++) {
		net4_format(uplink->veth.own[i], false, text);
		array_append_string(own, text);
	}
	net4_format((struct net4){uplink->veth.host, 32}, false, text);
	array_append_string(own, text);
	add_address(record, "address", uplink->veth.sandbox);
	add_address(record, "gateway", uplink->veth.host);
	object_add(record, "host", own);
	object_add_string(record, "interface", uplink->veth.name);
	object_add_string(record, "type", "ready");
	return record;
}

static enum fault_code await_finish(struct record_reader *reader, struct fault *fault)
{
	const char *line;
	size_t len;
	enum record_status status = record_read(reader, &line, &len, CODE, fault);

	if (status == RECORD_END)
		return FAULT_NONE;
	return status == RECORD_FAULT
		       ? fault->code
		       : fault_set(fault, CODE, "uplink.plan", "more than one plan came");
}

static enum fault_code serve(struct stage_context *context, struct fault *fault)
{
	struct uplink *uplink = context->state;
	struct json_object *ready OBJECT_CLEANUP = NULL;
	struct json_object *final OBJECT_CLEANUP = NULL;
	struct record_reader reader;
	enum fault_code code;

	record_reader_init(&reader, STDIN_FILENO, RECORD_EVENT_MAX);
	code = read_plan(uplink, &reader, fault);
	if (code == FAULT_NONE)
		code = make(uplink, fault);
	if (code == FAULT_NONE) {
		ready = make_ready(uplink);
		code = record_send(&context->out, ready, RECORD_EVENT_MAX, fault);
	}
	if (code == FAULT_NONE)
		code = await_finish(&reader, fault);
	record_reader_release(&reader);
	if (code == FAULT_NONE)
		code = veth_remove(&uplink->link, &uplink->veth, fault);
	if (code != FAULT_NONE)
		return code;
	final = object_new();
	object_add_string(final, "type", "final");
	return record_send(&context->out, final, RECORD_EVENT_MAX, fault);
}

static enum stage_exit uplink_run(struct stage_context *context)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct json_object *errors;
	struct fault fault, send_fault;

	if (serve(context, &fault) == FAULT_NONE)
		return STAGE_DONE;
	record = object_new();
	errors = array_new();
	array_append(errors, fault_to_json(&fault));
	object_add(record, "errors", errors);
	if (record_send(&context->out, record, RECORD_EVENT_MAX, &send_fault) == FAULT_NONE)
		return STAGE_REFUSED;
	stage_complain(context->stage, "%s", fault.message);
	return STAGE_FAILED;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-uplink",
		.summary = "a run's way out of the host: sr-uplink --netns-fd N < PLAN",
		.profile = &sandbox_profile_uplink,
		.options = options,
		.option_count = OPTION_COUNT,
		.open = uplink_open,
		.run = uplink_run,
	};
	struct uplink *uplink = calloc(1, sizeof *uplink);
	int status;

	if (uplink == NULL)
		return STAGE_FAILED;
	uplink->link.fd = uplink->veth.lock_fd = -1;
	status = stage_main(&stage, uplink, argc, argv);
	nft_close(&uplink->nft);
	rtnetlink_close(&uplink->link);
	free(uplink);
	return status;
}
