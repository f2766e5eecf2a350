/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

/*
 * How a process of ours confines itself. Two functions: sandbox_enter does all of it, in one fixed
 * order, and sandbox_read_back proves it; a process that is half confined is never allowed to go
 * on, so both end the process (status 3, a line on stderr) when anything is not as asked.
 *
 * A profile is data only. Filters are compiled at build time from sandbox/filters/<name>.filter.
 */
enum sandbox_identity {
	SANDBOX_IDENTITY_CALLER, /* keep the uid: the stage must own what the caller owns */
	SANDBOX_IDENTITY_NOBODY, /* when root: become uid and gid 65534, no groups */
};

/* A path the stage may still open after confinement. */
struct sandbox_path_rule {
	const char *path;
	uint64_t landlock_access; /* LANDLOCK_ACCESS_FS_* */
};

struct sandbox_fd_rule {
	int fd; /* a directory opened before */
	uint64_t landlock_access;
};

struct sandbox_limit {
	int resource; /* RLIMIT_* */
	rlim_t value; /* soft and hard */
};

struct sandbox_filter {
	const struct sock_filter *program;
	unsigned short length;
};

struct sandbox_profile {
	const char *name;
	enum sandbox_identity identity;
	uint64_t capabilities; /* kept when root, bit n = capability n; 0 for most */
	uint64_t handed_on;    /* stay in the bounding set, for an assistant started later */
	/* The securebits stay open: what it executes as root has handed_on, as execve(2) gives it. */
	bool root_executes;
	bool given;    /* capabilities came over exec (caps_hand_on): kept for any uid */
	bool landlock; /* false where somebody mounts, which Landlock forbids: launch, usernet */
	const struct sandbox_path_rule *paths;
	size_t path_count;
	/* TCP ports it may connect to, where Landlock knows them (ABI 4); else its filter decides. */
	const uint16_t *ports;
	size_t port_count;
	const struct sandbox_limit *limits;
	size_t limit_count;
	struct sandbox_filter filter;
};

/*
 * Rights of ours the running kernel may not know yet are dropped from a rule; a kernel without
 * Landlock, or older than ABI 1, is refused.
 *
 * parent_pid: the front-end's pid when it is the parent (then PDEATHSIG is set and the parent
 * checked again), 0 in a shell pipeline.
 */
void sandbox_enter(const struct sandbox_profile *profile, const struct sandbox_fd_rule *fd_rules,
		   size_t fd_rule_count, pid_t parent_pid);

/* The profiles, one per executable (sandbox/profiles.c). */
extern const struct sandbox_profile sandbox_profile_validate;
extern const struct sandbox_profile sandbox_profile_compile;
extern const struct sandbox_profile sandbox_profile_launch;
extern const struct sandbox_profile sandbox_profile_monitor;
extern const struct sandbox_profile sandbox_profile_seal;
extern const struct sandbox_profile sandbox_profile_verify;
extern const struct sandbox_profile sandbox_profile_prove;
extern const struct sandbox_profile sandbox_profile_archive;
extern const struct sandbox_profile sandbox_profile_artifact;
extern const struct sandbox_profile sandbox_profile_collect;
extern const struct sandbox_profile sandbox_profile_deposit;
extern const struct sandbox_profile sandbox_profile_diff;
extern const struct sandbox_profile sandbox_profile_export;
extern const struct sandbox_profile sandbox_profile_guest;
extern const struct sandbox_profile sandbox_profile_compare;
extern const struct sandbox_profile sandbox_profile_inspect;
extern const struct sandbox_profile sandbox_profile_signer;
extern const struct sandbox_profile sandbox_profile_ed25519;
extern const struct sandbox_profile sandbox_profile_key;
extern const struct sandbox_profile sandbox_profile_jail;
extern const struct sandbox_profile sandbox_profile_version;
extern const struct sandbox_profile sandbox_profile_tree;
extern const struct sandbox_profile sandbox_profile_image;
extern const struct sandbox_profile sandbox_profile_filter;
extern const struct sandbox_profile sandbox_profile_uplink;
extern const struct sandbox_profile sandbox_profile_usernet;
extern const struct sandbox_profile sandbox_profile_unpack;
extern const struct sandbox_profile sandbox_profile_machine;
extern const struct sandbox_profile sandbox_profile_resolve;
extern const struct sandbox_profile sandbox_profile_egress;
extern const struct sandbox_profile sandbox_profile_canon; /* safe-run canon */

/*
 * Filters the launcher adds later (sandbox/filters/launch-parent.filter, launch-init.filter) and
 * the workload's own (policies/seccomp/<name>.filter). Seccomp only tightens.
 */
extern const struct sandbox_filter sandbox_filter_launch_parent;
extern const struct sandbox_filter sandbox_filter_launch_init;
/* sr-usernet's own, once the program it started is at work. */
extern const struct sandbox_filter sandbox_filter_usernet_watch;
/* policies/seccomp/vmm.filter: a VMM's, which no policy can name. */
extern const struct sandbox_filter sandbox_filter_vmm;
/* strict, strict-la57, standard, standard-net; NULL when there is none of that name. */
const struct sandbox_filter *sandbox_workload_filter(const char *name);

/* Install one raw filter in this thread; 0, or -1 with errno. NO_NEW_PRIVS must be set. */
int sandbox_filter_install(const struct sandbox_filter *filter) __attribute__((warn_unused_result));

#endif
