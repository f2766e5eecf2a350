/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/egress/connection.h"

#include "ipc/buf.h"
#include "stages/egress/gate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ORIGINAL_DST 80 /* SO_ORIGINAL_DST, linux/netfilter_ipv4.h */

static void forget(struct connection *connection)
{
	if (connection->client_fd >= 0)
		close(connection->client_fd);
	if (connection->server_fd >= 0)
		close(connection->server_fd);
	pump_close(&connection->up);
	pump_close(&connection->down);
	free(connection->buffer);
	*connection = (struct connection){
		.client_fd = -1, .server_fd = -1, .up = PUMP_NONE, .down = PUMP_NONE};
}

/* Linger of no time: close sends a reset, and nothing is left in TIME_WAIT. */
static void reset_on_close(int fd)
{
	const struct linger none = {.l_onoff = 1, .l_linger = 0};

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none) < 0)
		return; /* then it is an orderly end, and an end all the same */
}

void connection_reset(struct connection *connection)
{
	reset_on_close(connection->client_fd);
	reset_on_close(connection->server_fd);
	forget(connection);
}

/*
 * Where the connection went before the filter turned it here. The kernel keeps it with the
 * connection it tracks in the run's network namespace, whose socket this is.
 */
static bool read_destination(struct connection *connection)
{
	struct sockaddr_in original = {.sin_family = AF_INET};
	socklen_t len = sizeof original;

	if (getsockopt(connection->client_fd, IPPROTO_IP, ORIGINAL_DST, &original, &len) < 0 ||
	    original.sin_family != AF_INET)
		return false;
	connection->address = ntohl(original.sin_addr.s_addr);
	connection->port = ntohs(original.sin_port);
	return true;
}

void connection_accept(struct connection *connection, struct connection_world *world, int fd,
		       enum reason why, uint64_t now_ms)
{
	*connection = (struct connection){.state = CONNECTION_READING,
					  .client_fd = fd,
					  .server_fd = -1,
					  .until_ms = now_ms + CONNECTION_START_MS,
					  .up = PUMP_NONE,
					  .down = PUMP_NONE};
	if ((!read_destination(connection) || !book_has_port(world->book, connection->port)) &&
	    why == REASON_NONE)
		why = REASON_NOT_REDIRECTED;
	if (why != REASON_NONE) {
		gate_refuse(connection, world, "", why);
		return;
	}
	connection->buffer = malloc(CONNECTION_BUFFER);
	if (connection->buffer == NULL)
		buf_no_memory();
}

/* More of what the client says, as much as there is room for. false: the connection is broken. */
static bool receive(struct connection *connection, uint64_t now_ms)
{
	ssize_t len;

	if (connection->client_ended || connection->len == CONNECTION_BUFFER)
		return true;
	len = recv(connection->client_fd, connection->buffer + connection->len,
		   CONNECTION_BUFFER - connection->len, MSG_DONTWAIT);
	if (len < 0)
		return errno == EAGAIN || errno == EINTR;
	connection->client_ended = len == 0;
	connection->len += (size_t)len;
	if (len > 0 && connection->state > CONNECTION_CONNECTING)
		connection->until_ms = now_ms + CONNECTION_IDLE_MS;
	return true;
}

static void go_onwards(struct connection *connection, uint64_t now_ms)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
					    .sin_port = htons((uint16_t)connection->port),
					    .sin_addr.s_addr = htonl(connection->address)};
	const int one = 1;

	connection->state = CONNECTION_CONNECTING;
	connection->until_ms = now_ms + CONNECTION_START_MS;
	connection->server_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connection->server_fd < 0 ||
	    setsockopt(connection->server_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0 ||
	    setsockopt(connection->client_fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0 ||
	    (connect(connection->server_fd, (const struct sockaddr *)&address, sizeof address) <
		     0 &&
	     errno != EINPROGRESS))
		connection_reset(connection);
}

static void step_reading(struct connection *connection, struct connection_world *world,
			 uint64_t now_ms)
{
	gate_first(connection, world);
	if (connection->state == CONNECTION_READING && connection->rule != NULL)
		go_onwards(connection, now_ms);
	/* Whoever ends before he has said anything is no attempt to get anywhere. */
	if (connection->state == CONNECTION_READING && connection->client_ended) {
		if (connection->len == 0)
			forget(connection);
		else
			gate_refuse(connection, world, "",
				    connection->port == GATE_HTTP ? REASON_NOT_HTTP
								  : REASON_HELLO_MALFORMED);
	}
}

static bool connected(const struct connection *connection)
{
	int error_number = 0;
	socklen_t len = sizeof error_number;

	return getsockopt(connection->server_fd, SOL_SOCKET, SO_ERROR, &error_number, &len) == 0 &&
	       error_number == 0;
}

static void step_connecting(struct connection *connection, uint64_t now_ms)
{
	struct pollfd wait = {.fd = connection->server_fd, .events = POLLOUT};

	if (poll(&wait, 1, 0) != 1)
		return;
	if (!connected(connection) || pump_open(&connection->up) < 0 ||
	    pump_open(&connection->down) < 0) {
		connection_reset(connection);
		return;
	}
	connection->until_ms = now_ms + CONNECTION_IDLE_MS;
	connection->state =
		connection->port == GATE_HTTP ? CONNECTION_CHECKING : CONNECTION_LOOKING;
}

/* Send what may pass. false: the connection is broken. */
static bool send_passed(struct connection *connection)
{
	ssize_t len = 0;

	if (connection->passed > 0)
		len = send(connection->server_fd, connection->buffer, connection->passed,
			   MSG_DONTWAIT | MSG_NOSIGNAL);
	if (len < 0)
		return errno == EAGAIN || errno == EINTR;
	memmove(connection->buffer, connection->buffer + len, connection->len - (size_t)len);
	connection->len -= (size_t)len;
	connection->passed -= (size_t)len;
	connection->count->bytes_out += (uint64_t)len;
	if (connection->client_ended && connection->passed == 0 && !connection->server_told) {
		connection->server_told = true;
		return shutdown(connection->server_fd, SHUT_WR) == 0 || errno == ENOTCONN;
	}
	return true;
}

/* From the client to the server, and how far that goes is what the state says. */
static bool step_up(struct connection *connection, struct connection_world *world, uint64_t now_ms)
{
	const uint64_t before = connection->count->bytes_out;

	if (connection->state != CONNECTION_PASSING && !receive(connection, now_ms))
		return false;
	gate_next(connection, world);
	if (connection->state == CONNECTION_FREE)
		return true;
	if (connection->buffer != NULL && !send_passed(connection))
		return false;
	if (connection->state == CONNECTION_PASSING && connection->len == 0) {
		free(connection->buffer);
		connection->buffer = NULL;
		connection->up.at_end = connection->client_ended;
		if (pump_step(&connection->up, connection->client_fd, connection->server_fd,
			      &connection->count->bytes_out) < 0)
			return false;
	}
	if (connection->count->bytes_out != before)
		connection->until_ms = now_ms + CONNECTION_IDLE_MS;
	return true;
}

static bool step_down(struct connection *connection, uint64_t now_ms)
{
	const uint64_t before = connection->count->bytes_in;

	if (pump_step(&connection->down, connection->server_fd, connection->client_fd,
		      &connection->count->bytes_in) < 0)
		return false;
	if (connection->count->bytes_in != before)
		connection->until_ms = now_ms + CONNECTION_IDLE_MS;
	return true;
}

static void step_open(struct connection *connection, struct connection_world *world,
		      uint64_t now_ms)
{
	bool up_ended;

	if (!step_up(connection, world, now_ms)) {
		connection_reset(connection);
		return;
	}
	if (connection->state == CONNECTION_FREE)
		return;
	if (!step_down(connection, now_ms)) {
		connection_reset(connection);
		return;
	}
	up_ended = connection->up.shut || connection->server_told;
	if (up_ended && connection->down.shut)
		forget(connection);
}

void connection_step(struct connection *connection, struct connection_world *world, uint64_t now_ms)
{
	if (connection->state == CONNECTION_READING) {
		if (!receive(connection, now_ms)) {
			connection_reset(connection);
			return;
		}
		step_reading(connection, world, now_ms);
	}
	if (connection->state == CONNECTION_CONNECTING)
		step_connecting(connection, now_ms);
	if (connection->state >= CONNECTION_LOOKING)
		step_open(connection, world, now_ms);
	if (connection->state == CONNECTION_READING && now_ms >= connection->until_ms)
		gate_refuse(connection, world, "", REASON_SILENT);
	else if (connection->state != CONNECTION_FREE && now_ms >= connection->until_ms)
		connection_reset(connection);
}

struct connection_wait connection_wait(const struct connection *connection)
{
	struct connection_wait wait = {.client_fd = connection->client_fd,
				       .server_fd = connection->server_fd};
	const bool reading = connection->state != CONNECTION_PASSING && !connection->client_ended &&
			     connection->len < CONNECTION_BUFFER;

	switch (connection->state) {
	case CONNECTION_FREE:
		break;
	case CONNECTION_READING:
		wait.client_events = POLLIN;
		break;
	case CONNECTION_CONNECTING:
		wait.server_events = POLLOUT;
		break;
	case CONNECTION_LOOKING:
	case CONNECTION_CHECKING:
	case CONNECTION_PASSING:
		if (reading || (connection->buffer == NULL && pump_wants_input(&connection->up)))
			wait.client_events |= POLLIN;
		if (connection->passed > 0 || pump_wants_output(&connection->up))
			wait.server_events |= POLLOUT;
		if (pump_wants_input(&connection->down))
			wait.server_events |= POLLIN;
		if (pump_wants_output(&connection->down))
			wait.client_events |= POLLOUT;
		break;
	}
	/* Without an event asked for, poll(2) would still tell of a hang-up, again and again. */
	if (wait.client_events == 0)
		wait.client_fd = -1;
	if (wait.server_events == 0)
		wait.server_fd = -1;
	return wait;
}
