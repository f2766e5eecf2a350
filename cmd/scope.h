/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_SCOPE_H
#define CMD_SCOPE_H

#include "stages/launch/cgroup_layout.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * A cgroup of its own for an ordinary user's run: where the user's systemd manager runs, safe-run
 * executes itself again through
 *
 *     systemd-run --user --scope --quiet --collect -p Delegate=yes -- safe-run run ...
 *
 * which asks the manager for a scope (systemd.scope(5)), moves into it and executes safe-run there:
 * the same process, with the same descriptors, terminal and signals. Once at most: SCOPE_GUARD says
 * that it was tried. Whether the scope gives what the policy needs is for sr-launch to find out.
 */
#define SCOPE_GUARD "SAFE_RUN_SCOPE"

enum scope_answer {
	SCOPE_HERE,  /* go on in this cgroup: it is ours, or nothing better is to be had */
	SCOPE_WRONG, /* the command line came back another than it was; said on stderr */
};

/* argv is verb_run's. Returns only when this process is where the run is to be made. */
enum scope_answer scope_enter(char *const argv[], bool quiet);

/*
 * Whether a scope can help: a user manager delegates version 2 only, so all controllers that limits
 * need must be there, and our own cgroup must be seen.
 */
bool scope_can_help(const struct cgroup_layout *layout);

/* Whether this is a socket and uid's: /run/user/<uid> is made by root, its content by the user. */
bool scope_socket_ours(const struct stat *status, uid_t uid);

#endif
