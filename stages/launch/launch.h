/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_LAUNCH_H
#define LAUNCH_LAUNCH_H

#include "ipc/event.h"
#include "ipc/fault.h"
#include "stages/launch/assistant.h"
#include "stages/launch/bundle.h"
#include "stages/launch/ceiling.h"
#include "stages/launch/cgroup.h"
#include "stages/launch/jail.h"
#include "stages/launch/machine.h"
#include "stages/launch/network.h"
#include "stages/machine/clock.h"
#include "stages/stage.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct json_object;
struct plan;

/* Why the launcher ended the workload, other than its deadline. */
enum launch_stop {
	LAUNCH_STOP_NONE,
	LAUNCH_STOP_OUTPUT,	 /* monitor: resources.output.max is reached */
	LAUNCH_STOP_INTERRUPTED, /* the caller's signal, before or by which the workload ended */
	LAUNCH_STOP_MONITOR,	 /* nobody reads our events any more */
	LAUNCH_STOP_NETWORK,	 /* who watches its network has ended, or did not finish */
	LAUNCH_STOP_GUEST,	 /* a machine ended, and nobody says how its command did */
};

/* How the workload ended. */
struct launch_end {
	bool known;	 /* init told; else the launcher killed it, or init itself was killed */
	int wait_status; /* of wait(2) */
	bool deadline;
	enum launch_stop stop;
	int64_t max_rss_bytes, system_us, user_us;
	int64_t guest_oom_kills, guest_pids_hits; /* of a machine, by its own word */
};

/* One run, from first to last; lives on main's stack. */
struct launch {
	struct event_writer events;
	const char *challenge; /* NULL: none */
	int control_fd;	       /* -1: none */
	int go_fd;    /* the order to let the command start; -1: there is none to wait for */
	int home_fd;  /* where the stages lie, for assistants; -1: not found */
	int store_fd; /* unpacked images; -1: none */
	int root_fd;  /* a mounted image, for init; -1: none */
	bool best_effort;

	struct plan *plan; /* shared with the children; see plan.h */
	struct bundle bundle;
	struct ceiling ceiling;		   /* the host's */
	struct json_object *shared_files;  /* what init could only bind (apart.h); NULL: none */
	struct json_object *root_identity; /* what rootfsHash covers; NULL until known */
	struct json_object *kernel;
	struct json_object *executable; /* what the workload's process told of itself */
	struct json_object *cleanup;	/* [{"step","ok","detail"}] */

	int artifacts_fd;		   /* where outputs go; -1: nowhere */
	int workdir_fd;			   /* the workload's, when outputs are wanted; -1 */
	struct assistant reader, writer;   /* sr-collect and sr-deposit, while outputs are wanted */
	struct json_object *output_errors; /* of the outputs, behind the run's first; NULL: none */

	struct machine_options machine_options;
	struct machine *machine; /* runtime.isolation microvm; else NULL */
	struct jail jail;	 /* with --vmm firecracker */

	struct network network; /* mode allowlist */

	struct cgroup cgroup;
	bool cgroup_prepared;
	int signal_fd;
	int init_fd, workload_fd; /* channels; -1 when closed */
	int pidfd;		  /* init's; -1 when there is none */
	int mounts_fd;		  /* the sandbox's mount namespace; -1 before it is built */
	pid_t init_pid, workload_pid;
	int filter_count;	   /* our own */
	struct clock_sample clock; /* when it began */
	bool announced;		   /* the compile event is written */

	int exec_errno;		       /* why exec failed; 0 when it did not */
	uint64_t started_ns, ended_ns; /* CLOCK_BOOTTIME */
	sigset_t forwarded;
	struct launch_end end;
};

void launch_init(struct launch *launch);

/* The whole run: reads the bundle from stdin, leaves a complete event stream. */
enum stage_exit launch_run(struct launch *launch);

/*
 * The compile event, unless it is written: first of all events, and as late as they allow, for a
 * machine is hashed meanwhile. A fault: the files are not what they were promised to be, or nobody
 * reads the events.
 */
enum fault_code launch_announce(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/* One line of the closing event's cleanup[]. */
void launch_note(struct launch *launch, const char *step, bool ok, const char *detail);

#endif
