/* SPDX-License-Identifier: Apache-2.0 */
/* runtime.rootfs in whole runs: a directory, file system images. */
#include "tests/pipeline/root_place.h"

#include "stages/seal/digest.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define GONE_MS 20000

static void hash_file(const char *path, char out[DIGEST_TEXT_SIZE])
{
	size_t len;
	char *bytes = child_read_file(path, &len);
	uint8_t value[DIGEST_SIZE];

	digest_bytes(bytes, len, value);
	digest_text(value, out);
	free(bytes);
}

Test(roots, a_directory)
{
	struct root_place place;
	struct run run;
	char hash[DIGEST_TEXT_SIZE], path[PATH_SIZE];

	root_place_open(&place);
	root_run(&run, &place, place.tree);
	root_expect_ran(&run, "directory");
	snprintf(hash, sizeof hash, "%s", run_text(&run, "artifacts.rootfsHash"));
	run_release(&run);
	/* The next run has the next hash: nothing remembers a tree that can change. */
	snprintf(path, sizeof path, "%s/new", place.tree);
	child_write_file(path, "x", 1);
	root_run(&run, &place, place.tree);
	root_expect_ran(&run, "directory");
	cr_expect_str_neq(run_text(&run, "artifacts.rootfsHash"), hash);
	run_release(&run);
	root_place_close(&place);
}

Test(roots, a_directory_is_read_only_and_its_mount_points_are_not_in_it)
{
	static const char *const names[] = {"dev", "proc", "tmp", "work"};
	struct root_place place;
	struct run run;

	root_place_open(&place);
	root_run(&run, &place, place.tree);
	root_expect_ran(&run, "directory");
	run_release(&run);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[PATH_SIZE];

		snprintf(path, sizeof path, "%s/%s", place.tree, names[i]);
		cr_expect_neq(access(path, F_OK), 0, "%s was made in the tree", names[i]);
	}
	root_place_close(&place);
}

Test(roots, a_work_directory_that_is_not_there_is_refused_with_the_way_to_mend_it)
{
	struct root_place place;
	struct run run;

	root_place_open(&place);
	root_write_policy(&place, place.tree, ", workdir: /bin/deep");
	run_start(&run, WORDS("--policy", place.policy), NULL, "", 0);
	cr_expect_eq(run.child.status, 125);
	run_release(&run);
	root_write_policy(&place, place.tree, ", workdir: /srv/deep/er");
	run_start(&run, WORDS("--policy", place.policy), NULL, "", 0);
	run_expect(&run, 0, "exit");
	run_release(&run);
	root_place_close(&place);
}

/* tool and its arguments in place's directory; false when the tool is not here. */
static bool make_image(const struct root_place *place, const char *const argv[])
{
	const struct child_options options = {.cwd = place->dir};
	struct child_result result;

	if (access(argv[0], X_OK) < 0)
		return false;
	child_run(argv, "", 0, &options, &result);
	cr_assert_eq(result.status, 0, "%s: %s%s", argv[0], result.out, result.err);
	child_release(&result);
	return true;
}

static void make_squashfs(const struct root_place *place)
{
	if (!make_image(place,
			WORDS("/usr/bin/mksquashfs", "tree", "image", "-quiet", "-no-progress")))
		run_skip("there is no mksquashfs: install squashfs-tools");
}

static void try_image(const char *format, const char *const argv[])
{
	struct root_place place;
	char image[PATH_SIZE], hash[DIGEST_TEXT_SIZE];
	struct run run;

	root_place_open(&place);
	snprintf(image, sizeof image, "%s/image", place.dir);
	if (!make_image(&place, argv)) {
		root_place_close(&place);
		run_skip(argv[0]);
		return;
	}
	cr_assert_eq(chmod(image, 0644), 0);
	hash_file(image, hash);
	for (int again = 0; again < 2; again++) {
		root_run(&run, &place, image);
		if (geteuid() == 0) {
			root_expect_ran(&run, "image");
			cr_expect_str_eq(root_text(&run, "format"), format);
			cr_expect_str_eq(run_text(&run, "artifacts.rootfsHash"), hash);
		} else {
			cr_expect_eq(run.child.status, 125);
			cr_expect(run_has_error(&run, "SR-OPS-001"));
			cr_expect_not_null(strstr(run.child.err, "only root can mount"), "%s",
					   run.child.err);
		}
		run_release(&run);
	}
	root_place_close(&place);
}

Test(roots, a_squashfs_image)
{
	try_image("squashfs",
		  WORDS("/usr/bin/mksquashfs", "tree", "image", "-quiet", "-no-progress"));
}

Test(roots, an_erofs_image)
{
	try_image("erofs", WORDS("/usr/bin/mkfs.erofs", "--quiet", "image", "tree"));
}

Test(roots, an_ext4_image)
{
	try_image("ext4",
		  WORDS("/usr/sbin/mke2fs", "-q", "-t", "ext4", "-d", "tree", "image", "4M"));
}

/* The store has a copy: what somebody writes to the image later is not what is mounted. */
Test(roots, an_image_is_mounted_from_the_store)
{
	struct root_place place;
	char image[PATH_SIZE], path[PATH_SIZE], hash[DIGEST_TEXT_SIZE];
	struct stat info;
	struct run run;

	if (geteuid() != 0)
		cr_skip_test("only root can mount an image; a_squashfs_image has the refusal");
	root_place_open(&place);
	snprintf(image, sizeof image, "%s/image", place.dir);
	make_squashfs(&place);
	root_run(&run, &place, image);
	root_expect_ran(&run, "image");
	run_release(&run);
	hash_file(image, hash);
	snprintf(path, sizeof path, "%s/images/%s", place.store, hash + strlen("sha256:"));
	cr_assert_eq(stat(path, &info), 0);
	cr_expect_eq(info.st_mode, S_IFREG | 0400);
	cr_expect_eq(info.st_uid, 0);
	cr_assert_eq(stat(place.store, &info), 0);
	cr_expect_eq(info.st_mode, S_IFDIR | 0700);
	root_place_close(&place);
}

/* Not an image at all, and one the kernel finds broken. */
Test(roots, what_is_no_image_is_refused)
{
	static const struct {
		const char *bytes, *words;
		bool root_only;
	} cases[] = {{"no image", "no squashfs, erofs or ext4 image", false},
		     {"hsqs and nothing else", "does not mount the image", true}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct root_place place;
		char image[PATH_SIZE];
		struct run run;

		if (cases[i].root_only && geteuid() != 0)
			continue;
		root_place_open(&place);
		snprintf(image, sizeof image, "%s/image", place.dir);
		child_write_file(image, cases[i].bytes, strlen(cases[i].bytes));
		root_run(&run, &place, image);
		cr_expect_eq(run.child.status, 125);
		cr_expect_not_null(strstr(run.child.err, cases[i].words), "%s", run.child.err);
		run_release(&run);
		root_place_close(&place);
	}
}

/* How many loop devices come from a file below dir. */
static size_t loops_from(const char *dir)
{
	size_t count = 0;

	for (int number = 0; number < 64; number++) {
		char path[64];
		char *file;

		snprintf(path, sizeof path, "/sys/block/loop%d/loop/backing_file", number);
		file = child_read_file(path, NULL);
		count += file != NULL && strncmp(file, dir, strlen(dir)) == 0;
		free(file);
	}
	return count;
}

/* Everything of the run is killed at once; the kernel alone gives the loop device back. */
Test(roots, a_killed_launcher_leaves_no_loop_device)
{
	struct root_place place;
	char image[PATH_SIZE], text[2 * PATH_SIZE], *base = child_make_dir("runs");
	const char **argv;
	unsigned waited = 0;
	pid_t pid;

	if (geteuid() != 0)
		cr_skip_test("only root can mount an image; a_squashfs_image has the refusal");
	root_place_open(&place);
	snprintf(image, sizeof image, "%s/image", place.dir);
	make_squashfs(&place);
	/* Reads a FIFO nobody writes: standard input. */
	snprintf(text, sizeof text,
		 "apiVersion: policy.safe-run.dev/v1alpha1\nmetadata: {name: roots}\n"
		 "runtime: {command: " ROOT_PROGRAM ", args: [/dev/stdin], rootfs: %s}\n"
		 "resources: {cpu: {max: \"100000 100000\"}, memory: {max: 64Mi}}\nmounts: []\n"
		 "audit: {level: basic}\n",
		 image);
	child_write_file(place.policy, text, strlen(text));
	argv = run_argv(base, WORDS("--policy", place.policy), NULL);
	int ends[2];

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[0], STDIN_FILENO);
		setpgid(0, 0);
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	while (loops_from(place.dir) == 0 && waited < GONE_MS)
		waited += (unsigned)(poll(NULL, 0, 10) + 10);
	cr_expect_eq(loops_from(place.dir), 1, "the image was never mounted");
	killpg(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ends[0]);
	close(ends[1]);
	for (waited = 0; loops_from(place.dir) > 0 && waited < GONE_MS;)
		waited += (unsigned)(poll(NULL, 0, 10) + 10);
	cr_expect_eq(loops_from(place.dir), 0, "a loop device is left");
	struct run left = {.base = base};

	run_sweep(&left);
	child_remove_dir(base);
	free(base);
	root_place_close(&place);
}
