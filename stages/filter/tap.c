/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/filter/tap.h"

#include "ipc/field.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CODE FAULT_RUN_NETWORK
#define PATH "launch.network.tap"

static enum fault_code read_end(struct fields *tap, const char *name, struct net4 *address,
				char mac[INTERFACE_MAC_SIZE], struct fault *fault)
{
	struct fields end;
	const char *text = "", *hardware = "";
	uint8_t bytes[INTERFACE_MAC_LEN];
	enum fault_code code = fields_enter(tap, name, &end, fault);

	if (code == FAULT_NONE)
		code = fields_string(&end, "address", &text, fault);
	if (code == FAULT_NONE)
		code = fields_string(&end, "mac", &hardware, fault);
	if (code == FAULT_NONE && (strchr(text, '/') != NULL || !net4_parse(text, true, address)))
		code = fault_set(fault, CODE, end.path, "has no address a.b.c.d");
	if (code == FAULT_NONE && !interface_mac_parse(hardware, bytes))
		code = fault_set(fault, CODE, end.path, "has no hardware address of one interface");
	if (code != FAULT_NONE)
		return code;
	(void)snprintf(mac, INTERFACE_MAC_SIZE, "%s", hardware);
	return fields_close(&end, fault);
}

enum fault_code tap_read(struct fields *plan, struct filter_tap *tap, struct fault *fault)
{
	struct fields fields;
	enum fault_code code = fields_enter(plan, "tap", &fields, fault);

	if (code == FAULT_NONE)
		code = interface_name_read(&fields, "name", tap->name, fault);
	if (code == FAULT_NONE)
		code = read_end(&fields, "gateway", &tap->gateway, tap->gateway_mac, fault);
	if (code == FAULT_NONE)
		code = read_end(&fields, "guest", &tap->guest, tap->guest_mac, fault);
	if (code == FAULT_NONE)
		code = fields_bool(&fields, "resolver", &tap->resolver, fault);
	if (code == FAULT_NONE && (tap->guest.address == tap->gateway.address ||
				   strcmp(tap->guest_mac, tap->gateway_mac) == 0))
		code = fault_set(fault, CODE, fields.path, "has the same address at both ends");
	return code == FAULT_NONE ? fields_close(&fields, fault) : code;
}

static int set_all(struct rtnetlink *link, const struct filter_tap *tap, int index, uint32_t mtu)
{
	uint8_t own[INTERFACE_MAC_LEN], guest[INTERFACE_MAC_LEN];

	if (!interface_mac_parse(tap->gateway_mac, own) ||
	    !interface_mac_parse(tap->guest_mac, guest)) {
		errno = EINVAL;
		return -1;
	}
	if (interface_set_link(link, index, own, mtu) < 0 ||
	    interface_no_address6(link, index) < 0 ||
	    interface_add_address(link, index, tap->gateway.address, tap->guest.address) < 0 ||
	    interface_up(link, index) < 0)
		return -1;
	return interface_add_neighbour(link, index, tap->guest.address, guest);
}

/* No forwarding but on these: the switches are each interface's own. */
static enum fault_code forward(struct rtnetlink *link, int index, const char *what,
			       struct fault *fault)
{
	struct interface_seen seen;

	if (interface_forward(link, index) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "%s cannot be made to forward",
				       what);
	if (interface_look(link, NULL, index, &seen) == 0 && seen.forwarding == 1)
		return FAULT_NONE;
	return fault_set(fault, CODE, PATH, "%s does not forward although it was set to", what);
}

enum fault_code tap_arrange(struct rtnetlink *link, const struct filter_tap *tap, int uplink_index,
			    uint32_t uplink_mtu, uint32_t *mtu, struct fault *fault)
{
	struct interface_seen seen;
	enum fault_code code;

	*mtu = uplink_index > 0 && uplink_mtu < TAP_MTU ? uplink_mtu : TAP_MTU;
	if (interface_look(link, tap->name, 0, &seen) < 0)
		return fault_set_errno(fault, CODE, errno, PATH,
				       "the run's network namespace has no interface %s",
				       tap->name);
	if (set_all(link, tap, seen.index, *mtu) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot set %s up", tap->name);
	code = forward(link, seen.index, tap->name, fault);
	if (code == FAULT_NONE && uplink_index > 0)
		code = forward(link, uplink_index, "the way out", fault);
	if (code != FAULT_NONE)
		return code;
	if (interface_look(link, NULL, seen.index, &seen) < 0 || seen.mtu != *mtu ||
	    (seen.flags & (IFF_NOARP | IFF_UP)) != (IFF_NOARP | IFF_UP))
		return fault_set(fault, CODE, PATH, "%s is not what it was set to be", tap->name);
	return FAULT_NONE;
}
