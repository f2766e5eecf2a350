/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MACHINE_REST_H
#define MACHINE_REST_H

#include <stdint.h>

struct stat;
struct timespec;

/*
 * Whether a file is the one it was, told by its times. A change within the tick of the clock in which
 * a file was changed last leaves no trace in them (current_time(), fs/inode.c; HZ at least 100): one
 * that is that new is read when the tick is over.
 */

/* Nanoseconds since 1970. */
int64_t rest_nanoseconds(const struct timespec *time);

/* Waits until the tick of info's last change is over: 20 ms at most. */
void rest_settle(const struct stat *info);

#endif
