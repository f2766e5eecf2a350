/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/resolve/batch.h"

#include "ipc/buf.h"
#include "ipc/object.h"
#include "stages/resolve/lookup.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

struct slot {
	struct lookup lookup;
	size_t index; /* of its host */
	bool used;
};

struct batch {
	const struct request *request;
	const struct resolv_conf *conf;
	struct json_object *answers;
	struct fault_list *faults;
	struct slot slots[BATCH_MAX];
	size_t next, open;
	uint64_t until_ms;
};

static struct json_object *answer_of(const struct lookup *lookup)
{
	struct json_object *answer = object_new();
	struct json_object *addresses = array_new();
	char text[REACH_TEXT_SIZE];

	for (size_t i = 0; i < lookup->addresses.count; i++) {
		reach_address_text(lookup->addresses.items[i], text);
		array_append_string(addresses, text);
	}
	object_add(answer, "addresses", addresses);
	object_add_string(answer, "host", lookup->name);
	object_add_integer(answer, "ttl", lookup->addresses.ttl);
	return answer;
}

static void settle(struct batch *batch, struct slot *slot)
{
	struct fault fault;

	if (slot->lookup.outcome == LOOKUP_FOUND) {
		if (json_object_array_put_idx(batch->answers, slot->index,
					      answer_of(&slot->lookup)) < 0)
			buf_no_memory();
	} else {
		lookup_fault(&slot->lookup, &fault);
		fault_list_add(batch->faults, &fault);
	}
	lookup_release(&slot->lookup);
	slot->used = false;
	batch->open--;
}

static void fill(struct batch *batch, uint64_t now_ms)
{
	for (size_t i = 0; i < BATCH_MAX && batch->next < batch->request->host_count; i++) {
		struct slot *slot = &batch->slots[i];

		if (slot->used)
			continue;
		slot->used = true;
		slot->index = batch->next++;
		batch->open++;
		lookup_start(&slot->lookup, batch->request->hosts[slot->index], batch->conf,
			     &batch->request->reach, now_ms, batch->until_ms);
	}
}

static int wait_ms(const struct batch *batch, uint64_t now_ms)
{
	uint64_t soonest = now_ms + INT_MAX;

	for (size_t i = 0; i < BATCH_MAX; i++) {
		const struct slot *slot = &batch->slots[i];
		const uint64_t due = !slot->used || slot->lookup.outcome == LOOKUP_PENDING
					     ? lookup_expires(&slot->lookup)
					     : now_ms;

		if (slot->used && due < soonest)
			soonest = due;
	}
	return soonest <= now_ms ? 0 : (int)(soonest - now_ms);
}

/* One poll over all that wait; POLLNVAL and its like are answers too, and end a try. */
static void turn(struct batch *batch)
{
	struct pollfd entries[BATCH_MAX];
	uint64_t now_ms = lookup_now_ms();

	for (size_t i = 0; i < BATCH_MAX; i++) {
		const struct slot *slot = &batch->slots[i];

		entries[i] =
			(struct pollfd){.fd = slot->used ? lookup_fd(&slot->lookup) : -1,
					.events = slot->used ? lookup_events(&slot->lookup) : 0};
	}
	if (poll(entries, BATCH_MAX, wait_ms(batch, now_ms)) < 0 && errno != EINTR)
		memset(entries, 0, sizeof entries);
	now_ms = lookup_now_ms();
	for (size_t i = 0; i < BATCH_MAX; i++) {
		struct slot *slot = &batch->slots[i];

		if (slot->used &&
		    lookup_step(&slot->lookup, entries[i].revents, now_ms) != LOOKUP_PENDING)
			settle(batch, slot);
	}
	fill(batch, now_ms);
}

struct json_object *batch_resolve(const struct request *request, const struct resolv_conf *conf,
				  struct fault_list *faults)
{
	struct batch *batch = calloc(1, sizeof *batch);
	struct json_object *answers = array_new();
	const uint64_t now_ms = lookup_now_ms();

	if (batch == NULL)
		buf_no_memory();
	batch->request = request;
	batch->conf = conf;
	batch->answers = answers;
	batch->faults = faults;
	batch->until_ms = now_ms + (uint64_t)request->timeout_ms;
	fill(batch, now_ms);
	while (batch->open > 0)
		turn(batch);
	free(batch);
	return answers;
}
