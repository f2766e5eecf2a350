/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/filter/interface.h"

#include "stages/filter/interface_part.h"
#include "stages/filter/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#define CODE FAULT_RUN_NETWORK

static int write_switch(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int result;

	/* A kernel without IPv6 has no switch for it. */
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	result = write(fd, value, 1) == 1 ? 0 : -1;
	(void)close(fd);
	return result;
}

enum fault_code interface_prepare(struct fault *fault)
{
	if (write_switch(INTERFACE_SWITCHES "/ipv6/conf/default/disable_ipv6", "1") < 0)
		return fault_set_errno(fault, CODE, errno, "launch.network.ipv6",
				       "cannot switch IPv6 off in the run's network namespace");
	/* A machine's refusals are not this kernel's to itself, and would come once a second; nor
	 * shall they use up what the host allows itself (icmp_msgs_per_sec, one for all). */
	if (write_switch(INTERFACE_SWITCHES "/ipv4/icmp_ratemask", "0") < 0)
		return fault_set_errno(fault, CODE, errno, "launch.network.icmp",
				       "cannot let refusals of the run's network namespace be told "
				       "at once");
	return FAULT_NONE;
}

static enum fault_code arrange_uplink(struct rtnetlink *link, const struct filter_plan *plan,
				      struct interface_seen *seen, struct fault *fault)
{
	if (interface_look(link, plan->interface, 0, seen) < 0)
		return fault_set_errno(fault, CODE, errno, "launch.network.interface",
				       "the run's network namespace has no interface %s",
				       plan->interface);
	if (plan->address.len == 0)
		return FAULT_NONE;
	if (interface_no_address6(link, seen->index) == 0 &&
	    (plan->mtu == 0 || interface_set_mtu(link, seen->index, plan->mtu) == 0) &&
	    interface_add_address(link, seen->index, plan->address.address,
				  plan->gateway.address) == 0 &&
	    interface_up(link, seen->index) == 0 &&
	    /* The other end of sr-uplink's pair is known (veth.h); another's is asked for. */
	    (!plan->tracked || interface_know(link, seen->index, plan->gateway.address) == 0) &&
	    interface_add_route(link, seen->index, plan->gateway.address) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, "launch.network.interface",
			       "cannot give %s its address and route", plan->interface);
}

static enum fault_code arrange_way_out(struct rtnetlink *link, const struct filter_plan *plan,
				       struct interface_seen *seen, struct fault *fault)
{
	if (interface_up(link, INTERFACE_LOOPBACK) < 0)
		return fault_set_errno(fault, CODE, errno, "launch.network.loopback",
				       "cannot bring the sandbox's loopback up");
	if (plan->interface[0] != '\0')
		return arrange_uplink(link, plan, seen, fault);
	/* A connection needs a route before the redirection sees it (ENETUNREACH otherwise); what is
	 * not redirected is refused by the table. */
	if (interface_add_route(link, INTERFACE_LOOPBACK, 0) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, "launch.network.loopback",
			       "cannot lead connections to the sandbox's loopback");
}

enum fault_code interface_arrange(struct rtnetlink *link, const struct filter_plan *plan,
				  uint32_t *tap_mtu, struct fault *fault)
{
	struct interface_seen seen = {.index = 0};
	enum fault_code code = arrange_way_out(link, plan, &seen, fault);

	if (code != FAULT_NONE || plan->tap.name[0] == '\0')
		return code;
	/* What was set, where something was. */
	if (plan->mtu != 0)
		seen.mtu = plan->mtu;
	return tap_arrange(link, &plan->tap, seen.index, seen.mtu, tap_mtu, fault);
}

void interface_remove(struct rtnetlink *link, const struct filter_plan *plan)
{
	struct ifinfomsg info = {.ifi_family = AF_UNSPEC};
	struct interface_seen seen;

	if (plan->address.len == 0 || interface_look(link, plan->interface, 0, &seen) < 0)
		return;
	info.ifi_index = seen.index;
	rtnetlink_begin(link, RTM_DELLINK, 0, &info, sizeof info);
	/* sr-uplink looks, and removes its own end where this one is left. */
	(void)!rtnetlink_ask(link);
}
