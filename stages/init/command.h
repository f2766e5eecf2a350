/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INIT_COMMAND_H
#define INIT_COMMAND_H

#include "ipc/fault.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct init_network;
struct plan;

/*
 * The command in its sandbox within the guest: the very init and the very confinement of a run
 * without a machine (stages/launch/init.h, workload.h), and the same read-back before it may go.
 * What a policy says is so on both sides of the guest's kernel.
 */
struct command {
	int init_fd, workload_fd; /* channels; -1 when closed */
	int pidfd;		  /* of the sandbox's pid 1; -1 */
	pid_t init_pid, workload_pid;
	int workdir_fd;	 /* when outputs are wanted; -1 */
	int net_fd;	 /* its network namespace, when that gets an interface; -1 */
	int exec_errno;	 /* why an exec failed; 0 */
	bool ended;	 /* init told how it ended, or died */
	bool known;	 /* the former */
	int wait_status; /* of wait(2) */
	int64_t max_rss_bytes, system_us, user_us;
};

void command_init(struct command *command);

/* root_fd and group_fd stay the caller's; plan's stdio are the sandbox's ends. */
enum fault_code command_start(struct command *command, struct plan *plan,
			      const struct init_network *network, int root_fd, int group_fd,
			      struct fault *fault) __attribute__((warn_unused_result));

/* init_fd is readable: the command has ended, one way or the other. */
void command_hear(struct command *command);

/* For the command's process group. */
void command_signal(const struct command *command, int number);

/* Nothing of the command lives when this returns. */
void command_end(struct command *command);

#endif
