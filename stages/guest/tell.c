/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/guest/tell.h"

#include "ipc/object.h"
#include "stages/guest/guest.h"

#include <json-c/json.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static enum fault_code tell(const struct guest *guest, struct json_object *record,
			    struct fault *fault)
{
	struct json_object *owned OBJECT_CLEANUP = record;

	return record_send(&guest->out, owned, RECORD_EVENT_MAX, fault);
}

static struct json_object *record_new(const char *type)
{
	struct json_object *record = object_new();

	object_add_string(record, "observedBy", "guest");
	object_add_string(record, "type", type);
	return record;
}

enum fault_code tell_listening(const struct guest *guest, struct fault *fault)
{
	return tell(guest, record_new("listening"), fault);
}

enum fault_code tell_again(const struct guest *guest, struct fault *fault)
{
	return tell(guest, record_new("again"), fault);
}

enum fault_code tell_connected(const struct guest *guest, struct fault *fault)
{
	return tell(guest, record_new("connected"), fault);
}

enum fault_code tell_hello(const struct guest *guest, struct fault *fault)
{
	struct json_object *record = record_new("hello");

	object_add_shared(record, "guest", guest->control.guest);
	return tell(guest, record, fault);
}

enum fault_code tell_started(const struct guest *guest, struct fault *fault)
{
	struct json_object *record = record_new("started");

	object_add_shared(record, "guest", guest->control.guest);
	return tell(guest, record, fault);
}

enum fault_code tell_exited(const struct guest *guest, struct fault *fault)
{
	struct json_object *record = record_new("exited");

	object_add_shared(record, "exit", guest->control.exit);
	return tell(guest, record, fault);
}

/*
 * The guest waits for this before it ends the machine: what its writes left in the VMM's hands would
 * end with the VMM. A guest that is told nothing takes the end of the stream for it.
 */
#define RECEIVED    "{\"received\":true}\n"
#define RECEIVED_MS 1000

void tell_received(const struct guest *guest)
{
	struct pollfd item = {.fd = guest->place.connections[PLACE_CONTROL], .events = POLLOUT};

	if (item.fd >= 0 && guest->control.phase == CONTROL_DONE && poll(&item, 1, RECEIVED_MS) > 0)
		(void)!write(item.fd, RECEIVED, strlen(RECEIVED));
}

static struct json_object *describe_outputs(const struct guest *guest)
{
	struct json_object *outputs = object_new();
	const struct cargo *cargo = &guest->cargo;
	const struct control *control = &guest->control;
	bool agreed =
		control->phase != CONTROL_DONE || (uint64_t)control->entries == cargo->entries;
	/* That there are none may be said before the end of the stream that has none is here. */
	bool none = control->phase == CONTROL_DONE && control->entries == 0;

	object_add_bool(outputs, "complete", agreed && (none || (cargo->ended && !cargo->full)));
	object_add_integer(outputs, "entries", (int64_t)guest->cargo.entries);
	object_add_integer(outputs, "skipped", (int64_t)guest->cargo.skipped);
	return outputs;
}

static void add_or_null(struct json_object *object, const char *name, struct json_object *value)
{
	if (value != NULL)
		object_add_shared(object, name, value);
	else
		object_add_null(object, name);
}

enum fault_code tell_final(const struct guest *guest, struct fault *fault)
{
	const struct control *control = &guest->control;
	struct json_object *record = record_new("final");

	add_or_null(record, "exit", control->exit);
	add_or_null(record, "guest", control->guest);
	object_add_integer(record, "oomKills", control->oom_kills);
	object_add(record, "outputs", describe_outputs(guest));
	object_add_integer(record, "pidsMaxHits", control->pids_refused);
	add_or_null(record, "rusage", control->rusage);
	object_add_string(record, "schemaVersion", "safe-run.guest/v1");
	add_or_null(record, "setup", control->setup);
	object_add_shared(record, "violations", guest->violations);
	return tell(guest, record, fault);
}
