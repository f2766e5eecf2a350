/* SPDX-License-Identifier: Apache-2.0 */
/* Guests that are the host's enemy: VM2 to VM6 of the list of attacks, and how a machine may end. */
#include "tests/machine/machine.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void attack(struct run *run, const char *name)
{
	machine_run(run, "hostile", NULL, WORDS("true", name), NULL, 0);
}

/* It says 0, and nothing ran. Nobody can know better; the report says whose word it is. */
Test(machine_attacks, VM4_guest_lies)
{
	struct run run;

	attack(&run, "lie");
	run_expect(&run, 0, "exit");
	cr_expect_str_eq(machine_text(&run, "vm.exited", "observedBy"), "guest");
	cr_expect_str_eq(machine_text(&run, "resource.sampled", "observedBy"), "launcher");
	cr_expect_str_eq(machine_text(&run, "vm.exited", "machine.guest.release"), "lies");
	cr_expect_str_eq(machine_text(&run, "vm.exited", "machine.guest.observedBy"), "guest");
	run_release(&run);
}

/* A console without end: kept to its bound, counted to its end. */
Test(machine_attacks, VM3_serial_flood)
{
	char path[4096];
	struct stat info;
	struct run run;

	attack(&run, "flood");
	run_expect(&run, 3, "exit");
	cr_expect_gt(machine_number(&run, "vm.exited", "machine.console.bytes"), 1000000);
	cr_expect_eq(machine_number(&run, "vm.exited", "machine.console.keptBytes"), 262144);
	cr_expect_str_eq(machine_text(&run, "output.truncated", "stream"), "console");
	cr_expect_eq(machine_number(&run, "output.truncated", "limitBytes"), 262144);
	snprintf(path, sizeof path, "%s/artifacts/console.log", run.dir);
	cr_assert_eq(stat(path, &info), 0);
	cr_expect_eq(info.st_size, 262144);
	run_release(&run);
}

Test(machine_attacks, panics)
{
	struct run run;

	attack(&run, "panic");
	run_expect(&run, 125, "stage-lost");
	cr_expect_not_null(strstr(run.child.err, "Kernel panic"), "%s", run.child.err);
	run_release(&run);
}

/* The command's end stands; that the machine did not go down is on record. */
Test(machine_attacks, hangs_at_shutdown)
{
	struct run run;

	attack(&run, "hang");
	run_expect(&run, 0, "exit");
	cr_expect_str_eq(machine_text(&run, "vm.exited", "machine.shutdown"), "hang");
	run_release(&run);
}

Test(machine_attacks, leaves_without_a_word)
{
	struct run run;

	attack(&run, "leave");
	run_expect(&run, 125, "stage-lost");
	run_release(&run);
}

/* And stays: it is ended at once, not at the deadline, and the report says what it sent. */
Test(machine_attacks, speaks_garbage)
{
	struct run run;

	attack(&run, "garbage");
	run_expect(&run, 125, "stage-lost");
	cr_expect_not_null(strstr(run.child.err, "guest.control"), "%s", run.child.err);
	cr_expect_str_eq(machine_text(&run, "vm.exited", "machine.violations.0.path"),
			 "guest.control");
	cr_expect_str_eq(machine_text(&run, "vm.exited", "machine.shutdown"), "hang");
	cr_expect_lt(strtoll(machine_text(&run, "vm.exited", "wallNs"), NULL, 10), 30000000000LL);
	run_release(&run);
}

/* It says that there was nothing to execute. The word is its own. */
Test(machine_attacks, VM4_guest_lies_about_its_start)
{
	struct run run;

	attack(&run, "never");
	run_expect(&run, 127, "setup");
	cr_expect_str_eq(machine_text(&run, "vm.exited", "observedBy"), "guest");
	cr_expect_str_eq(machine_text(&run, "vm.exited", "setup.message"), "no such thing");
	run_release(&run);
}

/*
 * VM6: a root whose first bytes are a qcow2 header with a backing file of the host's. It is raw to
 * the VMM whatever it holds, and is refused as a root before that: by its own first bytes it is no
 * file system.
 */
Test(machine_attacks, VM6_image_content_configures_nothing)
{
	static const char header[] = "QFI\xfb\0\0\0\3\0\0\0\0\0\0\2\0\0\0\0\x0b/etc/shadow";
	char *dir = child_make_dir("machine-image");
	char path[4096], policy[8192];
	char block[4096] = {0};
	struct run run;

	cr_assert_eq(chmod(dir, 0755), 0);
	memcpy(block, header, sizeof header - 1);
	snprintf(path, sizeof path, "%s/root.img", dir);
	child_write_file(path, block, sizeof block);
	snprintf(policy, sizeof policy,
		 "apiVersion: policy.safe-run.dev/v1alpha1\nmetadata: {name: image}\n"
		 "runtime: {command: 'true', args: [], rootfs: %s}\n"
		 "resources: {cpu: {max: max 100000}, memory: {max: 128Mi}}\n"
		 "mounts: []\naudit: {level: basic}\n",
		 path);
	machine_run(&run, "good", WORDS("--policy", "-"), NULL, policy, strlen(policy));
	run_expect(&run, 125, "setup");
	cr_expect_not_null(strstr(run.child.err, "is no squashfs, erofs or ext4 image"), "%s",
			   run.child.err);
	run_release(&run);
	child_remove_dir(dir);
	free(dir);
}

/* A file that is not the manifest's any more starts no machine. */
Test(machine_attacks, changed_artifact)
{
	char *dir = child_make_dir("machine-changed");
	char from[4096], to[4096];
	static const char *const names[] = {"manifest.json", "bzImage", "initramfs.img",
					    "rootfs.erofs"};
	struct run run;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		size_t len;
		char *bytes;

		snprintf(from, sizeof from, "%s/good/%s", child_helper("artifacts"), names[i]);
		snprintf(to, sizeof to, "%s/%s", dir, names[i]);
		bytes = child_read_file(from, &len);
		cr_assert_not_null(bytes);
		if (i == 2)
			bytes[len / 2] ^= 1;
		child_write_file(to, bytes, len);
		free(bytes);
	}
	run_start(&run, WORDS("--isolation", "microvm", "--artifacts", dir), WORDS("true"), NULL,
		  0);
	run_expect(&run, 125, "setup");
	cr_expect_not_null(strstr(run.child.err, "launch.machine.artifacts.initramfs"), "%s",
			   run.child.err);
	/* And neither does a directory others can write to. */
	cr_assert_eq(chmod(dir, 0777), 0);
	run_release(&run);
	run_start(&run, WORDS("--isolation", "microvm", "--artifacts", dir), WORDS("true"), NULL,
		  0);
	run_expect(&run, 125, "setup");
	cr_expect_not_null(strstr(run.child.err, "nobody else can write"), "%s", run.child.err);
	run_release(&run);
	child_remove_dir(dir);
	free(dir);
}
