/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/monitor/relay.h"

#include "ipc/buf.h"
#include "ipc/canon.h"
#include "ipc/object.h"
#include "ipc/record.h"
#include "stages/seal/digest.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <unistd.h>

void relay_init(struct relay *relay, const char *name, struct relay_budget *budget, int source_fd,
		int log_fd, struct endpoint copy)
{
	*relay = (struct relay){
		.name = name,
		.source_fd = source_fd,
		.log_fd = log_fd,
		.copy = copy,
		.budget = budget,
		.captured = source_fd >= 0,
		.source_place = POLLSET_NOT_WAITING,
		.copy_place = POLLSET_NOT_WAITING,
	};
	if (!relay->captured)
		return;
	relay->digest = digest_new();
	relay->data = malloc(RELAY_BUFFER_SIZE); /* pages are taken as they are written to */
	if (relay->data == NULL)
		buf_no_memory();
}

static void close_source(struct relay *relay)
{
	if (relay->source_fd >= 0)
		(void)close(relay->source_fd);
	relay->source_fd = -1;
}

static void close_log(struct relay *relay)
{
	if (relay->log_fd >= 0)
		(void)close(relay->log_fd);
	relay->log_fd = -1;
}

void relay_release(struct relay *relay)
{
	close_source(relay);
	close_log(relay);
	endpoint_close(&relay->copy);
	if (relay->digest != NULL)
		digest_free(relay->digest);
	free(relay->data);
	*relay = (struct relay){.source_fd = -1, .log_fd = -1, .copy = {.fd = -1}};
}

static bool is_pending(const struct relay *relay)
{
	return relay->done < relay->len;
}

void relay_wait(struct relay *relay, struct pollset *set)
{
	relay->source_place = POLLSET_NOT_WAITING;
	relay->copy_place = POLLSET_NOT_WAITING;
	if (is_pending(relay))
		relay->copy_place = pollset_add(set, relay->copy.fd, POLLOUT);
	else if (relay->source_fd >= 0)
		relay->source_place = pollset_add(set, relay->source_fd, POLLIN);
}

static void truncate_for(struct relay *relay, enum relay_truncation reason)
{
	if (relay->truncation == RELAY_WHOLE)
		relay->truncation = reason;
}

static void drop_pending(struct relay *relay)
{
	relay->len = 0;
	relay->done = 0;
}

/* Hand on what can be; a caller that is gone ends the stream at the workload, too. */
static void flush(struct relay *relay)
{
	while (is_pending(relay)) {
		ssize_t put = endpoint_write(&relay->copy, relay->data + relay->done,
					     relay->len - relay->done);
		if (put < 0) {
			relay->copy_errno = errno == EPIPE ? 0 : errno;
			truncate_for(relay,
				     errno == EPIPE ? RELAY_CALLER_CLOSED : RELAY_CALLER_FAILED);
			endpoint_close(&relay->copy);
			close_source(relay);
			drop_pending(relay);
			return;
		}
		relay->done += (size_t)put;
		if (put == 0 || relay->copy.kind == ENDPOINT_CAREFUL)
			break;
	}
	if (!is_pending(relay))
		drop_pending(relay);
}

static void write_log(struct relay *relay, size_t len)
{
	const char *rest = relay->data;

	while (relay->log_fd >= 0 && len > 0) {
		ssize_t put = write(relay->log_fd, rest, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0) {
			relay->log_errno = errno;
			truncate_for(relay, RELAY_FILE);
			close_log(relay);
			return;
		}
		rest += put;
		len -= (size_t)put;
		relay->logged += (uint64_t)put;
	}
}

/* How much of len may be kept; what both streams keep counts. */
static size_t budget_take(struct relay_budget *budget, size_t len)
{
	uint64_t left = budget->max - budget->used;
	size_t taken = len < left ? len : (size_t)left;

	budget->used += taken;
	return taken;
}

static void read_source(struct relay *relay)
{
	ssize_t got = read(relay->source_fd, relay->data, RELAY_BUFFER_SIZE);

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0) { /* end of file; a pseudo-terminal whose last user is gone says EIO */
		close_source(relay);
		return;
	}
	digest_update(relay->digest, relay->data, (size_t)got);
	relay->bytes += (uint64_t)got;
	size_t kept = budget_take(relay->budget, (size_t)got);
	if (kept < (size_t)got)
		truncate_for(relay, RELAY_LIMIT);
	write_log(relay, kept);
	if (relay->copy.kind == ENDPOINT_NONE)
		return;
	relay->len = kept;
	if (relay->copy.kind != ENDPOINT_CAREFUL) /* that one waits for POLLOUT first */
		flush(relay);
}

void relay_run(struct relay *relay, const struct pollset *set)
{
	if (pollset_answer(set, relay->copy_place) != 0)
		flush(relay);
	else if (pollset_answer(set, relay->source_place) != 0)
		read_source(relay);
}

bool relay_done(const struct relay *relay)
{
	return relay->source_fd < 0 && !is_pending(relay);
}

bool relay_idle(const struct relay *relay, const struct pollset *set)
{
	return relay->source_place != POLLSET_NOT_WAITING &&
	       pollset_answer(set, relay->source_place) == 0;
}

void relay_abandon(struct relay *relay)
{
	relay->abandoned = true;
	close_source(relay);
}

static void add_count(struct json_object *object, const char *name, uint64_t count)
{
	object_add_integer(object, name,
			   count > CANON_INTEGER_MAX ? CANON_INTEGER_MAX : (int64_t)count);
}

struct json_object *relay_to_json(const struct relay *relay)
{
	uint8_t value[DIGEST_SIZE];
	char text[DIGEST_TEXT_SIZE];

	if (!relay->captured)
		return NULL;
	digest_value(relay->digest, value);
	digest_text(value, text);
	struct json_object *object = object_new();
	add_count(object, "bytes", relay->bytes);
	add_count(object, "loggedBytes", relay->logged);
	object_add_string(object, "sha256", text);
	object_add_bool(object, "truncated", relay->truncation != RELAY_WHOLE);
	return object;
}

static const char *reason_name(enum relay_truncation truncation)
{
	switch (truncation) {
	case RELAY_LIMIT:
		return "limit";
	case RELAY_CALLER_CLOSED:
		return "caller-closed";
	case RELAY_CALLER_FAILED:
		return "caller-failed";
	case RELAY_FILE:
		return "file";
	case RELAY_WHOLE:
		break;
	}
	return "";
}

struct json_object *relay_truncation_to_json(const struct relay *relay)
{
	struct json_object *payload = object_new();

	if (relay->budget->max == UINT64_MAX)
		object_add_null(payload, "limitBytes");
	else
		add_count(payload, "limitBytes", relay->budget->max);
	object_add_string(payload, "reason", reason_name(relay->truncation));
	object_add_string(payload, "stream", relay->name);
	return payload;
}
