/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_GC_JAILS_H
#define CMD_GC_JAILS_H

#include "cmd/gc_report.h"

#include <time.h>

/*
 * Remove jails of Firecracker machines (stages/jail/place.h) whose run began at or before before and
 * of which nobody lives: sr-jail, and what it started, hold each jail's lock. Then images and snapshots
 * no jail has any more, and no run used after before. Only root has jails.
 */
void gc_jails(time_t before, struct gc_report *report);

#endif
