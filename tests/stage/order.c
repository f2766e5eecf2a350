/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of confinement, seen from outside: each executable runs under ptrace(2) up to its first
 * read of input. Nothing may be read before the filter stands, the steps must come in the one
 * order, and at that moment the kernel's own record of the process must say that it is confined.
 */
#include "sandbox/status.h"
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEPS_MAX     4096
#define NOBODY	      65534
#define SYSCALL_STOP  (SIGTRAP | 0x80) /* PTRACE_O_TRACESYSGOOD */
#define LANDLOCK_SELF 446	       /* landlock_restrict_self */

enum step {
	STEP_LIMIT,
	STEP_AMBIENT,
	STEP_BOUNDING,
	STEP_GROUPS,
	STEP_GID,
	STEP_UID,
	STEP_SECUREBITS,
	STEP_CAPSET,
	STEP_DUMPABLE,
	STEP_PDEATHSIG,
	STEP_PARENT,
	STEP_NO_NEW_PRIVS,
	STEP_LANDLOCK,
	STEP_SECCOMP,
	STEP_READ_BACK,
	STEP_INPUT,
	STEP_COUNT
};

static const char *const step_names[STEP_COUNT] = {
	"rlimits",    "ambient", "bounding set",    "setgroups", "setresgid", "setresuid",
	"securebits", "capset",	 "PR_SET_DUMPABLE", "PDEATHSIG", "getppid",   "NO_NEW_PRIVS",
	"Landlock",   "seccomp", "read back",	    "input",
};

static const struct program {
	const char *name;
	bool own_file; /* takes a file to read; any will do */
	bool landlock;
	bool nobody; /* as root */
	bool capable;
	const char *words[12]; /* more of its command line: descriptors of open_places */
} programs[] = {
	{"sr-validate", false, true, false, false, {NULL}},
	{"sr-compile", false, true, true, false, {NULL}},
	{"sr-launch", false, false, false, true, {NULL}},
	{"sr-monitor", false, true, true, false, {NULL}},
	{"sr-seal", false, true, false, false, {NULL}},
	{"sr-verify", true, true, true, false, {NULL}},
	{"sr-signer", false, true, true, false, {"--key-fd", "21", "--peer-fd", "22"}},
	{"sr-ed25519", false, true, true, false, {"--key-fd", "21", "--peer-fd", "22"}},
	{"sr-key", false, true, true, false, {"--public-fd", "21"}},
	{"sr-tree", false, true, false, false, {"--tree-fd", "20"}},
	{"sr-unpack", false, true, false, false, {"--file-fd", "21", "--identify"}},
	{"sr-resolve", false, true, false, false, {"--resolv-fd", "21"}},
	{"sr-egress", false, true, false, false, {"--listen-fd", "22"}},
	{"sr-guest", false, true, false, false, {"--place-fd", "23", "--vmm", "qemu"}},
	{"sr-image",
	 false,
	 true,
	 false,
	 false,
	 {"--tree-fd", "20", "--image-fd", "24", "--max-bytes", "1073741824"}},
	{"sr-artifact",
	 false,
	 true,
	 false,
	 false,
	 {"--kernel-fd", "21", "--modules-fd", "20", "--init-fd", "22", "--out-fd", "23",
	  "--release", "x", "--source", "x"}},
	{"sr-machine", false, true, false, false, {"--artifacts-fd", "20", "--vmm-fd", "21"}},
	{"sr-inspect", true, true, true, false, {NULL}},
	{"sr-prove", true, true, true, false, {NULL}},
	{"sr-archive",
	 false,
	 true,
	 false,
	 false,
	 {"--archive", "/", "--key", "/etc/passwd", "verify"}},
	{"sr-filter", false, true, false, true, {NULL}},
	{"sr-uplink", false, true, false, true, {"--netns-fd", "21"}},
	{"sr-usernet",
	 false,
	 false,
	 false,
	 false,
	 {"--run-pid", "1", "--user-fd", "21", "--net-fd", "21", "--link-fd", "22"}},
	{"sr-jail", false, false, false, true, {"--channel-fd", "22"}},
	{"sr-version", false, true, false, false, {"--program-fd", "21"}},
	{"sr-compare", false, true, true, false, {"--recorded-fd", "21"}},
	{"sr-collect", false, true, false, false, {"--tree-fd", "20", "--store-fd", "22"}},
	{"sr-deposit",
	 false,
	 true,
	 false,
	 false,
	 {"--entries-fd", "22", "--outputs-fd", "20", "--manifest-fd", "21"}},
	{"sr-export",
	 false,
	 true,
	 false,
	 false,
	 {"--manifest-fd", "21", "--from-fd", "20", "--to-fd", "20"}},
	{"sr-diff",
	 false,
	 true,
	 false,
	 false,
	 {"--manifest-fd", "21", "--from-fd", "20", "--base-fd", "20", "--diff-fd", "21"}},
};

struct trace {
	pid_t pid;
	int first[STEP_COUNT], last[STEP_COUNT]; /* -1: never */
	int calls;
	bool filtered; /* seccomp has returned 0 */
	unsigned long long status_fd;
	int early_reads;
	bool loaded; /* dynamic: its loader and libnftables read, but no input */
};

static enum step prctl_step(unsigned long option, unsigned long second)
{
	switch (option) {
	case PR_CAP_AMBIENT:
		return second == PR_CAP_AMBIENT_CLEAR_ALL ? STEP_AMBIENT : STEP_COUNT;
	case PR_CAPBSET_DROP:
		return STEP_BOUNDING;
	case PR_SET_SECUREBITS:
		return STEP_SECUREBITS;
	case PR_SET_DUMPABLE:
		return second == 0 ? STEP_DUMPABLE : STEP_COUNT;
	case PR_SET_PDEATHSIG:
		return second == SIGKILL ? STEP_PDEATHSIG : STEP_COUNT;
	case PR_SET_NO_NEW_PRIVS:
		return second == 1 ? STEP_NO_NEW_PRIVS : STEP_COUNT;
	default:
		return STEP_COUNT;
	}
}

/* The kernel's own account of the process is not input. */
static bool reads_procfs(pid_t pid, unsigned long long fd)
{
	char link[64], target[64] = "";

	snprintf(link, sizeof link, "/proc/%d/fd/%llu", pid, fd);
	return readlink(link, target, sizeof target - 1) > 0 && strncmp(target, "/proc/", 6) == 0;
}

/* The first descriptor read behind the filter is /proc/self/status, to its end; the next is input.
 */
static enum step read_step(struct trace *trace, unsigned long long fd)
{
	if (!trace->filtered) {
		trace->early_reads += trace->loaded ? fd == 0 : !reads_procfs(trace->pid, fd);
		return STEP_COUNT;
	}
	if (trace->last[STEP_READ_BACK] < 0)
		trace->status_fd = fd;
	return fd == trace->status_fd ? STEP_READ_BACK : STEP_INPUT;
}

static enum step step_of(struct trace *trace, const struct __ptrace_syscall_info *info)
{
	const unsigned long long *args = (const unsigned long long *)info->entry.args;

	switch (info->entry.nr) {
	case SYS_prlimit64:
		return args[2] != 0 ? STEP_LIMIT : STEP_COUNT;
	case SYS_prctl:
		return prctl_step(args[0], args[1]);
	case SYS_setgroups:
		return STEP_GROUPS;
	case SYS_setresgid:
		return STEP_GID;
	case SYS_setresuid:
		return STEP_UID;
	case SYS_capset:
		return STEP_CAPSET;
	case SYS_getppid:
		return STEP_PARENT;
	case LANDLOCK_SELF:
		return STEP_LANDLOCK;
	case SYS_seccomp:
		return STEP_SECCOMP;
	case SYS_read:
	case SYS_readv:
	case SYS_pread64:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_splice:
		return read_step(trace, args[0]);
	default:
		return STEP_COUNT;
	}
}

/* One stop at a system call; true when the first byte of input is about to be read. */
static bool trace_call(struct trace *trace, enum step *pending)
{
	struct __ptrace_syscall_info info;

	cr_assert_gt(ptrace(PTRACE_GET_SYSCALL_INFO, trace->pid, sizeof info, &info), 0);
	if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
		if (*pending == STEP_SECCOMP && info.exit.rval == 0)
			trace->filtered = true;
		return false;
	}
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	*pending = step_of(trace, &info);
	trace->calls++;
	if (*pending == STEP_COUNT)
		return false;
	if (trace->first[*pending] < 0)
		trace->first[*pending] = trace->calls;
	trace->last[*pending] = trace->calls;
	return *pending == STEP_INPUT;
}

static void trace_to_input(struct trace *trace, const char *name)
{
	enum step pending = STEP_COUNT;
	int status;

	cr_assert_eq(waitpid(trace->pid, &status, 0), trace->pid);
	cr_assert(WIFSTOPPED(status));
	cr_assert_eq(ptrace(PTRACE_SETOPTIONS, trace->pid, 0,
			    PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC),
		     0);
	for (int i = 0; i < STEPS_MAX; i++) {
		int signal_number = 0;

		cr_assert_eq(ptrace(PTRACE_SYSCALL, trace->pid, 0, signal_number), 0);
		cr_assert_eq(waitpid(trace->pid, &status, 0), trace->pid);
		cr_assert(WIFSTOPPED(status), "%s: ended (%x) before it read input", name, status);
		if (WSTOPSIG(status) == SYSCALL_STOP && trace_call(trace, &pending))
			return;
	}
	cr_assert_fail("%s: no input read in %d stops", name, STEPS_MAX);
}

/* 20: the programs' directory; 21: a file in it; 22: a socket with something to read; 23: place;
 * 24: an empty file. */
static void open_places(const char *path, const char *place)
{
	char dir_path[4096];
	int pair[2];

	snprintf(dir_path, sizeof dir_path, "%.*s", (int)(strrchr(path, '/') - path), path);
	if (dup2(open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), 20) < 0 ||
	    dup2(open(path, O_RDONLY | O_CLOEXEC), 21) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0 || write(pair[1], "x", 1) != 1 ||
	    dup2(pair[0], 22) < 0 ||
	    dup2(open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC), 23) < 0 ||
	    dup2(memfd_create("image", MFD_CLOEXEC), 24) < 0)
		_exit(125);
}

/* Started in a run's network namespace, with its CAP_NET_ADMIN. */
static bool of_network(const struct program *program)
{
	return strcmp(program->name, "sr-filter") == 0 || strcmp(program->name, "sr-uplink") == 0;
}

static pid_t start_traced(const struct program *program, const char *place)
{
	char parent[16];
	const char *path = child_path(program->name);
	const char *argv[18] = {path, "--parent-pid", parent, program->own_file ? path : NULL};
	int ends[2];
	pid_t pid;

	if (program->words[0] != NULL)
		memcpy(argv + 3, program->words, sizeof program->words);
	snprintf(parent, sizeof parent, "%d", getpid());
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	cr_assert_eq(write(ends[1], "x", 1), 1);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid > 0)
		return pid;
	dup2(ends[0], 0);
	/* What they set is a namespace's, and must not be this machine's. */
	if (of_network(program) && unshare(CLONE_NEWNET) < 0)
		_exit(124);
	open_places(path, place);
	if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
		_exit(126);
	raise(SIGSTOP);
	execv(path, (char *const *)argv);
	_exit(127);
}

/* Started by root alone. */
static bool of_jail(const struct program *program)
{
	return strcmp(program->name, "sr-jail") == 0;
}

static bool step_due(const struct program *program, enum step step, bool root)
{
	switch (step) {
	case STEP_SECUREBITS:
		/* What it executes as root is to get what is left. */
		return root && !of_jail(program);
	case STEP_BOUNDING:
		return root;
	case STEP_GROUPS:
	case STEP_GID:
	case STEP_UID:
		return root && program->nobody;
	case STEP_LANDLOCK:
		return program->landlock;
	case STEP_LIMIT:
	case STEP_AMBIENT:
	case STEP_CAPSET:
	case STEP_DUMPABLE:
	case STEP_PDEATHSIG:
	case STEP_PARENT:
	case STEP_NO_NEW_PRIVS:
	case STEP_SECCOMP:
	case STEP_READ_BACK:
	case STEP_INPUT:
		return true;
	case STEP_COUNT:
		break;
	}
	return false;
}

/* capset comes twice as root: to keep what the securebits need, then for good. The last counts. */
static void expect_order(const struct program *program, const struct trace *trace, bool root)
{
	int before = 0;
	const char *name = "the start";

	cr_expect_eq(trace->early_reads, 0, "%s reads before it is confined", program->name);
	for (int step = 0; step < STEP_COUNT; step++) {
		int at = step == STEP_CAPSET ? trace->last[step] : trace->first[step];

		if (!step_due(program, (enum step)step, root)) {
			cr_expect_lt(at, 0, "%s: %s is not due", program->name, step_names[step]);
			continue;
		}
		cr_expect_gt(at, before, "%s: %s does not come after %s", program->name,
			     step_names[step], name);
		before = trace->last[step];
		name = step_names[step];
	}
}

static void expect_confined(const struct program *program, pid_t pid, bool root)
{
	struct sandbox_status status;
	char path[64];
	int fd;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	cr_assert_eq(sandbox_status_read(fd, &status), 0);
	close(fd);
	cr_expect(status.no_new_privs, "%s", program->name);
	cr_expect_eq(status.seccomp_mode, 2, "%s", program->name);
	cr_expect_eq(status.cap_inheritable | status.cap_ambient, 0, "%s", program->name);
	cr_expect_eq(status.cap_permitted, status.cap_effective, "%s", program->name);
	if (!root || !program->capable)
		cr_expect_eq(status.cap_permitted, 0, "%s", program->name);
	else
		cr_expect_eq(status.cap_permitted &
				     (1ULL << CAP_SYS_MODULE | 1ULL << CAP_SYS_RAWIO |
				      1ULL << CAP_DAC_READ_SEARCH),
			     0, "%s", program->name);
	if (root && of_jail(program))
		cr_expect_eq(status.cap_bounding, status.cap_permitted, "%s", program->name);
	else if (root)
		cr_expect_eq(status.cap_bounding,
			     strcmp(program->name, "sr-launch") == 0 ? 1ULL << CAP_NET_ADMIN : 0,
			     "%s", program->name);
	for (size_t i = 0; i < 4; i++)
		cr_expect_eq(status.uid[i], root && program->nobody ? NOBODY : geteuid(), "%s",
			     program->name);
}

static void try_program(const struct program *program)
{
	char *place = child_make_dir("order");
	struct trace trace = {.pid = start_traced(program, place), .loaded = of_network(program)};
	bool root = geteuid() == 0;

	memset(trace.first, 0xff, sizeof trace.first);
	memset(trace.last, 0xff, sizeof trace.last);
	trace_to_input(&trace, program->name);
	expect_order(program, &trace, root);
	expect_confined(program, trace.pid, root);
	kill(trace.pid, SIGKILL);
	waitpid(trace.pid, NULL, 0);
	child_remove_dir(place);
	free(place);
}

Test(order, every_stage)
{
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
		if (!of_network(&programs[i]) && (geteuid() == 0 || !of_jail(&programs[i])))
			try_program(&programs[i]);
}

Test(order, those_of_the_network)
{
	const char *argv[] = {child_path("sr-filter"), "--help", NULL};
	struct child_result help;

	if (geteuid() != 0)
		cr_skip_test("CAP_NET_ADMIN over a network namespace is root's to give here");
	/* The one kind of program here that has a loader to fail: in a guest made of static ones. */
	child_run(argv, "", 0, NULL, &help);
	if (help.status == 127)
		cr_skip_test("libnftables is not on this machine");
	child_release(&help);
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
		if (of_network(&programs[i]))
			try_program(&programs[i]);
}

/* No stage is left out: what lies beside safe-run is in the table. */
Test(order, no_stage_is_missing)
{
	char *dir_path = strdup(child_path("safe-run"));
	const struct dirent *entry;
	size_t count = 0;
	DIR *dir;

	*strrchr(dir_path, '/') = '\0';
	dir = opendir(dir_path);
	cr_assert_not_null(dir, "%s", dir_path);
	while ((entry = readdir(dir)) != NULL) {
		/* A guest's pid 1 is no stage, and starts nowhere else. */
		bool init = strcmp(entry->d_name, "sr-init") == 0;
		bool known = init || strncmp(entry->d_name, "sr-", 3) != 0;

		for (size_t i = 0; i < sizeof programs / sizeof *programs && !known; i++)
			known = strcmp(programs[i].name, entry->d_name) == 0;
		cr_expect(known, "%s: its order is not looked at", entry->d_name);
		count += !init && strncmp(entry->d_name, "sr-", 3) == 0;
	}
	cr_expect_eq(count, sizeof programs / sizeof *programs);
	closedir(dir);
	free(dir_path);
}
