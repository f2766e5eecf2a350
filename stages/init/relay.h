/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INIT_RELAY_H
#define INIT_RELAY_H

#include "ipc/fault.h"
#include "ipc/record.h"
#include "stages/init/command.h"
#include "stages/init/ports.h"

#include <stdint.h>

struct plan;

/*
 * The command's standard streams, pipes on its side and ports on the host's: bytes as they are, at
 * most RELAY_SIZE of each under way, so who does not read slows down who writes, on either side.
 */
#define RELAY_SIZE 65536

struct relay {
	int stdin_fd, stdout_fd, stderr_fd;  /* our ends of the command's pipes; -1 when closed */
	uint64_t stdout_bytes, stderr_bytes; /* given to the host */
};

/* Pipes into the plan (the sandbox's ends) and *relay (ours). */
enum fault_code relay_open(struct relay *relay, struct plan *plan, struct fault *fault)
	__attribute__((warn_unused_result));

/* The sandbox's ends are with the sandbox now. */
void relay_started(struct plan *plan);

/*
 * Until the command has ended and its last byte is with the host. Signals come as records on
 * control. A host that is gone is a fault.
 */
enum fault_code relay_run(struct relay *relay, struct command *command, const int ports[PORT_COUNT],
			  struct record_reader *control, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
