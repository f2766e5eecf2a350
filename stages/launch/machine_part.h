/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_MACHINE_PART_H
#define LAUNCH_MACHINE_PART_H

#include "ipc/fault.h"
#include "stages/launch/machine.h"
#include "stages/launch/machine_watch.h"

struct fields;
struct json_object;
struct launch;

/* What the files machine*.c have of each other. */

#define MACHINE_THREADS 96   /* of QEMU beside its virtual processors: main, RCU, 64 for images */
#define MACHINE_FILES	1024 /* its descriptors: libraries, images, streams, KVM */

/* Artifacts, VMM and KVM through sr-machine (machine_files.c). */
enum fault_code machine_files(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/* What sr-machine's record has of one file, its name apart, and of a VMM. */
enum fault_code machine_read_seen(struct fields *entry, struct machine_file *file,
				  struct fault *fault) __attribute__((warn_unused_result));
enum fault_code machine_read_vmm(struct fields *top, struct machine *machine,
				 struct machine_file *file, struct fault *fault)
	__attribute__((warn_unused_result));
/* launch->kernel and ->root_identity, for the compile event. */
void machine_describe_files(struct launch *launch);

/* machine->rootfs from runtime.rootfs, and launch->root_identity (machine_rootfs.c). */
enum fault_code machine_rootfs(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));
/* Members of an image in an event: bytes, device, hash, inode, path; the caller owns it. */
struct json_object *machine_describe_file(const struct machine_file *file);

/* plan->entries: the VMM's root (machine_entries.c). */
enum fault_code machine_entries(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));
/* One more of them, a file at MACHINE_PLACE/name. */
enum fault_code machine_add_file(struct plan *plan, const struct machine_file *file,
				 const char *name, struct fault *fault)
	__attribute__((warn_unused_result));

/* memory_mib and vcpus; bytes the VMM may need beside its guest's memory (machine_qemu.c). */
void machine_size(struct machine *machine, const struct plan *plan);
uint64_t machine_room(const struct machine *machine);
/* plan->argv and ->envp. */
enum fault_code machine_command(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/* An image for each mount of the policy (machine_mount.c). */
enum fault_code machine_mounts(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));
/* mount.applied for each, once the guest says that its command runs. */
enum fault_code machine_mounts_applied(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/* The guest's job; the caller owns it (machine_job.c). */
enum fault_code machine_job(const struct launch *launch, struct json_object **job,
			    struct fault *fault) __attribute__((warn_unused_result));

/* Into vm.exited's machine: how long each step took, and the guest's own words, member by member, for
 * sr-guest is not believed in more than that (machine_facts.c). */
void machine_add_phases(const struct machine *machine, struct json_object *object);
void machine_add_guest(const struct machine *machine, struct json_object *object);
void machine_add_violations(const struct machine *machine, struct json_object *object);
/* The first of them: false when there is none. */
bool machine_violation(const struct machine *machine, struct fault *violation);

/* sr-guest, until it listens in sockets_fd; then, whenever it may, its command (machine_setup.c). */
enum fault_code machine_listen(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));
enum fault_code machine_give_job(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/* Pipes of the VMM's output, *out_fd and *err_fd for init; and what came through (machine_output.c).
 */
enum fault_code machine_open_output(struct launch *launch, int *out_fd, int *err_fd,
				    struct fault *fault) __attribute__((warn_unused_result));
void machine_read_console(struct launch *launch);
void machine_read_log(struct machine *machine);
/* What the pipes still hold, once nobody writes any more. */
void machine_drain(struct launch *launch);

/* The first VMM's place is taken, by sr-guest's word "again" (machine_spare.c). */
enum machine_news machine_fall_back(struct launch *launch);
/* A byte of the guest's was heard: this machine is the one. */
enum machine_news machine_heard(struct launch *launch);

/* How the VMM ended: of init's message, NULL where init itself has (machine_watch.c). */
void machine_vmm_status(struct machine *machine, struct json_object *message);
/* It is gone for good, which sr-guest has still to tell of. */
enum machine_news machine_vmm_gone(struct launch *launch);
/* The time of a boot, from now. */
enum machine_news machine_boots_again(struct launch *launch);

#endif
