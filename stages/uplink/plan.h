/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UPLINK_PLAN_H
#define UPLINK_PLAN_H

#include "ipc/fault.h"
#include "stages/filter/net4.h"

#include <net/if.h>
#include <stddef.h>

struct json_object;

/*
 * The plan record (safe-run-ipc(7)), as sr-launch writes it:
 *
 *   {"addresses":["cidr"],"interface","schemaVersion":"safe-run.uplink/v1"}
 */
#define UPLINK_PLAN_SCHEMA "safe-run.uplink/v1"
#define UPLINK_PLAN_PATH   "uplink.plan"
#define UPLINK_ADDRESS_MAX 16384

struct uplink_plan {
	char interface[IFNAMSIZ];
	struct net4 addresses[UPLINK_ADDRESS_MAX];
	size_t address_count;
	struct net4 opened[UPLINK_ADDRESS_MAX]; /* those named one by one */
	size_t opened_count;
};

/* plan is zeroed by the caller. */
enum fault_code uplink_plan_read(struct json_object *record, struct uplink_plan *plan,
				 struct fault *fault) __attribute__((warn_unused_result));

#endif
