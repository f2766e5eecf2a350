/* SPDX-License-Identifier: Apache-2.0 */
/* What was hashed is what the machine is made of: exchanged, and rewritten in place, at its worst. */
#include "stages/seal/digest.h"
#include "tests/machine/machine.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const names[] = {"bzImage", "initramfs.img", "rootfs.erofs"};

/* Another first byte, or the old one again; in the same file. */
static void rewrite(const char *path)
{
	int fd = open(path, O_RDWR);
	unsigned char byte = 0;

	/* EROFS does not use what is before its superblock. */
	cr_assert(fd >= 0 && pread(fd, &byte, 1, 0) == 1);
	byte ^= 1;
	cr_assert_eq(pwrite(fd, &byte, 1, 0), 1);
	close(fd);
}

static void expect_refused(const char *dir, const char *orders)
{
	struct run run;

	machine_order(dir, orders);
	machine_run_standin(&run, dir, NULL, WORDS("true"));
	run_expect(&run, 125, "setup");
	cr_expect_not_null(strstr(run.child.err, "is not the file any more that was hashed"),
			   "%s: %s", orders, run.child.err);
	run_release(&run);
}

/* A file of the same size and content at the place of the one that was hashed. */
Test(machine_evidence, exchanged_between_hash_and_use)
{
	char *dir = machine_copy_artifacts(true), orders[256];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(orders, sizeof orders, "swap %s copy-of-%s", names[i], names[i]);
		expect_refused(dir, orders);
	}
	child_remove_dir(dir);
	free(dir);
}

Test(machine_evidence, rewritten_between_hash_and_use)
{
	char *dir = machine_copy_artifacts(false), orders[256], path[4096];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(orders, sizeof orders, "write %s", names[i]);
		expect_refused(dir, orders);
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		rewrite(path);
	}
	child_remove_dir(dir);
	free(dir);
}

/*
 * Another kernel, and another manifest that fits it, once the first ones are taken and before they
 * are hashed: what is hashed must be what was taken.
 */
Test(machine_evidence, exchanged_before_it_is_hashed)
{
	char *dir = machine_copy_artifacts(false), path[4096], before[DIGEST_TEXT_SIZE],
	     after[DIGEST_TEXT_SIZE], *manifest, *at;
	uint8_t value[DIGEST_SIZE];
	struct run run;
	size_t len;
	char *bytes;

	cr_assert_eq(digest_prewarm(), 0);
	snprintf(path, sizeof path, "%s/bzImage", dir);
	bytes = child_read_file(path, &len);
	digest_bytes(bytes, len, value);
	digest_text(value, before);
	bytes[len / 2] ^= 1;
	digest_bytes(bytes, len, value);
	digest_text(value, after);
	snprintf(path, sizeof path, "%s/other", dir);
	child_write_file(path, bytes, len);
	free(bytes);
	snprintf(path, sizeof path, "%s/manifest.json", dir);
	manifest = child_read_file(path, &len);
	at = strstr(manifest, before);
	cr_assert_not_null(at);
	memcpy(at, after, strlen(after));
	snprintf(path, sizeof path, "%s/other.json", dir);
	child_write_file(path, manifest, len);
	free(manifest);
	machine_order(dir, "late-swap bzImage other\nlate-swap manifest.json other.json");
	machine_run_standin(&run, dir, NULL, WORDS("true"));
	run_expect(&run, 125, "setup");
	cr_expect_not_null(strstr(run.child.err, "was changed while a machine was made of it"),
			   "%s", run.child.err);
	cr_expect_str_eq(run_text(&run, "artifacts.initramfsHash"), "");
	run_release(&run);
	child_remove_dir(dir);
	free(dir);
}

/* Nobody else's, whatever the directory says. */
Test(machine_evidence, writable_by_others_is_refused)
{
	char *dir = machine_copy_artifacts(false), path[4096];
	struct run run;

	snprintf(path, sizeof path, "%s/rootfs.erofs", dir);
	cr_assert_eq(chmod(path, 0666), 0);
	machine_run_standin(&run, dir, NULL, WORDS("true"));
	run_expect(&run, 125, "setup");
	cr_expect_not_null(strstr(run.child.err, "nobody else may write"), "%s", run.child.err);
	run_release(&run);
	child_remove_dir(dir);
	free(dir);
}

static void name_again(const char *path)
{
	char other[4096];

	snprintf(other, sizeof other, "%s.again", path);
	cr_assert_eq(link(path, other), 0);
}

/* act on the root's image while the command runs. */
static void run_while(void (*act)(const char *path), int wanted)
{
	char *dir = machine_copy_artifacts(false), path[4096];
	struct run run = {.base = child_make_dir("machine-evidence")};
	int out[2], status;
	const char **argv;
	char byte;
	pid_t pid;

	snprintf(path, sizeof path, "%s/rootfs.erofs", dir);
	argv = run_argv(run.base,
			WORDS("--isolation", "microvm", "--memory", "128Mi", "--artifacts", dir),
			WORDS("sh", "-c", "echo x; sleep 1"));
	cr_assert_eq(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		(void)dup2(out[1], STDOUT_FILENO);
		execv(argv[0], (char *const *)argv);
		_exit(99);
	}
	close(out[1]);
	cr_assert_eq(read(out[0], &byte, 1), 1);
	act(path);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	close(out[0]);
	run_collect(&run);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == wanted, "%x", status);
	cr_expect_eq(run_has_error(&run, "SR-RUN-002"), wanted == 125);
	run_release(&run);
	child_remove_dir(dir);
	free(dir);
}

/* While it runs: another content fails the run; another name of the same one does not. */
Test(machine_evidence, rewritten_while_the_machine_runs)
{
	run_while(rewrite, 125);
}

Test(machine_evidence, linked_while_the_machine_runs)
{
	run_while(name_again, 0);
}
