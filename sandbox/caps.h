/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SANDBOX_CAPS_H
#define SANDBOX_CAPS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Capabilities (capabilities(7)). The order matters and is the caller's: bounding set and ambient
 * first (needs CAP_SETPCAP), then groups, gid, uid, then securebits, then caps_set.
 */
/* All but keep. */
int caps_clear_bounding(uint64_t keep) __attribute__((warn_unused_result));
int caps_clear_ambient(void) __attribute__((warn_unused_result));
/*
 * Lock NOROOT, NO_SETUID_FIXUP, KEEP_CAPS off, and NO_CAP_AMBIENT_RAISE: on, or off where a child is
 * still to be given something (caps_hand_on). Needs CAP_SETPCAP.
 */
int caps_lock_securebits(bool may_hand_on) __attribute__((warn_unused_result));
/* Permitted and effective become keep (a subset of what is held), inheritable empty. */
int caps_set(uint64_t keep) __attribute__((warn_unused_result));
/* As caps_set, and the next execve(2) keeps it too: keep is inheritable and ambient. */
int caps_hand_on(uint64_t keep) __attribute__((warn_unused_result));
/* What this thread may still do (CapPrm). */
uint64_t caps_permitted(void);

#endif
