/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/network_user.h"

#include "ipc/object.h"
#include "stages/launch/launch.h"

#include <json-c/json.h>
#include <stdio.h>
#include <unistd.h>

#define CODE FAULT_RUN_NETWORK
#define PATH "launch.network"

enum fault_code network_user_start(struct launch *launch, struct fault *fault)
{
	struct network *network = &launch->network;
	char pid[sizeof "4294967295"];
	const struct assistant_plan plan = {
		.home_fd = launch->home_fd,
		.program = "sr-usernet",
		.path = PATH,
		.uid = geteuid(),
		.gid = getegid(),
		.stdin_fd = ASSISTANT_STDIN_PIPE,
		.fds = {{"--user-fd", network->user_fd},
			{"--net-fd", network->net_fd},
			{"--link-fd", network->link_fd}},
		.fd_count = 3,
		/* Not reaped before this assistant has ended: the number is nobody else's. */
		.words = {"--run-pid", pid},
		.word_count = 2,
		.record_max = RECORD_EVENT_MAX,
		.interrupt_fd = launch->signal_fd,
	};

	if (network->user_fd < 0 || network->link_fd < 0)
		return fault_set(fault, CODE, PATH, "init did not hand on its namespaces");
	(void)snprintf(pid, sizeof pid, "%d", launch->init_pid);
	return assistant_start(&network->uplink, &plan, fault);
}

enum fault_code network_user_take(struct network *network, struct json_object *ready,
				  struct fault *fault)
{
	struct json_object *mtu = NULL, *facts = NULL, *resets = NULL;

	if (!json_object_object_get_ex(ready, "mtu", &mtu) ||
	    !json_object_is_type(mtu, json_type_int) ||
	    !json_object_object_get_ex(ready, "bareResets", &resets) ||
	    !json_object_is_type(resets, json_type_boolean) ||
	    !json_object_object_get_ex(ready, "uplink", &facts) ||
	    !json_object_is_type(facts, json_type_object))
		return fault_set(fault, CODE, PATH, "sr-usernet told something we do not know");
	network->bare_resets = json_object_get_boolean(resets);
	network->mtu = json_object_get_int64(mtu);
	network->facts = json_object_get(facts);
	return FAULT_NONE;
}
