/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A KVM that looks usable and fails the VMM, as on nested hosts: sr-machine's stand-in says that it
 * works, whatever is here, and QEMU finds out, or a stand-in of its own that fails with it always.
 */
#include "tests/machine/machine.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRIPT "echo once; exit 7"

static void run_with_kvm(struct run *run, const char *const options[], const char *script)
{
	char *dir = machine_copy_artifacts(false);

	if (access("/dev/kvm", F_OK) < 0)
		run_skip("there is no /dev/kvm to fail");
	machine_order(dir, "kvm");
	machine_run_standin(run, dir, options, WORDS("sh", "-c", script));
	child_remove_dir(dir);
	free(dir);
}

/* In a forked child: QEMU, but for KVM, which fails it on this machine. */
_Noreturn static void run_broken(const char *program, const char **argv, const char *out)
{
	const char *vmm = child_helper("machine-broken-kvm");

	(void)dup2(open(out, O_WRONLY | O_CREAT, 0600), STDOUT_FILENO);
	run_enter_mounts();
	if (mount("/usr/bin/qemu-system-x86_64", "/usr/bin/qemu-system-i386", NULL, MS_BIND,
		  NULL) != 0 ||
	    mount(vmm, "/usr/bin/qemu-system-x86_64", NULL, MS_BIND, NULL) != 0)
		_exit(RUN_NO_MOUNT);
	execv(program, (char *const *)argv);
	_exit(RUN_NO_MOUNT);
}

static void expect_fallback(const struct run *run)
{
	cr_expect_str_eq(machine_text(run, "vm.started", "machine.accel"), "kvm");
	cr_expect_str_eq(machine_text(run, "vm.fallback", "from"), "kvm");
	cr_expect_str_eq(machine_text(run, "vm.fallback", "accel"), "tcg");
	cr_expect_str_eq(machine_text(run, "vm.fallback", "reason"),
			 "qemu stand-in: KVM fails here\n");
	cr_expect_eq(machine_number(run, "vm.fallback", "vmm.exitCode"), 1);
	cr_expect_str_neq(machine_text(run, "vm.fallback", "commandLineHash"),
			  machine_text(run, "vm.started", "machine.commandLineHash"));
	cr_expect_str_eq(machine_text(run, "vm.exited", "machine.shutdown"), "clean");
}

/* The command runs, once, without KVM; the event says what became of it. */
Test(machine_fallback, kvm_that_fails_at_run_time)
{
	char *dir = machine_copy_artifacts(false), *text;
	struct run run = {.base = child_make_dir("machine-fallback")};
	char program[4096], out[4096];
	const char **argv;
	int status;
	pid_t pid;

	if (access("/dev/kvm", F_OK) < 0)
		run_skip("there is no /dev/kvm to fail");
	machine_order(dir, "kvm");
	snprintf(program, sizeof program, "%s/safe-run", child_helper("standin"));
	snprintf(out, sizeof out, "%s/out", dir);
	argv = run_argv(run.base,
			WORDS("--isolation", "microvm", "--memory", "128Mi", "--artifacts", dir),
			WORDS("sh", "-c", SCRIPT));
	argv[0] = program;
	pid = fork();
	if (pid == 0)
		run_broken(program, argv, out);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	run_collect(&run);
	if (WEXITSTATUS(status) == RUN_NO_NAMESPACES || WEXITSTATUS(status) == RUN_NO_MOUNT)
		run_skip("no namespace to have another QEMU in");
	cr_expect_eq(WEXITSTATUS(status), 7);
	text = child_read_file(out, NULL);
	cr_expect_str_eq(text, "once\n");
	free(text);
	expect_fallback(&run);
	run_release(&run);
	child_remove_dir(dir);
	free(dir);
}

/* Who asked for KVM gets it, or is told why not. */
Test(machine_fallback, kvm_that_was_asked_for)
{
	struct run run;

	run_with_kvm(&run, WORDS("--accel", "kvm"), SCRIPT);
	cr_expect_not(run_has_event(&run, "vm.fallback"));
	if (run.child.status != 7) {
		run_expect(&run, 125, "setup");
		cr_expect_not_null(strstr(run.child.err, "launch.machine.vmm"), "%s",
				   run.child.err);
	}
	run_release(&run);
}

/* With the KVM that is here: if it fails, the second one's end is the run's, as the first one's is. */
Test(machine_fallback, the_deadline_holds_for_the_second)
{
	struct run run;

	run_with_kvm(&run, WORDS("--timeout", "1"), "sleep 60");
	run_expect(&run, 124, "timeout");
	run_release(&run);
}
