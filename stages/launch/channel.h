/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_CHANNEL_H
#define LAUNCH_CHANNEL_H

#include "ipc/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct json_object;

/*
 * Between the launcher and a child it forked: a SOCK_SEQPACKET pair, so a message is whole or not
 * there, end of file is a death, and the kernel says which process sent it (SCM_CREDENTIALS,
 * unix(7)), translated into the receiver's pid namespace. Children send one canonical object per
 * message; the launcher answers with single words, some with descriptors beside them.
 */
#define CHANNEL_MESSAGE_MAX 65536
#define CHANNEL_FD_MAX	    8

enum channel_word {
	CHANNEL_BUILD,	/* the plan is in place: make the root */
	CHANNEL_FORK,	/* descriptors: the run's cgroup; fork the workload into it */
	CHANNEL_HIDE,	/* init: its namespaces are read, it may confine itself */
	CHANNEL_EXEC,	/* read back and right: go */
	CHANNEL_KEEP,	/* sr-jail: the snapshot in the machine's directory is whole */
	CHANNEL_SIGNAL, /* with a number: for the workload's process group */
	CHANNEL_WORD_COUNT
};

/* ours reports who sends; theirs is inherited by the child. Both CLOEXEC. 0, or -1 with errno. */
int channel_pair(int *ours, int *theirs) __attribute__((warn_unused_result));

/* Child's side. 0, or -1 with errno (EPIPE: the launcher is gone). */
int channel_report(int fd, struct json_object *message) __attribute__((warn_unused_result));

/* The same, with a descriptor beside the message, which stays the child's. sendmsg(2) is in no
 * tight filter: before those only. */
int channel_report_fd(int fd, struct json_object *message, int passed_fd)
	__attribute__((warn_unused_result));

/* Child's side: the next word, which must be expected; descriptors go to fds, -1 behind them.
 * -1 with errno when there is none (EPIPE) or another (EPROTO). */
int channel_wait(int fd, enum channel_word expected, int fds[CHANNEL_FD_MAX])
	__attribute__((warn_unused_result));

/* Launcher's side. */
int channel_tell(int fd, enum channel_word word, const int *fds, size_t fd_count)
	__attribute__((warn_unused_result));
int channel_tell_signal(int fd, int number) __attribute__((warn_unused_result));
/* CHANNEL_EXEC by write(2): what the launcher's last filter allows. */
int channel_tell_exec(int fd) __attribute__((warn_unused_result));

/* Child's side: the number of the next CHANNEL_SIGNAL; -1 with errno as channel_wait. */
int channel_wait_signal(int fd) __attribute__((warn_unused_result));

/*
 * Launcher's side: the next message within timeout_ms. 1 with *message owned by the caller and
 * *sender; 0 at end of file; -1 with errno (ETIMEDOUT, EBADMSG). With sender NULL it only poll(2)s
 * and read(2)s, which is all the launcher's last filter allows.
 */
int channel_receive(int fd, int timeout_ms, struct json_object **message, pid_t *sender)
	__attribute__((warn_unused_result));

/*
 * The same, and a descriptor that came beside it: *passed_fd is the caller's (CLOEXEC), or -1. Who
 * sends more than one loses them.
 */
int channel_receive_fd(int fd, int timeout_ms, struct json_object **message, pid_t *sender,
		       int *passed_fd) __attribute__((warn_unused_result));

#endif
