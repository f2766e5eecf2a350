/* SPDX-License-Identifier: Apache-2.0 */
/* SC1-SC10: the kernel's entry, as seen from inside. Ids as in SECURITY.md. */
#include "tests/attacks/run.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const profiles[] = {"\"standard\"", "\"standard-net\"", "\"strict\""};

#define PROFILE_COUNT (sizeof profiles / sizeof *profiles)

static bool is_refusal(const char *word)
{
	return !strcmp(word, "EPERM") || !strcmp(word, "ENOSYS");
}

/* Each name must be refused inside, under every profile, and not be refused so when bare. */
static void expect_refused(const char *const argv[], const char *const names[], size_t count)
{
	struct attack attack;

	attack_open(&attack, argv);
	for (size_t profile = 0; profile < PROFILE_COUNT; profile++) {
		attack_set(&attack, "runtime.seccomp", profiles[profile]);
		attack_run(&attack);
		attack_expect_finished(&attack);
		for (size_t i = 0; i < count; i++) {
			const char *word = attack_said(attack.result.out, names[i]);

			cr_expect(is_refusal(word), "%s: %s said '%s'", profiles[profile], names[i],
				  word);
		}
		cr_expect_str_eq(attack_event(&attack, "run.cleaned", "payload.outcome.state"),
				 "finished");
	}
	attack_close(&attack);
}

Test(attacks, SC1_io_uring)
{
	static const char *const names[] = {"io_uring_setup", "io_uring_enter",
					    "io_uring_register"};
	const char *argv[] = {ATTACK_INSIDE "/calls", NULL};
	const char *bare[] = {"calls", NULL};
	struct child_result control;

	attack_bare(bare, &control);
	cr_assert_str_neq(attack_said(control.out, "io_uring_enter"), "EPERM");
	child_release(&control);
	expect_refused(argv, names, sizeof names / sizeof *names);
}

static void expect_killed(const char *door, bool live)
{
	const char *inside[] = {ATTACK_INSIDE "/foreign", door, NULL};
	const char *bare[] = {"foreign", door, NULL};
	struct child_result control;
	struct attack attack;

	/* A kernel without the door says so by itself; what matters is that ours kills. */
	attack_bare(bare, &control);
	if (live)
		cr_expect_eq(control.status, 0, "%s is dead on this host", door);
	child_release(&control);
	attack_open(&attack, inside);
	for (size_t profile = 0; profile < PROFILE_COUNT; profile++) {
		attack_set(&attack, "runtime.seccomp", profiles[profile]);
		attack_run(&attack);
		cr_expect_str_eq(attack.result.out, "", "%s answered: %s", door, attack.result.out);
		cr_expect_eq(attack.result.status, 128 + 31);
		cr_expect_str_eq(attack_text(&attack, "outcome.cause"), "seccomp");
		cr_expect_str_eq(attack_event(&attack, "vm.exited", "payload.signal"), "SIGSYS");
	}
	attack_close(&attack);
}

Test(attacks, SC2_foreign_architectures)
{
	expect_killed("int80", true);
	expect_killed("socketcall", true);
	expect_killed("x32", true);
}

/* Families that may be made, on socket and on socketpair, as " 1 2 10 ". */
static void families_made(const char *out, const char *call, char *made, size_t size)
{
	size_t used = (size_t)snprintf(made, size, " ");

	for (int family = 0; family < 64; family++) {
		for (int type = 0; type <= 10; type++) {
			char name[64];

			snprintf(name, sizeof name, "%s %d %d", call, family, type);
			if (!strcmp(attack_said(out, name), "ok")) {
				used += (size_t)snprintf(made + used, size - used, "%d ", family);
				break;
			}
		}
	}
}

static void expect_families(const char *profile, const char *sockets, const char *pairs)
{
	const char *argv[] = {ATTACK_INSIDE "/families", NULL};
	struct attack attack;
	char made[512];

	attack_open(&attack, argv);
	attack_set(&attack, "runtime.seccomp", profile);
	attack_run(&attack);
	attack_expect_finished(&attack);
	families_made(attack.result.out, "socket", made, sizeof made);
	cr_expect_str_eq(made, sockets, "%s makes%s", profile, made);
	families_made(attack.result.out, "socketpair", made, sizeof made);
	cr_expect_str_eq(made, pairs, "%s makes%s", profile, made);
	cr_expect_gt(attack_lines(attack.result.out, "socketpair "), 60);
	attack_close(&attack);
}

Test(attacks, SC3_socket_families)
{
	const char *bare[] = {"families", NULL};
	struct child_result control;
	char made[512];

	attack_bare(bare, &control);
	families_made(control.out, "socket", made, sizeof made);
	cr_expect_not_null(strstr(made, " 16 "), "netlink is dead on this host:%s", made);
	child_release(&control);
	expect_families("\"standard\"", " 1 ", " 1 ");
	expect_families("\"standard-net\"", " 1 2 10 ", " 1 ");
	expect_families("\"strict\"", " ", " ");
}

Test(attacks, SC4_nested_namespaces)
{
	static const char *const names[] = {
		"unshare user", "unshare mnt",	  "unshare pid",  "unshare net", "unshare ipc",
		"unshare uts",	"unshare cgroup", "unshare time", "clone user",	 "clone mnt",
		"clone pid",	"clone net",	  "clone ipc",	  "clone uts",	 "clone cgroup",
		"setns user",	"setns mnt",	  "setns pid",	  "setns net",	 "setns ipc",
		"setns uts",	"setns cgroup",
	};
	const char *argv[] = {ATTACK_INSIDE "/namespaces", NULL};
	const char *bare[] = {"namespaces", NULL};
	struct child_result control;
	struct attack attack;

	attack_bare(bare, &control);
	cr_expect_str_eq(attack_said(control.out, "unshare user"), "ok");
	cr_expect_str_eq(attack_said(control.out, "clone3 user"), "ok");
	child_release(&control);
	attack_open(&attack, argv);
	attack_run(&attack);
	attack_expect_finished(&attack);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		cr_expect_str_eq(attack_said(attack.result.out, names[i]), "EPERM", "%s", names[i]);
	cr_expect_str_eq(attack_said(attack.result.out, "clone3 plain"), "ENOSYS");
	cr_expect_str_eq(attack_said(attack.result.out, "clone3 user"), "ENOSYS");
	attack_close(&attack);
}

Test(attacks, SC5_interfaces_without_business)
{
	static const char *const eperm[] = {
		"bpf",
		"keyctl",
		"add_key",
		"request_key",
		"perf_event_open",
		"userfaultfd",
		"kexec_load",
		"kexec_file_load",
		"init_module",
		"finit_module",
		"delete_module",
		"ptrace",
		"process_vm_readv",
		"process_vm_writev",
		"process_madvise",
		"pidfd_getfd",
		"kcmp",
		"mount",
		"umount2",
		"pivot_root",
		"chroot",
		"setns",
		"fsopen",
		"fsconfig",
		"fsmount",
		"fspick",
		"open_tree",
		"move_mount",
		"mount_setattr",
		"name_to_handle_at",
		"open_by_handle_at",
		"fanotify_init",
		"clock_settime",
		"settimeofday",
		"sethostname",
		"reboot",
		"swapon",
		"acct",
		"iopl",
		"ioperm",
		"modify_ldt",
		"syslog",
		"quotactl",
		"migrate_pages",
	};
	static const char *const enosys[] = {"clone3",	   "openat2",	    "io_setup",
					     "mq_open",	   "memfd_secret",  "number-460",
					     "number-511", "number-1000000"};
	const char *argv[] = {ATTACK_INSIDE "/calls", NULL};
	struct attack attack;

	attack_open(&attack, argv);
	for (size_t profile = 0; profile < PROFILE_COUNT; profile++) {
		attack_set(&attack, "runtime.seccomp", profiles[profile]);
		attack_run(&attack);
		attack_expect_finished(&attack);
		for (size_t i = 0; i < sizeof eperm / sizeof *eperm; i++)
			cr_expect_str_eq(attack_said(attack.result.out, eperm[i]), "EPERM", "%s",
					 eperm[i]);
		for (size_t i = 0; i < sizeof enosys / sizeof *enosys; i++)
			cr_expect_str_eq(attack_said(attack.result.out, enosys[i]), "ENOSYS", "%s",
					 enosys[i]);
	}
	attack_close(&attack);
}

Test(attacks, SC6_terminal_injection)
{
	static const char *const names[] = {"TIOCSTI",	     "TIOCSTI-high",   "TIOCSTI-sign",
					    "TIOCLINUX",     "TIOCLINUX-high", "TIOCSETD",
					    "TIOCSETD-high", "TIOCCONS"};
	const char *argv[] = {ATTACK_INSIDE "/terminal", NULL};
	const char *bare[] = {"terminal", NULL};
	struct child_result control;
	struct attack attack;

	attack_bare(bare, &control);
	/* Where dev.tty.legacy_tiocsti is 0 the kernel itself says EIO, and never EPERM. */
	cr_expect_str_eq(attack_said(control.out, "terminal"), "ok");
	cr_expect_str_neq(attack_said(control.out, "TIOCSTI-high"), "EPERM");
	child_release(&control);
	attack_open(&attack, argv);
	attack_run(&attack);
	attack_expect_finished(&attack);
	cr_expect_str_eq(attack_said(attack.result.out, "terminal"), "ok");
	cr_expect_str_eq(attack_said(attack.result.out, "TIOCGWINSZ"), "ok");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		cr_expect_str_eq(attack_said(attack.result.out, names[i]), "EPERM", "%s", names[i]);
	attack_close(&attack);
}

/* The attack programs once more, one of them setuid, and a script, in a directory of the test's. */
static void stock(const char *dir, const char *source)
{
	char from[4096], to[4096], script[256];
	size_t len;

	snprintf(from, sizeof from, "%s/confined", source);
	char *bytes = child_read_file(from, &len);
	cr_assert_not_null(bytes);
	for (int i = 0; i < 2; i++) {
		snprintf(to, sizeof to, "%s/%s", dir, i ? "setuid" : "static");
		child_write_file(to, bytes, len);
		cr_assert_eq(chmod(to, i ? 04755 : 0755), 0);
	}
	free(bytes);
	snprintf(to, sizeof to, "%s/script", dir);
	snprintf(script, sizeof script, "#!/bin/sh\nexec %s/static executed\n", "/opt/stock");
	child_write_file(to, script, strlen(script));
	cr_assert_eq(chmod(to, 0755), 0);
	cr_assert_eq(chmod(dir, 0755), 0);
}

static void expect_line(const char *words, const char *who)
{
	int mode = -1, filters = -1, no_new_privs = -1, euid = 0;
	char refused[32] = "";

	cr_expect_eq(sscanf(words, " seccomp %d filters %d nnp %d euid %d unshare %31s", &mode,
			    &filters, &no_new_privs, &euid, refused),
		     5, "%s said '%.80s'", who, words);
	cr_expect_eq(mode, 2, "%s", who);
	/* -1 before Linux 5.9. */
	cr_expect(filters == -1 || filters >= 1, "%s", who);
	cr_expect_eq(no_new_privs, 1, "%s", who);
	cr_expect_neq(euid, 0, "%s", who);
	cr_expect_str_eq(refused, "EPERM", "%s", who);
}

static void expect_confined(const char *out, const char *who, size_t count)
{
	size_t len = strlen(who);

	cr_expect_eq(attack_lines(out, who), count, "%s: %zu lines", who, attack_lines(out, who));
	for (const char *line = out; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, who, len) == 0)
			expect_line(line + len, who);
	}
}

Test(attacks, SC10_every_thread_and_every_exec)
{
	const char *argv[] = {ATTACK_INSIDE "/confined", "then",
			      "/opt/stock/static",	 "/opt/stock/setuid",
			      "/opt/stock/script",	 NULL};
	char *dir = child_make_dir("stock"), mounts[8300];
	struct attack attack;

	attack_open(&attack, argv);
	stock(dir, attack.source);
	snprintf(mounts, sizeof mounts,
		 "[{\"noexec\":false,\"read_only\":true,\"source\":\"%s\",\"target\":"
		 "\"" ATTACK_INSIDE "\"},"
		 "{\"noexec\":false,\"read_only\":true,\"source\":\"%s\",\"target\":\"/opt/"
		 "stock\"}]",
		 attack.source, dir);
	attack_set(&attack, "mounts", mounts);
	attack_run(&attack);
	attack_expect_finished(&attack);
	expect_confined(attack.result.out, "main", 1);
	expect_confined(attack.result.out, "thread", 16);
	/* The second one is what the script executed: a dynamic shell in between. */
	expect_confined(attack.result.out, "/opt/stock/static", 2);
	expect_confined(attack.result.out, "/opt/stock/setuid", 1);
	attack_close(&attack);
	child_remove_dir(dir);
	free(dir);
}
