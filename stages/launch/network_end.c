/* SPDX-License-Identifier: Apache-2.0 */
/* A run's network while its command runs, and what becomes of it then. */
#include "ipc/object.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/launch.h"
#include "stages/launch/network.h"
#include "stages/launch/network_egress.h"
#include "stages/launch/network_report.h"
#include "stages/launch/plan.h"

#include <poll.h>

#define CODE	   FAULT_RUN_NETWORK
#define PATH	   "launch.network"
#define RELEASE_NS (10 * 1000000000ULL)

void network_watch(const struct launch *launch, struct pollfd *items)
{
	items[0] = (struct pollfd){.fd = launch->network.uplink.pidfd, .events = POLLIN};
	items[1] = (struct pollfd){.fd = launch->network.filter.pidfd, .events = POLLIN};
	items[2] = (struct pollfd){.fd = launch->network.egress.pidfd, .events = POLLIN};
}

enum fault_code network_check(const struct launch *launch, const struct pollfd *items,
			      struct fault *fault)
{
	const struct assistant *assistants[NETWORK_SOURCE_COUNT] = {
		&launch->network.uplink, &launch->network.filter, &launch->network.egress};

	for (size_t i = 0; i < NETWORK_SOURCE_COUNT; i++)
		if (items[i].revents != 0)
			return fault_set(fault, CODE, PATH,
					 "%s ended while the command ran, which was ended too",
					 assistants[i]->program);
	return FAULT_NONE;
}

static enum fault_code finish(struct assistant *assistant, struct json_object **final,
			      struct fault *fault)
{
	descriptor_close(&assistant->stdin_fd);
	return assistant_last(assistant, event_boot_ns() + RELEASE_NS, final, fault);
}

static enum fault_code take_back(struct launch *launch, struct fault *fault)
{
	struct network *network = &launch->network;
	struct json_object *removed OBJECT_CLEANUP = NULL;
	struct fault why;
	enum fault_code code = FAULT_NONE;
	enum fault_code told = FAULT_NONE;

	if (launch->plan->network.direct)
		code = finish(&network->uplink, &removed, &why);
	if (code == FAULT_NONE && network_is_veth(launch))
		told = network_report_crowd(launch, removed, fault);
	/* The last hold on the run's network namespace. */
	descriptor_close(&network->net_fd);
	descriptor_close(&network->user_fd);
	descriptor_close(&network->link_fd);
	launch_note(launch, PATH, code == FAULT_NONE,
		    code == FAULT_NONE ? "rules and interface released" : why.message);
	if (told == FAULT_NONE)
		told = network_report_released(launch, code == FAULT_NONE ? NULL : &why, fault);
	if (told != FAULT_NONE || code == FAULT_NONE)
		return told;
	return fault_set(fault, FAULT_RUN_RELEASE, PATH, "%s", why.message);
}

/* What was let through and refused: by packets, and by names. One that cannot tell leaves the other. */
static enum fault_code count(struct launch *launch, struct fault *fault)
{
	struct network *network = &launch->network;
	struct json_object *packets OBJECT_CLEANUP = NULL, *names OBJECT_CLEANUP = NULL;
	struct fault naming;
	enum fault_code code = finish(&network->filter, &packets, fault);
	enum fault_code naming_code = FAULT_NONE;

	if (code == FAULT_NONE)
		code = network_report_hits(launch, packets, fault);
	if (launch->plan->network.named)
		naming_code = finish(&network->egress, &names, &naming);
	if (launch->plan->network.named && naming_code == FAULT_NONE)
		naming_code = network_egress_report(launch, names, &naming);
	if (code != FAULT_NONE || naming_code == FAULT_NONE)
		return code;
	*fault = naming;
	return naming_code;
}

enum fault_code network_finish(struct launch *launch, enum fault_code code, struct fault *fault)
{
	struct network *network = &launch->network;
	struct fault counting, taking;
	enum fault_code counting_code, taking_code;

	if (!network->applied || network->released)
		return code;
	network->released = true;
	/*
	 * All begin at once. sr-uplink is told first: it takes an interface that goes before for the
	 * work of another program.
	 */
	descriptor_close(&network->uplink.stdin_fd);
	descriptor_close(&network->filter.stdin_fd);
	descriptor_close(&network->egress.stdin_fd);
	counting_code = count(launch, &counting);
	taking_code = take_back(launch, &taking);
	if (code != FAULT_NONE || (counting_code == FAULT_NONE && taking_code == FAULT_NONE))
		return code;
	*fault = counting_code != FAULT_NONE ? counting : taking;
	return fault->code;
}

void network_stop(struct launch *launch)
{
	struct network *network = &launch->network;

	assistant_stop(&network->filter);
	assistant_stop(&network->egress);
	assistant_stop(&network->uplink);
	descriptor_close(&network->net_fd);
	descriptor_close(&network->user_fd);
	network_egress_close(network);
	descriptor_close(&network->link_fd);
	object_release(&network->closed);
	object_release(&network->ready);
	object_release(&network->facts);
}
