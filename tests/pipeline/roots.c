/* SPDX-License-Identifier: Apache-2.0 */
/* runtime.rootfs in whole runs: a directory, file system images, OCI images. */
#include "tests/pipeline/run.h"
#include "tests/support/oci.h"

#include "ipc/event.h"
#include "stages/seal/digest.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/loop.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_SIZE 4096
#define PROGRAM	  "/bin/rootlook"
#define GONE_MS	  20000

/* A place of the test's own: a tree, images of it, a store. */
struct place {
	char *dir;
	char tree[PATH_SIZE / 4], store[PATH_SIZE / 4], policy[PATH_SIZE / 4];
};

static char *program(void)
{
	const char *path = child_helper("attack/rootlook");

	return strdup(path);
}

static void copy_program(const char *to)
{
	char *path = program();
	size_t len;
	char *bytes = child_read_file(path, &len);

	cr_assert_not_null(bytes, "%s", path);
	child_write_file(to, bytes, len);
	cr_assert_eq(chmod(to, 0755), 0);
	free(bytes);
	free(path);
}

static void place_open(struct place *place)
{
	char path[PATH_SIZE];

	place->dir = child_make_dir("roots");
	snprintf(place->tree, sizeof place->tree, "%s/tree", place->dir);
	snprintf(place->store, sizeof place->store, "%s/store", place->dir);
	snprintf(place->policy, sizeof place->policy, "%s/policy.yaml", place->dir);
	cr_assert_eq(setenv("SAFE_RUN_STORE", place->store, 1), 0);
	cr_assert_eq(mkdir(place->tree, 0755), 0);
	cr_assert_eq(chmod(place->tree, 0755), 0);
	snprintf(path, sizeof path, "%s/bin", place->tree);
	cr_assert(mkdir(path, 0755) == 0 && chmod(path, 0755) == 0);
	strcat(path, "/rootlook");
	copy_program(path);
	snprintf(path, sizeof path, "%s/word", place->tree);
	child_write_file(path, "from the tree\n", 14);
	cr_assert_eq(chmod(path, 0644), 0);
}

static void place_close(struct place *place)
{
	child_remove_dir(place->dir);
	free(place->dir);
}

static void write_policy(const struct place *place, const char *rootfs, const char *more)
{
	char text[2 * PATH_SIZE];

	snprintf(text, sizeof text,
		 "apiVersion: policy.safe-run.dev/v1alpha1\nmetadata: {name: roots}\n"
		 "runtime: {command: " PROGRAM ", args: [/word], rootfs: %s%s}\n"
		 "resources: {cpu: {max: \"100000 100000\"}, memory: {max: 64Mi}}\nmounts: []\n"
		 "audit: {level: basic}\n",
		 rootfs, more);
	child_write_file(place->policy, text, strlen(text));
}

static void run_root(struct run *run, const struct place *place, const char *rootfs)
{
	write_policy(place, rootfs, "");
	run_start(run, WORDS("--policy", place->policy), NULL, "", 0);
}

static struct json_object *root_of(const struct run *run)
{
	struct json_object *events = run_member(run, "events");

	return json_object_object_get(
		json_object_object_get(json_object_array_get_idx(events, 0), "payload"), "root");
}

static const char *root_text(const struct run *run, const char *name)
{
	return json_object_get_string(json_object_object_get(root_of(run), name)) ?: "";
}

static void expect_ran(struct run *run, const char *kind)
{
	run_expect(run, 0, "exit");
	cr_expect_not_null(strstr(run->child.out, "/word says from the tree\n"), "%s: %s",
			   run->child.out, run->child.err);
	cr_expect_str_eq(root_text(run, "kind"), kind);
	cr_expect(digest_text_valid(run_text(run, "artifacts.rootfsHash")));
	cr_expect_str_eq(run_text(run, "artifacts.rootfsHash"), root_text(run, "hash"));
}

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
	struct place place;
	struct run run;
	char hash[DIGEST_TEXT_SIZE], path[PATH_SIZE];

	place_open(&place);
	run_root(&run, &place, place.tree);
	expect_ran(&run, "directory");
	snprintf(hash, sizeof hash, "%s", run_text(&run, "artifacts.rootfsHash"));
	run_release(&run);
	/* The next run has the next hash: nothing remembers a tree that can change. */
	snprintf(path, sizeof path, "%s/new", place.tree);
	child_write_file(path, "x", 1);
	run_root(&run, &place, place.tree);
	expect_ran(&run, "directory");
	cr_expect_str_neq(run_text(&run, "artifacts.rootfsHash"), hash);
	run_release(&run);
	place_close(&place);
}

Test(roots, a_directory_is_read_only_and_its_mount_points_are_not_in_it)
{
	static const char *const names[] = {"dev", "proc", "tmp", "work"};
	struct place place;
	struct run run;

	place_open(&place);
	run_root(&run, &place, place.tree);
	expect_ran(&run, "directory");
	run_release(&run);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		char path[PATH_SIZE];

		snprintf(path, sizeof path, "%s/%s", place.tree, names[i]);
		cr_expect_neq(access(path, F_OK), 0, "%s was made in the tree", names[i]);
	}
	place_close(&place);
}

Test(roots, a_work_directory_that_is_not_there_is_refused_with_the_way_to_mend_it)
{
	struct place place;
	struct run run;

	place_open(&place);
	write_policy(&place, place.tree, ", workdir: /bin/deep");
	run_start(&run, WORDS("--policy", place.policy), NULL, "", 0);
	cr_expect_eq(run.child.status, 125);
	run_release(&run);
	write_policy(&place, place.tree, ", workdir: /srv/deep/er");
	run_start(&run, WORDS("--policy", place.policy), NULL, "", 0);
	run_expect(&run, 0, "exit");
	run_release(&run);
	place_close(&place);
}

/* tool and its arguments in place's directory; false when the tool is not here. */
static bool make_image(const struct place *place, const char *const argv[])
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

static bool make_squashfs(const struct place *place)
{
	if (make_image(place,
		       WORDS("/usr/bin/mksquashfs", "tree", "image", "-quiet", "-no-progress")))
		return true;
	run_skip("there is no mksquashfs: install squashfs-tools");
	return false;
}

static void try_image(const char *format, const char *const argv[])
{
	struct place place;
	char image[PATH_SIZE], hash[DIGEST_TEXT_SIZE];
	struct run run;

	place_open(&place);
	snprintf(image, sizeof image, "%s/image", place.dir);
	if (!make_image(&place, argv)) {
		place_close(&place);
		run_skip(argv[0]);
		return;
	}
	cr_assert_eq(chmod(image, 0644), 0);
	hash_file(image, hash);
	for (int again = 0; again < 2; again++) {
		run_root(&run, &place, image);
		if (geteuid() == 0) {
			expect_ran(&run, "image");
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
	place_close(&place);
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
	struct place place;
	char image[PATH_SIZE], path[PATH_SIZE], hash[DIGEST_TEXT_SIZE];
	struct stat info;
	struct run run;

	place_open(&place);
	snprintf(image, sizeof image, "%s/image", place.dir);
	/* That others cannot mount one is a_squashfs_image's to test. */
	if (geteuid() != 0 || !make_squashfs(&place)) {
		place_close(&place);
		return;
	}
	run_root(&run, &place, image);
	expect_ran(&run, "image");
	run_release(&run);
	hash_file(image, hash);
	snprintf(path, sizeof path, "%s/images/%s", place.store, hash + strlen("sha256:"));
	cr_assert_eq(stat(path, &info), 0);
	cr_expect_eq(info.st_mode, S_IFREG | 0400);
	cr_expect_eq(info.st_uid, 0);
	cr_assert_eq(stat(place.store, &info), 0);
	cr_expect_eq(info.st_mode, S_IFDIR | 0700);
	place_close(&place);
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
		struct place place;
		char image[PATH_SIZE];
		struct run run;

		if (cases[i].root_only && geteuid() != 0)
			continue;
		place_open(&place);
		snprintf(image, sizeof image, "%s/image", place.dir);
		child_write_file(image, cases[i].bytes, strlen(cases[i].bytes));
		run_root(&run, &place, image);
		cr_expect_eq(run.child.status, 125);
		cr_expect_not_null(strstr(run.child.err, cases[i].words), "%s", run.child.err);
		run_release(&run);
		place_close(&place);
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
	struct place place;
	char image[PATH_SIZE], text[2 * PATH_SIZE], *base = child_make_dir("runs");
	const char **argv;
	unsigned waited = 0;
	pid_t pid;

	place_open(&place);
	snprintf(image, sizeof image, "%s/image", place.dir);
	/* That others cannot mount one is a_squashfs_image's to test. */
	if (geteuid() != 0 || !make_squashfs(&place)) {
		place_close(&place);
		return;
	}
	/* Reads a FIFO nobody writes: standard input. */
	snprintf(text, sizeof text,
		 "apiVersion: policy.safe-run.dev/v1alpha1\nmetadata: {name: roots}\n"
		 "runtime: {command: " PROGRAM ", args: [/dev/stdin], rootfs: %s}\n"
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
	place_close(&place);
}

/* The example, with an image that is there: its one program is the one it names. */
Test(roots, the_policy_people_start_from)
{
	static const char there[] = "rootfs: /var/lib/safe-run/images/busybox.tar";
	char *example = run_policy("rootfs.yaml"), *text = child_read_file(example, NULL);
	char *path = program(), data[2 * PATH_SIZE], policy[4 * PATH_SIZE];
	struct oci_layer_spec layer = {OCI_GZIP, {{"bin/busybox", 'f', data, 0755}}};
	char archive[PATH_SIZE], layout[PATH_SIZE];
	struct place place;
	struct run run;
	char *at;

	place_open(&place);
	cr_assert_not_null(text, "%s", example);
	snprintf(data, sizeof data, "@%s", path);
	snprintf(layout, sizeof layout, "%s/layout", place.dir);
	snprintf(archive, sizeof archive, "%s/busybox.tar", place.dir);
	cr_assert_eq(mkdir(layout, 0755), 0);
	oci_make(layout, &layer, 1, OCI_RIGHT);
	oci_archive(layout, archive, OCI_PLAIN);
	at = strstr(text, there);
	cr_assert_not_null(at);
	snprintf(policy, sizeof policy, "%.*srootfs: %s%s", (int)(at - text), text, archive,
		 at + strlen(there));
	child_write_file(place.policy, policy, strlen(policy));
	run_start(&run, WORDS("--policy", place.policy), NULL, "", 0);
	run_expect(&run, 0, "exit");
	cr_expect_str_eq(root_text(&run, "kind"), "oci");
	run_release(&run);
	free(path);
	free(text);
	free(example);
	place_close(&place);
}

static void make_oci(const struct place *place, const char *name, char out[PATH_SIZE])
{
	char *path = program(), data[2 * PATH_SIZE];
	struct oci_layer_spec layers[] = {
		{OCI_GZIP,
		 {{"bin/", 'd', NULL, 0},
		  {"bin/rootlook", 'f', data, 0755},
		  {"word", 'f', "wrong\n", 0644},
		  {"proc", 'l', "/", 0},
		  {"dev/null", 'f', "x", 0}}},
		{OCI_ZSTD, {{"word", 'f', "from the tree\n", 0644}}},
	};

	snprintf(data, sizeof data, "@%s", path);
	snprintf(out, PATH_SIZE, "%s/%s", place->dir, name);
	cr_assert_eq(mkdir(out, 0755), 0);
	oci_make(out, layers, 2, OCI_RIGHT);
	free(path);
}

Test(roots, an_oci_image_in_a_layout_and_in_an_archive)
{
	char layout[PATH_SIZE], archive[PATH_SIZE + 8], hash[DIGEST_TEXT_SIZE];
	struct place place;
	struct run run;

	place_open(&place);
	make_oci(&place, "layout", layout);
	snprintf(archive, sizeof archive, "%s.tar", layout);
	oci_archive(layout, archive, OCI_GZIP);
	run_root(&run, &place, layout);
	expect_ran(&run, "oci");
	cr_expect_str_eq(root_text(&run, "format"), "oci-layout");
	snprintf(hash, sizeof hash, "%s", run_text(&run, "artifacts.rootfsHash"));
	run_release(&run);
	/* Again from the store, and then the same tree by way of an archive. */
	run_root(&run, &place, layout);
	expect_ran(&run, "oci");
	cr_expect_str_eq(run_text(&run, "artifacts.rootfsHash"), hash);
	run_release(&run);
	run_root(&run, &place, archive);
	expect_ran(&run, "oci");
	cr_expect_str_eq(run_text(&run, "artifacts.rootfsHash"), hash);
	run_release(&run);
	place_close(&place);
}

/* Both unpack the same image into an empty store at once; both run, one tree is there. */
Test(roots, two_at_once)
{
	char layout[PATH_SIZE], path[PATH_SIZE];
	struct place place;
	pid_t pids[4];
	size_t trees = 0;
	DIR *list;

	place_open(&place);
	make_oci(&place, "layout", layout);
	write_policy(&place, layout, "");
	for (size_t i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct run run;

			run_start(&run, WORDS("--policy", place.policy), NULL, "", 0);
			_exit(run.child.status);
		}
	}
	for (size_t i = 0; i < 4; i++) {
		int status;

		waitpid(pids[i], &status, 0);
		cr_expect_eq(status, 0, "%zu", i);
	}
	snprintf(path, sizeof path, "%s/trees", place.store);
	list = opendir(path);
	cr_assert_not_null(list);
	while (readdir(list) != NULL)
		trees++;
	closedir(list);
	cr_expect_eq(trees, 3, "%zu trees", trees - 2);
	snprintf(path, sizeof path, "%s/work", place.store);
	cr_expect_neq(access(path, F_OK), 0, "what was unpacked in is left");
	place_close(&place);
}

/* A broken image leaves nothing behind, and what a killed run left is no obstacle. */
Test(roots, the_store_holds_whole_trees_only)
{
	char layout[PATH_SIZE], path[PATH_SIZE + 64];
	struct place place;
	struct run run;
	DIR *list;
	size_t count = 0;

	place_open(&place);
	make_oci(&place, "layout", layout);
	cr_assert_eq(mkdir(place.store, 0700), 0);
	snprintf(path, sizeof path, "%s/work", place.store);
	cr_assert_eq(mkdir(path, 0700), 0);
	strcat(path, "/unpack");
	cr_assert_eq(mkdir(path, 0700), 0);
	strcat(path, "/root");
	cr_assert_eq(mkdir(path, 0700), 0);
	run_root(&run, &place, layout);
	expect_ran(&run, "oci");
	run_release(&run);
	/* The last blob that is no document is a layer: one byte more in it. */
	snprintf(path, sizeof path, "%s/broken", place.dir);
	cr_assert_eq(mkdir(path, 0755), 0);
	const struct oci_layer_spec layer = {OCI_GZIP, {{"a", 'f', "x", 0}}};

	oci_make(path, &layer, 1, OCI_DIGEST);
	run_root(&run, &place, path);
	cr_expect_eq(run.child.status, 125);
	cr_expect(run_has_error(&run, "SR-RUN-002"));
	run_release(&run);
	snprintf(path, sizeof path, "%s/work", place.store);
	cr_expect_neq(access(path, F_OK), 0);
	snprintf(path, sizeof path, "%s/trees", place.store);
	list = opendir(path);
	while (readdir(list) != NULL)
		count++;
	closedir(list);
	cr_expect_eq(count, 3);
	place_close(&place);
}

/* Nobody else may be able to write where trees are run from. */
Test(roots, a_store_that_others_can_write_to_is_refused)
{
	char layout[PATH_SIZE];
	struct place place;
	struct run run;

	place_open(&place);
	make_oci(&place, "layout", layout);
	cr_assert_eq(mkdir(place.store, 0700), 0);
	cr_assert_eq(chmod(place.store, 0777), 0);
	run_root(&run, &place, layout);
	cr_expect_eq(run.child.status, 125);
	cr_expect_not_null(strstr(run.child.err, "nobody else can write"), "%s", run.child.err);
	run_release(&run);
	place_close(&place);
}

/* A directory needs none; whatever is unpacked does. */
Test(roots, without_a_store_only_directories)
{
	char layout[PATH_SIZE];
	struct place place;
	struct run run;

	place_open(&place);
	make_oci(&place, "layout", layout);
	cr_assert_eq(setenv("SAFE_RUN_STORE", "not/absolute", 1), 0);
	run_root(&run, &place, place.tree);
	expect_ran(&run, "directory");
	run_release(&run);
	run_root(&run, &place, layout);
	cr_expect_eq(run.child.status, 125);
	cr_expect(run_has_error(&run, "SR-OPS-001"));
	cr_expect_not_null(strstr(run.child.err, "no store for images"), "%s", run.child.err);
	run_release(&run);
	place_close(&place);
}
