/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_INPUT_H
#define MONITOR_INPUT_H

#include "stages/monitor/endpoint.h"
#include "stages/monitor/pollset.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct digest;
struct json_object;

/*
 * The caller's stdin on its way to the workload. Nothing is taken from the caller before the
 * workload's end has room for it: what a workload does not read stays for whoever reads next.
 */
struct input {
	struct endpoint source; /* the caller's */
	int sink_fd;		/* the workload's pipe, or the pseudo-terminal; -1 when closed */
	bool is_terminal;	/* sink_fd is shared with the output relay, and not ours to close */
	bool relayed;		/* there was something to relay to */
	bool source_ready;	/* readable, waiting for room */
	bool at_line_start;
	struct digest *digest;
	uint64_t bytes; /* handed to the workload */
	char *data;
	size_t len;
	size_t done;
	nfds_t source_place;
	nfds_t sink_place;
};

#define INPUT_BUFFER_SIZE ((size_t)64 << 10)

/* sink_fd must be non-blocking. Takes over source, and sink_fd unless it is a terminal. */
void input_init(struct input *input, struct endpoint source, int sink_fd, bool is_terminal);
void input_release(struct input *input);

void input_wait(struct input *input, struct pollset *set);
void input_run(struct input *input, const struct pollset *set);

/* The workload reads no more: close both ends. */
void input_close(struct input *input);

/* A new {"bytes","sha256"}, or NULL when there was nothing to relay to. */
struct json_object *input_to_json(const struct input *input);

#endif
