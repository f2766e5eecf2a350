/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every system call of a run's setup made to fail, one at a time: the k-th call of the launcher, of
 * init, of the workload's process before it executes. Whatever happens then, the workload runs as
 * protected as ever or not at all, the stream says how it ended, and nothing is left.
 */
#include "tests/attacks/rapid.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESS_MAX  8
#define SYSCALL_STOP (SIGTRAP | 0x80)
#define HANG_MS	     20000
#define LIMIT_MS     30000
#define OPTIONS                                                                                    \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |    \
	 PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC)

/* The processes of one run, in the order they were made: launcher, init, workload. */
struct process {
	pid_t pid;
	size_t calls;
	bool executed; /* for the workload: its setup is over */
	bool failing;  /* between entry and exit of the call that fails */
	unsigned long long first_argument;
};

struct run {
	char *dir;
	char id[64];		   /* the same in all runs: some of what is compared has it in it */
	unsigned long long number; /* of the call that failed */
	size_t fail_process, fail_call; /* 0: none */
	int fail_errno;
	bool begun;  /* past the start of the C library */
	bool failed; /* it came to that call */
	struct process processes[PROCESS_MAX];
	size_t count;
	int status; /* of the launcher */
	char *out, *err;
};

static char *path_in(const struct run *run, const char *name)
{
	static char paths[4][4200];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", run->dir, name);
	return path;
}

static struct process *process_of(struct run *run, pid_t pid)
{
	for (size_t i = 0; i < run->count; i++)
		if (run->processes[i].pid == pid)
			return &run->processes[i];
	cr_assert_lt(run->count, PROCESS_MAX);
	run->processes[run->count] = (struct process){.pid = pid};
	return &run->processes[run->count++];
}

/*
 * Not those that do not return, brk(2), whose result is an address and never an error, and what the
 * kernel answers from what it holds of the caller.
 */
static bool can_fail(unsigned long long number)
{
	switch (number) {
	case SYS_exit:
	case SYS_exit_group:
	case SYS_rt_sigreturn:
	case SYS_brk:
	case SYS_capget:
	case SYS_getpid:
	case SYS_getppid:
	case SYS_getuid:
	case SYS_geteuid:
	case SYS_getgid:
	case SYS_getegid:
	case SYS_umask:
		return false;
	default:
		return true;
	}
}

/*
 * At entry the call becomes read(-1), which every filter lets pass, and at exit its result becomes
 * the error: a call number of -1 would be the filter's to punish.
 */
static void fail_at_entry(struct run *run, struct process *process)
{
	struct user_regs_struct regs;

	cr_assert_eq(ptrace(PTRACE_GETREGS, process->pid, NULL, &regs), 0);
	process->first_argument = regs.rdi;
	process->failing = run->failed = true;
	run->number = regs.orig_rax;
	/* close(2) closes whatever it says (Linux). */
	if (regs.orig_rax == SYS_close)
		return;
	regs.orig_rax = SYS_read;
	regs.rdi = ~0ULL;
	cr_assert_eq(ptrace(PTRACE_SETREGS, process->pid, NULL, &regs), 0);
}

static void fail_at_exit(const struct run *run, struct process *process)
{
	struct user_regs_struct regs;

	cr_assert_eq(ptrace(PTRACE_GETREGS, process->pid, NULL, &regs), 0);
	regs.rdi = process->first_argument;
	regs.rax = (unsigned long long)-run->fail_errno;
	process->failing = false;
	cr_assert_eq(ptrace(PTRACE_SETREGS, process->pid, NULL, &regs), 0);
}

static void at_call(struct run *run, struct process *process)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, process->pid, sizeof info, &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && process->failing)
		fail_at_exit(run, process);
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY || process->executed)
		return;
	/* The first thing of ours: what is before it is the C library starting. */
	run->begun = run->begun || info.entry.nr == SYS_close_range;
	if (!run->begun)
		return;
	process->calls++;
	if (!run->failed && process == &run->processes[run->fail_process] &&
	    process->calls == run->fail_call && can_fail(info.entry.nr))
		fail_at_entry(run, process);
}

/* One stop of one process; what to deliver to it. */
static int at_stop(struct run *run, struct process *process, int status)
{
	int number = WSTOPSIG(status);

	if (number == SYSCALL_STOP) {
		at_call(run, process);
		return 0;
	}
	if (status >> 16 == PTRACE_EVENT_EXEC && process != &run->processes[0])
		process->executed = true;
	return status >> 16 || number == SIGSTOP || number == SIGTRAP ? 0 : number;
}

static void trace(struct run *run)
{
	long long end = attack_now_ms() + HANG_MS;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		struct process *process = process_of(run, pid);

		cr_assert_lt(attack_now_ms(), end,
			     "process %zu hangs after call %zu (%llu) failed with %s",
			     run->fail_process, run->fail_call, run->number,
			     strerrorname_np(run->fail_errno));
		if (!WIFSTOPPED(status)) {
			if (process == &run->processes[0])
				run->status = status;
			continue;
		}
		int number = at_stop(run, process, status);
		/* What failed has failed, and nobody counts any more: at full speed. */
		bool counts = !run->failed || process->failing;
		ptrace(counts ? PTRACE_SYSCALL : PTRACE_CONT, pid, NULL, (long)number);
	}
	cr_assert_eq(errno, ECHILD);
}

static _Noreturn void become_launcher(const struct run *run)
{
	char *const argv[] = {"sr-launch", "--run-id", (char *)run->id, NULL};
	const char *program = child_path("sr-launch");
	int in = open(path_in(run, "bundle"), O_RDONLY);
	int out = open(path_in(run, "out"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int err = open(path_in(run, "err"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(127);
	closefrom(3);
	/* A hang that makes no system call is ended by this, and is then no exit. */
	alarm(HANG_MS / 1000);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) || raise(SIGSTOP))
		_exit(127);
	execv(program, argv);
	_exit(127);
}

static void run_once(struct run *run)
{
	int status;

	free(run->out);
	free(run->err);
	memset(run->processes, 0, sizeof run->processes);
	run->count = 0;
	run->begun = run->failed = false;
	pid_t pid = fork();
	if (pid == 0)
		become_launcher(run);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSTOPPED(status));
	cr_assert_eq(ptrace(PTRACE_SETOPTIONS, pid, NULL, OPTIONS), 0);
	process_of(run, pid);
	cr_assert_eq(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
	trace(run);
	run->out = child_read_file(path_in(run, "out"), NULL);
	run->err = child_read_file(path_in(run, "err"), NULL);
	cr_assert(run->out && run->err);
}

/* Of what the workload prints, the lines that say how it is held; the caller frees them. */
static char *protection(const char *text)
{
	static const char *const kept[] = {"Uid:",  "Gid:",    "Groups:", "NSpid:",	"Cap",
					   "NoNew", "Seccomp", "Max ",	  "sr-launch: "};
	size_t len;
	char *out;
	FILE *stream = open_memstream(&out, &len);

	while (*text) {
		size_t line = strcspn(text, "\n");
		bool keep = memchr(text, '/', line) && strncmp(text, "error ", 6) != 0;

		for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
			keep = keep || !strncmp(text, kept[i], strlen(kept[i]));
		if (keep)
			fprintf(stream, "%.*s\n", (int)line, text);
		text += line + (text[line] == '\n');
	}
	fclose(stream);
	return out;
}

static bool has_event(const struct run *run, const char *type)
{
	char wanted[64];

	snprintf(wanted, sizeof wanted, "\"type\":\"%s\"}", type);
	return strstr(run->out, wanted) != NULL;
}

/* The run's cgroups below ours; removed, and how many there were. */
static size_t take_cgroups_away(const struct run *run)
{
	char name[96];
	const char *argv[] = {"/usr/bin/find",
			      "/sys/fs/cgroup",
			      "-name",
			      name,
			      "-print",
			      "-exec",
			      "rmdir",
			      "{}",
			      ";",
			      "-prune",
			      NULL};
	struct child_result result;
	size_t count;

	snprintf(name, sizeof name, "safe-run-%s", run->id);
	child_run(argv, NULL, 0, NULL, &result);
	count = attack_lines(result.out, "/sys/fs/cgroup");
	child_release(&result);
	return count;
}

/* What it had time to say. */
static void expect_same(const char *now, const char *baseline, bool killed, const char *what)
{
	size_t same = 0;

	while (now[same] && now[same] == baseline[same])
		same++;
	while (same && now[same - 1] != '\n')
		same--;
	cr_expect(!strcmp(now + same, baseline + same) || (killed && !now[same]),
		  "%s: '%.*s', not '%.*s'", what, (int)strcspn(now + same, "\n"), now + same,
		  (int)strcspn(baseline + same, "\n"), baseline + same);
}

/* How a run may end whose call was made to fail. */
static void expect_safe(const struct run *run, const char *baseline, const char *what)
{
	char *now = protection(run->err);
	bool ran = strstr(run->err, "NoNewPrivs:") != NULL;
	/* A sandbox that breaks down under the command takes it along, and its end says so. */
	bool killed = strstr(run->out, "\"signal\":\"SIGKILL\"") != NULL;
	bool failed = has_event(run, "run.failed");
	bool closed = has_event(run, "run.cleaned") || failed;

	cr_expect(WIFEXITED(run->status), "%s: the launcher was killed (%x): %s", what, run->status,
		  run->err);
	if (ran)
		expect_same(now, baseline, killed || failed, what);
	cr_expect(!ran || strstr(run->out, "\"verdict\":\"enforced\""), "%s: ran unprepared: %s",
		  what, run->out);
	cr_expect(closed || WEXITSTATUS(run->status) == 3, "%s: status %d and no closing event: %s",
		  what, WEXITSTATUS(run->status), run->out);
	cr_expect(!has_event(run, "run.cleaned") || ran || killed,
		  "%s: cleaned, but it said nothing: %s", what, run->out);
	free(now);
}

/* Where no device may be made the host's are bound, which is not the same, and is said. */
static bool took_host_device(const struct run *run, int error)
{
	return run->number == SYS_mknodat && error == EPERM &&
	       strstr(run->out, "\"hostDevices\":1,") != NULL;
}

struct table {
	size_t calls[3]; /* of launcher, init, workload until it executes */
	size_t tried, refused, unaffected, left;
};

static void try_one(struct run *run, const char *baseline, size_t process, size_t call, int error,
		    struct table *table)
{
	char what[64];

	run->fail_process = process;
	run->fail_call = call;
	run->fail_errno = error;
	run_once(run);
	snprintf(what, sizeof what, "process %zu, call %zu (%llu), %s", process, call, run->number,
		 strerrorname_np(error));
	if (!took_host_device(run, error))
		expect_safe(run, baseline, what);
	table->tried += run->failed;
	if (strstr(run->err, "NoNewPrivs:"))
		table->unaffected++;
	else
		table->refused++;
	/* What could not be removed is said; safe-run gc takes it away, and so do we. */
	size_t left = take_cgroups_away(run);
	cr_expect(!left || strstr(run->out, "\"ok\":false") || WEXITSTATUS(run->status) == 3,
		  "%s: cgroups are left, and nobody says so: %s", what, run->out);
	table->left += left;
}

static void try_all(struct run *run, const char *baseline, struct table *table)
{
	static const int errors[] = {EIO, ENOMEM, EPERM};
	long long end = attack_now_ms() + LIMIT_MS;
	size_t last_pass = 0;

	/* Each pass fails every call once, and each time with another error; the first is whole. */
	for (size_t pass = 0; pass < 3; pass++)
		for (size_t process = 0; process < 3; process++)
			for (size_t call = 1; call <= table->calls[process]; call++) {
				if (pass > 0 && attack_now_ms() >= end)
					goto out_of_time;
				try_one(run, baseline, process, call, errors[(call + pass) % 3],
					table);
				last_pass = pass;
			}
out_of_time:
	fprintf(stderr,
		"launch: calls %zu + %zu + %zu until the command runs; %zu made to fail in %zu "
		"passes and at most %d s: %zu refused, %zu went on unaffected\n",
		table->calls[0], table->calls[1], table->calls[2], table->tried, last_pass + 1,
		LIMIT_MS / 1000, table->refused, table->unaffected);
}

Test(launch_faults, every_call_of_the_setup, .timeout = 600)
{
	const char *argv[] = {"/bin/cat",	   "/proc/self/status", "/proc/self/limits",
			      "/proc/self/mounts", "/proc/self/cgroup", NULL};
	struct run run = {.dir = child_make_dir("faults")};
	struct table table = {0};
	struct attack attack;
	struct rapid rapid;

	snprintf(run.id, sizeof run.id, "sr-20260101-000000-%08x", (unsigned)getpid());
	attack_open(&attack, argv);
	rapid_open(&rapid, &attack);
	child_write_file(path_in(&run, "bundle"), rapid.bundle, rapid.bundle_len);
	run_once(&run);
	cr_assert(has_event(&run, "run.cleaned"), "%s%s", run.out, run.err);
	cr_assert_geq(run.count, 3);
	for (size_t i = 0; i < 3; i++)
		table.calls[i] = run.processes[i].calls;
	char *baseline = protection(run.err);
	cr_assert_not_null(strstr(baseline, "Seccomp:\t2"), "%s", baseline);
	try_all(&run, baseline, &table);
	cr_expect_gt(table.tried, table.calls[1]);
	cr_expect_gt(table.refused, 0);
	cr_expect_gt(table.unaffected, 0);
	take_cgroups_away(&run);
	rapid_close(&rapid);
	attack_close(&attack);
	child_remove_dir(run.dir);
	free(baseline);
	free(run.out), free(run.err), free(run.dir);
}
