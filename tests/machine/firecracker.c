/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --vmm firecracker: whole runs under stand-ins for jailer and Firecracker (tests/firecracker), and under a
 * real pair where SAFE_RUN_FIRECRACKER_DIR names one.
 */
#include "tests/firecracker/standin.h"
#include "tests/machine/firecracker_host.h"
#include "tests/machine/machine.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UID_FIRST 0x6F000000
#define UID_LAST  0x6FFFFFFF

static struct firecracker_host host;

static void make_host(void)
{
	firecracker_host_make(&host);
}

static void remove_host(void)
{
	firecracker_host_remove(&host);
}

TestSuite(firecracker, .init = make_host, .fini = remove_host);

static struct json_object *clause(const struct run *run, const char *name)
{
	struct json_object *list = run_member(run, "enforcement");

	for (size_t i = 0; list != NULL && i < json_object_array_length(list); i++) {
		struct json_object *entry = json_object_array_get_idx(list, i);

		if (strcmp(json_object_get_string(json_object_object_get(entry, "clause")), name) ==
		    0)
			return entry;
	}
	return NULL;
}

static void simple(struct run *run, const char *const command[])
{
	firecracker_host_run(run, &host, NULL, command, NULL, 0);
}

Test(firecracker, a_whole_run)
{
	struct run run;
	int64_t uid;

	simple(&run, WORDS("true"));
	run_expect(&run, 0, "exit");
	cr_expect_str_eq(machine_text(&run, "vm.started", "machine.vmm"), "firecracker");
	cr_expect_str_eq(machine_text(&run, "vm.started", "machine.accel"), "kvm");
	cr_expect_str_eq(machine_text(&run, "vm.started", "machine.vmmVersion"),
			 "Firecracker " STANDIN_VERSION);
	cr_expect_str_eq(machine_text(&run, "vm.exited", "observedBy"), "guest");
	cr_expect_str_eq(machine_text(&run, "vm.exited", "machine.shutdown"), "clean");
	cr_expect_str_eq(run_text(&run, "artifacts.vmmHash"),
			 machine_text(&run, "vm.started", "executable.sha256"));
	cr_assert_not_null(clause(&run, "machine.user"));
	uid = json_object_get_int64(
		json_object_object_get(clause(&run, "machine.user"), "effective"));
	cr_expect(uid >= UID_FIRST && uid <= UID_LAST, "user %ld", (long)uid);
	cr_expect_not_null(clause(&run, "machine.seccomp"));
	cr_expect_not_null(clause(&run, "machine.pidNamespaces"));
	cr_expect_not_null(clause(&run, "resources.memory.max"));
	firecracker_expect_no_jail(&run);
	run_release(&run);
}

Test(firecracker, status_and_output)
{
	struct run run;

	simple(&run, WORDS("echo", "words"));
	run_expect(&run, 7, "exit");
	cr_expect_str_eq(run.child.out, "words\n");
	run_release(&run);
}

Test(firecracker, input_to_its_end)
{
	size_t len = 300000;
	char *input = malloc(len);
	struct run run;

	for (size_t i = 0; i < len; i++)
		input[i] = (char)('a' + i % 26);
	firecracker_host_run(&run, &host, NULL, WORDS("cat"), input, len);
	run_expect(&run, 0, "exit");
	cr_expect_eq(run.child.out_len, len);
	cr_expect_eq(memcmp(run.child.out, input, len), 0);
	free(input);
	run_release(&run);
}

/* Each a drive of the machine's, which the stand-in looks at. */
Test(firecracker, mounts_are_drives)
{
	char *dir = child_make_dir("firecracker-mount");
	char policy[2048], path[512], allowlist[512];
	struct run run;

	snprintf(path, sizeof path, "%s/file", dir);
	child_write_file(path, "text", 4);
	snprintf(path, sizeof path, "%s.yaml", dir);
	snprintf(policy, sizeof policy,
		 "schemaVersion: safe-run.mount-allowlist/v1\nhostAllowPrefixes: [%s]\n"
		 "guestAllowPrefixes: [/data]\n",
		 dir);
	child_write_file(path, policy, strlen(policy));
	snprintf(allowlist, sizeof allowlist, "%s", path);
	snprintf(policy, sizeof policy,
		 "apiVersion: policy.safe-run.dev/v1alpha1\nmetadata: {name: drives}\n"
		 "runtime: {command: 'true', args: []}\n"
		 "resources: {cpu: {max: 50000 100000}, memory: {max: 128Mi}}\n"
		 "mounts:\n  - {source: %s, target: /data, read_only: true}\naudit: {level: "
		 "basic}\n",
		 dir);
	firecracker_host_run(&run, &host, WORDS("--policy", "-", "--mount-allowlist", allowlist),
			     NULL, policy, strlen(policy));
	run_expect(&run, 0, "exit");
	cr_expect_eq(run_number(&run, "mountAudit.accepted"), 1);
	run_release(&run);
	unlink(allowlist);
	child_remove_dir(dir);
	free(dir);
}

/* The bundle says process: no machine, and none of this is in the way. */
Test(firecracker, a_policy_without_a_machine)
{
	struct run run;

	firecracker_host_run(&run, &host, WORDS("--isolation", "process"), WORDS("true"), NULL, 0);
	run_expect(&run, 0, "exit");
	cr_expect_str_eq(machine_text(&run, "vm.started", "isolation"), "process");
	run_release(&run);
}

/* Refused before anything was started, with the reason. */
static void expect_refusal(const char *const words[])
{
	struct run run;

	simple(&run, WORDS("true"));
	run_expect(&run, 125, "setup");
	cr_expect(run_has_error(&run, "SR-RUN-002"), "%s", run.child.err);
	cr_expect_not_null(strstr(run.child.err, "launch.preflight.jailer"), "%s", run.child.err);
	for (size_t i = 0; words[i] != NULL; i++)
		cr_expect_not_null(strstr(run.child.err, words[i]), "'%s' is not in: %s", words[i],
				   run.child.err);
	cr_expect_not(run_has_event(&run, "run.prepared"));
	cr_expect_not(run_has_event(&run, "vm.started"));
	firecracker_expect_no_jail(&run);
	run_release(&run);
}

Test(firecracker, names_all_that_is_missing)
{
	cr_assert_eq(unlink(firecracker_host_path(&host, "fc/jailer")), 0);
	expect_refusal(WORDS("fc/jailer: No such file"));
	cr_assert_eq(unlink(firecracker_host_path(&host, "fc/firecracker")), 0);
	firecracker_host_set(&host, "bin/sr-machine", STANDIN_MODE_MARK, "no-kvm");
	expect_refusal(WORDS("fc/jailer: No such file", "fc/firecracker: No such file",
			     "KVM does not work here: a test says so"));
	cr_assert_eq(setenv("SAFE_RUN_FIRECRACKER_DIR", "relative", 1), 0);
	expect_refusal(WORDS("relative"));
	cr_assert_eq(setenv("SAFE_RUN_FIRECRACKER_DIR", "/opt/none-of-this-name", 1), 0);
	expect_refusal(WORDS("/opt/none-of-this-name: No such file"));
}

Test(firecracker, kvm_that_does_not_work)
{
	firecracker_host_set(&host, "bin/sr-machine", STANDIN_MODE_MARK, "no-kvm");
	expect_refusal(WORDS("KVM does not work here: a test says so"));
}

/* VM1: versions with holes that are known. */
Test(firecracker, versions_with_holes)
{
	static const char *const old[] = {"v0.25.2", "v1.13.2", "v1.14.3", "v1.15.0"};
	static const char *const good[] = {"v1.15.1", "v1.16.0-dev", "v2.0.0"};
	struct run run;

	for (size_t i = 0; i < sizeof old / sizeof old[0]; i++) {
		firecracker_host_set(&host, "fc/firecracker", STANDIN_VERSION_MARK, old[i]);
		expect_refusal(WORDS(old[i], "CVE-2026-5747"));
	}
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		firecracker_host_set(&host, "fc/firecracker", STANDIN_VERSION_MARK, good[i]);
		simple(&run, WORDS("true"));
		run_expect(&run, 0, "exit");
		run_release(&run);
	}
	firecracker_host_set(&host, "fc/jailer", STANDIN_VERSION_MARK, "v1.14.0");
	expect_refusal(WORDS("Jailer v1.14.0", "CVE-2026-1386"));
	firecracker_host_set(&host, "fc/jailer", STANDIN_VERSION_MARK, "next");
	expect_refusal(WORDS("no \"Name v1.2.3\""));
	/* It has said it, closed its end, and stays. */
	firecracker_host_set(&host, "fc/jailer", STANDIN_VERSION_MARK, "v1.15.1");
	firecracker_host_set(&host, "fc/firecracker", STANDIN_MODE_MARK, "stays");
	expect_refusal(WORDS("does not say its version and end within 5 s"));
}

/* Each other's name is not enough: what is executed as jailer is jailer. */
Test(firecracker, a_program_that_is_another)
{
	cr_assert_eq(rename(firecracker_host_path(&host, "fc/firecracker"),
			    firecracker_host_path(&host, "fc/jailer")),
		     0);
	cr_assert_eq(link(firecracker_host_path(&host, "fc/jailer"),
			  firecracker_host_path(&host, "fc/firecracker")),
		     0);
	expect_refusal(WORDS("jailer calls itself Firecracker"));
}

Test(firecracker, somebody_else_could_exchange_them)
{
	const char *dir = firecracker_host_path(&host, "fc");
	char *link_dir = strdup(firecracker_host_path(&host, "link"));

	cr_assert_eq(chmod(dir, 0777), 0);
	expect_refusal(WORDS("writable for nobody else"));
	cr_assert_eq(chmod(dir, 0755), 0);
	cr_assert_eq(chown(host.dir, 1000, 1000), 0);
	expect_refusal(WORDS("writable for nobody else"));
	cr_assert_eq(chown(host.dir, 0, 0), 0);
	cr_assert_eq(chmod(firecracker_host_path(&host, "fc/jailer"), 0775), 0);
	expect_refusal(WORDS("fc/jailer must be a file of root's"));
	cr_assert_eq(chmod(firecracker_host_path(&host, "fc/jailer"), 0755), 0);
	cr_assert_eq(chown(firecracker_host_path(&host, "fc/firecracker"), 1000, 1000), 0);
	expect_refusal(WORDS("fc/firecracker must be a file of root's"));
	cr_assert_eq(symlink(dir, link_dir), 0);
	cr_assert_eq(setenv("SAFE_RUN_FIRECRACKER_DIR", link_dir, 1), 0);
	expect_refusal(WORDS(link_dir));
	free(link_dir);
}

static void expect_broken(const char *program, const char *mode, const char *words)
{
	struct run run;

	firecracker_host_set(&host, program, STANDIN_MODE_MARK, mode);
	simple(&run, WORDS("true"));
	cr_expect_eq(run.child.status, 125, "%s: %d", mode, run.child.status);
	cr_expect_not_null(strstr(run.child.err, words), "'%s' is not in: %s", words,
			   run.child.err);
	run_expect(&run, 125, run_text(&run, "outcome.cause"));
	firecracker_expect_no_jail(&run);
	run_release(&run);
	firecracker_host_set(&host, program, STANDIN_MODE_MARK, "");
}

Test(firecracker, either_of_them_dies)
{
	expect_broken("fc/jailer", "fails", "told to fail");
	expect_broken("fc/firecracker", "dies-early", "told to die");
	expect_broken("fc/firecracker", "dies-late", "told to die");
}

/* One without its filters gets no command; a guest that hangs has its deadline. */
Test(firecracker, never_answers)
{
	struct run run;

	expect_broken("fc/firecracker", "never-confines", "has not put its filters on");
	firecracker_host_set(&host, "fc/firecracker", STANDIN_MODE_MARK, "hangs");
	firecracker_host_run(&run, &host, WORDS("--timeout", "1"), WORDS("true"), NULL, 0);
	run_expect(&run, 124, "timeout");
	firecracker_expect_no_jail(&run);
	run_release(&run);
}

/* The machine's own words of a run, which the stand-in prints. */
static char *console_of(const struct run *run)
{
	char path[4096];
	char *text;

	snprintf(path, sizeof path, "%s/artifacts/console.log", run->dir);
	text = child_read_file(path, &(size_t){0});
	cr_assert_not_null(text, "%s", path);
	return text;
}

static void expect_snapshot(const char *const options[], const char *use, const char *said,
			    char seed[16])
{
	struct run run;
	char *console;
	const char *at;

	firecracker_host_run(&run, &host, options, WORDS("echo", "hello"), NULL, 0);
	run_expect(&run, 7, "exit");
	cr_expect_str_eq(run.child.out, "hello\n");
	cr_expect_str_eq(machine_text(&run, "vm.started", "machine.snapshot"), use);
	console = console_of(&run);
	cr_expect_not_null(strstr(console, said), "'%s' is not in: %s", said, console);
	cr_expect_not_null(strstr(console, "api PATCH /vm: done"), "%s", console);
	at = strstr(console, "\nseed ");
	cr_assert_not_null(at, "%s", console);
	snprintf(seed, 16, "%.8s", at + 6);
	free(console);
	firecracker_expect_no_jail(&run);
	run_release(&run);
}

/* Saved before it was told anything; loaded as it was, with new randomness; another machine is another. */
Test(firecracker, snapshots)
{
	char first[16], second[16], third[16];

	expect_snapshot(WORDS("--snapshot"), "made", "api PUT /snapshot/create: done", first);
	expect_snapshot(WORDS("--snapshot"), "restored", "api PUT /snapshot/load: done", second);
	expect_snapshot(WORDS("--snapshot"), "restored", "restored", third);
	cr_expect_str_neq(first, second);
	cr_expect_str_neq(second, third);
	expect_snapshot(WORDS("--memory", "131Mi", "--snapshot"), "made",
			"api PUT /snapshot/create: done", first);
}

/* The number of drives is the machine's, what is on them the run's. */
Test(firecracker, snapshots_get_this_runs_drives)
{
	static const char *const said[] = {"patched 0", "patched 1"};
	char *dir = child_make_dir("firecracker-mount");
	char policy[2048], path[512], allowlist[512];

	snprintf(allowlist, sizeof allowlist, "%s.yaml", dir);
	snprintf(policy, sizeof policy,
		 "schemaVersion: safe-run.mount-allowlist/v1\nhostAllowPrefixes: [%s]\n"
		 "guestAllowPrefixes: [/data]\n",
		 dir);
	child_write_file(allowlist, policy, strlen(policy));
	snprintf(policy, sizeof policy,
		 "apiVersion: policy.safe-run.dev/v1alpha1\nmetadata: {name: drives}\n"
		 "runtime: {command: 'true', args: []}\n"
		 "resources: {cpu: {max: 50000 100000}, memory: {max: 128Mi}}\n"
		 "mounts:\n  - {source: %s, target: /data, read_only: true}\naudit: {level: "
		 "basic}\n",
		 dir);
	for (int i = 0; i < 2; i++) {
		struct run run;
		char *console;

		snprintf(path, sizeof path, "%s/file%d", dir, i);
		child_write_file(path, "text", 4);
		firecracker_host_run(
			&run, &host,
			WORDS("--snapshot", "--policy", "-", "--mount-allowlist", allowlist), NULL,
			policy, strlen(policy));
		run_expect(&run, 0, "exit");
		console = console_of(&run);
		cr_expect_not_null(strstr(console, said[i]), "%s", console);
		free(console);
		run_release(&run);
	}
	unlink(allowlist);
	child_remove_dir(dir);
	free(dir);
}

Test(firecracker, snapshots_that_cannot_be_loaded)
{
	struct run run;
	char seed[16];

	expect_snapshot(WORDS("--snapshot"), "made", "api PUT /snapshot/create: done", seed);
	firecracker_host_set(&host, "fc/firecracker", STANDIN_MODE_MARK, "load-fails");
	firecracker_host_run(&run, &host, WORDS("--snapshot"), WORDS("true"), NULL, 0);
	/* Another Firecracker, another machine: its snapshot is its own. */
	run_expect(&run, 0, "exit");
	cr_expect_str_eq(machine_text(&run, "vm.started", "machine.snapshot"), "made");
	run_release(&run);
	firecracker_host_run(&run, &host, WORDS("--snapshot"), WORDS("true"), NULL, 0);
	run_expect(&run, 125, "setup");
	cr_expect_not_null(strstr(run.child.err, "told to fail"), "%s", run.child.err);
	firecracker_expect_no_jail(&run);
	run_release(&run);
}

Test(firecracker, snapshots_are_firecrackers)
{
	struct run run;

	run_start(&run,
		  WORDS("--isolation", "microvm", "--memory", "128Mi", "--artifacts",
			firecracker_host_path(&host, "artifacts"), "--snapshot"),
		  WORDS("true"), NULL, 0);
	run_expect(&run, 125, "setup");
	cr_expect_not_null(strstr(run.child.err, "launch.machine.snapshot"), "%s", run.child.err);
	cr_expect_not_null(strstr(run.child.err, "QEMU"), "%s", run.child.err);
	run_release(&run);
	run_start(&run, WORDS("--snapshot"), WORDS("true"), NULL, 0);
	run_expect(&run, 125, "setup");
	cr_expect_not_null(strstr(run.child.err, "is for microVMs"), "%s", run.child.err);
	run_release(&run);
}

/* For anybody else it is refused, whatever is there. */
Test(firecracker_user, root_alone)
{
	char *dir = child_make_dir("firecracker");
	struct run run;

	if (geteuid() == 0)
		cr_skip_test("this is what an ordinary user gets");
	firecracker_artifacts(dir);
	run_start(&run,
		  WORDS("--isolation", "microvm", "--memory", "128Mi", "--artifacts", dir, "--vmm",
			"firecracker"),
		  WORDS("true"), NULL, 0);
	run_expect(&run, 125, "setup");
	cr_expect_not_null(strstr(run.child.err, "launch.preflight.jailer"), "%s", run.child.err);
	cr_expect_not_null(strstr(run.child.err, "has to be started as root"), "%s", run.child.err);
	run_release(&run);
}

/* The real ones, where a directory of them is named and KVM works. */
Test(firecracker_real, uname)
{
	const char *dir = getenv("SAFE_RUN_FIRECRACKER_DIR");
	struct run run;

	if (geteuid() != 0 || dir == NULL || dir[0] == '\0')
		cr_skip_test(
			"SAFE_RUN_FIRECRACKER_DIR names no jailer and firecracker, or not root");
	machine_run(&run, "good", WORDS("--vmm", "firecracker"), WORDS("uname", "-a"), NULL, 0);
	if (strstr(run.child.err, "KVM does not work here") != NULL) {
		run_release(&run);
		cr_skip_test("KVM does not work here");
	}
	run_expect(&run, 0, "exit");
	cr_expect_not_null(strstr(run.child.out, "-cloud-amd64"), "%s", run.child.out);
	cr_expect_str_eq(machine_text(&run, "vm.exited", "machine.shutdown"), "clean");
	run_release(&run);
}
