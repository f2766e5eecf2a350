/* SPDX-License-Identifier: Apache-2.0 */
/* runtime.isolation microvm: the policy means what it means in process isolation. */
#include "stages/seal/digest.h"
#include "tests/machine/machine.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB 1048576L

static void simple(struct run *run, const char *script)
{
	machine_run(run, "good", NULL, WORDS("sh", "-c", script), NULL, 0);
}

Test(machine, uname_is_the_guests)
{
	/* Where the time went is on record. */
	static const char *const phases[] = {
		"machine.phases.preflightNs", "machine.phases.imagesNs",
		"machine.phases.sandboxNs",   "machine.phases.vmmNs",
		"machine.phases.kernelNs",    "machine.phases.initNs",
		"machine.phases.commandNs",   "machine.phases.deliveryNs",
		"machine.phases.shutdownNs"};
	struct run run;
	struct utsname host;

	machine_run(&run, "good", NULL, WORDS("uname", "-a"), NULL, 0);
	run_expect(&run, 0, "exit");
	cr_assert_eq(uname(&host), 0);
	cr_expect_eq(strncmp(run.child.out, "Linux safe-run ", 15), 0, "%s", run.child.out);
	cr_expect_not_null(strstr(run.child.out, "-cloud-amd64"), "%s", run.child.out);
	cr_expect_null(strstr(run.child.out, host.version));
	cr_expect_str_eq(machine_text(&run, "vm.started", "isolation"), "microvm");
	cr_expect_str_eq(machine_text(&run, "vm.started", "machine.vmm"), "qemu");
	cr_expect_str_eq(machine_text(&run, "vm.exited", "observedBy"), "guest");
	cr_expect_str_eq(machine_text(&run, "vm.exited", "machine.shutdown"), "clean");
	for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
		cr_expect_str_neq(machine_text(&run, "vm.exited", phases[i]), "", "%s", phases[i]);
	cr_expect_gt(machine_number(&run, "vm.exited", "machine.guest.kernelMs"), 0);
	run_release(&run);
}

static void expect_hash(const struct run *run, const char *member, const char *file)
{
	char path[4096], text[DIGEST_TEXT_SIZE];
	uint8_t value[DIGEST_SIZE];
	size_t len;
	char *bytes;

	snprintf(path, sizeof path, "%s/good/%s", child_helper("artifacts"), file);
	bytes = child_read_file(file[0] == '/' ? file : path, &len);
	cr_assert_not_null(bytes, "%s", file);
	cr_assert_eq(digest_prewarm(), 0);
	digest_bytes(bytes, len, value);
	digest_text(value, text);
	cr_expect_str_eq(run_text(run, member), text, "%s", member);
	free(bytes);
}

Test(machine, hashes_are_of_the_files)
{
	struct run run;

	simple(&run, "exit 0");
	run_expect(&run, 0, "exit");
	expect_hash(&run, "artifacts.kernelHash", "bzImage");
	expect_hash(&run, "artifacts.initramfsHash", "initramfs.img");
	expect_hash(&run, "artifacts.rootfsHash", "rootfs.erofs");
	expect_hash(&run, "artifacts.vmmHash", "/usr/bin/qemu-system-x86_64");
	expect_hash(&run, "artifacts.executableHash", "/usr/bin/qemu-system-x86_64");
	run_release(&run);
}

Test(machine, exit_status_and_streams)
{
	struct run run;

	simple(&run, "echo out; echo err >&2; pwd; echo $HOME; exit 7");
	run_expect(&run, 7, "exit");
	cr_expect_str_eq(run.child.out, "out\n/work\n/work\n");
	cr_expect_eq(strncmp(run.child.err, "err\n", 4), 0, "%s", run.child.err);
	run_release(&run);
}

Test(machine, ends_by_a_signal)
{
	struct run run;

	simple(&run, "kill -SEGV $$");
	run_expect(&run, 128 + SIGSEGV, "signal");
	cr_expect_str_eq(run_text(&run, "outcome.signal"), "SIGSEGV");
	run_release(&run);
}

Test(machine, not_found_and_not_executable)
{
	struct run run;

	machine_run(&run, "good", NULL, WORDS("no-such-command"), NULL, 0);
	run_expect(&run, 127, "setup");
	run_release(&run);
	machine_run(&run, "good", NULL, WORDS("/etc"), NULL, 0);
	run_expect(&run, 126, "setup");
	run_release(&run);
}

Test(machine, reads_its_input_to_the_end)
{
	size_t len = 3 * MIB + 17;
	char *input = malloc(len);
	uint8_t value[DIGEST_SIZE];
	char text[DIGEST_TEXT_SIZE];
	struct run run;

	for (size_t i = 0; i < len; i++)
		input[i] = (char)(i * 31 + i / 4096);
	cr_assert_eq(digest_prewarm(), 0);
	digest_bytes(input, len, value);
	digest_text(value, text);
	machine_run(&run, "good", NULL, WORDS("sha256sum"), input, len);
	run_expect(&run, 0, "exit");
	cr_expect_eq(strncmp(run.child.out, text + strlen("sha256:"), 64), 0, "%s", run.child.out);
	run_release(&run);
	free(input);
}

Test(machine, a_hundred_megabytes_come_out)
{
	static const char policy[] =
		"apiVersion: policy.safe-run.dev/v1alpha1\n"
		"metadata: {name: much}\n"
		"runtime: {command: dd, args: [if=/dev/zero, bs=1M, count=100]}\n"
		"resources: {cpu: {max: max 100000}, memory: {max: 128Mi}, "
		"output: {max: 200Mi}}\n"
		"mounts: []\naudit: {level: basic}\n";
	struct run run;

	machine_run(&run, "good", WORDS("--policy", "-", "--json"), NULL, policy,
		    sizeof policy - 1);
	run_expect(&run, 0, "exit");
	cr_expect_eq(run_number(&run, "output.stdout.bytes"), 100 * MIB);
	/* Of a hundred mebibytes of zeros. */
	cr_expect_str_eq(run_text(&run, "output.stdout.sha256"),
			 "sha256:"
			 "20492a4d0d84f8beb1767f6616229f85d44c2827b64bdbfb260ee12fa1109e0e");
	run_release(&run);
}

Test(machine, too_much_output_is_stopped)
{
	static const char policy[] = "apiVersion: policy.safe-run.dev/v1alpha1\n"
				     "metadata: {name: flood}\n"
				     "runtime: {command: cat, args: [/dev/zero]}\n"
				     "resources: {cpu: {max: max 100000}, memory: {max: 128Mi}, "
				     "output: {max: 1Mi}}\n"
				     "mounts: []\naudit: {level: basic}\n";
	struct run run;

	machine_run(&run, "good", WORDS("--policy", "-", "--json"), NULL, policy,
		    sizeof policy - 1);
	run_expect(&run, 128 + SIGKILL, "output");
	run_release(&run);
}

Test(machine, the_deadline_kills_the_machine)
{
	struct run run;

	machine_run(&run, "good", WORDS("--timeout", "1"), WORDS("sleep", "60"), NULL, 0);
	run_expect(&run, 124, "timeout");
	cr_expect_str_eq(machine_text(&run, "vm.exited", "machine.shutdown"), "killed");
	run_release(&run);
}

Test(machine, out_of_memory_inside)
{
	struct run run;

	machine_run(&run, "good", WORDS("--memory", "48Mi"), WORDS("tail", "/dev/zero"), NULL, 0);
	run_expect(&run, 128 + SIGKILL, "oom");
	run_release(&run);
}

Test(machine, a_signal_of_the_callers)
{
	char dir[4096];
	const char **argv;
	struct run run = {.base = child_make_dir("machine-signal")};
	int out[2], status;
	char byte;
	pid_t pid;

	snprintf(dir, sizeof dir, "%s/good", child_helper("artifacts"));
	argv = run_argv(run.base,
			WORDS("--isolation", "microvm", "--memory", "128Mi", "--artifacts", dir),
			WORDS("sh", "-c", "echo x; sleep 60"));
	cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		(void)dup2(out[1], STDOUT_FILENO);
		execv(argv[0], (char *const *)argv);
		_exit(99);
	}
	close(out[1]);
	cr_assert_eq(read(out[0], &byte, 1), 1);
	cr_assert_eq(kill(pid, SIGTERM), 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	close(out[0]);
	run_collect(&run);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGTERM, "%x", status);
	cr_expect_str_eq(run_text(&run, "outcome.cause"), "interrupted");
	run_release(&run);
}

Test(machine, outputs_come_back)
{
	static const char policy[] =
		"apiVersion: policy.safe-run.dev/v1alpha1\n"
		"metadata: {name: outputs}\n"
		"runtime: {command: sh, args: [-c, 'mkdir -p out/d; echo one >out/d/f; "
		"dd if=/dev/zero of=out/big bs=1M count=3 2>/dev/null']}\n"
		"resources: {cpu: {max: max 100000}, memory: {max: 128Mi}}\n"
		"mounts: []\n"
		"outputs: [{path: out, maxBytes: 8Mi, maxFiles: 10}]\n"
		"audit: {level: basic}\n";
	char path[4096];
	char *bytes;
	size_t len;
	struct run run;

	machine_run(&run, "good", WORDS("--policy", "-"), NULL, policy, sizeof policy - 1);
	run_expect(&run, 0, "exit");
	snprintf(path, sizeof path, "%s/artifacts/outputs/00000001", run.dir);
	cr_expect_eq(run_number(&run, "outputs.files"), 2);
	cr_expect_eq(run_number(&run, "outputs.bytes"), 3 * MIB + 4);
	bytes = child_read_file(path, &len);
	free(bytes);
	run_release(&run);
}

static void run_for_outputs(struct run *run, const char *guest, const char *command)
{
	char policy[1024];

	snprintf(policy, sizeof policy,
		 "apiVersion: policy.safe-run.dev/v1alpha1\nmetadata: {name: outputs}\n"
		 "runtime: {command: 'true', args: [%s]}\n"
		 "resources: {cpu: {max: max 100000}, memory: {max: 128Mi}}\nmounts: []\n"
		 "outputs: [{path: ., maxBytes: 8Mi, maxFiles: 10}]\naudit: {level: basic}\n",
		 command);
	machine_run(run, guest, WORDS("--policy", "-"), NULL, policy, strlen(policy));
}

/* Nothing left is nothing lost; what was announced and never came is not passed over. */
Test(machine, outputs_that_do_not_come_fail_the_run)
{
	struct run run;

	run_for_outputs(&run, "good", "x");
	run_expect(&run, 0, "exit");
	cr_expect_eq(run_number(&run, "outputs.files"), 0);
	run_release(&run);
	run_for_outputs(&run, "hostile", "lose");
	cr_expect_eq(run.child.status, 125, "%s", run.child.err);
	cr_expect_not_null(strstr(run.child.err, "launch.machine.outputs"), "%s", run.child.err);
	run_release(&run);
}

static void write_allowlist(const char *path, const char *source)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file);
	fprintf(file,
		"schemaVersion: safe-run.mount-allowlist/v1\nhostAllowPrefixes: [%s]\n"
		"guestAllowPrefixes: [/data, /input]\n",
		source);
	cr_assert_eq(fclose(file), 0);
}

/* Directories of the host, in their order, as they are and not to be changed; hashed as images. */
Test(machine, mounts_are_seen_and_read_only)
{
	char *dir = child_make_dir("machine-mounts");
	char allowlist[1024], policy[4096], first[1024], second[1024];
	struct run run;

	snprintf(allowlist, sizeof allowlist, "%.900s/allowlist.yaml", dir);
	snprintf(first, sizeof first, "%.900s/first", dir);
	snprintf(second, sizeof second, "%.900s/second", dir);
	cr_assert_eq(mkdir(first, 0755), 0);
	cr_assert_eq(mkdir(second, 0755), 0);
	child_write_file(strcat(strcpy(policy, first), "/a"), "one\n", 4);
	child_write_file(strcat(strcpy(policy, second), "/b"), "two\n", 4);
	/* The command is nobody's uid there, as root's is without a machine. */
	cr_assert_eq(chmod(strcat(strcpy(policy, first), "/a"), 0644), 0);
	cr_assert_eq(chmod(strcat(strcpy(policy, second), "/b"), 0644), 0);
	write_allowlist(allowlist, dir);
	snprintf(policy, sizeof policy,
		 "apiVersion: policy.safe-run.dev/v1alpha1\nmetadata: {name: mounts}\n"
		 "runtime: {command: sh, args: [-c, 'cat /data/a /input/b; echo x >/data/a; "
		 "echo x >/input/c; exit 5']}\n"
		 "resources: {cpu: {max: max 100000}, memory: {max: 128Mi}}\n"
		 "mounts:\n  - {source: %s, target: /data, read_only: true}\n"
		 "  - {source: %s, target: /input, read_only: true}\naudit: {level: basic}\n",
		 first, second);
	machine_run(&run, "good", WORDS("--policy", "-", "--mount-allowlist", allowlist), NULL,
		    policy, strlen(policy));
	run_expect(&run, 5, "exit");
	cr_expect_str_eq(run.child.out, "one\ntwo\n");
	cr_expect_not_null(strstr(run.child.err, "Read-only file system"), "%s", run.child.err);
	cr_expect_eq(run_number(&run, "mountAudit.accepted"), 2);
	run_release(&run);
	child_remove_dir(dir);
	free(dir);
}

/* What a machine cannot do is said before one is made. */
Test(machine, refuses_in_words)
{
	struct run run;

	machine_run(&run, "good", WORDS("--vmm", "firecracker"), WORDS("true"), NULL, 0);
	run_expect(&run, 125, "setup");
	cr_expect_not_null(strstr(run.child.err, "launch.preflight.jailer"), "%s", run.child.err);
	run_release(&run);
}

Test(machine, says_how_to_make_what_is_missing)
{
	char *dir = child_make_dir("machine-none");
	struct run run;

	run_start(&run, WORDS("--isolation", "microvm", "--artifacts", dir), WORDS("true"), NULL,
		  0);
	run_expect(&run, 125, "setup");
	cr_expect_not_null(strstr(run.child.err, "safe-run artifact build"), "%s", run.child.err);
	run_release(&run);
	child_remove_dir(dir);
	free(dir);
}

/* Without a place of one's own, root's; without that, the very command that makes it. */
Test(machine, says_how_to_make_what_nobody_made)
{
	bool root = geteuid() == 0;
	char *dir = child_make_dir("machine-home");
	struct run run;

	if (access("/var/lib/safe-run/artifacts/default", F_OK) == 0) {
		free(dir);
		run_skip("this host has artifacts at the default place");
	}
	cr_assert(setenv("HOME", dir, 1) == 0 && unsetenv("XDG_DATA_HOME") == 0 &&
		  unsetenv("SAFE_RUN_ARTIFACTS") == 0);
	run_start(&run, WORDS("--isolation", "microvm"), WORDS("true"), NULL, 0);
	run_expect(&run, 125, "setup");
	cr_expect(run_has_error(&run, "SR-OPS-001"));
	cr_expect_not_null(strstr(run.child.err,
				  "artifact build --kernel deb:linux-image-cloud-amd64 --rootfs"),
			   "%s", run.child.err);
	cr_expect_not_null(strstr(run.child.err, root ? "--out /var/lib/safe-run/artifacts/default"
						      : "--out ~/.local/share/safe-run"),
			   "%s", run.child.err);
	run_release(&run);
	child_remove_dir(dir);
	free(dir);
}

/* No QEMU here, for /usr/bin is empty: its package is named. */
Test(machine, says_where_a_vmm_comes_from)
{
	char *empty = child_make_dir("machine-empty"), *base = child_make_dir("machine-base");
	char dir[4096];
	const char **argv;
	struct run run = {.base = base};
	int status;
	pid_t pid;

	snprintf(dir, sizeof dir, "%s/good", child_helper("artifacts"));
	argv = run_argv(base, WORDS("--isolation", "microvm", "--artifacts", dir), WORDS("true"));
	pid = fork();
	if (pid == 0) {
		run_enter_mounts();
		if (mount(empty, "/usr/bin", NULL, MS_BIND, NULL) != 0)
			_exit(RUN_NO_MOUNT);
		execv(argv[0], (char *const *)argv);
		_exit(RUN_NO_MOUNT);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	run_collect(&run);
	if (WEXITSTATUS(status) == RUN_NO_NAMESPACES || WEXITSTATUS(status) == RUN_NO_MOUNT)
		run_skip("no namespace to have an empty /usr/bin in");
	cr_expect_eq(WEXITSTATUS(status), 125);
	cr_expect(run_has_error(&run, "SR-OPS-001"));
	cr_expect_not_null(strstr(json_object_to_json_string(run_member(&run, "errors")),
				  "apt-get install qemu-system-x86"));
	run_release(&run);
	child_remove_dir(empty);
	free(empty);
}

/* What cannot work is said before anything is fetched. */
Test(machine, builds_that_cannot_work)
{
	static const struct {
		const char *rootfs, *said;
		bool root_too;
	} cases[] = {
		{"debootstrap:stable", "debootstrap needs root", false},
		{"debootstrap:../x", "no suite of Debian's", true},
		{"/no/such/tree", "/no/such/tree", true},
		{"oci:/no/such/image", "/no/such/image", true},
	};
	char *dir = child_make_dir("machine-build");
	char out[1024];

	snprintf(out, sizeof out, "%s/out", dir);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *const argv[] = {child_path("safe-run"),
					    "artifact",
					    "build",
					    "--kernel",
					    "deb:no-such-package",
					    "--rootfs",
					    cases[i].rootfs,
					    "--out",
					    out,
					    NULL};
		struct child_result result;

		if (geteuid() == 0 && !cases[i].root_too)
			continue;
		child_run(argv, "", 0, NULL, &result);
		cr_expect_neq(result.status, 0);
		cr_expect_not_null(strstr(result.err, cases[i].said), "%s", result.err);
		cr_expect_null(strstr(result.err, "fetching"), "%s", result.err);
		child_release(&result);
	}
	child_remove_dir(dir);
	free(dir);
}

/* Accelerators: what was decided is recorded, with the reason. */
Test(machine, tcg_when_asked_for)
{
	struct run run;

	machine_run(&run, "good", WORDS("--accel", "tcg"), WORDS("true"), NULL, 0);
	run_expect(&run, 0, "exit");
	cr_expect_str_eq(machine_text(&run, "vm.started", "machine.accel"), "tcg");
	cr_expect_str_eq(machine_text(&run, "vm.started", "machine.accelReason"),
			 "TCG was asked for");
	run_release(&run);
}
