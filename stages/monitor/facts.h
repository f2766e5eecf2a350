/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_FACTS_H
#define MONITOR_FACTS_H

#include "ipc/event.h"
#include "ipc/fault.h"
#include "stages/monitor/outcome.h"

#include <json-c/json_types.h>

/*
 * Reading facts out of the launcher's payloads. What is missing or of another type is taken as not
 * said, but for what an outcome cannot be decided without.
 */

/* The member name of object when it has that type; else NULL. Borrowed. */
struct json_object *facts_member(struct json_object *object, const char *name, enum json_type type);

void facts_from_compile(struct outcome_facts *facts, struct json_object *payload);

/* A fault when it tells neither an exit status nor a signal nor a step that failed. */
enum fault_code facts_from_exit(struct outcome_facts *facts, struct json_object *payload,
				struct fault *fault) __attribute__((warn_unused_result));

void facts_from_closing(struct outcome_facts *facts, enum event_type type,
			struct json_object *payload);

#endif
