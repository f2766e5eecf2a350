/* SPDX-License-Identifier: Apache-2.0 */
/* What sr-filter and sr-uplink are told to set, from whoever writes on their standard input. */
#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/filter/plan.h"
#include "stages/uplink/plan.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdlib.h>

static enum fault_code read_filter(const struct vector *vector, struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct filter_plan *plan = calloc(1, sizeof *plan);
	enum fault_code code =
		canon_parse(vector->data, vector->len, FAULT_RUN_NETWORK, &record, fault);

	cr_assert_not_null(plan);
	if (code == FAULT_NONE)
		code = filter_plan_read(record, plan, fault);
	free(plan);
	return code;
}

static enum fault_code read_uplink(const struct vector *vector, struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct uplink_plan *plan = calloc(1, sizeof *plan);
	enum fault_code code =
		canon_parse(vector->data, vector->len, FAULT_RUN_NETWORK, &record, fault);

	cr_assert_not_null(plan);
	if (code == FAULT_NONE)
		code = uplink_plan_read(record, plan, fault);
	free(plan);
	return code;
}

static void try_all(const char *name, size_t least, bool good,
		    enum fault_code (*read)(const struct vector *, struct fault *))
{
	struct vector_set set;

	vectors_load(name, &set);
	cr_expect_geq(set.count, least, "%s: %zu", name, set.count);
	for (size_t i = 0; i < set.count; i++) {
		struct fault fault = {.message = ""};

		cr_expect_eq(read(&set.items[i], &fault) == FAULT_NONE, good, "%s/%s: %s", name,
			     set.items[i].name, fault.message);
	}
	vectors_release(&set);
}

Test(packet_plans, filter)
{
	try_all("filter-plan/accept", 12, true, read_filter);
	try_all("filter-plan/reject", 50, false, read_filter);
}

Test(packet_plans, uplink)
{
	try_all("uplink-plan/accept", 4, true, read_uplink);
	try_all("uplink-plan/reject", 13, false, read_uplink);
}
