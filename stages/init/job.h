/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INIT_JOB_H
#define INIT_JOB_H

#include "ipc/fault.h"
#include "stages/init/network.h"
#include "stages/launch/plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the guest is to do (safe-run-ipc(7), GuestJob): the first record on the control stream, from
 * the launcher by way of sr-guest. Trusted as much as the host is, and checked all the same: a job
 * that is not understood to the last member is not begun.
 */
#define JOB_SEED_SIZE	32
#define JOB_FORMAT_SIZE 16
#define JOB_DEVICE_SIZE 16
#define JOB_PART_SIZE	4

struct job_device {
	char name[JOB_DEVICE_SIZE];   /* "vda" */
	char format[JOB_FORMAT_SIZE]; /* "erofs" */
};

/* Mounts may be parts of one device. */
struct job_mount {
	struct job_device device;
	char part[JOB_PART_SIZE]; /* "00" to "63": its name at the top of the image (sr-image(1)) */
};

struct job {
	struct job_device root;
	struct job_mount mounts[PLAN_MOUNT_MAX]; /* beside plan->mounts */
	uint8_t seed[JOB_SEED_SIZE];
	uint64_t wall_ns;
	bool has_memory_max, has_pids_max;
	uint64_t memory_max, pids_max; /* bytes, processes */
	bool wants_stdin;
	struct init_network network;
};

/*
 * One line into *job and *plan (zeroed). plan->mounts[].source is left to who mounts the devices.
 */
enum fault_code job_parse(const char *line, size_t len, struct job *job, struct plan *plan,
			  struct fault *fault) __attribute__((warn_unused_result));

/* {"signal":N}, for the command; anything else is nothing, and false. */
bool job_signal(const char *line, size_t len, int *number);

#endif
