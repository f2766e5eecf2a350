/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A KVM that looks usable and fails the VMM, as on nested hosts: sr-machine's stand-in says that it
 * works, whatever is here, and QEMU finds out. Where it really works there is nothing to fall from.
 */
#include "tests/machine/machine.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* The command runs, once, without KVM; the event says what became of it. */
Test(machine_fallback, kvm_that_fails_at_run_time)
{
	struct run run;

	run_with_kvm(&run, NULL, SCRIPT);
	run_expect(&run, 7, "exit");
	cr_expect_str_eq(run.child.out, "once\n");
	cr_expect_str_eq(machine_text(&run, "vm.started", "machine.accel"), "kvm");
	if (machine_number(&run, "vm.exited", "machine.console.bytes") >= 0 &&
	    !run_has_event(&run, "vm.fallback")) {
		run_release(&run);
		return; /* it did not fail */
	}
	cr_expect_str_eq(machine_text(&run, "vm.fallback", "from"), "kvm");
	cr_expect_str_eq(machine_text(&run, "vm.fallback", "accel"), "tcg");
	cr_expect_not_null(strstr(machine_text(&run, "vm.fallback", "reason"), "qemu"), "%s",
			   machine_text(&run, "vm.fallback", "reason"));
	cr_expect_str_neq(machine_text(&run, "vm.fallback", "commandLineHash"),
			  machine_text(&run, "vm.started", "machine.commandLineHash"));
	cr_expect_str_eq(machine_text(&run, "vm.exited", "machine.shutdown"), "clean");
	run_release(&run);
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

/* The second one's end is the run's, as the first one's would be. */
Test(machine_fallback, the_deadline_holds_for_the_second)
{
	struct run run;

	run_with_kvm(&run, WORDS("--timeout", "1"), "sleep 60");
	run_expect(&run, 124, "timeout");
	run_release(&run);
}
