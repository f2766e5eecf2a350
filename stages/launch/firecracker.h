/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_FIRECRACKER_H
#define LAUNCH_FIRECRACKER_H

#include "ipc/fault.h"
#include "stages/launch/plan.h"
#include "stages/seal/digest.h"

#include <stdbool.h>
#include <stddef.h>

struct json_object;
struct launch;

/*
 * --vmm firecracker: the machine runs under Firecracker's own jailer, not in a sandbox of the
 * launcher's making. sr-jail (jail.h) makes the jail and executes jailer; the launcher finds and
 * looks at both programs, says what the machine is, makes the run's cgroup and the place for its
 * outputs, reads back what came of it, and only then has sr-guest told the command. What happens
 * afterwards is any machine's.
 */
#define FIRECRACKER_MISSING_SIZE 600

struct firecracker {
	bool wanted;
	const char *jailer_path; /* NULL while it is not found, as machine.vmm_path */
	struct plan_identity jailer, vmm;
	char missing[FIRECRACKER_MISSING_SIZE]; /* all that is; "" */

	bool snapshot; /* --snapshot */
	bool restores; /* there is one; else one is made */
	bool kept;     /* what was made */
	char key[DIGEST_TEXT_SIZE];
	int ready_fd; /* where a guest says that it is up; -1 */
	int cable_fd; /* a socket in the machine's network namespace; -1: it has no network */
};

/*
 * The two programs, root's and nobody else's to write, in versions without holes that are known. *fd
 * is open on Firecracker, or -1. What is missing is kept, so that all of it is said at once
 * (firecracker_decide, when KVM was tried as well).
 */
enum fault_code firecracker_find(struct launch *launch, int *fd, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code firecracker_decide(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Firecracker's configuration of this run: the bundle's, which must be to the letter what its policy
 * says, with the processors and memory this host gives. The caller owns it.
 */
enum fault_code firecracker_config(const struct launch *launch, struct json_object **config,
				   struct fault *fault) __attribute__((warn_unused_result));
/* The same check of jailerPlan; its two limits. */
enum fault_code firecracker_limits(const struct launch *launch, struct json_object **limits,
				   struct fault *fault) __attribute__((warn_unused_result));

/* {"file","value"}, what a cgroup's file is set to, onto an array. */
void firecracker_setting(struct json_object *array, const char *file, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* sr-jail's one request (stages/jail/request.h), sent. */
enum fault_code firecracker_ask(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * network.mode allowlist (firecracker_network.c), once the machine's user is known: the run's network
 * namespace with its rules, as in any run, and one for the machine that a cable (firecracker_cable.h)
 * leads out of into it. Then, with Firecracker there: that it is at its end of the cable. Nothing in mode none.
 */
enum fault_code firecracker_network(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code firecracker_plugged(struct launch *launch, struct json_object *enforcement,
				    struct fault *fault) __attribute__((warn_unused_result));

/* In place of setup_prepare and setup_exec. */
enum fault_code firecracker_prepare(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code firecracker_run(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/* What the kernel says of Firecracker's process, once it holds still for its guest; a clause each. */
enum fault_code firecracker_read_back(struct launch *launch, struct json_object *enforcement,
				      struct fault *fault) __attribute__((warn_unused_result));

/*
 * --snapshot (firecracker_snapshot.c). A machine of the same making is loaded as it was, its mounts' images
 * exchanged for this run's, and read back before it goes on. Where there is none this one is saved when
 * its guest is up and was told nothing. The guest mixes new randomness in, and sets its clock, before it
 * starts the command (stages/init/system.h), as any does.
 */
bool firecracker_key(struct launch *launch, struct json_object *config)
	__attribute__((warn_unused_result));
enum fault_code firecracker_watch_boot(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code firecracker_save(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code firecracker_restore(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code firecracker_resume(const struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/* The machine's own cgroups below the run's, which jailer made. */
void firecracker_clean(struct launch *launch);

#endif
