/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/init/relay.h"

#include "stages/init/job.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "init.relay"

enum way { WAY_STDIN, WAY_STDOUT, WAY_STDERR, WAY_COUNT };

struct stream {
	int *from, *to; /* -1: no more to read; nobody to write to */
	size_t start, len;
	uint64_t *count;
	char data[RELAY_SIZE];
};

struct relaying {
	struct relay *relay;
	struct command *command;
	struct record_reader *control;
	int ports[PORT_COUNT]; /* -1 once a stream is at its end; they stay open */
	struct stream ways[WAY_COUNT];
	bool host_gone;
};

static int make_pipe(int *read_end, int *write_end)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	*read_end = ends[0];
	*write_end = ends[1];
	return 0;
}

enum fault_code relay_open(struct relay *relay, struct plan *plan, struct fault *fault)
{
	*relay = (struct relay){.stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1};
	plan->stdin_fd = plan->stdout_fd = plan->stderr_fd = plan->pty_fd = -1;
	if (make_pipe(&relay->stdout_fd, &plan->stdout_fd) < 0 ||
	    make_pipe(&relay->stderr_fd, &plan->stderr_fd) < 0 ||
	    (!plan->stdin_none && make_pipe(&plan->stdin_fd, &relay->stdin_fd) < 0))
		return fault_set_errno(fault, CODE, errno, PATH, "cannot make a pipe");
	/* Ours must not wait for a command that does not read. */
	if (relay->stdin_fd >= 0 && fcntl(relay->stdin_fd, F_SETFL, O_NONBLOCK) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "fcntl");
	return FAULT_NONE;
}

void relay_started(struct plan *plan)
{
	descriptor_close(&plan->stdin_fd);
	descriptor_close(&plan->stdout_fd);
	descriptor_close(&plan->stderr_fd);
}

static bool wants_more(const struct stream *stream)
{
	return stream->len == 0 && *stream->from >= 0 && *stream->to >= 0;
}

/* Nobody reads any more: the other side learns it as from any closed pipe. */
static void give_up(struct stream *stream, bool closes_from)
{
	stream->len = 0;
	if (closes_from)
		descriptor_close(stream->from);
	else
		*stream->from = -1;
}

static void fill(struct stream *stream)
{
	ssize_t len = read(*stream->from, stream->data, sizeof stream->data);

	if (len > 0) {
		stream->start = 0;
		stream->len = (size_t)len;
	} else if (len == 0 || (errno != EAGAIN && errno != EINTR)) {
		*stream->from = -1;
	}
}

static void drain(struct stream *stream, bool closes_from)
{
	ssize_t len = write(*stream->to, stream->data + stream->start, stream->len);

	if (len > 0) {
		stream->start += (size_t)len;
		stream->len -= (size_t)len;
		if (stream->count != NULL)
			*stream->count += (uint64_t)len;
	} else if (errno != EAGAIN && errno != EINTR) {
		give_up(stream, closes_from);
	}
}

/* One direction with its two poll items. A port's side is never closed: others use the device. */
static void move(struct stream *stream, const struct pollfd *from, const struct pollfd *to,
		 bool to_port)
{
	if (from->revents != 0 && wants_more(stream))
		fill(stream);
	if (to->revents != 0 && stream->len > 0) {
		if (to_port && (to->revents & POLLHUP) != 0)
			give_up(stream, true);
		else
			drain(stream, to_port);
	}
	/* The host's end of file is the command's. */
	if (!to_port && *stream->from < 0 && stream->len == 0)
		descriptor_close(stream->to);
}

static void on_line(struct relaying *state, const char *line, size_t len)
{
	int number;

	if (job_signal(line, len, &number))
		command_signal(state->command, number);
}

static void on_control(struct relaying *state)
{
	struct fault fault;
	const char *line;
	size_t len;
	enum record_status status;

	while ((status = record_read_once(state->control, &line, &len, CODE, &fault)) ==
	       RECORD_LINE)
		on_line(state, line, len);
	state->host_gone |= status == RECORD_END || status == RECORD_FAULT;
}

static short when(bool condition, short events)
{
	return condition ? events : 0;
}

static struct pollfd item(int fd, short events)
{
	return (struct pollfd){.fd = events != 0 ? fd : -1, .events = events};
}

static bool finished(const struct relaying *state)
{
	if (!state->command->ended)
		return false;
	for (unsigned way = WAY_STDOUT; way < WAY_COUNT; way++)
		if (*state->ways[way].from >= 0 || state->ways[way].len > 0)
			return false;
	return true;
}

static enum fault_code turn(struct relaying *state, struct fault *fault)
{
	struct pollfd items[2 * WAY_COUNT + 2];
	bool running = !state->command->ended;

	for (unsigned way = 0; way < WAY_COUNT; way++) {
		const struct stream *stream = &state->ways[way];

		items[2 * way] = item(*stream->from, when(wants_more(stream), POLLIN));
		items[2 * way + 1] = item(*stream->to, when(stream->len > 0, POLLOUT));
	}
	items[2 * WAY_COUNT] = item(state->ports[PORT_CONTROL], POLLIN);
	items[2 * WAY_COUNT + 1] = item(state->command->init_fd, when(running, POLLIN));
	if (poll(items, sizeof items / sizeof items[0], -1) < 0 && errno != EINTR)
		return fault_set_errno(fault, CODE, errno, PATH, "poll");
	for (unsigned way = 0; way < WAY_COUNT; way++)
		move(&state->ways[way], &items[2 * way], &items[2 * way + 1], way != WAY_STDIN);
	if (items[2 * WAY_COUNT].revents != 0)
		on_control(state);
	if (items[2 * WAY_COUNT + 1].revents != 0)
		command_hear(state->command);
	return state->host_gone ? fault_set(fault, CODE, PATH,
					    "the host has closed the control "
					    "stream")
				: FAULT_NONE;
}

enum fault_code relay_run(struct relay *relay, struct command *command, const int ports[PORT_COUNT],
			  struct record_reader *control, struct fault *fault)
{
	/* 192 KiB: not on the stack. */
	static struct relaying state;
	enum fault_code code = FAULT_NONE;

	state.relay = relay;
	state.command = command;
	state.control = control;
	memcpy(state.ports, ports, sizeof state.ports);
	state.ways[WAY_STDIN].from = &state.ports[PORT_STDIN];
	state.ways[WAY_STDIN].to = &relay->stdin_fd;
	state.ways[WAY_STDOUT].from = &relay->stdout_fd;
	state.ways[WAY_STDOUT].to = &state.ports[PORT_STDOUT];
	state.ways[WAY_STDOUT].count = &relay->stdout_bytes;
	state.ways[WAY_STDERR].from = &relay->stderr_fd;
	state.ways[WAY_STDERR].to = &state.ports[PORT_STDERR];
	state.ways[WAY_STDERR].count = &relay->stderr_bytes;
	while (code == FAULT_NONE && !finished(&state))
		code = turn(&state, fault);
	return code;
}
