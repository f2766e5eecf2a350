/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/sandbox.h"

#include "sandbox/caps.h"
#include "sandbox/landlock.h"
#include "sandbox/status.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NOBODY_ID   65534
#define EXIT_FAILED 3
#define BIT(number) (1ULL << (number))

/* What read back must find, decided before anything is given up. */
struct expectation {
	uid_t uid;
	gid_t gid;
	uint64_t capabilities;
	bool bounding_cleared;
	uint64_t bounding; /* what may be left in it */
};

/*
 * Half confined is not recoverable: say which step and how to mend it, and go. Runs under the
 * filter too, so nothing but write and exit.
 */
__attribute__((format(printf, 2, 3))) _Noreturn static void
sandbox_die(const struct sandbox_profile *profile, const char *format, ...)
{
	char line[512];
	size_t len;
	va_list args;

	len = (size_t)snprintf(line, sizeof line,
			       "sr-%.20s: cannot confine myself: ", profile->name);
	va_start(args, format);
	vsnprintf(line + len, sizeof line - len - 1, format, args);
	va_end(args);
	len = strlen(line);
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0)
		_exit(EXIT_FAILED);
	_exit(EXIT_FAILED);
}

static void step(const struct sandbox_profile *profile, int result, const char *what)
{
	if (result < 0)
		sandbox_die(profile, "%s: %s", what, strerror(errno));
}

static void limits_set(const struct sandbox_profile *profile)
{
	for (size_t i = 0; i < profile->limit_count; i++) {
		const struct sandbox_limit *limit = &profile->limits[i];
		struct rlimit now, value;

		step(profile, getrlimit((__rlimit_resource_t)limit->resource, &now), "getrlimit");
		/* Whoever started us may have set less: limits only go down. */
		value.rlim_max = limit->value < now.rlim_max ? limit->value : now.rlim_max;
		value.rlim_cur = value.rlim_max;
		step(profile, setrlimit((__rlimit_resource_t)limit->resource, &value), "setrlimit");
	}
}

static void become_nobody(const struct sandbox_profile *profile)
{
	/* Keeps the permitted set, for one more call that needs CAP_SETPCAP: the securebits. */
	step(profile, prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "PR_SET_KEEPCAPS");
	step(profile, setgroups(0, NULL), "setgroups");
	if (setresgid(NOBODY_ID, NOBODY_ID, NOBODY_ID) < 0 ||
	    setresuid(NOBODY_ID, NOBODY_ID, NOBODY_ID) < 0)
		sandbox_die(profile,
			    "cannot become user %d: %s. In a user namespace that does not map it, "
			    "run as an ordinary user instead",
			    NOBODY_ID, strerror(errno));
}

/* Everything root has beyond the profile goes here. An ordinary user has nothing to give up. */
static void privileges_drop(const struct sandbox_profile *profile, struct expectation *expect)
{
	uint64_t held = caps_permitted();
	bool may_lock = held & BIT(CAP_SETPCAP);

	*expect = (struct expectation){.uid = geteuid(), .gid = getegid()};
	if (expect->uid == 0 || profile->given)
		expect->capabilities = profile->capabilities & held;
	step(profile, caps_clear_ambient(), "clear the ambient capabilities");
	if (may_lock)
		step(profile, caps_clear_bounding(profile->handed_on), "clear the bounding set");
	expect->bounding_cleared = may_lock;
	expect->bounding = profile->handed_on & held;
	if (expect->uid == 0 && profile->identity == SANDBOX_IDENTITY_NOBODY) {
		become_nobody(profile);
		expect->uid = expect->gid = NOBODY_ID;
	}
	if (may_lock) {
		step(profile, caps_set(expect->capabilities | BIT(CAP_SETPCAP)), "capset");
		if (!profile->root_executes)
			step(profile, caps_lock_securebits(profile->handed_on != 0),
			     "PR_SET_SECUREBITS");
	}
	step(profile, caps_set(expect->capabilities), "capset");
}

/*
 * PDEATHSIG is cleared by every change of ids (prctl(2)), so only now; a parent that died before it
 * was set is seen by who is the parent afterwards.
 */
static void follow_parent(const struct sandbox_profile *profile, pid_t parent_pid)
{
	if (parent_pid == 0)
		return;
	step(profile, prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "PR_SET_PDEATHSIG");
	if (getppid() != parent_pid)
		sandbox_die(profile, "process %d is not my parent, or has ended", (int)parent_pid);
}

static void files_restrict(const struct sandbox_profile *profile,
			   const struct sandbox_fd_rule *fd_rules, size_t fd_rule_count)
{
	if (!profile->landlock)
		return;
	if (landlock_restrict_ports(profile->paths, profile->path_count, fd_rules, fd_rule_count,
				    profile->ports, profile->port_count, NULL) == 0)
		return;
	if (errno == ENOSYS || errno == EOPNOTSUPP)
		sandbox_die(profile, "this kernel has no Landlock: it needs Linux 5.13 or later "
				     "with CONFIG_SECURITY_LANDLOCK, and \"landlock\" among the "
				     "lsm= of its command line");
	sandbox_die(profile, "Landlock: %s", strerror(errno));
}

static void calls_restrict(const struct sandbox_profile *profile)
{
	if (sandbox_filter_install(&profile->filter) == 0)
		return;
	if (errno == ENOSYS || errno == EINVAL)
		sandbox_die(profile, "this kernel has no seccomp filters: it needs "
				     "CONFIG_SECCOMP_FILTER");
	sandbox_die(profile, "seccomp: %s", strerror(errno));
}

static bool ids_are(const uint32_t ids[4], uint32_t id)
{
	return ids[0] == id && ids[1] == id && ids[2] == id && ids[3] == id;
}

/*
 * The descriptor stays open: not every filter has close. It shows this process's own state and
 * closes on exec.
 */
static void read_back(const struct sandbox_profile *profile, int status_fd,
		      const struct expectation *expect)
{
	struct sandbox_status status;

	step(profile, sandbox_status_read(status_fd, &status), "/proc/self/status");
	if (!status.no_new_privs || status.seccomp_mode != 2)
		sandbox_die(profile, "read back: no_new_privs %d, seccomp %d", status.no_new_privs,
			    status.seccomp_mode);
	if (!ids_are(status.uid, expect->uid) || !ids_are(status.gid, expect->gid))
		sandbox_die(profile, "read back: uid %u, gid %u", status.uid[1], status.gid[1]);
	if (status.cap_permitted != expect->capabilities ||
	    status.cap_effective != expect->capabilities || status.cap_inheritable != 0 ||
	    status.cap_ambient != 0 ||
	    (expect->bounding_cleared && (status.cap_bounding & ~expect->bounding) != 0))
		sandbox_die(profile, "read back: capabilities %#llx, bounding %#llx",
			    (unsigned long long)status.cap_permitted,
			    (unsigned long long)status.cap_bounding);
}

void sandbox_enter(const struct sandbox_profile *profile, const struct sandbox_fd_rule *fd_rules,
		   size_t fd_rule_count, pid_t parent_pid)
{
	struct expectation expect;
	int status_fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	if (status_fd < 0)
		sandbox_die(profile, "/proc/self/status: %s. Is /proc mounted?", strerror(errno));
	limits_set(profile);
	privileges_drop(profile, &expect);
	/* No core, no ptrace by others of our uid, /proc/PID files owned by root. */
	step(profile, prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "PR_SET_DUMPABLE");
	follow_parent(profile, parent_pid);
	step(profile, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
	files_restrict(profile, fd_rules, fd_rule_count);
	calls_restrict(profile);
	read_back(profile, status_fd, &expect);
}
