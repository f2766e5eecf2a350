/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_STORE_H
#define CMD_STORE_H

/*
 * Where unpacked images are kept: $SAFE_RUN_STORE, else /var/lib/safe-run/store for root, else
 * safe-run/store below $XDG_STATE_HOME or ~/.local/state. Made where it is missing, mode 0700.
 */
#define STORE_ROOT     "/var/lib/safe-run/store"
#define STORE_VARIABLE "SAFE_RUN_STORE"

/*
 * Open it for sr-launch, which checks it when a policy needs it. -1 when there is no place for one,
 * or it cannot be made: then such a policy is refused, and no other.
 */
int store_open(void);
/* The same of one that is there already. */
int store_look(void);

#endif
