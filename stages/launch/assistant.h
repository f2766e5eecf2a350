/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_ASSISTANT_H
#define LAUNCH_ASSISTANT_H

#include "ipc/fault.h"
#include "ipc/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct json_object;

/*
 * A stage the launcher starts for work that needs no privilege: reading what somebody else wrote.
 * It is an executable beside sr-launch, started without environment, capability or any descriptor
 * but those named here, as the ids named here, and confines itself like every stage. What it finds
 * comes back as one record.
 *
 * Before the launcher's confinement or after it, not after loop_tighten: the filter of then has no
 * new process. Waiting, reading, killing and reaping it still has.
 *
 * The launcher's filter stays on an assistant and adds to its own: it answers ENOSYS where it does
 * not know a call. An assistant's profile keeps the identity it is started with: without a
 * capability it cannot take another.
 */
#define ASSISTANT_FD_MAX     72 /* an image of all mounts of a policy */
#define ASSISTANT_WORD_MAX   64
#define ASSISTANT_STDIN_NULL (-1)
#define ASSISTANT_STDIN_PIPE (-2) /* a new pipe, whose other end is assistant.stdin_fd */

struct assistant_fd {
	const char *option; /* with its dashes: "--tree-fd" */
	int fd;
};

/* Borrowed until assistant_start returns. */
struct assistant_plan {
	int home_fd;	     /* where the stages lie: assistant_home */
	const char *program; /* "sr-tree" */
	const char *path;    /* of faults: "launch.tree" */
	uid_t uid;	     /* other than the caller's needs CAP_SETUID and CAP_SETGID */
	gid_t gid;
	int stdin_fd; /* or ASSISTANT_STDIN_* */
	struct assistant_fd fds[ASSISTANT_FD_MAX];
	size_t fd_count;
	const char *words[ASSISTANT_WORD_MAX]; /* more of the command line */
	size_t word_count;
	size_t record_max; /* bytes of the one record; RECORD_EVENT_MAX, RECORD_BUNDLE_MAX */
	int interrupt_fd;  /* readable: stop waiting, leave it unread; -1: none */
	/*
	 * What it keeps over exec, of what the launcher holds (SANDBOX: handed_on); else nothing. With
	 * joins it enters the run's namespaces first: with user_ns_fd -1 the network's alone, where
	 * the launcher's own right counts, else the user namespace too, and the right is that one's.
	 */
	uint64_t capabilities;
	bool joins;
	int user_ns_fd, net_ns_fd;
};

struct assistant {
	pid_t pid;    /* 0: none, or reaped */
	int pidfd;    /* -1 when there is none, as the two below */
	int out_fd;   /* its record */
	int stdin_fd; /* ASSISTANT_STDIN_PIPE: write here, close it for end of file */
	const char *program, *path;
	size_t record_max;
	int interrupt_fd;
	int control_fd;		     /* set by the caller once started: as interrupt_fd; 0: none */
	struct record_reader reader; /* of out_fd, once a first record was awaited */
	bool reading;
};

/* One that was never started: assistant_stop has nothing to do. */
#define ASSISTANT_NONE                                                                             \
	{                                                                                          \
		.pidfd = -1, .out_fd = -1, .stdin_fd = -1                                          \
	}

/* The directory this executable lies in (O_PATH, close-on-exec), or -1 with errno. */
int assistant_home(void) __attribute__((warn_unused_result));

/* Start it. *assistant is valid in every case, and belongs to assistant_stop or _result. */
enum fault_code assistant_start(struct assistant *assistant, const struct assistant_plan *plan,
				struct fault *fault) __attribute__((warn_unused_result));

/*
 * Write one record of at most RECORD_EVENT_MAX bytes to its stdin_fd. One that has ended is found
 * by its result, with its own words; one that could not be told has the end of its input, and says
 * what it misses.
 */
void assistant_tell(struct assistant *assistant, struct json_object *record);

/*
 * Of one that lives as long as the run: its first record, within deadline_ns, while it goes on. The
 * caller owns *record. A refusal in it is the fault; the caller then stops the assistant.
 */
enum fault_code assistant_first(struct assistant *assistant, uint64_t deadline_ns,
				struct json_object **record, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Of one that lives as long as the run: its last record, as assistant_first. What it still has to do
 * then is to end, which nobody waits for: closing a netlink socket takes the kernel ten milliseconds.
 * It dies with the launcher at the latest. Closes all descriptors in every case.
 */
enum fault_code assistant_last(struct assistant *assistant, uint64_t deadline_ns,
			       struct json_object **record, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Wait for its record and its end, at most until deadline_ns (CLOCK_BOOTTIME), then kill it. Reaps
 * in every case and closes all descriptors. FAULT_NONE: exit status 0 and exactly one record, which
 * the caller owns. A record with errors[] in it, as a stage writes when it refuses (status 1), is
 * the fault: code, message and path are the first's.
 */
enum fault_code assistant_result(struct assistant *assistant, uint64_t deadline_ns,
				 struct json_object **record, struct fault *fault)
	__attribute__((warn_unused_result));

/* Kill and reap what is still there, close all. May be called again. */
void assistant_stop(struct assistant *assistant);

#endif
