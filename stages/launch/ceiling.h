/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_CEILING_H
#define LAUNCH_CEILING_H

#include "ipc/fault.h"
#include "stages/launch/assistant.h"
#include "stages/launch/plan.h"
#include "stages/seal/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct json_object;

/*
 * The host's ceiling, /etc/safe-run/host.yaml (safe-run-host(5)): what no policy may pass on this
 * host. Its name is fixed: who writes policies or command lines does not choose it. The launcher
 * checks whose it is, copies it and hands the copy to sr-validate --host-policy, so that no YAML is
 * parsed where privilege is. Without the file there is no ceiling but admit.c's.
 *
 * Faults are SR-OPS-001 with paths below launch.host.
 */
#define CEILING_FILE	 "/etc/safe-run/host.yaml"
#define CEILING_FILE_MAX ((size_t)64 << 10)
#define CEILING_NONE	 UINT64_MAX /* a limit that is not set */
#define CEILING_IDS_MAX	 256

enum ceiling_isolation {
	CEILING_PROCESS,
	CEILING_MICROVM,
	CEILING_ISOLATION_COUNT,
};
enum ceiling_rootfs {
	CEILING_DIRECTORY,
	CEILING_IMAGE, /* a file system the kernel parses */
	CEILING_OCI,
	CEILING_ROOTFS_COUNT,
};
enum ceiling_network {
	CEILING_NETWORK_NONE,
	CEILING_NETWORK_ALLOWLIST,
	CEILING_NETWORK_COUNT,
};

struct ceiling_ids {
	struct {
		uint64_t first, last;
	} items[CEILING_IDS_MAX];
	size_t count;
};

/* hostPolicy of the record; strings are borrowed from it. */
struct ceiling_limits {
	bool callers_set, host_set, guest_set, rootfs_set; /* else everybody, everywhere */
	struct ceiling_ids uids, gids;
	struct plan_prefixes host, guest, rootfs;
	unsigned isolations, rootfs_kinds, networks; /* a bit for each enum value */
	uint64_t memory, pids, disk, output;	     /* bytes, a number, bytes, bytes */
	uint64_t cpu_quota_us, cpu_period_us;
	uint64_t timeout_s;
};

/* Who asks: ids as this user namespace has them. */
struct ceiling_caller {
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t group_count;
};

struct ceiling {
	bool present;
	struct fault fault; /* present, and not to be used: why */
	int copy_fd;	    /* a sealed copy of the file; -1: none */
	struct assistant assistant;
	struct ceiling_caller caller;
	struct json_object *record; /* HostPolicy */
	struct ceiling_limits limits;
	char hash[DIGEST_TEXT_SIZE]; /* of the file; "" until it is read */
};

void ceiling_init(struct ceiling *ceiling);

/* Before confinement: find it, check it, start the parser. Faults wait for ceiling_read. */
void ceiling_open(struct ceiling *ceiling, int home_fd);

/* After: what it says, into ceiling->limits. interrupt_fd as in assistant_plan. */
enum fault_code ceiling_read(struct ceiling *ceiling, int interrupt_fd, struct fault *fault)
	__attribute__((warn_unused_result));
void ceiling_release(struct ceiling *ceiling);

/* The record into plain values (ceiling_record.c). */
enum fault_code ceiling_parse(struct json_object *record, struct ceiling_limits *limits,
			      struct fault *fault) __attribute__((warn_unused_result));

/* Whether all of this is within it, the first thing that is not otherwise (ceiling_admit.c). */
enum fault_code ceiling_admit(const struct ceiling_limits *limits,
			      const struct ceiling_caller *caller, const struct plan *plan,
			      struct json_object *policy, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Whether a root of this kind may be used: for who finds out only later what a file is, and before
 * the kernel has seen it.
 */
enum fault_code ceiling_admit_rootfs(const struct ceiling *ceiling, enum ceiling_rootfs kind,
				     struct fault *fault) __attribute__((warn_unused_result));

/*
 * An open descriptor of the file at path, which is absolute: root's, it and every directory above
 * it, and writable by nobody else. -1 with FAULT_NONE in fault->code when there is none, else why
 * (ceiling_file.c).
 */
int ceiling_file_open(const char *path, struct fault *fault) __attribute__((warn_unused_result));

/* {"hash","path"} for the compile event, the caller's; NULL when there is no ceiling. */
struct json_object *ceiling_describe(const struct ceiling *ceiling);

/* The clause host.ceiling. */
void ceiling_enforcement(const struct ceiling *ceiling, struct json_object *enforcement);

#endif
