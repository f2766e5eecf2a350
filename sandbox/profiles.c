/* SPDX-License-Identifier: Apache-2.0 */
/* The profiles: data only. What each stage may call is in sandbox/filters/<name>.filter. */
#include "sandbox/landlock.h"
#include "sandbox/sandbox.h"

#include "filter_archive.h"
#include "filter_artifact.h"
#include "filter_canon.h"
#include "filter_collect.h"
#include "filter_compare.h"
#include "filter_compile.h"
#include "filter_deposit.h"
#include "filter_diff.h"
#include "filter_ed25519.h"
#include "filter_egress.h"
#include "filter_export.h"
#include "filter_filter.h"
#include "filter_guest.h"
#include "filter_image.h"
#include "filter_inspect.h"
#include "filter_jail.h"
#include "filter_key.h"
#include "filter_launch.h"
#include "filter_machine.h"
#include "filter_monitor.h"
#include "filter_prove.h"
#include "filter_resolve.h"
#include "filter_seal.h"
#include "filter_signer.h"
#include "filter_tree.h"
#include "filter_unpack.h"
#include "filter_uplink.h"
#include "filter_usernet.h"
#include "filter_validate.h"
#include "filter_verify.h"
#include "filter_version.h"

#include <linux/capability.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define BIT(number)  (1ULL << (number))
#define FILTER(name)                                                                               \
	{                                                                                          \
		filter_##name##_program, COUNT(filter_##name##_program)                            \
	}

/*
 * Room for the largest bundle (16 MiB) and its document model, far from filling a machine. A
 * sanitizer maps terabytes for its shadow, so its builds, which are never installed, have no such
 * limit.
 */
#ifdef SAFE_RUN_SANITIZED
#define MEMORY_MAX RLIM_INFINITY
#else
#define MEMORY_MAX (512ULL << 20)
#endif

/* The largest report (64 MiB) held once as bytes and once as a document. */
#define VERIFY_MEMORY_MAX (MEMORY_MAX == RLIM_INFINITY ? RLIM_INFINITY : 2ULL << 30)

/* What a stage opens by itself; descriptors it was given are open already, whatever their number.
 */
#define FILES_MAX 64

/* No RLIMIT_FSIZE: stdout may be a file, and its limit counts the offset the caller left it at. */
static const struct sandbox_limit limits_usual[] = {
	{RLIMIT_CORE, 0},
	{RLIMIT_NPROC, 0},
	{RLIMIT_NOFILE, FILES_MAX},
	{RLIMIT_AS, MEMORY_MAX},
};

static const struct sandbox_limit limits_verify[] = {
	{RLIMIT_CORE, 0},
	{RLIMIT_NPROC, 0},
	{RLIMIT_NOFILE, FILES_MAX},
	{RLIMIT_AS, VERIFY_MEMORY_MAX},
};

/* Inherited by the workload, which gets its own: nothing that could be less than the policy. */
static const struct sandbox_limit limits_launch[] = {
	/* Not 0: the workload gets 1, which alone keeps the kernel from core_pattern's program. */
	{RLIMIT_CORE, 1},
};

/* One directory open on each level of a tree. */
static const struct sandbox_limit limits_collect[] = {
	{RLIMIT_CORE, 0},
	{RLIMIT_NPROC, 0},
	{RLIMIT_NOFILE, 128},
	{RLIMIT_AS, MEMORY_MAX},
};

/* A kernel, packed and unpacked, is in memory at once. */
static const struct sandbox_limit limits_artifact[] = {
	{RLIMIT_CORE, 0},
	{RLIMIT_NPROC, 0},
	{RLIMIT_NOFILE, FILES_MAX},
	{RLIMIT_AS, (rlim_t)3 << 30},
};

/* It runs one program, one after the other. */
static const struct sandbox_limit limits_diff[] = {
	{RLIMIT_CORE, 0},
	{RLIMIT_NOFILE, FILES_MAX},
	{RLIMIT_AS, VERIFY_MEMORY_MAX},
};

/* diff(1) and its libraries. */
static const struct sandbox_path_rule diff_paths[] = {
	{"/usr", SANDBOX_FS_READ_FILE | SANDBOX_FS_EXECUTE},
	{"/lib", SANDBOX_FS_READ_FILE | SANDBOX_FS_EXECUTE},
	{"/lib64", SANDBOX_FS_READ_FILE | SANDBOX_FS_EXECUTE},
	{"/etc/ld.so.cache", SANDBOX_FS_READ_FILE},
};

/* Counters are read here; what a cgroup's files say is all the monitor sees of the host. */
static const struct sandbox_path_rule monitor_paths[] = {
	{"/sys/fs/cgroup", SANDBOX_FS_READ_FILE | SANDBOX_FS_READ_DIR},
};

const struct sandbox_profile sandbox_profile_validate = {
	.name = "validate",
	.identity = SANDBOX_IDENTITY_CALLER, /* the caller's view decides what is there */
	.landlock = true,
	.limits = limits_usual,
	.limit_count = COUNT(limits_usual),
	.filter = FILTER(validate),
};

const struct sandbox_profile sandbox_profile_compile = {
	.name = "compile",
	.identity = SANDBOX_IDENTITY_NOBODY,
	.landlock = true,
	.limits = limits_usual,
	.limit_count = COUNT(limits_usual),
	.filter = FILTER(compile),
};

const struct sandbox_profile sandbox_profile_launch = {
	.name = "launch",
	.identity = SANDBOX_IDENTITY_CALLER,
	.capabilities = BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SETPCAP) | /* identity */
			BIT(CAP_SETFCAP) | /* a user namespace that maps our uid 0 (Linux 5.12) */
			BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_CHROOT) | /* namespaces, mounts */
			BIT(CAP_KILL) |				   /* the workload's uid */
			BIT(CAP_DAC_OVERRIDE) | BIT(CAP_CHOWN) | BIT(CAP_FOWNER) | /* its root */
			BIT(CAP_MKNOD) |					   /* its /dev */
			BIT(CAP_NET_ADMIN) |	   /* for sr-filter and sr-uplink */
			BIT(CAP_NET_BIND_SERVICE), /* port 53 of a run's own loopback */
	.handed_on = BIT(CAP_NET_ADMIN),
	.landlock = false, /* a process under Landlock may not mount (landlock(7)) */
	.limits = limits_launch,
	.limit_count = COUNT(limits_launch),
	.filter = FILTER(launch),
};

const struct sandbox_profile sandbox_profile_monitor = {
	.name = "monitor",
	.identity = SANDBOX_IDENTITY_NOBODY,
	.landlock = true,
	.paths = monitor_paths,
	.path_count = COUNT(monitor_paths),
	.limits = limits_usual,
	.limit_count = COUNT(limits_usual),
	.filter = FILTER(monitor),
};

const struct sandbox_profile sandbox_profile_seal = {
	.name = "seal",
	.identity = SANDBOX_IDENTITY_CALLER, /* report and events belong to the caller */
	.landlock = true,
	.limits = limits_usual,
	.limit_count = COUNT(limits_usual),
	.filter = FILTER(seal),
};

const struct sandbox_profile sandbox_profile_verify = {
	.name = "verify",
	.identity = SANDBOX_IDENTITY_NOBODY,
	.landlock = true,
	.limits = limits_verify,
	.limit_count = COUNT(limits_verify),
	.filter = FILTER(verify),
};

const struct sandbox_profile sandbox_profile_prove = {
	.name = "prove",
	.identity = SANDBOX_IDENTITY_NOBODY,
	.landlock = true,
	.limits = limits_verify,
	.limit_count = COUNT(limits_verify),
	.filter = FILTER(prove),
};

const struct sandbox_profile sandbox_profile_compare = {
	.name = "compare",
	.identity = SANDBOX_IDENTITY_NOBODY,
	.landlock = true,
	.limits = limits_verify,
	.limit_count = COUNT(limits_verify),
	.filter = FILTER(compare),
};

const struct sandbox_profile sandbox_profile_inspect = {
	.name = "inspect",
	.identity = SANDBOX_IDENTITY_NOBODY,
	.landlock = true,
	.limits = limits_verify,
	.limit_count = COUNT(limits_verify),
	.filter = FILTER(inspect),
};

const struct sandbox_profile sandbox_profile_archive = {
	.name = "archive",
	.identity = SANDBOX_IDENTITY_CALLER, /* the archive belongs to the caller */
	.landlock = true,
	.limits = limits_verify,
	.limit_count = COUNT(limits_verify),
	.filter = FILTER(archive),
};

/* sr-tree and sr-image hold one directory for each level it is down. */
static const struct sandbox_limit limits_tree[] = {
	{RLIMIT_CORE, 0},
	{RLIMIT_NPROC, 0},
	{RLIMIT_NOFILE, 4 * FILES_MAX},
	{RLIMIT_AS, MEMORY_MAX},
};

const struct sandbox_profile sandbox_profile_tree = {
	.name = "tree",
	.identity = SANDBOX_IDENTITY_CALLER, /* an assistant has no right to take another */
	.landlock = true,
	.limits = limits_tree,
	.limit_count = COUNT(limits_tree),
	.filter = FILTER(tree),
};

const struct sandbox_profile sandbox_profile_artifact = {
	.name = "artifact",
	.identity = SANDBOX_IDENTITY_CALLER, /* what it makes belongs to the caller */
	.landlock = true,
	.limits = limits_artifact,
	.limit_count = COUNT(limits_artifact),
	.filter = FILTER(artifact),
};
const struct sandbox_profile sandbox_profile_guest = {
	.name = "guest",
	.identity = SANDBOX_IDENTITY_CALLER, /* the workload's: sr-collect reads what it writes */
	.landlock = true,
	.limits = limits_collect,
	.limit_count = COUNT(limits_collect),
	.filter = FILTER(guest),
};
const struct sandbox_profile sandbox_profile_image = {
	.name = "image",
	.identity = SANDBOX_IDENTITY_CALLER, /* an assistant has no right to take another */
	.landlock = true,
	.limits = limits_tree,
	.limit_count = COUNT(limits_tree),
	.filter = FILTER(image),
};

const struct sandbox_profile sandbox_profile_unpack = {
	.name = "unpack",
	.identity = SANDBOX_IDENTITY_CALLER,
	.landlock = true,
	.limits = limits_tree,
	.limit_count = COUNT(limits_tree),
	.filter = FILTER(unpack),
};

const struct sandbox_profile sandbox_profile_machine = {
	.name = "machine",
	.identity = SANDBOX_IDENTITY_CALLER, /* an assistant has no right to take another */
	.landlock = true,
	.limits = limits_usual,
	.limit_count = COUNT(limits_usual),
	.filter = FILTER(machine),
};

const struct sandbox_profile sandbox_profile_canon = {
	.name = "canon",
	.identity = SANDBOX_IDENTITY_NOBODY,
	.landlock = true,
	.limits = limits_usual,
	.limit_count = COUNT(limits_usual),
	.filter = FILTER(canon),
};

const struct sandbox_profile sandbox_profile_collect = {
	.name = "collect",
	.identity = SANDBOX_IDENTITY_CALLER, /* the workload's: its files, whatever their modes */
	.landlock = true,
	.limits = limits_collect,
	.limit_count = COUNT(limits_collect),
	.filter = FILTER(collect),
};

const struct sandbox_profile sandbox_profile_deposit = {
	.name = "deposit",
	.identity = SANDBOX_IDENTITY_CALLER, /* copies belong to the caller */
	.landlock = true,
	.limits = limits_usual,
	.limit_count = COUNT(limits_usual),
	.filter = FILTER(deposit),
};

const struct sandbox_profile sandbox_profile_export = {
	.name = "export",
	.identity = SANDBOX_IDENTITY_CALLER, /* what it writes belongs to the caller */
	.landlock = true,
	.limits = limits_usual,
	.limit_count = COUNT(limits_usual),
	.filter = FILTER(export),
};

const struct sandbox_profile sandbox_profile_diff = {
	.name = "diff",
	.identity = SANDBOX_IDENTITY_CALLER, /* reads what the caller may */
	.landlock = true,
	.paths = diff_paths,
	.path_count = COUNT(diff_paths),
	.limits = limits_diff,
	.limit_count = COUNT(limits_diff),
	.filter = FILTER(diff),
};

/* A connection for each signed run that is going on. */
static const struct sandbox_limit limits_signer[] = {
	{RLIMIT_CORE, 0},
	{RLIMIT_NPROC, 0},
	{RLIMIT_NOFILE, 512},
	{RLIMIT_AS, MEMORY_MAX},
};

const struct sandbox_profile sandbox_profile_signer = {
	.name = "signer",
	.identity = SANDBOX_IDENTITY_NOBODY,
	.landlock = true,
	.limits = limits_signer,
	.limit_count = COUNT(limits_signer),
	.filter = FILTER(signer),
};

const struct sandbox_profile sandbox_profile_ed25519 = {
	.name = "ed25519",
	.identity = SANDBOX_IDENTITY_NOBODY,
	.landlock = true,
	.limits = limits_usual,
	.limit_count = COUNT(limits_usual),
	.filter = FILTER(ed25519),
};

const struct sandbox_profile sandbox_profile_key = {
	.name = "key",
	.identity = SANDBOX_IDENTITY_NOBODY,
	.landlock = true,
	.limits = limits_usual,
	.limit_count = COUNT(limits_usual),
	.filter = FILTER(key),
};

static const uint16_t resolve_ports[] = {53};

const struct sandbox_profile sandbox_profile_resolve = {
	.name = "resolve",
	.identity = SANDBOX_IDENTITY_CALLER, /* an assistant's: nobody where root starts it */
	.landlock = true,
	.ports = resolve_ports,
	.port_count = COUNT(resolve_ports),
	.limits = limits_usual,
	.limit_count = COUNT(limits_usual),
	.filter = FILTER(resolve),
};

/* Two sockets and two pipes for each connection (stages/egress/egress.h). */
static const struct sandbox_limit limits_egress[] = {
	{RLIMIT_CORE, 0},
	{RLIMIT_NPROC, 0},
	{RLIMIT_NOFILE, 4096},
	{RLIMIT_AS, MEMORY_MAX},
};

/* Before the plan is read nobody knows which of the two its rules have. */
static const uint16_t egress_ports[] = {53, 80, 443};

const struct sandbox_profile sandbox_profile_egress = {
	.name = "egress",
	.identity = SANDBOX_IDENTITY_CALLER, /* an assistant's: nobody where root starts it */
	.landlock = true,
	.ports = egress_ports,
	.port_count = COUNT(egress_ports),
	.limits = limits_egress,
	.limit_count = COUNT(limits_egress),
	.filter = FILTER(egress),
};

/* Both keep the identity the launcher gave them: in a run's user namespace there is one alone. */
const struct sandbox_profile sandbox_profile_filter = {
	.name = "filter",
	.identity = SANDBOX_IDENTITY_CALLER,
	.capabilities = BIT(CAP_NET_ADMIN),
	.given = true,
	.landlock = true,
	.limits = limits_usual,
	.limit_count = COUNT(limits_usual),
	.filter = FILTER(filter),
};

const struct sandbox_profile sandbox_profile_uplink = {
	.name = "uplink",
	.identity = SANDBOX_IDENTITY_CALLER,
	.capabilities = BIT(CAP_NET_ADMIN),
	.given = true,
	.landlock = true,
	.limits = limits_usual,
	.limit_count = COUNT(limits_usual),
	.filter = FILTER(uplink),
};

/* Two sockets for each connection, and pipes that pasta keeps ready; both map more than they use. */
static const struct sandbox_limit limits_usernet[] = {
	{RLIMIT_CORE, 0},
	{RLIMIT_NOFILE, 16384},
	{RLIMIT_AS, VERIFY_MEMORY_MAX},
};

const struct sandbox_profile sandbox_profile_usernet = {
	.name = "usernet",
	.identity = SANDBOX_IDENTITY_CALLER, /* the run's user namespace is that user's */
	.landlock = false,		     /* pasta, which it starts, mounts */
	.limits = limits_usernet,
	.limit_count = COUNT(limits_usernet),
	.filter = FILTER(usernet),
};

/* jailer's, for which it is root; see stages/jail/main.c. */
#define JAILER_CAPABILITIES                                                                        \
	(BIT(CAP_SYS_ADMIN) | BIT(CAP_MKNOD) | BIT(CAP_CHOWN) | BIT(CAP_SETUID) |                  \
	 BIT(CAP_SETGID) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER))

const struct sandbox_profile sandbox_profile_jail = {
	.name = "jail",
	.identity = SANDBOX_IDENTITY_CALLER,
	.capabilities = JAILER_CAPABILITIES,
	.handed_on = JAILER_CAPABILITIES,
	.root_executes = true,
	.landlock = false, /* a process under Landlock may not mount (landlock(7)) */
	.limits = limits_launch,
	.limit_count = COUNT(limits_launch),
	.filter = FILTER(jail),
};

/* One program that says its name, and cannot stay. */
static const struct sandbox_limit limits_version[] = {
	{RLIMIT_CORE, 0},
	{RLIMIT_CPU, 5},
	{RLIMIT_NOFILE, FILES_MAX},
	{RLIMIT_AS, VERIFY_MEMORY_MAX},
};

const struct sandbox_profile sandbox_profile_version = {
	.name = "version",
	.identity = SANDBOX_IDENTITY_CALLER, /* an assistant's: nobody where root starts it */
	.landlock = true,
	.limits = limits_version,
	.limit_count = COUNT(limits_version),
	.filter = FILTER(version),
};
