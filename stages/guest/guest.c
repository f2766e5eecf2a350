/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/guest/guest.h"

#include "ipc/event.h"
#include "ipc/object.h"
#include "stages/guest/tell.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CODE	    FAULT_RUN_LAUNCH
#define PATH	    "guest"
#define SIGNAL_ROOM 4096 /* of lines that wait for a guest that does not read */
#define NS_PER_MS   1000000ULL
#define SETTLE_NS   (1000 * NS_PER_MS) /* for a reader that is slow, once the guest is silent */

enum source {
	SOURCE_LAUNCHER,
	SOURCE_LISTENERS,
	SOURCE_CONTROL = SOURCE_LISTENERS + PLACE_COUNT,
	SOURCE_OUTPUTS,
	SOURCE_PUMPS,
	SOURCE_COUNT = SOURCE_PUMPS + 2 * GUEST_PUMP_COUNT
};

void guest_init(struct guest *guest)
{
	control_init(&guest->control);
	cargo_init(&guest->cargo, guest->tree_fd);
	buf_init(&guest->to_guest, RECORD_BUNDLE_MAX + SIGNAL_ROOM);
	record_reader_init(&guest->launcher, STDIN_FILENO, RECORD_BUNDLE_MAX);
	guest->violations = array_new();
	for (unsigned i = 0; i < GUEST_PUMP_COUNT; i++)
		guest->pumps[i].from = guest->pumps[i].to = -1;
}

void guest_release(struct guest *guest)
{
	control_release(&guest->control);
	cargo_release(&guest->cargo);
	buf_release(&guest->to_guest);
	record_reader_release(&guest->launcher);
	if (guest->lines.buf.data != NULL)
		record_reader_release(&guest->lines);
	object_release(&guest->violations);
}

static void close_stream(struct guest *guest, enum place_stream stream)
{
	if (guest->place.connections[stream] >= 0)
		(void)close(guest->place.connections[stream]);
	guest->place.connections[stream] = -1;
}

/* Nobody is left to say how the command ended: what is under way gets a moment more. */
static void settle(struct guest *guest)
{
	if (guest->settle_ns == 0)
		guest->settle_ns = event_boot_ns() + SETTLE_NS;
}

/* What it must not send is kept as a fault, and nothing is read from that stream again. */
static void violate(struct guest *guest, enum place_stream stream, const struct fault *fault)
{
	struct fault named = *fault;

	/* Of a line that could not be read as a record. */
	if (named.path[0] == '\0')
		(void)snprintf(named.path, sizeof named.path, PATH ".%s", place_name(stream));
	if (json_object_array_length(guest->violations) < GUEST_VIOLATION_MAX)
		array_append(guest->violations, fault_to_json(&named));
	close_stream(guest, stream);
	if (stream == PLACE_CONTROL)
		settle(guest);
}

static void connect_pump(struct guest *guest, enum guest_pump index, int from, int to, bool to_ours)
{
	struct pump *pump = &guest->pumps[index];

	pump->from = from;
	pump->to = to;
	pump->to_ours = to_ours;
}

/* The guest reads the end of its input behind the last byte: the other direction stays open, or
 * the VMM would drop what it has not passed on yet. */
static void end_stdin(struct guest *guest)
{
	(void)shutdown(guest->place.connections[PLACE_STDIN], SHUT_WR);
	guest->pumps[GUEST_STDIN].to = -1;
}

/*
 * Not before the command runs: at an end of file QEMU takes the port's other side for gone, and a
 * guest that is still looking for its streams would wait for it.
 */
static void connect_stdin(struct guest *guest)
{
	int fd = guest->place.connections[PLACE_STDIN];

	if (fd < 0)
		return;
	connect_pump(guest, GUEST_STDIN, guest->stdin_fd, fd, true);
	if (guest->stdin_fd < 0)
		end_stdin(guest);
}

static enum fault_code on_connection(struct guest *guest, enum place_stream stream,
				     struct fault *fault)
{
	int fd;

	place_accept(&guest->place, stream);
	if (!guest->again)
		place_seal(&guest->place);
	fd = guest->place.connections[stream];
	if (fd < 0)
		return FAULT_NONE;
	switch (stream) {
	case PLACE_CONTROL:
		record_reader_init(&guest->lines, fd, CONTROL_LINE_MAX);
		return tell_connected(guest, fault);
	case PLACE_STDIN:
		if (guest->told_started)
			connect_stdin(guest);
		break;
	case PLACE_STDOUT:
		connect_pump(guest, GUEST_STDOUT, fd, guest->stdout_fd, false);
		break;
	case PLACE_STDERR:
		connect_pump(guest, GUEST_STDERR, fd, guest->stderr_fd, false);
		break;
	case PLACE_OUTPUTS:
	case PLACE_COUNT:
		break;
	}
	return FAULT_NONE;
}

/* From here on it is this machine or none. */
static void hear(struct guest *guest)
{
	guest->heard = true;
	guest->again = false;
	place_seal(&guest->place);
}

/* What the first one left goes; the job is still here, and is written from its start. */
static enum fault_code begin_again(struct guest *guest, struct fault *fault)
{
	for (unsigned stream = 0; stream < PLACE_COUNT; stream++)
		close_stream(guest, (enum place_stream)stream);
	for (unsigned i = 0; i < GUEST_PUMP_COUNT; i++)
		guest->pumps[i].from = guest->pumps[i].to = -1;
	if (guest->lines.buf.data != NULL)
		record_reader_release(&guest->lines);
	guest->lines = (struct record_reader){.fd = -1};
	guest->to_guest_at = 0;
	guest->again = false;
	return tell_again(guest, fault);
}

#define AGAIN "{\"again\":true}"

static enum fault_code on_launcher_line(struct guest *guest, const char *line, size_t len,
					struct fault *fault)
{
	if (len == strlen(AGAIN) && memcmp(line, AGAIN, len) == 0)
		return guest->again ? begin_again(guest, fault) : FAULT_NONE;
	if (len + 1 <= RECORD_BUNDLE_MAX + SIGNAL_ROOM - guest->to_guest.len) {
		buf_append(&guest->to_guest, line, len);
		buf_append(&guest->to_guest, "\n", 1);
	}
	return FAULT_NONE;
}

/* The launcher's lines go on as they are; it is the one that is believed here. */
static enum fault_code on_launcher(struct guest *guest, struct fault *fault)
{
	const char *line;
	size_t len;
	enum record_status status = record_read_once(&guest->launcher, &line, &len, CODE, fault);

	while (status == RECORD_LINE) {
		if (on_launcher_line(guest, line, len, fault) != FAULT_NONE)
			return fault->code;
		if (memchr(guest->launcher.buf.data + guest->launcher.start, '\n',
			   guest->launcher.buf.len - guest->launcher.start) == NULL)
			return FAULT_NONE;
		status = record_read_once(&guest->launcher, &line, &len, CODE, fault);
	}
	if (status == RECORD_END) {
		guest->launcher_ended = true;
		settle(guest);
	}
	return status == RECORD_FAULT ? fault->code : FAULT_NONE;
}

static void write_to_guest(struct guest *guest)
{
	ssize_t len = write(guest->place.connections[PLACE_CONTROL],
			    guest->to_guest.data + guest->to_guest_at,
			    guest->to_guest.len - guest->to_guest_at);

	if (len > 0)
		guest->to_guest_at += (size_t)len;
	/* Who does not listen any more may have said something before, which is still to be read. */
	else if (len < 0 && errno != EAGAIN && errno != EINTR)
		guest->to_guest_at = guest->to_guest.len;
	/* Until it was heard it may have been the first of two, who both need the job. */
	if (guest->heard && guest->to_guest_at == guest->to_guest.len)
		guest->to_guest.len = guest->to_guest_at = 0;
}

static enum fault_code pass_on(struct guest *guest, struct fault *fault)
{
	enum control_phase phase = guest->control.phase;
	enum fault_code code = FAULT_NONE;

	if (!guest->told_hello && phase == CONTROL_HELLO) {
		guest->told_hello = true;
		code = tell_hello(guest, fault);
	}
	if (!guest->told_started && phase == CONTROL_STARTED) {
		guest->told_started = true;
		connect_stdin(guest);
		code = tell_started(guest, fault);
	}
	if (code == FAULT_NONE && !guest->told_exited && phase == CONTROL_EXITED) {
		guest->told_exited = true;
		code = tell_exited(guest, fault);
	}
	return code;
}

/* It says no more. */
static void end_control(struct guest *guest)
{
	close_stream(guest, PLACE_CONTROL);
	if (!guest->again)
		settle(guest);
}

/* At most one read, so that no stream keeps the others waiting. */
static enum fault_code on_control(struct guest *guest, struct fault *fault)
{
	struct fault wrong;
	const char *line;
	size_t len;
	enum record_status status = record_read_once(&guest->lines, &line, &len, CODE, &wrong);

	if (status == RECORD_LINE || guest->lines.buf.len > 0)
		hear(guest);
	while (status == RECORD_LINE) {
		if (control_line(&guest->control, line, len, &wrong) != FAULT_NONE) {
			violate(guest, PLACE_CONTROL, &wrong);
			return FAULT_NONE;
		}
		if (pass_on(guest, fault) != FAULT_NONE)
			return fault->code;
		if (memchr(guest->lines.buf.data + guest->lines.start, '\n',
			   guest->lines.buf.len - guest->lines.start) == NULL)
			return FAULT_NONE;
		status = record_read_once(&guest->lines, &line, &len, CODE, &wrong);
	}
	/* A VMM that died with the job unread resets the connection: an end, and nobody's lie. */
	if (status == RECORD_FAULT && guest->heard)
		violate(guest, PLACE_CONTROL, &wrong);
	else if (status == RECORD_END || status == RECORD_FAULT)
		end_control(guest);
	return FAULT_NONE;
}

static void on_outputs(struct guest *guest)
{
	char data[16384];
	struct fault wrong;
	ssize_t len = read(guest->place.connections[PLACE_OUTPUTS], data, sizeof data);

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0) {
		close_stream(guest, PLACE_OUTPUTS);
		return;
	}
	hear(guest);
	if (guest->tree_fd < 0)
		(void)fault_set(&wrong, CODE, "guest.outputs", "nobody asked for outputs");
	else if (cargo_take(&guest->cargo, data, (size_t)len, &wrong) == FAULT_NONE)
		return;
	violate(guest, PLACE_OUTPUTS, &wrong);
}

static bool wants_lines(const struct guest *guest)
{
	enum control_phase phase = guest->control.phase;

	return phase != CONTROL_DONE && phase != CONTROL_FAILED && phase != CONTROL_BROKEN;
}

static void wait_for(struct guest *guest, struct pollfd items[SOURCE_COUNT])
{
	bool writes = guest->to_guest.len > guest->to_guest_at;

	items[SOURCE_LAUNCHER] =
		(struct pollfd){.fd = guest->launcher_ended ? -1 : STDIN_FILENO, .events = POLLIN};
	for (unsigned stream = 0; stream < PLACE_COUNT; stream++)
		items[SOURCE_LISTENERS + stream] = (struct pollfd){
			.fd = guest->place.connections[stream] < 0 ? guest->place.listeners[stream]
								   : -1,
			.events = POLLIN};
	items[SOURCE_CONTROL] = (struct pollfd){
		.fd = guest->place.connections[PLACE_CONTROL],
		.events = (short)((wants_lines(guest) ? POLLIN : 0) | (writes ? POLLOUT : 0))};
	items[SOURCE_OUTPUTS] =
		(struct pollfd){.fd = guest->place.connections[PLACE_OUTPUTS], .events = POLLIN};
	for (unsigned i = 0; i < GUEST_PUMP_COUNT; i++)
		pump_items(&guest->pumps[i], &items[SOURCE_PUMPS + 2 * i],
			   &items[SOURCE_PUMPS + 2 * i + 1]);
}

/* A reader that left: the guest's command learns it as from a closed pipe. */
static void turn_pumps(struct guest *guest, const struct pollfd items[SOURCE_COUNT])
{
	static const enum place_stream streams[GUEST_PUMP_COUNT] = {PLACE_STDIN, PLACE_STDOUT,
								    PLACE_STDERR};

	for (unsigned i = 0; i < GUEST_PUMP_COUNT; i++) {
		struct pump *pump = &guest->pumps[i];
		bool before = pump_empty(pump);

		pump_turn(pump, &items[SOURCE_PUMPS + 2 * i], &items[SOURCE_PUMPS + 2 * i + 1]);
		if (i != GUEST_STDIN && pump->bytes > 0 && !guest->heard)
			hear(guest);
		if (before || !pump_empty(pump))
			continue;
		if (i == GUEST_STDIN && pump->to >= 0)
			end_stdin(guest);
		else
			close_stream(guest, streams[i]);
	}
}

static enum fault_code dispatch(struct guest *guest, const struct pollfd items[SOURCE_COUNT],
				struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	for (unsigned stream = 0; code == FAULT_NONE && stream < PLACE_COUNT; stream++)
		if (items[SOURCE_LISTENERS + stream].revents != 0)
			code = on_connection(guest, (enum place_stream)stream, fault);
	if (items[SOURCE_LAUNCHER].revents != 0 && code == FAULT_NONE)
		code = on_launcher(guest, fault);
	if ((items[SOURCE_CONTROL].revents & POLLOUT) != 0)
		write_to_guest(guest);
	if ((items[SOURCE_CONTROL].revents & ~POLLOUT) != 0 && code == FAULT_NONE &&
	    guest->place.connections[PLACE_CONTROL] >= 0) {
		if (wants_lines(guest))
			code = on_control(guest, fault);
		else
			end_control(guest);
	}
	if (items[SOURCE_OUTPUTS].revents != 0 && guest->place.connections[PLACE_OUTPUTS] >= 0)
		on_outputs(guest);
	turn_pumps(guest, items);
	return code;
}

/* All the command wrote is with its reader, or its reader has left. */
static bool stream_delivered(const struct pump *pump, uint64_t bytes)
{
	return pump_empty(pump) || (pump->len == 0 && pump->bytes >= bytes);
}

/* done comes on another stream than the outputs it is about. */
static bool delivered(const struct guest *guest)
{
	const struct control *control = &guest->control;
	bool outputs = control->entries == 0 || guest->cargo.ended ||
		       guest->place.connections[PLACE_OUTPUTS] < 0;

	if (control->phase != CONTROL_FAILED && !(control->phase == CONTROL_DONE && outputs))
		return false;
	return stream_delivered(&guest->pumps[GUEST_STDOUT], control->stdout_bytes) &&
	       stream_delivered(&guest->pumps[GUEST_STDERR], control->stderr_bytes);
}

/* Every stream is at its end, and what came has been passed on. */
static bool settled(const struct guest *guest)
{
	return guest->place.connections[PLACE_CONTROL] < 0 &&
	       guest->place.connections[PLACE_OUTPUTS] < 0 &&
	       pump_empty(&guest->pumps[GUEST_STDOUT]) && pump_empty(&guest->pumps[GUEST_STDERR]);
}

/* For poll(2): -1 while somebody can still say how it ended, 0 when nothing is waited for. */
static int patience_ms(const struct guest *guest)
{
	uint64_t now_ns = event_boot_ns();

	if (guest->settle_ns == 0)
		return -1;
	if (settled(guest) || now_ns >= guest->settle_ns)
		return 0;
	return (int)((guest->settle_ns - now_ns) / NS_PER_MS) + 1;
}

enum fault_code guest_run(struct guest *guest, struct fault *fault)
{
	struct pollfd items[SOURCE_COUNT];
	enum fault_code code = tell_listening(guest, fault);
	int wait_ms = -1;

	while (code == FAULT_NONE && !delivered(guest) && (wait_ms = patience_ms(guest)) != 0) {
		int ready;

		wait_for(guest, items);
		ready = poll(items, SOURCE_COUNT, wait_ms);
		if (ready < 0 && errno != EINTR)
			return fault_set_errno(fault, CODE, errno, PATH, "poll");
		if (ready > 0)
			code = dispatch(guest, items, fault);
	}
	if (code == FAULT_NONE && delivered(guest))
		tell_received(guest);
	return code == FAULT_NONE ? tell_final(guest, fault) : code;
}
