/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/checklist.h"

#include "ipc/object.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void checklist_init(struct checklist *list, const struct checklist_item *items, size_t count)
{
	if (count > CHECKLIST_MAX)
		abort();
	*list = (struct checklist){.items = items, .count = count};
}

void checklist_ask(struct checklist *list, size_t check)
{
	if (list->states[check] == CHECKLIST_NOT_ASKED)
		list->states[check] = CHECKLIST_NOT_RUN;
}

void checklist_pass(struct checklist *list, size_t check)
{
	if (list->states[check] != CHECKLIST_REFUSED)
		list->states[check] = CHECKLIST_PASSED;
}

void checklist_refuse(struct checklist *list, size_t check, const struct fault *fault)
{
	struct fault coded = *fault;

	coded.code = list->items[check].code;
	list->states[check] = CHECKLIST_REFUSED;
	if (list->reason_counts[check]++ < CHECKLIST_REASONS_MAX)
		fault_list_add(&list->faults, &coded);
}

void checklist_refuse_at(struct checklist *list, size_t check, const char *path, const char *format,
			 ...)
{
	char message[FAULT_MESSAGE_SIZE];
	struct fault fault;
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	fault_set(&fault, list->items[check].code, path, "%s", message);
	checklist_refuse(list, check, &fault);
}

bool checklist_passed(const struct checklist *list, size_t check)
{
	return list->states[check] == CHECKLIST_PASSED;
}

bool checklist_valid(const struct checklist *list)
{
	bool any = false;

	for (size_t i = 0; i < list->count; i++) {
		if (list->states[i] == CHECKLIST_NOT_RUN || list->states[i] == CHECKLIST_REFUSED)
			return false;
		any = any || list->states[i] == CHECKLIST_PASSED;
	}
	return any;
}

static struct json_object *checks_to_json(const struct checklist *list)
{
	struct json_object *checks = array_new();

	for (size_t i = 0; i < list->count; i++) {
		struct json_object *check;

		if (list->states[i] == CHECKLIST_NOT_ASKED)
			continue;
		check = object_new();
		object_add_string(check, "name", list->items[i].name);
		object_add_bool(check, "ok", list->states[i] == CHECKLIST_PASSED);
		array_append(checks, check);
	}
	return checks;
}

static struct json_object *errors_to_json(const struct checklist *list)
{
	struct fault_list all = list->faults;

	for (size_t i = 0; i < list->count; i++) {
		struct fault more;

		if (list->reason_counts[i] <= CHECKLIST_REASONS_MAX)
			continue;
		fault_set(&more, list->items[i].code, "", "%s: %zu reasons more",
			  list->items[i].name, list->reason_counts[i] - CHECKLIST_REASONS_MAX);
		fault_list_add(&all, &more);
	}
	return fault_list_to_json(&all);
}

void checklist_describe(const struct checklist *list, struct json_object *answer)
{
	bool valid = checklist_valid(list);

	object_add(answer, "checks", checks_to_json(list));
	object_add(answer, "errors", errors_to_json(list));
	object_add_string(answer, "result", valid ? "valid" : "invalid");
	object_add_bool(answer, "valid", valid);
}
