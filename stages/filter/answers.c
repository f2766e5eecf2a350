/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/filter/answers.h"

#include "ipc/object.h"
#include "stages/filter/expr.h"
#include "stages/filter/plan.h"
#include "stages/filter/ruleset.h"

#include <json-c/json.h>
#include <netinet/tcp.h>

#define CHAIN	 "resets"
#define PRIO_RAW (-300) /* before connections are told apart */

struct json_object *answers_make(const struct filter_plan *plan)
{
	struct rule rule = {
		.family = RULESET_FAMILY, .table = ANSWERS_TABLE, .commands = array_new()};

	expr_add(&rule, "table", object_new());
	expr_chain(&rule, CHAIN, "filter", "prerouting", PRIO_RAW, "accept");
	rule_begin(&rule);
	expr_meta(&rule, "iifname", plan->interface);
	expr_field(&rule, "tcp", "flags", "==", json_object_new_int(TH_RST));
	expr_set_field(&rule, "tcp", "flags", TH_RST | TH_ACK);
	rule_end(&rule, CHAIN, NULL);
	return rule.commands;
}
