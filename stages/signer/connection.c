/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/signer/connection.h"

#include "ipc/object.h"
#include "ipc/record.h"

#include <errno.h>
#include <unistd.h>

/* Best effort: a peer that is gone has no use for it. SIGPIPE is ignored in every stage. */
static bool send_packet(int fd, struct json_object *value)
{
	struct record_sink sink = {.fd = fd, .record_fd = -1};
	struct fault fault;

	return record_send(&sink, value, RECORD_EVENT_MAX, &fault) == FAULT_NONE;
}

bool connection_greet(const struct request_key *key, int fd)
{
	struct json_object *greeting OBJECT_CLEANUP = request_greeting(key);

	return send_packet(fd, greeting);
}

void connection_refuse(int fd, const struct fault *fault)
{
	struct json_object *refusal OBJECT_CLEANUP = request_refusal(fault);

	(void)send_packet(fd, refusal);
}

bool connection_answer(const struct request_key *key, int fd, connection_note *note, void *context)
{
	struct json_object *answer OBJECT_CLEANUP = NULL;
	struct request_signed done;
	struct fault fault;
	char packet[REQUEST_MAX + 1]; /* one byte more shows a packet that is too long */
	ssize_t len;

	do
		len = read(fd, packet, sizeof(packet));
	while (len < 0 && errno == EINTR);
	if (len <= 0)
		return false;
	if (request_sign(key, packet, (size_t)len, &answer, &done, &fault) == FAULT_NONE &&
	    (note == NULL || note(context, &done, &fault) == FAULT_NONE))
		return send_packet(fd, answer);
	connection_refuse(fd, &fault);
	return false;
}

bool connection_serve(const struct request_key *key, int fd)
{
	return connection_greet(key, fd) && connection_answer(key, fd, NULL, NULL);
}
