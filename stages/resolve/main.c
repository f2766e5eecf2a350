/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-resolve: asks the host's nameservers for the addresses of the names a policy lists.
 *
 * PURPOSE  Turn each host of a network plan into the addresses that are opened and pinned for the
 *          run, once, before it begins.
 * READS    one request on stdin (stages/resolve/request.h); resolv.conf through --resolv-fd; the
 *          nameservers' answers.
 * WRITES   one record on stdout: answers, or errors[] (SR-RUN-201, launch.network.dns).
 * HOLDS    IPv4 sockets of the host's network, to port 53 where Landlock can say so (ABI 4). No
 *          file, no capability; as root sr-launch starts it as nobody.
 * FILTER   sandbox/filters/resolve.filter.
 * REFUSES  answers to other questions or from anybody but the server asked; names that lead to
 *          loopback, link-local, metadata and other addresses no name has business with, unless the
 *          policy lists them by CIDR. One name that cannot be resolved refuses the run.
 * WHY NOT  in sr-launch: it parses what anybody on the internet answers. WHY NOT libc's resolver:
 *          it loads code (NSS), follows search lists, and static it does neither well. WHY NOT
 *          c-ares, ldns or libunbound of Debian 12: what is needed of them is one question and its
 *          answer, and with it come files, environment, and a socket that is used again from one
 *          question to the next (c-ares 1.18), or libcrypto (ldns, libunbound).
 */
#include "ipc/object.h"
#include "stages/resolve/batch.h"
#include "stages/stage.h"

#include <json-c/json.h>
#include <unistd.h>

enum { OPTION_RESOLV_FD, OPTION_COUNT };

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_RESOLV_FD] = {"resolv-fd", STAGE_OPTION_FD, 0, 0, "N", "the host's resolv.conf"},
};

struct resolve_state {
	struct request request;
	struct fault_list faults;
};

static enum stage_exit resolve_open(struct stage_context *context)
{
	if (context->values[OPTION_RESOLV_FD].given)
		return STAGE_DONE;
	stage_complain(context->stage, "needs --resolv-fd N");
	return STAGE_USAGE;
}

static struct json_object *resolve(struct stage_context *context, struct resolve_state *state)
{
	struct resolv_conf conf;
	struct fault fault;
	enum fault_code code = request_read(STDIN_FILENO, &state->request, &fault);

	if (code == FAULT_NONE)
		code = resolv_conf_read(context->values[OPTION_RESOLV_FD].fd, &conf, &fault);
	if (code == FAULT_NONE)
		return batch_resolve(&state->request, &conf, &state->faults);
	fault_list_add(&state->faults, &fault);
	return NULL;
}

static enum stage_exit resolve_run(struct stage_context *context)
{
	static struct resolve_state state;
	struct json_object *record OBJECT_CLEANUP = object_new();
	struct json_object *answers OBJECT_CLEANUP = NULL;
	struct fault fault;

	fault_list_init(&state.faults);
	answers = resolve(context, &state);
	if (state.faults.count == 0)
		object_add(record, "answers", object_take(&answers));
	else
		object_add(record, "errors", fault_list_to_json(&state.faults));
	object_add_string(record, "schemaVersion", "safe-run.resolved/v1");
	request_release(&state.request);
	if (record_send(&context->out, record, RECORD_EVENT_MAX, &fault) != FAULT_NONE) {
		stage_complain(context->stage, "%s", fault.message);
		return STAGE_FAILED;
	}
	return state.faults.count == 0 ? STAGE_DONE : STAGE_REFUSED;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-resolve",
		.summary = "addresses of names: sr-resolve --resolv-fd N <request",
		.profile = &sandbox_profile_resolve,
		.options = options,
		.option_count = OPTION_COUNT,
		.open = resolve_open,
		.run = resolve_run,
	};

	return stage_main(&stage, NULL, argc, argv);
}
