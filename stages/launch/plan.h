/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_PLAN_H
#define LAUNCH_PLAN_H

#include "stages/launch/cgroup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sandbox_filter;

/*
 * What this run shall be, as plain values: made by bundle.c from a bundle nobody trusts, used by
 * everything after it.
 *
 * It lives in memory the launcher shares with the children it forks. The pid namespace's init is
 * cloned before the bundle is read, because making namespaces takes longer than anything else
 * here; it finds the plan in place when it is told to build. Both are the same program, nothing is
 * parsed twice, and no structure travels through a pipe. The children make it read-only for
 * themselves, and exec takes it from the workload.
 */
#define PLAN_MOUNT_MAX	 64
#define PLAN_OUTPUT_MAX	 32
#define PLAN_ENTRY_MAX	 48
#define PLAN_ARG_MAX	 16384
#define PLAN_ENV_MAX	 1024
#define PLAN_TEXT_MAX	 ((size_t)2 << 20)   /* all strings together: what execve(2) takes anyway */
#define PLAN_PATH_MAX	 4096		     /* with its NUL, as the kernel counts */
#define PLAN_STRING_MAX	 ((size_t)128 << 10) /* MAX_ARG_STRLEN, execve(2) */
#define PLAN_LIMIT_COUNT 4
#define PLAN_PREFIX_MAX	 64
#define PLAN_RULE_MAX	 1024
#define PLAN_HOST_MAX	 255
#define PLAN_ADDRESS_MAX 64 /* of one name */

/* Which file a path named when it was looked at first. */
struct plan_identity {
	uint64_t device;
	uint64_t inode;
	bool directory;
};

struct plan_mount {
	const char *source; /* without symbolic links: what is opened */
	const char *target;
	bool read_only;
	bool noexec;
	struct plan_identity identity; /* from the validation */
};

/* Where mounts may come from and go to: clean absolute paths, "/" among them. */
struct plan_prefixes {
	const char *paths[PLAN_PREFIX_MAX];
	size_t count;
};

struct plan_entry {
	const char *path;
	const char *link_target;       /* NULL: a bind mount */
	const char *source;	       /* of a bind mount; often the path itself */
	struct plan_identity identity; /* filled by the launcher before the compile event */
};

/* What the sandbox's root is made of. */
enum plan_root_kind {
	PLAN_ROOT_HOST,	     /* entries of the host's, plan_entry */
	PLAN_ROOT_DIRECTORY, /* a directory of the policy's choice */
	PLAN_ROOT_IMAGE,     /* a file with a file system in it; an archive becomes PLAN_ROOT_OCI */
	PLAN_ROOT_OCI,	     /* an image of layers, unpacked into the store */
};

struct plan_root {
	enum plan_root_kind kind;
	const char *path;	       /* the policy's; NULL for the host's */
	struct plan_identity identity; /* of path, from the validation */
	/* The directory init takes the root from; NULL: the mount that comes with CHANNEL_BUILD. */
	const char *tree;
	struct plan_identity tree_identity;
};

struct plan_output {
	const char *path; /* below the work directory, "." for all of it */
	uint64_t max_bytes;
	uint64_t max_files;
};

/* One of policy.network.egress. */
struct plan_rule {
	const char *host, *cidr; /* one of them */
	bool tcp;		 /* else udp */
	bool by_name;		 /* held against what TLS and HTTP say too */
	bool wild;		 /* a host *.example.org, by_name: no addresses before the run */
	uint16_t port;
	size_t host_at; /* with host that is not wild: in plan_network.hosts */
};

/* A name, and what it was resolved to before the run. */
struct plan_host {
	const char *name;
	uint32_t addresses[PLAN_ADDRESS_MAX]; /* host order */
	size_t address_count;
};

struct plan_network {
	bool wanted; /* mode allowlist */
	bool direct; /* some rule is for packets: a way out is needed */
	bool named;  /* some rule is by_name, and wild: */
	bool wild;
	struct plan_rule rules[PLAN_RULE_MAX];
	size_t rule_count;
	struct plan_host hosts[PLAN_RULE_MAX];
	size_t host_count;
	uint16_t probe_port; /* no rule has it */
	uint32_t resolver;   /* of a guest, host order; 0: its own loopback */
};

struct plan_limit {
	int resource;	  /* RLIMIT_* */
	const char *name; /* of the field */
	const char *row;  /* of /proc/<pid>/limits */
	uint64_t value;
};

/* runtime.isolation microvm: the workload is a VMM, and the command is its guest's (machine.h). */
struct plan_machine {
	bool wanted;
	bool guest;	    /* this is the guest: its files are nobody else's */
	bool kvm;	    /* /dev/kvm is there for it */
	int out_fd, err_fd; /* in init: where the console and the VMM's messages go */
	char tap[16];	    /* its interface to the run's network namespace; "": none */
	int tap_fd;	    /* in init; -1: none */
	/*
	 * A second VMM, which waits beside the first one and takes its place should that one not
	 * work: its words, and in init the channel of its process. NULL: none.
	 */
	char **spare_argv;
	size_t spare_arg_count;
	int spare_fd;
};

struct plan {
	char **argv; /* NULL-terminated, both */
	char **envp;
	size_t arg_count;
	const char *cwd;
	const char *hostname;
	const char *seccomp;
	const struct sandbox_filter *filter; /* of that name; the program's own read-only data */
	bool stdin_none;
	uint64_t timeout_s;
	uint64_t disk_max;
	uint64_t output_max;
	struct plan_limit limits[PLAN_LIMIT_COUNT];
	struct cgroup_limits cgroup_limits;
	struct plan_mount mounts[PLAN_MOUNT_MAX];
	size_t mount_count;
	struct plan_prefixes host_prefixes; /* the allowlist the validation used */
	struct plan_prefixes guest_prefixes;
	struct plan_root root;
	struct plan_entry entries[PLAN_ENTRY_MAX];
	size_t entry_count;
	struct plan_network network;
	struct plan_output outputs[PLAN_OUTPUT_MAX];
	size_t output_count;

	struct plan_machine machine;

	/* Not from the bundle. */
	bool rootless;
	bool best_effort;
	uid_t uid; /* of the workload, as seen inside */
	gid_t gid;
	int stdin_fd, stdout_fd, stderr_fd; /* -1: not given */
	int pty_fd;			    /* -1: no terminal */
	uint64_t fallback_memory;	    /* these two: see fallback.h; 0 is none */
	uint64_t fallback_pids;
	bool cgroup_clone; /* CHANNEL_FORK's first descriptor is for CLONE_INTO_CGROUP */

	char text[PLAN_TEXT_MAX];
	size_t text_len;
	char *argv_space[PLAN_ARG_MAX + 1];
	char *envp_space[PLAN_ENV_MAX + 1];
};

/* Zeroed, in shared memory; pages are taken as they are used. NULL with errno. */
struct plan *plan_new(void);
void plan_free(struct plan *plan);

/* From here on this process cannot change it: children call it first. 0, or -1 with errno. */
int plan_seal(struct plan *plan) __attribute__((warn_unused_result));

/* A copy of text inside the plan; NULL when PLAN_TEXT_MAX would be passed. */
const char *plan_text(struct plan *plan, const char *text);

#endif
