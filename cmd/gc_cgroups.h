/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_GC_CGROUPS_H
#define CMD_GC_CGROUPS_H

#include "cmd/gc_report.h"

#include <time.h>

/*
 * Remove cgroups "safe-run-<run id>" that a killed launcher left, anywhere in every hierarchy:
 * where it made them depends on the session it was started from, which is seldom this one. Only the
 * caller's own. A cgroup with a process in it cannot be removed (EBUSY, cgroups(7)). An empty one
 * is left alone too while it may belong to a living launcher: younger than before, or base_fd has
 * the run's directory locked, or there is no such directory and some sr-launch lives.
 */
void gc_cgroups(int base_fd, time_t before, struct gc_report *report);

#endif
