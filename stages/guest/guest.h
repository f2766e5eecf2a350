/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

#include "ipc/fault.h"
#include "ipc/record.h"
#include "stages/guest/cargo.h"
#include "stages/guest/control.h"
#include "stages/guest/place.h"
#include "stages/guest/pump.h"

#include <stdbool.h>

/*
 * The host's side of a guest: five streams, what the launcher says on stdin, and the records that
 * come out of it. Ends when the guest has delivered everything; and within a second, which is for what
 * is under way, when nobody is left to say so: the launcher has closed stdin, or the control stream
 * has ended or was broken off.
 *
 * With again the first VMM may be one that does not work: until a byte was heard of the guest, the
 * end of its streams is nothing, and {"again":true} from the launcher, who has seen it die, makes
 * room for the next one, which gets the job from its start. Who was heard once stays the only one,
 * so no command runs twice.
 */
enum guest_pump { GUEST_STDIN, GUEST_STDOUT, GUEST_STDERR, GUEST_PUMP_COUNT };

#define GUEST_VIOLATION_MAX 8

struct guest {
	struct place place;
	int stdin_fd, stdout_fd, stderr_fd; /* the workload's own; -1: none */
	int tree_fd;			    /* for what it leaves; -1: nowhere */
	struct record_sink out;
	struct record_reader launcher; /* stdin */
	struct record_reader lines;    /* the control stream */
	struct buf to_guest;	       /* the job and the signals, until they are written */
	size_t to_guest_at;
	struct control control;
	struct cargo cargo;
	struct pump pumps[GUEST_PUMP_COUNT];
	struct json_object *violations; /* owned: faults as JSON */
	bool again; /* another VMM may come, as long as nothing was heard of the first */
	bool heard; /* a byte of the guest's */
	bool launcher_ended;
	uint64_t settle_ns; /* CLOCK_BOOTTIME, when it ends whatever comes; 0: not yet */
	bool told_hello, told_started, told_exited;
};

/* place listens already. Ownership of descriptors stays with the caller. */
void guest_init(struct guest *guest);
void guest_release(struct guest *guest);

/* All of it; FAULT_NONE when the last record is written, whatever became of the machine. */
enum fault_code guest_run(struct guest *guest, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
