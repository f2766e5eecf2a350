/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/network_machine.h"

#include "ipc/object.h"
#include "stages/filter/net4_list.h"
#include "stages/filter/tap.h"
#include "stages/launch/launch.h"
#include "stages/launch/plan.h"
#include "stages/seal/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CODE   FAULT_RUN_NETWORK
#define PATH   "launch.network.tap"
#define DEVICE "/dev/net/tun"

/* The plan's sr-tap-<runId>: of the run id's hash what the kernel's 15 characters leave. */
void network_machine_name(struct launch *launch)
{
	struct plan_machine *machine = &launch->plan->machine;
	uint8_t value[DIGEST_SIZE];

	if (!machine->wanted)
		return;
	digest_bytes(launch->events.run_id, strlen(launch->events.run_id), value);
	(void)snprintf(machine->tap, sizeof machine->tap, "sr-tap-%02x%02x%02x%02x", value[0],
		       value[1], value[2], value[3]);
}

/*
 * Safe: the interface is made in the network namespace the device is opened in, init's own. Without
 * IFF_VNET_HDR the guest hands over plain frames: no checksum or segmentation is left to the host.
 * It is not persistent, and ends with its descriptor.
 */
enum fault_code network_machine_open(struct plan *plan, struct fault *fault)
{
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd;

	plan->machine.tap_fd = -1;
	if (plan->machine.tap[0] == '\0')
		return FAULT_NONE;
	fd = open(DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return fault_set_errno(fault, FAULT_HOST_LACKS, errno, PATH,
				       "cannot open " DEVICE ", which a machine's network needs "
				       "(CONFIG_TUN; modprobe tun)");
	(void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", plan->machine.tap);
	if (ioctl(fd, TUNSETIFF, &request) < 0) {
		(void)fault_set_errno(fault, CODE, errno, PATH, "cannot make the interface %s",
				      plan->machine.tap);
		(void)close(fd);
		return fault->code;
	}
	plan->machine.tap_fd = fd;
	return FAULT_NONE;
}

static struct json_object *end(const char *address, const char *mac)
{
	struct json_object *object = object_new();

	object_add_string(object, "address", address);
	object_add_string(object, "mac", mac);
	return object;
}

struct json_object *network_machine_filter(const struct plan *plan)
{
	struct json_object *object;

	if (plan->machine.tap[0] == '\0')
		return NULL;
	object = object_new();
	object_add(object, "gateway", end(TAP_GATEWAY, TAP_GATEWAY_MAC));
	object_add(object, "guest", end(TAP_GUEST, TAP_GUEST_MAC));
	object_add_string(object, "name", plan->machine.tap);
	object_add_bool(object, "resolver", plan->network.wild);
	return object;
}

static struct json_object *hosts(const struct plan *plan)
{
	struct json_object *array = array_new();

	for (size_t i = 0; i < plan->network.host_count; i++) {
		const struct plan_host *host = &plan->network.hosts[i];
		struct json_object *object = object_new(), *addresses = array_new();

		for (size_t k = 0; k < host->address_count; k++)
			net4_append(addresses, (struct net4){host->addresses[k], 32}, true);
		object_add(object, "addresses", addresses);
		object_add_string(object, "host", host->name);
		array_append(array, object);
	}
	return array;
}

struct json_object *network_machine_job(const struct launch *launch)
{
	struct json_object *object, *mtu = NULL;

	if (launch->plan->machine.tap[0] == '\0')
		return NULL;
	object = object_new();
	object_add_string(object, "address", TAP_GUEST);
	object_add_string(object, "gateway", TAP_GATEWAY);
	object_add_string(object, "gatewayMac", TAP_GATEWAY_MAC);
	object_add(object, "hosts", hosts(launch->plan));
	(void)json_object_object_get_ex(launch->network.ready, "mtu", &mtu);
	object_add_integer(object, "mtu",
			   json_object_is_type(mtu, json_type_int) ? json_object_get_int(mtu)
								   : TAP_MTU);
	if (launch->plan->network.wild)
		object_add_string(object, "resolver", TAP_GATEWAY);
	else
		object_add_null(object, "resolver");
	return object;
}
