/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-filter: sets a run's packet filter, and says at the end what it saw.
 *
 * PURPOSE  Let a sandbox reach what its policy lists and nothing else, and count both.
 * READS    one plan record on stdin, and {"type":"made"} when the interface is there, where the plan
 *          says that it will be; its end of file is the order to finish.
 * WRITES   {"type":"ready"} with what was read back from the kernel, then {"type":"final"} with the
 *          counters, or one record with errors[]. Then it removes the interface sr-uplink made.
 * HOLDS    CAP_NET_ADMIN, in the run's own network namespace, which sr-launch entered for it: as
 *          root the host's right, else that of the run's user namespace alone. No file.
 * FILTER   sandbox/filters/filter.filter.
 * REFUSES  a plan that is not exactly what it should be; rules that do not read back as set, at the
 *          beginning and at the end.
 * WHY NOT  in sr-launch: libnftables is large, dynamic, and reads configuration.
 */
#include "ipc/object.h"
#include "stages/filter/answers.h"
#include "stages/filter/interface.h"
#include "stages/filter/nft.h"
#include "stages/filter/plan.h"
#include "stages/filter/ruleset.h"
#include "stages/filter/ruleset_tap.h"
#include "stages/resident.h"
#include "stages/stage.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODE FAULT_RUN_NETWORK

struct filter {
	struct nft nft;
	struct rtnetlink link;
	struct filter_plan plan;
	struct json_object *table, *guard; /* what was set; owned, NULL for none */
};

/* Both sockets belong to the network namespace we were started in. */
static enum stage_exit filter_open(struct stage_context *context)
{
	struct filter *filter = context->state;
	struct fault fault;
	enum fault_code code = interface_prepare(&fault);

	if (code == FAULT_NONE && rtnetlink_open(&filter->link) < 0)
		code = fault_set_errno(&fault, CODE, errno, "launch.network", "no netlink socket");
	if (code == FAULT_NONE)
		code = nft_open(&filter->nft, &fault);
	if (code == FAULT_NONE)
		return STAGE_DONE;
	stage_complain(context->stage, "%s", fault.message);
	return STAGE_FAILED;
}

static enum fault_code read_plan(struct filter *filter, struct record_reader *reader,
				 struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;

	if (resident_plan(reader, CODE, FILTER_PLAN_PATH, &record, fault) != FAULT_NONE)
		return fault->code;
	return filter_plan_read(record, &filter->plan, fault);
}

/* One transaction, and then what the kernel says it has. */
static enum fault_code set_table(struct filter *filter, const char *family,
				 struct json_object *commands, size_t *objects, struct fault *fault)
{
	struct json_object *listing OBJECT_CLEANUP = NULL;
	enum fault_code code = nft_apply(&filter->nft, commands, fault);

	if (code == FAULT_NONE)
		code = nft_list(&filter->nft, family, RULESET_TABLE, &listing, fault);
	return code == FAULT_NONE ? ruleset_compare(commands, listing, objects, fault) : code;
}

/* A machine's second table; nothing without one. */
static enum fault_code set_guard(struct filter *filter, struct json_object *ready,
				 struct fault *fault)
{
	const char *device = filter->plan.tap.name;
	struct json_object *guard;
	size_t objects = 0;
	enum fault_code code;

	if (device[0] == '\0')
		return FAULT_NONE;
	filter->guard = ruleset_guard(&filter->plan);
	code = set_table(filter, RULESET_GUARD_FAMILY, filter->guard, &objects, fault);
	if (code == FAULT_NONE)
		code = nft_check_device(&filter->nft, RULESET_GUARD_FAMILY, RULESET_TABLE, device,
					fault);
	guard = object_new();
	object_add_string(guard, "device", device);
	object_add_integer(guard, "objects", (int64_t)objects);
	object_add_string(guard, "table", RULESET_GUARD_FAMILY " " RULESET_TABLE);
	object_add(ready, "guard", guard);
	return code;
}

/* For a way out that says it needs it; nothing else. */
static enum fault_code set_answers(struct filter *filter, struct fault *fault)
{
	struct json_object *commands OBJECT_CLEANUP = NULL;

	if (!filter->plan.bare_resets)
		return FAULT_NONE;
	commands = answers_make(&filter->plan);
	return nft_apply(&filter->nft, commands, fault);
}

/* The tables first: no interface is up before them. */
static enum fault_code set(struct filter *filter, struct record_reader *reader,
			   struct json_object **ready, struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = object_new();
	size_t objects = 0;
	uint32_t mtu = 0;
	enum fault_code code;

	filter->table = ruleset_make(&filter->plan);
	code = set_table(filter, RULESET_FAMILY, filter->table, &objects, fault);
	if (code == FAULT_NONE)
		code = set_guard(filter, record, fault);
	if (code == FAULT_NONE)
		code = set_answers(filter, fault);
	if (code == FAULT_NONE && filter->plan.awaits)
		code = resident_await_word(reader, "made", CODE, FILTER_PLAN_PATH, fault);
	if (code == FAULT_NONE)
		code = interface_arrange(&filter->link, &filter->plan, &mtu, fault);
	if (code != FAULT_NONE)
		return code;
	if (mtu != 0)
		object_add_integer(record, "mtu", mtu);
	object_add_integer(record, "objects", (int64_t)objects);
	object_add_string(record, "table", RULESET_FAMILY " " RULESET_TABLE);
	object_add_string(record, "tracking", ruleset_tracks(&filter->plan) ? "run" : "host");
	object_add_string(record, "type", "ready");
	*ready = object_take(&record);
	return FAULT_NONE;
}

/* What was set is what is there still, or the counters would be of other rules than the policy's. */
static enum fault_code list_table(struct filter *filter, const char *family,
				  struct json_object *commands, struct json_object **listing,
				  struct fault *fault)
{
	struct json_object *again OBJECT_CLEANUP = NULL;
	size_t objects = 0;

	/* Comparing takes the counters out of what it compares. */
	if (nft_list(&filter->nft, family, RULESET_TABLE, listing, fault) != FAULT_NONE)
		return fault->code;
	if (json_object_deep_copy(*listing, &again, NULL) < 0)
		abort();
	return ruleset_compare(commands, again, &objects, fault);
}

/* The final record, the caller's. */
static enum fault_code count(struct filter *filter, struct json_object **final, struct fault *fault)
{
	struct json_object *listing OBJECT_CLEANUP = NULL;
	struct json_object *guard OBJECT_CLEANUP = NULL;
	enum fault_code code = list_table(filter, RULESET_FAMILY, filter->table, &listing, fault);

	if (code == FAULT_NONE && filter->guard != NULL)
		code = list_table(filter, RULESET_GUARD_FAMILY, filter->guard, &guard, fault);
	if (code != FAULT_NONE)
		return code;
	*final = ruleset_count(&filter->plan, listing);
	if (guard != NULL)
		object_add_integer(*final, "notGuests", ruleset_hits(guard, RULESET_GUARD_OTHER));
	return FAULT_NONE;
}

static enum fault_code serve(struct stage_context *context, struct fault *fault)
{
	struct filter *filter = context->state;
	struct json_object *ready OBJECT_CLEANUP = NULL;
	struct json_object *final OBJECT_CLEANUP = NULL;
	struct record_reader reader;
	enum fault_code code;

	record_reader_init(&reader, STDIN_FILENO, RECORD_EVENT_MAX);
	code = read_plan(filter, &reader, fault);
	if (code == FAULT_NONE)
		code = set(filter, &reader, &ready, fault);
	if (code == FAULT_NONE)
		code = record_send(&context->out, ready, RECORD_EVENT_MAX, fault);
	if (code == FAULT_NONE)
		code = resident_await_end(&reader, CODE, FILTER_PLAN_PATH, fault);
	record_reader_release(&reader);
	if (code == FAULT_NONE)
		code = count(filter, &final, fault);
	if (code != FAULT_NONE)
		return code;
	return record_send(&context->out, final, RECORD_EVENT_MAX, fault);
}

static enum stage_exit filter_run(struct stage_context *context)
{
	struct filter *filter = context->state;
	struct fault fault;
	enum fault_code code = serve(context, &fault);
	enum stage_exit status = resident_end(context, code, &fault);

	/* Whoever waits for the record does not wait for the kernel to be done with the interface. */
	interface_remove(&filter->link, &filter->plan);
	object_release(&filter->table);
	object_release(&filter->guard);
	return status;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-filter",
		.summary = "set a run's packet filter: sr-filter < PLAN",
		.profile = &sandbox_profile_filter,
		.open = filter_open,
		.run = filter_run,
	};
	struct filter *filter = calloc(1, sizeof *filter);
	int status;

	if (filter == NULL)
		return STAGE_FAILED;
	filter->link.fd = -1;
	status = stage_main(&stage, filter, argc, argv);
	nft_close(&filter->nft);
	rtnetlink_close(&filter->link);
	free(filter);
	return status;
}
