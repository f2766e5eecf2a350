/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/launch/machine_part.h"

#include <json-c/json.h>
#include <string.h>

#define CODE	      FAULT_RUN_LAUNCH
#define VIOLATION_MAX 8
#define TEXT_MAX      128

/* From one moment to another; null where one of them did not come. */
static void add_span(struct json_object *object, const char *name, uint64_t from_ns, uint64_t to_ns)
{
	if (from_ns != 0 && to_ns >= from_ns)
		object_add_decimal(object, name, to_ns - from_ns);
	else
		object_add_null(object, name);
}

void machine_add_phases(const struct machine *machine, struct json_object *object)
{
	const struct machine_times *times = &machine->times;
	struct json_object *phases = object_new();
	uint64_t images_ns = times->images_ns - times->images_from_ns;

	add_span(phases, "commandNs", machine->boot_ns, times->exited_ns);
	add_span(phases, "deliveryNs", times->exited_ns, times->final_ns);
	add_span(phases, "imagesNs", times->images_from_ns, times->images_ns);
	add_span(phases, "initNs", times->hello_ns, machine->boot_ns);
	add_span(phases, "kernelNs", times->connected_ns, times->hello_ns);
	add_span(phases, "preflightNs", times->asked_ns, times->known_ns);
	add_span(phases, "sandboxNs", times->known_ns + images_ns, machine->exec_ns);
	add_span(phases, "shutdownNs", times->final_ns, times->vmm_ended_ns);
	add_span(phases, "vmmNs", machine->exec_ns, times->connected_ns);
	object_add(object, "phases", phases);
}

static void add_number(struct json_object *guest, struct json_object *told, const char *name)
{
	struct json_object *value = object_member(told, name);
	int64_t number =
		json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;

	if (number >= 0 && number <= CANON_INTEGER_MAX)
		object_add_integer(guest, name, number);
	else
		object_add_null(guest, name);
}

static void add_text(struct json_object *guest, struct json_object *told, const char *name)
{
	const char *text = object_text(told, name);

	object_add_escaped(guest, name, text, strnlen(text, TEXT_MAX));
}

void machine_add_guest(const struct machine *machine, struct json_object *object)
{
	struct json_object *told = object_member(machine->final, "guest");
	struct json_object *guest;

	if (!json_object_is_type(told, json_type_object)) {
		object_add_null(object, "guest");
		return;
	}
	guest = object_new();
	add_number(guest, told, "bootMs");
	add_number(guest, told, "initMs");
	add_number(guest, told, "kernelMs");
	object_add_string(guest, "observedBy", "guest");
	add_text(guest, told, "release");
	add_text(guest, told, "version");
	object_add(object, "guest", guest);
}

/* Through a fault: cut to its sizes, control bytes escaped. */
static void take_violation(struct json_object *told, struct fault *violation)
{
	enum fault_code code = fault_code_parse(object_text(told, "code"));

	(void)fault_set(violation, code == FAULT_NONE ? CODE : code, object_text(told, "path"),
			"%s", object_text(told, "message"));
}

static size_t count_violations(const struct machine *machine, struct json_object **list)
{
	size_t count;

	*list = object_member(machine->final, "violations");
	if (!json_object_is_type(*list, json_type_array))
		return 0;
	count = json_object_array_length(*list);
	return count < VIOLATION_MAX ? count : VIOLATION_MAX;
}

bool machine_violation(const struct machine *machine, struct fault *violation)
{
	struct json_object *list;

	if (count_violations(machine, &list) == 0)
		return false;
	take_violation(json_object_array_get_idx(list, 0), violation);
	return true;
}

void machine_add_violations(const struct machine *machine, struct json_object *object)
{
	struct json_object *array = array_new(), *list;
	size_t count = count_violations(machine, &list);

	for (size_t i = 0; i < count; i++) {
		struct fault violation;

		take_violation(json_object_array_get_idx(list, i), &violation);
		array_append(array, fault_to_json(&violation));
	}
	object_add(object, "violations", array);
}
