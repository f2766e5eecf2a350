/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-uplink: a pair of interfaces between a run's network namespace and the host's.
 *
 * PURPOSE  Let packets of one run out, as root, and keep them from other runs and the host itself.
 * READS    one plan record on stdin: {"addresses":["cidr"],"interface",
 *          "schemaVersion":"safe-run.uplink/v1"}; its end of file is the order to finish.
 * WRITES   {"type":"chosen","address","gateway","host":["cidr"],"interface"}, the same as
 *          {"type":"ready"} when rules and interface are made, {"type":"linked","drops","objects"} when
 *          the rules are read back and packets pass, {"type":"final","crowd":n} when interface and
 *          table are gone; or errors[].
 * HOLDS    CAP_NET_ADMIN in the host's network namespace, and --netns-fd.
 * FILTER   sandbox/filters/uplink.filter.
 * REFUSES  a host that does not forward where the policy's networks are; rules and an interface that
 *          do not read back as set; an interface that another program changes while the run goes on.
 * WHY NOT  in sr-filter: that holds a right over the run alone, this one over the host's network.
 */
#include "ipc/object.h"
#include "stages/filter/net4_list.h"
#include "stages/filter/nft.h"
#include "stages/resident.h"
#include "stages/stage.h"
#include "stages/uplink/drops.h"
#include "stages/uplink/host_table.h"
#include "stages/uplink/plan.h"
#include "stages/uplink/veth.h"
#include "stages/uplink/watch.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CODE FAULT_RUN_NETWORK

enum { OPTION_NETNS_FD, OPTION_COUNT };

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_NETNS_FD] = {"netns-fd", STAGE_OPTION_FD, 0, 0, "N", "the run's network namespace"},
};

struct uplink {
	struct nft nft;
	struct rtnetlink link;
	struct veth veth;
	struct uplink_plan plan;
	struct json_object *table; /* the commands that made ours; owned */
	int netns_fd, watch_fd;
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
	uplink->watch_fd = rtnetlink_open_links(0);
	if (uplink->watch_fd < 0 || rtnetlink_open(&uplink->link) < 0)
		code = fault_set_errno(&fault, CODE, errno, "launch.network", "no netlink socket");
	if (code == FAULT_NONE)
		code = nft_open(&uplink->nft, &fault);
	if (code == FAULT_NONE)
		return STAGE_DONE;
	stage_complain(context->stage, "%s", fault.message);
	return STAGE_FAILED;
}

static enum fault_code read_plan(struct uplink *uplink, struct record_reader *reader,
				 struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;

	if (resident_plan(reader, CODE, UPLINK_PLAN_PATH, &record, fault) != FAULT_NONE ||
	    uplink_plan_read(record, &uplink->plan, fault) != FAULT_NONE)
		return fault->code;
	(void)snprintf(uplink->veth.name, sizeof uplink->veth.name, "%s", uplink->plan.interface);
	return FAULT_NONE;
}

static enum fault_code choose(struct uplink *uplink, struct fault *fault)
{
	const struct uplink_plan *plan = &uplink->plan;
	enum fault_code code = FAULT_NONE;

	for (size_t i = 0; code == FAULT_NONE && i < plan->address_count; i++)
		code = veth_check_route(&uplink->link, plan->addresses[i], fault);
	return code == FAULT_NONE ? veth_choose(&uplink->link, &uplink->veth, fault) : code;
}

/* The host's rules first: no packet of the sandbox's ever meets the host without them. */
static enum fault_code make(struct uplink *uplink, struct fault *fault)
{
	const struct uplink_plan *plan = &uplink->plan;
	enum fault_code code;

	code = host_table_make(&uplink->nft, &uplink->veth, plan->opened, plan->opened_count,
			       &uplink->table, fault);
	if (code == FAULT_NONE)
		code = veth_make(&uplink->link, &uplink->veth, uplink->netns_fd, fault);
	/* Nothing here keeps the namespace when the run is over. */
	(void)close(uplink->netns_fd);
	return code;
}

static enum fault_code tell(const struct stage_context *context, const char *type,
			    struct fault *fault)
{
	const struct uplink *uplink = context->state;
	struct json_object *record OBJECT_CLEANUP = object_new();
	struct json_object *own = array_new();

	for (size_t i = 0; i < uplink->veth.own_count; i++)
		net4_append(own, uplink->veth.own[i], false);
	net4_append(own, (struct net4){uplink->veth.host, 32}, false);
	net4_add(record, "address", uplink->veth.sandbox);
	net4_add(record, "gateway", uplink->veth.host);
	object_add(record, "host", own);
	object_add_string(record, "interface", uplink->veth.name);
	object_add_string(record, "type", type);
	return record_send(&context->out, record, RECORD_EVENT_MAX, fault);
}

static enum fault_code set_up(struct stage_context *context, struct record_reader *reader,
			      struct fault *fault)
{
	struct uplink *uplink = context->state;
	enum fault_code code = read_plan(uplink, reader, fault);

	if (code == FAULT_NONE)
		code = choose(uplink, fault);
	/* What the run's own rules need to know, which are made meanwhile. */
	if (code == FAULT_NONE)
		code = tell(context, "chosen", fault);
	if (code == FAULT_NONE)
		code = make(uplink, fault);
	if (code == FAULT_NONE)
		code = watch_begin(&uplink->link, uplink->watch_fd, &uplink->veth, fault);
	return code == FAULT_NONE ? tell(context, "ready", fault) : code;
}

/* The interface first: what the sandbox's kernel still sends must not meet a host without the table. */
static enum fault_code take_back(struct uplink *uplink, struct fault *fault)
{
	enum fault_code code = watch_gone(&uplink->link, uplink->watch_fd, &uplink->veth, fault);

	return code == FAULT_NONE ? host_table_remove(&uplink->nft, &uplink->veth, fault) : code;
}

/* What cannot be counted is taken back all the same. */
static enum fault_code end(struct uplink *uplink, struct json_object *final, struct fault *fault)
{
	struct fault counting;
	int64_t crowd = 0;
	enum fault_code counted = host_table_crowd(&uplink->nft, &uplink->veth, &crowd, &counting);
	enum fault_code code = take_back(uplink, fault);

	object_add_integer(final, "crowd", crowd);
	object_add_string(final, "type", "final");
	if (code != FAULT_NONE || counted == FAULT_NONE)
		return code;
	*fault = counting;
	return counted;
}

/* The rules as the kernel has them, and what of the host's own may stop the run's packets. */
static enum fault_code read_back(struct uplink *uplink, struct json_object *linked,
				 struct fault *fault)
{
	struct json_object *drops;
	size_t objects = 0;

	if (host_table_check(&uplink->nft, &uplink->veth, uplink->table, &objects, fault) !=
	    FAULT_NONE)
		return fault->code;
	drops = drops_find(&uplink->nft);
	if (drops != NULL)
		object_add(linked, "drops", drops);
	else
		object_add_null(linked, "drops");
	object_add_integer(linked, "objects", (int64_t)objects);
	object_add_string(linked, "type", "linked");
	return FAULT_NONE;
}

/* What is read back is read while the interface's other end gets its address: the command waits for both. */
static enum fault_code watch(struct stage_context *context, struct record_reader *reader,
			     struct fault *fault)
{
	struct uplink *uplink = context->state;
	struct json_object *linked OBJECT_CLEANUP = object_new();
	struct fault removing;
	bool ended = false;
	enum fault_code code = read_back(uplink, linked, fault);

	if (code == FAULT_NONE)
		code = watch_run(&uplink->link, uplink->watch_fd, &uplink->veth, reader,
				 WATCH_LINKED, &ended, fault);
	if (code == FAULT_NONE && !ended)
		code = record_send(&context->out, linked, RECORD_EVENT_MAX, fault);
	if (code == FAULT_NONE)
		code = watch_run(&uplink->link, uplink->watch_fd, &uplink->veth, reader,
				 WATCH_ENDED, &ended, fault);
	/* Whatever its name is now: it is not left to rules that do not know it. */
	if (code != FAULT_NONE)
		(void)!veth_remove(&uplink->link, &uplink->veth, &removing);
	return code;
}

static enum fault_code serve(struct stage_context *context, struct fault *fault)
{
	struct json_object *final OBJECT_CLEANUP = object_new();
	struct record_reader reader;
	enum fault_code code;

	record_reader_init(&reader, STDIN_FILENO, RECORD_EVENT_MAX);
	code = set_up(context, &reader, fault);
	if (code == FAULT_NONE)
		code = watch(context, &reader, fault);
	record_reader_release(&reader);
	if (code == FAULT_NONE)
		code = end(context->state, final, fault);
	return code == FAULT_NONE ? record_send(&context->out, final, RECORD_EVENT_MAX, fault)
				  : code;
}

static enum stage_exit uplink_run(struct stage_context *context)
{
	struct fault fault;
	enum fault_code code = serve(context, &fault);

	return resident_end(context, code, &fault);
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
	uplink->link.fd = uplink->veth.lock_fd = uplink->watch_fd = -1;
	status = stage_main(&stage, uplink, argc, argv);
	object_release(&uplink->table);
	nft_close(&uplink->nft);
	rtnetlink_close(&uplink->link);
	free(uplink);
	return status;
}
