/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/egress/tally.h"

#include "ipc/object.h"
#include "stages/resolve/reach.h"

#include <string.h>

void tally_add(struct tally *tally, int64_t index, uint32_t address, unsigned port,
	       const char *name, enum reason reason)
{
	struct tally_entry *entry = tally->entries;

	for (size_t i = 0; i < tally->count; i++, entry++) {
		if (entry->index == index && entry->address == address && entry->port == port &&
		    entry->reason == reason && strcmp(entry->name, name) == 0) {
			entry->count++;
			return;
		}
	}
	if (tally->count == TALLY_MAX) {
		tally->overflow++;
		return;
	}
	*entry = (struct tally_entry){index, address, port, reason, 1, ""};
	(void)memccpy(entry->name, name, '\0', sizeof entry->name - 1);
	tally->count++;
}

struct json_object *tally_to_json(const struct tally *tally)
{
	struct json_object *list = array_new();
	char text[REACH_TEXT_SIZE];

	for (size_t i = 0; i < tally->count; i++) {
		const struct tally_entry *entry = &tally->entries[i];
		struct json_object *item = object_new();

		reach_address_text(entry->address, text);
		object_add_integer(item, "count", (int64_t)entry->count);
		object_add_string(item, "destination", text);
		if (entry->index == TALLY_NO_RULE)
			object_add_null(item, "index");
		else
			object_add_integer(item, "index", entry->index);
		object_add_string(item, "name", entry->name);
		object_add_integer(item, "port", entry->port);
		object_add_string(item, "reason", reason_name(entry->reason));
		array_append(list, item);
	}
	return list;
}
