/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/uplink/plan.h"

#include "ipc/field.h"
#include "stages/filter/net4_list.h"

#include <stdio.h>
#include <string.h>

#define CODE   FAULT_RUN_NETWORK
#define PREFIX "sr-"

/* As sr-launch names them; other interfaces of the host are nobody's business here. */
static enum fault_code read_interface(struct fields *fields, struct uplink_plan *plan,
				      struct fault *fault)
{
	const char *name = "", *digits;
	enum fault_code code = fields_string(fields, "interface", &name, fault);

	if (code != FAULT_NONE)
		return code;
	digits = name + strlen(PREFIX);
	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0 || strlen(name) >= sizeof plan->interface ||
	    *digits == '\0' || strspn(digits, "0123456789abcdef") != strlen(digits))
		return fault_set(fault, CODE, "interface",
				 "must be sr- and up to twelve hexadecimal digits");
	(void)snprintf(plan->interface, sizeof plan->interface, "%s", name);
	return FAULT_NONE;
}

enum fault_code uplink_plan_read(struct json_object *record, struct uplink_plan *plan,
				 struct fault *fault)
{
	struct fields fields;
	enum fault_code code = fields_open(&fields, record, "", CODE, fault);

	if (code == FAULT_NONE)
		code = fields_literal(&fields, "schemaVersion", UPLINK_PLAN_SCHEMA, fault);
	if (code == FAULT_NONE)
		code = read_interface(&fields, plan, fault);
	if (code == FAULT_NONE)
		code = net4_list_read(&fields, "addresses", UPLINK_ADDRESS_MAX, plan->addresses,
				      &plan->address_count, CODE, fault);
	if (code != FAULT_NONE)
		return code;
	for (size_t i = 0; i < plan->address_count; i++)
		if (plan->addresses[i].len == 32)
			plan->opened[plan->opened_count++] = plan->addresses[i];
	return fields_close(&fields, fault);
}
