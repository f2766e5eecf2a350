/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_MACHINE_HOLD_H
#define LAUNCH_MACHINE_HOLD_H

#include "ipc/fault.h"
#include "stages/launch/machine.h"

#include <stdbool.h>

struct launch;

/*
 * That what was hashed is what a machine is made of, and stays it. Each of its files is held open
 * until the VMM is gone, so that no other file can have its inode number meanwhile, and what init
 * binds is compared with that. Against a change in place: nobody but root and the caller may write
 * to it, and when the VMM has read for the last time its size and times are what they were when it
 * was hashed, or it is hashed once more. The change time (ctime) is set by no call; a link, a new
 * name or mode changes it as well, and then the second hash is the first one.
 */

/* fd becomes file->fd, whatever comes; identity, size and times are taken, to be hashed next. */
enum fault_code machine_hold_begin(struct launch *launch, int fd, const char *path,
				   struct machine_file *file, struct fault *fault)
	__attribute__((warn_unused_result));

/* Whether a file can be used where it lies: nobody else may write to it, and a VMM may read it. */
bool machine_hold_possible(int fd);

/* fd is hashed by an assistant through itself, and becomes file->fd; in every case it is taken. */
enum fault_code machine_hold_hashed(struct launch *launch, int fd, const char *path,
				    struct machine_file *file, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * A file another process has hashed: file->source, ->identity, ->bytes and ->stamp are what it saw.
 * Opened, and held when it is that file still.
 */
enum fault_code machine_hold(struct machine_file *file, const char *path, struct fault *fault)
	__attribute__((warn_unused_result));

/* All of the machine's: a fault says which one is not what was hashed. */
enum fault_code machine_hold_check(const struct machine *machine, struct fault *fault)
	__attribute__((warn_unused_result));

void machine_hold_release(struct machine *machine);

#endif
