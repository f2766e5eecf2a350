/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_AFFINITY_H
#define CMD_AFFINITY_H

#include <stdbool.h>

/*
 * Where a child starts, and where we are ourselves meanwhile. Between vfork(2) and its exec we stand
 * still, and our processor is the one that is free. Left to choose, the scheduler takes the child
 * elsewhere, behind a stage that is busy there for half a millisecond, or to a processor that has to
 * be woken, whose caches have nothing of it: of a run on two processors 0.4 ms of processor time.
 *
 * A mask that was set is remembered and inherited (sched_setaffinity(2)), the command's processes
 * included, so ours ends as one of all processors, those that are added later too; and only who may
 * run on all of them, as far as its own mask goes, gets one. A hint: where the kernel does not take
 * it nothing is lost.
 */
bool affinity_is_free(unsigned *processors); /* processors: how many we may run on; 0: not known */

#define AFFINITY_NONE (-1)

/* These make system calls only. This process, and a child of it, stay on the processor it is on. */
void affinity_stay(void);
/* Go to any processor but the one we are on, and keep off that: which one, or AFFINITY_NONE. */
int affinity_leave(void);
/* Everywhere again, but for one where it is not AFFINITY_NONE; in the child as well as in us. */
void affinity_restore(int avoided);

#endif
