/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-usernet: a way out of a run's network namespace for an ordinary user.
 *
 * PURPOSE  Let packets of one run out without any right over the host's network: a program of the
 *          system's, pasta(1) or slirp4netns(1), takes them from an interface in the run's namespace
 *          and makes connections of the user's own from them. Start it, watch it, end it.
 * READS    one plan record on stdin: {"addresses":["cidr"],"interface",
 *          "schemaVersion":"safe-run.uplink/v1"}; its end of file is the order to finish. The host's
 *          routes, what the program says, and --link-fd.
 * WRITES   {"type":"ready","address","bareResets","gateway","host":["cidr"],"interface","mtu","uplink":
 *          {"hash","kind","program","version"}}, then {"type":"final"} when the program is gone, or one record
 *          with errors[].
 * HOLDS    nothing but the user's identity, which owns the run's user namespace.
 * FILTER   sandbox/filters/usernet.filter, which the program inherits beneath its own; then
 *          usernet-watch. No Landlock: pasta leaves for a root of its own, which that forbids.
 * REFUSES  a host with neither program, or with one that somebody other than root could have changed;
 *          to go on when the host takes an address that the policy's rules lead to.
 * WHY NOT  in sr-launch: it parses no packet, and the program would inherit what it holds.
 */
#include "ipc/object.h"
#include "stages/filter/net4_list.h"
#include "stages/resident.h"
#include "stages/stage.h"
#include "stages/uplink/plan.h"
#include "stages/usernet/appear.h"
#include "stages/usernet/helper.h"
#include "stages/usernet/own.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODE	FAULT_RUN_NETWORK
#define PATH	"launch.network.uplink"
#define PID_MAX 4194304 /* PID_MAX_LIMIT */

enum { OPTION_RUN_PID, OPTION_USER_FD, OPTION_NET_FD, OPTION_LINK_FD, OPTION_COUNT };

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_RUN_PID] = {"run-pid", STAGE_OPTION_NUMBER, 1, PID_MAX, "N",
			    "a process in the run's namespaces"},
	[OPTION_USER_FD] = {"user-fd", STAGE_OPTION_FD, 0, 0, "N", "the run's user namespace"},
	[OPTION_NET_FD] = {"net-fd", STAGE_OPTION_FD, 0, 0, "N", "the run's network namespace"},
	[OPTION_LINK_FD] = {"link-fd", STAGE_OPTION_FD, 0, 0, "N",
			    "a netlink socket of it, for news of links"},
};

struct usernet {
	struct uplink_plan plan;
	struct own own;
	struct program program;
	struct helper helper;
	struct helper asked; /* the same program, for its version */
	struct net4 net;
};

static enum stage_exit usernet_open(struct stage_context *context)
{
	struct usernet *usernet = context->state;

	for (int i = 0; i < OPTION_COUNT; i++)
		if (!context->values[i].given) {
			stage_complain(context->stage, "needs --%s N", options[i].name);
			return STAGE_USAGE;
		}
	if (own_open(&usernet->own) == 0)
		return STAGE_DONE;
	stage_complain(context->stage, "no netlink socket: %s", strerror(errno));
	return STAGE_FAILED;
}

static enum stage_exit usernet_prewarm(struct stage_context *context)
{
	(void)context;
	return digest_prewarm() == 0 ? STAGE_DONE : STAGE_FAILED;
}

/* pasta (2023) takes no longer name than this. */
static enum fault_code read_plan(struct usernet *usernet, struct record_reader *reader,
				 struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;

	if (resident_plan(reader, CODE, UPLINK_PLAN_PATH, &record, fault) != FAULT_NONE ||
	    uplink_plan_read(record, &usernet->plan, fault) != FAULT_NONE)
		return fault->code;
	return strlen(usernet->plan.interface) <= HELPER_NAME_MAX
		       ? FAULT_NONE
		       : fault_set(fault, CODE, "interface", "has more than %d characters",
				   HELPER_NAME_MAX);
}

/*
 * The last of what needs files and processes is done: what is left is waiting. No Landlock: from ABI 6
 * (Linux 6.12) it would keep our signals from the program, and the one of our death too.
 */
static enum fault_code tighten(struct fault *fault)
{
	if (sandbox_filter_install(&sandbox_filter_usernet_watch) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, FAULT_RUN_LAUNCH, errno, PATH, "cannot confine myself");
}

static enum fault_code make(struct stage_context *context, struct fault *fault)
{
	struct usernet *usernet = context->state;
	const struct stage_value *values = context->values;
	struct helper_plan plan = {
		.program = &usernet->program,
		.interface = usernet->plan.interface,
		.run_pid = (uint32_t)values[OPTION_RUN_PID].number,
		.user_fd = values[OPTION_USER_FD].fd,
		.net_fd = values[OPTION_NET_FD].fd,
	};
	enum fault_code code = program_find(&usernet->program, fault);

	if (code == FAULT_NONE)
		code = own_read(&usernet->own, fault);
	if (code == FAULT_NONE)
		code = own_choose(&usernet->own, &usernet->plan, &usernet->net, fault);
	plan.net = usernet->net;
	plan.leaves = usernet->own.leaves;
	if (code == FAULT_NONE)
		code = helper_start(&usernet->helper, &plan, fault);
	if (code == FAULT_NONE)
		code = helper_ask_version(&usernet->asked, &usernet->program, fault);
	if (code == FAULT_NONE)
		code = appear_await(values[OPTION_LINK_FD].fd, usernet->plan.interface,
				    &usernet->helper, usernet->program.path, fault);
	if (code != FAULT_NONE)
		return code;
	appear_await_version(&usernet->asked);
	return tighten(fault);
}

static struct json_object *make_ready(struct usernet *usernet)
{
	struct json_object *record = object_new(), *own = array_new(), *uplink = object_new();
	const char *version = helper_first_line(&usernet->asked);

	for (size_t i = 0; i < usernet->own.count; i++)
		net4_append(own, usernet->own.nets[i], false);
	/* The inside's network too: the program has addresses in it that stand for others. */
	net4_append(own, usernet->net, false);
	object_add_string(uplink, "hash", usernet->program.hash);
	object_add_string(uplink, "kind", program_name(usernet->program.kind));
	object_add_string(uplink, "program", usernet->program.path);
	/* Debian 13's pasta says nothing into a pipe: the hash is then what tells releases apart. */
	if (version[0] != '\0')
		object_add_escaped(uplink, "version", version, strlen(version));
	else
		object_add_null(uplink, "version");
	net4_add(record, "address", usernet->net.address + HELPER_ADDRESS);
	net4_add(record, "gateway", usernet->net.address + HELPER_GATEWAY);
	object_add_bool(record, "bareResets", usernet->program.kind == PROGRAM_PASTA);
	object_add(record, "host", own);
	object_add_string(record, "interface", usernet->plan.interface);
	object_add_integer(record, "mtu", HELPER_MTU);
	object_add_string(record, "type", "ready");
	object_add(record, "uplink", uplink);
	return record;
}

/* Until the order to finish. */
static enum fault_code watch(struct usernet *usernet, struct record_reader *reader,
			     struct fault *fault)
{
	struct helper *helper = &usernet->helper;
	struct pollfd items[] = {{.fd = STDIN_FILENO, .events = POLLIN},
				 {.fd = helper->pidfd, .events = POLLIN},
				 {.fd = usernet->own.watch.fd, .events = POLLIN},
				 {.fd = helper->out_fd, .events = POLLIN}};
	enum fault_code code = FAULT_NONE;
	bool ended = false;

	while (code == FAULT_NONE && !ended) {
		if (poll(items, sizeof items / sizeof items[0], -1) < 0) {
			if (errno != EINTR)
				code = fault_set_errno(fault, CODE, errno, PATH, "poll");
			continue;
		}
		if (items[0].revents != 0)
			code = resident_look(reader, CODE, UPLINK_PLAN_PATH, &ended, fault);
		if (code == FAULT_NONE && !ended && items[1].revents != 0)
			code = fault_set(fault, CODE, PATH, "%s ended: \"%s\"",
					 usernet->program.path, helper_last_words(helper));
		if (code == FAULT_NONE && items[2].revents != 0)
			code = own_check(&usernet->own, &usernet->plan, fault);
		if (items[3].revents != 0 && helper_listen(helper) == 0)
			items[3].fd = -1;
	}
	return code;
}

static enum fault_code serve(struct stage_context *context, struct fault *fault)
{
	struct usernet *usernet = context->state;
	struct json_object *ready OBJECT_CLEANUP = NULL;
	struct record_reader reader;
	enum fault_code code;

	record_reader_init(&reader, STDIN_FILENO, RECORD_EVENT_MAX);
	code = read_plan(usernet, &reader, fault);
	if (code == FAULT_NONE)
		code = make(context, fault);
	if (code == FAULT_NONE) {
		ready = make_ready(usernet);
		code = record_send(&context->out, ready, RECORD_EVENT_MAX, fault);
	}
	if (code == FAULT_NONE)
		code = watch(usernet, &reader, fault);
	record_reader_release(&reader);
	helper_stop(&usernet->helper);
	helper_stop(&usernet->asked);
	return code == FAULT_NONE ? resident_tell(context, "final", fault) : code;
}

static enum stage_exit usernet_run(struct stage_context *context)
{
	struct fault fault;
	enum fault_code code = serve(context, &fault);

	return resident_end(context, code, &fault);
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-usernet",
		.summary = "an ordinary user's run's way out: sr-usernet ... < PLAN",
		.profile = &sandbox_profile_usernet,
		.options = options,
		.option_count = OPTION_COUNT,
		.hashes = true,
		.open = usernet_open,
		.prewarm = usernet_prewarm,
		.run = usernet_run,
	};
	struct usernet *usernet = calloc(1, sizeof *usernet);
	int status;

	if (usernet == NULL)
		return STAGE_FAILED;
	usernet->own.link.fd = usernet->own.watch.fd = usernet->program.fd = -1;
	usernet->helper = usernet->asked = (struct helper)HELPER_NONE;
	status = stage_main(&stage, usernet, argc, argv);
	own_close(&usernet->own);
	program_close(&usernet->program);
	free(usernet);
	return status;
}
