/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_MACHINE_H
#define LAUNCH_MACHINE_H

#include "ipc/fault.h"
#include "ipc/record.h"
#include "stages/launch/assistant.h"
#include "stages/launch/cgroup.h"
#include "stages/launch/firecracker.h"
#include "stages/launch/plan.h"
#include "stages/seal/digest.h"

#include <stdbool.h>
#include <stdint.h>

struct json_object;
struct launch;

/*
 * runtime.isolation microvm. The VMM is the workload of the process isolation: once the bundle has
 * been checked and admitted, the plan is rewritten so that what init builds and executes is QEMU,
 * with a root of its own that holds the host's libraries and the machine's images, read-only. The
 * policy's command, its environment, limits and mounts become the guest's job; sr-guest, an
 * assistant, speaks with the guest. The launcher reads no image, no manifest and no byte of the
 * guest's but sr-guest's records and the console, which it only copies.
 */

/* What --machine-fd, --vmm and --accel said. */
enum machine_vmm { MACHINE_VMM_AUTO, MACHINE_VMM_QEMU, MACHINE_VMM_FIRECRACKER, MACHINE_VMM_COUNT };
enum machine_accel {
	MACHINE_ACCEL_AUTO,
	MACHINE_ACCEL_KVM,
	MACHINE_ACCEL_TCG,
	MACHINE_ACCEL_COUNT
};

struct machine_options {
	int artifacts_fd; /* -1: the default directory */
	enum machine_vmm vmm;
	enum machine_accel accel;
	const char *firecracker_dir; /* NULL: the usual places */
	bool snapshot;
};

/* The value named text into *out; false when there is none of that name. */
bool machine_vmm_parse(const char *text, enum machine_vmm *out);
bool machine_accel_parse(const char *text, enum machine_accel *out);

/*
 * Devices of mounts. The microvm machine has 24 transports and Firecracker interrupts for 19
 * devices of all kinds; the policy's mounts that have no device of their own share the last one.
 */
#define MACHINE_VOLUME_MAX  12
#define MACHINE_PART_SIZE   4
#define MACHINE_TEXT_SIZE   96
#define MACHINE_REASON_SIZE 256
#define MACHINE_PLACE	    "/run/vm" /* of the images, in the VMM's root */
#define MACHINE_SOCKETS	    MACHINE_PLACE "/s"

/* Times of a file, nanoseconds since 1970. */
struct machine_stamp {
	int64_t changed_ns, modified_ns;
};

/* A file of the machine's, as it was hashed. */
struct machine_file {
	int fd; /* held open (machine_hold.h); -1 */
	struct machine_stamp stamp;
	const char *source; /* on the host, without symbolic links */
	struct plan_identity identity;
	char hash[DIGEST_TEXT_SIZE];
	char format[16]; /* of a root or a mount; "" */
	int64_t bytes;
};

/* Where a mount of the policy's is: which device, and its name at the top of the image. */
struct machine_mount {
	size_t volume;
	char part[MACHINE_PART_SIZE];
};

/* What the policy wanted, before the plan became the VMM's. */
struct machine_job {
	char **argv;
	size_t arg_count;
	char **envp;
	const char *cwd, *hostname, *seccomp;
	struct plan_limit limits[PLAN_LIMIT_COUNT];
	struct cgroup_limits cgroup_limits;
	size_t mount_count; /* plan->mounts has them still */
	bool stdin_none;
};

/* CLOCK_BOOTTIME of the steps beside those that have a place of their own; 0: did not come. */
struct machine_times {
	uint64_t asked_ns, known_ns;	    /* sr-machine: from, to */
	uint64_t images_from_ns, images_ns; /* the mounts' images */
	uint64_t connected_ns;		    /* the VMM has its streams */
	uint64_t hello_ns;		    /* the guest's pid 1 spoke */
	uint64_t exited_ns, final_ns;	    /* the guest, and sr-guest, said so */
	uint64_t vmm_ended_ns;
};

/* How far the guest has come, by its own word. */
enum machine_phase { MACHINE_BOOTS, MACHINE_RUNS, MACHINE_SHUTS_DOWN, MACHINE_ENDED };

struct machine {
	struct machine_job job;
	struct firecracker firecracker;		/* of --vmm firecracker */
	enum machine_accel accel;		/* decided */
	char accel_reason[MACHINE_REASON_SIZE]; /* why not KVM; "" */
	char vmm_version[MACHINE_TEXT_SIZE];
	char kernel_release[MACHINE_TEXT_SIZE];
	const char *vmm_path;
	char vmm_hash[DIGEST_TEXT_SIZE];
	int64_t vmm_bytes;
	char command_line_hash[DIGEST_TEXT_SIZE];
	bool can_fall_back; /* a second VMM, without KVM, is made (machine_spare.c) */
	char spare_hash[DIGEST_TEXT_SIZE]; /* of its words */
	struct machine_file kernel, initramfs, rootfs, volumes[MACHINE_VOLUME_MAX];
	size_t volume_count;
	struct machine_mount mounts[PLAN_MOUNT_MAX]; /* beside plan->mounts */
	uint64_t memory_mib, vcpus;
	int64_t tsc_khz; /* of the host's time stamp counter */

	/* While it runs. */
	int sockets_fd; /* the directory sr-guest listens in; -1 */
	struct assistant guest;
	struct assistant examiner; /* sr-machine, while it hashes beside what is set up */
	bool own_root;		   /* of the policy's, not the manifest's */
	bool verifies_late;	   /* it does: what is known so far is the manifest's promise */
	struct record_reader records;
	int stdin_fd, stdout_fd, stderr_fd; /* the command's, until sr-guest has them */
	int spare_fd;			    /* the second VMM's channel while it waits; -1 */
	int timer_fd;			    /* of the boot, then of the shutdown; -1 */
	int console_fd, log_fd;		    /* our ends of the VMM's output; -1 */
	int console_file_fd;		    /* console.log of the run; -1: nowhere */
	uint64_t console_bytes, console_kept;
	char panic[200];		   /* what the guest's kernel said last of all; "" */
	char console_tail[512], log[4096]; /* NUL-terminated: the console's end, the log's start */
	size_t console_tail_len, log_len;

	/* How it went. */
	enum machine_phase phase;
	bool hello;	  /* a byte of the guest's was heard */
	bool asked_again; /* the first VMM is gone, and sr-guest is asked whether it was heard */
	struct json_object *final; /* sr-guest's last record, or NULL */
	bool exited;		   /* the guest said that the command had ended */
	bool broken;		   /* sr-guest ended or spoke nonsense */
	bool late;		   /* it did not come up, or not down, in time */
	bool boot_late;
	bool vmm_known;
	int vmm_status;		   /* of wait(2) */
	uint64_t exec_ns, boot_ns; /* CLOCK_BOOTTIME; boot_ns 0: never came up */
	struct machine_times times;
	bool console_told; /* output.truncated is written */
	struct fault loss; /* code FAULT_NONE: the guest said how the command ended */
};

void machine_release(struct launch *launch);

/*
 * In place of the root's identity: find the artifacts, have them and the VMM hashed and KVM tried,
 * and make the plan the VMM's. launch->machine, ->kernel and ->root_identity are there afterwards.
 */
enum fault_code machine_identify(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Its hashes are true: sr-machine, which hashed beside what was set up since machine_identify, saw
 * the files that were taken on the manifest's word. Behind "confined", for the VMM's hash is that of
 * the descriptor that will be executed; or before the first event, where a mount's or a network's
 * come before that.
 */
enum fault_code machine_verify(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * The mounts' images, the command line, the pipes of the VMM's output and, where there is to be a
 * second VMM, its channel: fds for CHANNEL_BUILD, -1 where there is none.
 */
#define MACHINE_FD_COUNT 3
enum fault_code machine_prepare(struct launch *launch, int fds[MACHINE_FD_COUNT],
				struct fault *fault) __attribute__((warn_unused_result));

/* sr-guest, until it listens. After the directories have come from init. */
enum fault_code machine_start(struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

/* Whether executable, as a VMM's process tells it, is what was hashed. */
enum fault_code machine_confirm_program(const struct launch *launch, struct json_object *executable,
					struct fault *fault) __attribute__((warn_unused_result));

/* Once read back: what it executes is what was hashed; the guest's clauses. */
enum fault_code machine_confirm(struct launch *launch, struct json_object *enforcement,
				struct fault *fault) __attribute__((warn_unused_result));

#endif
