/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_GC_STORE_H
#define CMD_GC_STORE_H

#include "cmd/gc_report.h"

#include <time.h>

/*
 * What a killed run left of an image in the making, the store's work/ (safe-run-ipc(7), "The store of
 * images"), and images made for microVMs that no run used after before, nor for a week. Only when
 * nobody holds the store's lock; a store that is not there is left so.
 */
#define GC_STORE_KEPT_S (7 * 24 * 3600)

void gc_store(time_t before, struct gc_report *report);

#endif
