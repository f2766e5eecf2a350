/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILE_POLICY_H
#define COMPILE_POLICY_H

#include "ipc/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/*
 * A normalised policy (seed interface I-VA-001, normalizedPolicy) read into plain values. validate
 * made it, but what arrives on a pipe is not believed: every field must be there, of its type and
 * in its range, and nothing else may be. Paths in faults are the policy's own field names.
 */
#define POLICY_ARGS_MAX	   4096
#define POLICY_ENV_MAX	   1024
#define POLICY_MOUNTS_MAX  256
#define POLICY_EGRESS_MAX  1024
#define POLICY_OUTPUTS_MAX 32

#define POLICY_UNLIMITED (-1) /* "max" */

enum policy_isolation { POLICY_PROCESS, POLICY_MICROVM };
enum policy_network { POLICY_NETWORK_NONE, POLICY_NETWORK_ALLOWLIST };

/* Pointers are borrowed from the JSON value it was read from. */
struct policy {
	const char *name;
	const char *audit_level;
	const char *command;
	struct json_object *args;    /* array of strings */
	struct json_object *env;     /* object of strings */
	struct json_object *mounts;  /* array of {noexec,read_only,source,target} */
	struct json_object *egress;  /* array of {protocol,port,host|cidr,match?} */
	struct json_object *outputs; /* array of {maxBytes,maxFiles,path} */
	size_t mount_count;
	enum policy_network network;
	enum policy_isolation isolation;
	const char *rootfs; /* NULL: the host's own directories */
	const char *seccomp;
	const char *stdin_mode;
	const char *workdir;
	int64_t timeout_s;
	const char *cpu_max;  /* "<quota|max> <period>" */
	int64_t cpu_quota_us; /* or POLICY_UNLIMITED */
	int64_t cpu_period_us;
	int64_t memory_max; /* bytes, or POLICY_UNLIMITED */
	int64_t pids_max;   /* or POLICY_UNLIMITED */
	int64_t disk_max;
	int64_t output_max;
};

/* SR-CMP-001 for what cannot be mapped; SR-CMP-201 inside network. */
enum fault_code policy_read(struct json_object *normalized, struct policy *policy,
			    struct fault *fault) __attribute__((warn_unused_result));

#endif
