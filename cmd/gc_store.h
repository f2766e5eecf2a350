/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_GC_STORE_H
#define CMD_GC_STORE_H

#include "cmd/gc_report.h"

/*
 * Remove what a killed run left of an image in the making: the store's work/ (safe-run-ipc(7), "The
 * store of images"), when nobody holds the store's lock. A store that is not there is left so.
 */
void gc_store(struct gc_report *report);

#endif
