/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/signer/service.h"

#include "ipc/event.h"
#include "ipc/object.h"
#include "stages/signer/connection.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Below the limit on descriptors (sandbox/profiles.c); whoever comes later waits in the backlog. */
#define CONNECTIONS_MAX 400

struct peer {
	uid_t uid;
	pid_t pid;
};

struct service {
	const struct request_key *key;
	const struct service_uids *allowed;
	const struct record_sink *log;
	struct pollfd polled[1 + CONNECTIONS_MAX]; /* the listening socket first */
	struct peer peers[1 + CONNECTIONS_MAX];
	size_t count;
};

struct signing_peer {
	const struct service *service;
	const struct peer *peer;
};

/* A signature nobody can look up was never given: no log, no signature. */
static enum fault_code log_signed(void *context, const struct request_signed *done,
				  struct fault *fault)
{
	const struct signing_peer *signing = context;
	struct json_object *line OBJECT_CLEANUP = object_new();
	char now[EVENT_TIMESTAMP_SIZE];

	event_timestamp_now(now);
	object_add_string(line, "keyid", signing->service->key->keyid);
	object_add_integer(line, "pid", signing->peer->pid);
	object_add_string(line, "reportSha256", done->report_sha256);
	object_add_string(line, "runId", done->run_id);
	object_add_string(line, "signedAt", now);
	object_add_integer(line, "uid", signing->peer->uid);
	return record_send(signing->service->log, line, RECORD_EVENT_MAX, fault);
}

static bool admits(const struct service_uids *allowed, uid_t uid)
{
	for (size_t i = 0; i < allowed->count; i++)
		if (allowed->uids[i] == uid)
			return true;
	return false;
}

static void drop(struct service *service, size_t index)
{
	close(service->polled[index].fd);
	service->count--;
	service->polled[index] = service->polled[service->count];
	service->peers[index] = service->peers[service->count];
}

static void take_connection(struct service *service, int fd)
{
	struct ucred credentials;
	socklen_t len = sizeof(credentials);
	struct fault fault;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) == 0 &&
	    len == sizeof(credentials) && admits(service->allowed, credentials.uid)) {
		if (!connection_greet(service->key, fd)) {
			close(fd);
			return;
		}
		service->polled[service->count] = (struct pollfd){.fd = fd, .events = POLLIN};
		service->peers[service->count] =
			(struct peer){.uid = credentials.uid, .pid = credentials.pid};
		service->count++;
		return;
	}
	fault_set(&fault, FAULT_REPORT_SIGNATURE, "signer",
		  "uid %u may not ask this signer; its --allow-uid decides",
		  (unsigned int)credentials.uid);
	connection_refuse(fd, &fault);
	close(fd);
}

/* From the last to the first, so that drop moves only what has been looked at. */
static void serve(struct service *service)
{
	for (size_t i = service->count; i-- > 1;) {
		if (service->polled[i].revents == 0)
			continue;
		(void)connection_answer(service->key, service->polled[i].fd, log_signed,
					&(struct signing_peer){service, &service->peers[i]});
		drop(service, i);
	}
}

static enum fault_code listen_once(struct service *service, struct fault *fault)
{
	int fd;

	/* A negative descriptor is passed over: nobody new while there is no room. */
	service->polled[0].events = service->count <= CONNECTIONS_MAX ? POLLIN : 0;
	if (poll(service->polled, service->count, -1) < 0)
		return errno == EINTR
			       ? FAULT_NONE
			       : fault_set_errno(fault, FAULT_HOST_LACKS, errno, "signer", "poll");
	serve(service);
	if ((service->polled[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0)
		return fault_set(fault, FAULT_HOST_LACKS, "signer", "the socket was closed");
	if (service->polled[0].revents == 0 || service->count > CONNECTIONS_MAX)
		return FAULT_NONE;
	fd = accept4(service->polled[0].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		take_connection(service, fd);
	else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		return fault_set_errno(fault, FAULT_HOST_LACKS, errno, "signer", "accept");
	return FAULT_NONE;
}

void service_listen(const struct request_key *key, int listen_fd,
		    const struct service_uids *allowed, const struct record_sink *log,
		    struct fault *fault)
{
	struct service *service = calloc(1, sizeof(*service));

	if (service == NULL)
		buf_no_memory();
	service->key = key;
	service->allowed = allowed;
	service->log = log;
	service->polled[0] = (struct pollfd){.fd = listen_fd, .events = POLLIN};
	service->count = 1;
	while (listen_once(service, fault) == FAULT_NONE)
		;
	while (service->count > 1)
		drop(service, service->count - 1);
	free(service);
}
