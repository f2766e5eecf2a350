/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-image as it is. Whether an image is right is not for its writer to say: erofs-utils takes it
 * apart, and as root the kernel mounts it, and sr-tree's hash of what they show must be the hash
 * sr-image gave, which must be sr-tree's of the tree itself.
 */
#include "stages/seal/digest.h"
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_SIZE  4096
#define WORDS_MAX  12
#define BYTES_MAX  "1073741824"
#define BLOCK	   4096
#define FSCK	   "/usr/bin/fsck.erofs"
#define STATUS_OFF 77

struct answer {
	int status;
	struct json_object *record;
	char *err;
};

static int more_fd;	      /* a third descriptor for the child; 0: none */
static char scene[PATH_SIZE]; /* the test's directory: "tree" is in it, and what is made of it */

static const char *at(const char *name)
{
	static char paths[4][PATH_SIZE * 2];
	static size_t next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof paths[0], "%s/%s", scene, name);
	return path;
}

static void begin(void)
{
	char *dir = child_make_dir("image");

	snprintf(scene, sizeof scene, "%s", dir);
	free(dir);
	cr_assert_eq(mkdir(at("tree"), 0755), 0);
}

static void end(void)
{
	child_remove_dir(scene);
}

static void put(const char *name, const char *data, mode_t mode)
{
	child_write_file(at(name), data, strlen(data));
	cr_assert_eq(chmod(at(name), mode), 0);
}

static struct answer run(const char *program, const char *const *words, int tree_fd, int image_fd)
{
	const char *argv[WORDS_MAX + 6] = {program, "--tree-fd", NULL};
	struct child_options options = {
		.keep_fds = {tree_fd, image_fd > 0 ? image_fd : more_fd, more_fd}};
	struct child_result result;
	char numbers[2][16];
	struct answer answer;
	size_t count = 3;

	snprintf(numbers[0], sizeof numbers[0], "%d", tree_fd);
	snprintf(numbers[1], sizeof numbers[1], "%d", image_fd);
	argv[2] = numbers[0];
	if (image_fd > 0) {
		argv[count++] = "--image-fd";
		argv[count++] = numbers[1];
	}
	for (size_t i = 0; words != NULL && words[i] != NULL; i++)
		argv[count++] = words[i];
	argv[count] = NULL;
	child_run(argv, "", 0, &options, &result);
	answer = (struct answer){result.status, json_tokener_parse(result.out), strdup(result.err)};
	child_release(&result);
	return answer;
}

static void done(struct answer *answer)
{
	json_object_put(answer->record);
	free(answer->err);
}

/* An image of source, below the scene, in "image" there. */
static struct answer image_of(const char *source, const char *const *words)
{
	int tree_fd = open(at(source), O_RDONLY);
	int image_fd = open(at("image"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct answer answer;

	cr_assert(tree_fd >= 3 && image_fd >= 3);
	answer = run("sr-image", words, tree_fd, image_fd);
	close(tree_fd);
	close(image_fd);
	return answer;
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define USUAL	   WORDS("--max-bytes", BYTES_MAX)

static const char *text(const struct answer *answer, const char *name)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(answer->record, name, &value);
	return value != NULL ? json_object_get_string(value) : "";
}

static const char *message(const struct answer *answer)
{
	struct json_object *errors = json_object_object_get(answer->record, "errors");

	if (errors == NULL || json_object_array_length(errors) == 0)
		return "";
	return json_object_get_string(
		json_object_object_get(json_object_array_get_idx(errors, 0), "message"));
}

/* "" when there is none. Also for a forked child, where an assertion would not end the test. */
static void tree_hash(const char *path, char out[DIGEST_TEXT_SIZE])
{
	int fd = open(path, O_RDONLY | O_DIRECTORY);
	struct answer answer;

	out[0] = '\0';
	if (fd < 0)
		return;
	answer = run("sr-tree", NULL, fd, 0);
	close(fd);
	snprintf(out, DIGEST_TEXT_SIZE, "%s", text(&answer, "hash"));
	done(&answer);
}

/* What the record says of the image's own bytes. */
static void expect_bytes(const struct answer *answer)
{
	char hash[DIGEST_TEXT_SIZE];
	uint8_t value[DIGEST_SIZE];
	size_t len;
	char *bytes = child_read_file(at("image"), &len);

	cr_assert_not_null(bytes);
	digest_bytes(bytes, len, value);
	digest_text(value, hash);
	cr_expect_str_eq(text(answer, "sha256"), hash);
	cr_expect_eq(strtoull(text(answer, "bytes"), NULL, 10), len);
	cr_expect_eq(len % BLOCK, 0);
	free(bytes);
}

static bool extract(void)
{
	char option[PATH_SIZE * 2 + 16];
	const char *const argv[] = {FSCK, option, "--preserve-perms", at("image"), NULL};
	struct child_result result;
	bool held;

	snprintf(option, sizeof option, "--extract=%s", at("out"));
	child_run(argv, "", 0, NULL, &result);
	held = result.status == 0;
	cr_expect(held, "fsck.erofs: %s%s", result.out, result.err);
	child_release(&result);
	return held;
}

/* In a mount namespace of its own, by whom the kernel lets mount a block device. */
static int mounted_hash(const char *top, const char *hash)
{
	const char *const words[] = {"/usr/bin/mount", "-t",	    "erofs",	 "-o",
				     "loop,ro",	       at("image"), at("mount"), NULL};
	char seen[DIGEST_TEXT_SIZE], link[PATH_SIZE * 3];
	struct child_result result;
	struct stat info;
	int status;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return STATUS_OFF;
	child_run(words, "", 0, NULL, &result);
	status = result.status;
	child_release(&result);
	if (status != 0)
		return STATUS_OFF;
	tree_hash(at(top), seen);
	/* readlink(2) stops at a NUL, which may be one too many. */
	snprintf(link, sizeof link, "%s/far", at(top));
	return strcmp(seen, hash) == 0 && lstat(link, &info) == 0 && info.st_size == BLOCK - 2 ? 0
											       : 1;
}

static int kernel_says(const char *top, const char *hash)
{
	pid_t pid;
	int status = 0;

	cr_assert(mkdir(at("mount"), 0755) == 0 || errno == EEXIST);
	pid = fork();
	if (pid == 0)
		_exit(mounted_hash(top, hash));
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static bool kernel_has_erofs(void)
{
	char *list = child_read_file("/proc/filesystems", &(size_t){0});
	bool has = list != NULL && strstr(list, "\terofs\n") != NULL;

	free(list);
	return has;
}

/* Names around "." and "..", a directory of many blocks, contents around a block's end. */
static void fill(void)
{
	static const size_t lens[] = {0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 300000};
	static const char *const names[] = {"!",  "-",	 ".-",	 "...",
					    ".a", "..a", "\x01", "z\xc3\xa9"};
	char name[512], *data = calloc(1, 300000);

	for (size_t i = 0; i < 300000; i++)
		data[i] = (char)(i * 7 + i / 251);
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		snprintf(name, sizeof name, "tree/of-%zu", lens[i]);
		child_write_file(at(name), data, lens[i]);
	}
	free(data);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(name, sizeof name, "tree/%s", names[i]);
		put(name, names[i], i % 2 ? 0644 : 0750);
	}
	cr_assert_eq(mkdir(at("tree/many"), 0711), 0);
	for (int i = 0; i < 900; i++) {
		snprintf(name, sizeof name, "tree/many/%03d%.*s", i, i % 250,
			 "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
			 "nnn"
			 "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
			 "nnn"
			 "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
			 "nnn"
			 "nnnnnnnnnnnnnnnnnnnn");
		put(name, "x", 0644);
	}
	cr_assert_eq(mkdir(at("tree/none"), 0700), 0);
	cr_assert_eq(symlink("../many/000", at("tree/none/link")), 0);
}

static void fill_odd(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char target[BLOCK - 1];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memset(target, 't', sizeof target - 1);
	target[sizeof target - 1] = '\0';
	cr_assert_eq(symlink(target, at("tree/far")), 0);
	cr_assert_eq(mkfifo(at("tree/fifo"), 0622), 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", at("tree/socket"));
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	close(fd);
	put("tree/set-uid", "x", 04755);
	put("tree/bad\xff\x1b[31m\nname", "x", 0644);
	cr_assert_eq(mknod(at("tree/null"), S_IFCHR | 0666, makedev(1, 3)), 0);
	cr_assert_eq(mknod(at("tree/block"), S_IFBLK | 0600, makedev(300, 70000)), 0);
}

Test(image, erofs_utils_read_what_was_there)
{
	char hash[DIGEST_TEXT_SIZE], seen[DIGEST_TEXT_SIZE];
	struct answer answer;

	begin();
	fill();
	tree_hash(at("tree"), hash);
	answer = image_of("tree", USUAL);
	cr_assert_eq(answer.status, 0, "%s%s", message(&answer), answer.err);
	cr_expect_str_eq(text(&answer, "treeHash"), hash);
	cr_expect_str_eq(text(&answer, "format"), "erofs");
	cr_expect_str_eq(text(&answer, "files"), "914");
	cr_expect_str_eq(text(&answer, "unreadable"), "0");
	expect_bytes(&answer);
	if (extract()) {
		tree_hash(at("out/tree"), seen);
		cr_expect_str_eq(seen, hash);
	}
	done(&answer);
	end();
}

/* What is no file, what has a set-user-ID bit, names of any bytes: the kernel shows the same tree. */
Test(image, the_kernel_reads_what_was_there)
{
	char hash[DIGEST_TEXT_SIZE];
	struct answer answer;
	int said;

	if (geteuid() != 0)
		cr_skip_test("only root can mount a block device");
	begin();
	fill();
	fill_odd();
	tree_hash(at("tree"), hash);
	answer = image_of("tree", USUAL);
	cr_assert_eq(answer.status, 0, "%s%s", message(&answer), answer.err);
	cr_expect_str_eq(text(&answer, "treeHash"), hash);
	expect_bytes(&answer);
	done(&answer);
	said = kernel_has_erofs() ? kernel_says("mount/tree", hash) : STATUS_OFF;
	if (said == 0) {
		answer = image_of("tree", WORDS("--max-bytes", BYTES_MAX, "--root"));
		cr_expect_str_eq(text(&answer, "treeHash"), hash);
		done(&answer);
		cr_expect_eq(kernel_says("mount", hash), 0);
	}
	end();
	if (said == STATUS_OFF)
		cr_skip_test("this host mounts no EROFS image from a file");
	cr_expect_eq(said, 0, "what is mounted is another tree");
}

Test(image, same_tree_same_bytes)
{
	char first[DIGEST_TEXT_SIZE];
	struct answer answer;

	begin();
	fill();
	answer = image_of("tree", USUAL);
	snprintf(first, sizeof first, "%s", text(&answer, "sha256"));
	cr_assert_eq(answer.status, 0);
	done(&answer);
	/* Other times, other inodes, another order in the directory. */
	cr_assert_eq(rename(at("tree/many"), at("tree/zz")), 0);
	cr_assert_eq(unlink(at("tree/!")), 0);
	put("tree/!", "!", 0750);
	cr_assert_eq(rename(at("tree/zz"), at("tree/many")), 0);
	answer = image_of("tree", USUAL);
	cr_expect_str_eq(text(&answer, "sha256"), first);
	done(&answer);
	put("tree/!", "?", 0750);
	answer = image_of("tree", USUAL);
	cr_expect_str_neq(text(&answer, "sha256"), first);
	done(&answer);
	end();
}

Test(image, one_file)
{
	static const char manifest[] =
		"safe-run.tree/v1\0f 0640 6 "
		"5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03 .";
	char hash[DIGEST_TEXT_SIZE], *data;
	uint8_t value[DIGEST_SIZE];
	struct answer answer;
	size_t len;

	begin();
	put("tree/f", "hello\n", 0640);
	digest_bytes(manifest, sizeof manifest, value);
	digest_text(value, hash);
	answer = image_of("tree/f", USUAL);
	cr_assert_eq(answer.status, 0, "%s%s", message(&answer), answer.err);
	cr_expect_str_eq(text(&answer, "treeHash"), hash);
	cr_expect_str_eq(text(&answer, "files"), "1");
	expect_bytes(&answer);
	if (extract()) {
		data = child_read_file(at("out/file"), &len);
		cr_expect(data != NULL && len == 6 && memcmp(data, "hello\n", 6) == 0);
		free(data);
	}
	done(&answer);
	end();
}

/* Read from its start, wherever the one who opened it has read to. */
Test(image, a_file_is_read_from_its_start)
{
	struct answer answer, moved;
	int tree_fd, image_fd;

	begin();
	put("tree/f", "hello\n", 0640);
	answer = image_of("tree/f", USUAL);
	tree_fd = open(at("tree/f"), O_RDONLY);
	image_fd = open(at("again"), O_RDWR | O_CREAT, 0600);
	cr_assert_eq(lseek(tree_fd, 4, SEEK_SET), 4);
	moved = run("sr-image", USUAL, tree_fd, image_fd);
	cr_expect_str_eq(text(&moved, "sha256"), text(&answer, "sha256"));
	cr_expect_neq(text(&moved, "sha256")[0], '\0');
	close(tree_fd);
	close(image_fd);
	done(&answer);
	done(&moved);
	end();
}

Test(image, keeps_to_its_number_of_entries)
{
	static const struct {
		const char *most;
		int status;
	} cases[] = {{"2", 1}, {"3", 0}, {"4", 0}};

	begin();
	cr_assert_eq(mkdir(at("tree/a"), 0755), 0);
	put("tree/a/b", "x", 0644);
	cr_assert_eq(symlink("x", at("tree/c")), 0);
	for (size_t i = 0; i < 3; i++) {
		struct answer answer = image_of(
			"tree", WORDS("--max-bytes", BYTES_MAX, "--max-files", cases[i].most));

		cr_expect_eq(answer.status, cases[i].status, "%s", cases[i].most);
		cr_expect_eq(strstr(message(&answer), "an image may have") != NULL,
			     cases[i].status == 1, "%s", message(&answer));
		done(&answer);
	}
	end();
}

Test(image, keeps_to_its_number_of_bytes)
{
	struct answer answer;
	uint64_t bytes;

	begin();
	fill();
	answer = image_of("tree", USUAL);
	bytes = strtoull(text(&answer, "bytes"), NULL, 10);
	cr_assert_gt(bytes, BLOCK);
	done(&answer);
	for (int more = -1; more <= 1; more++) {
		char most[32];
		struct stat info;

		snprintf(most, sizeof most, "%llu", (unsigned long long)bytes + (uint64_t)more);
		answer = image_of("tree", WORDS("--max-bytes", most));
		cr_expect_eq(answer.status, more < 0 ? 1 : 0, "%d: %s", more, message(&answer));
		cr_expect_eq(strstr(message(&answer), "larger than") != NULL, more < 0);
		cr_assert_eq(stat(at("image"), &info), 0);
		cr_expect_leq((uint64_t)info.st_size, bytes);
		done(&answer);
	}
	end();
}

/* FS7: what says it has a terabyte is not read to find out. */
Test(image, a_sparse_giant_is_refused_at_once)
{
	struct answer answer;

	begin();
	put("tree/a", "x", 0644);
	if (truncate(at("tree/a"), 1LL << 40) < 0) {
		end();
		cr_skip_test("this file system has no file of a terabyte");
	}
	answer = image_of("tree", USUAL);
	cr_expect_eq(answer.status, 1);
	cr_expect_not_null(strstr(message(&answer), "larger than"), "%s", message(&answer));
	done(&answer);
	end();
}

/* Half an image is no image: the superblock is written last. */
Test(image, what_was_refused_cannot_be_mounted)
{
	struct answer answer;
	size_t len;
	char *bytes;

	begin();
	put("tree/a", "aaaa", 0644);
	cr_assert_eq(mkdir(at("tree/b"), 0755), 0);
	put("tree/b/c", "x", 0644);
	answer = image_of("tree", WORDS("--max-bytes", BYTES_MAX, "--max-files", "2"));
	cr_assert_eq(answer.status, 1);
	bytes = child_read_file(at("image"), &len);
	cr_assert_gt(len, BLOCK, "nothing had been written yet");
	for (size_t i = 0; i < BLOCK; i++)
		cr_assert_eq(bytes[i], 0);
	free(bytes);
	done(&answer);
	end();
}

static void expect_usage(int tree_fd, int image_fd, const char *const *words, const char *what)
{
	struct answer answer = run("sr-image", words, tree_fd, image_fd);

	cr_expect_eq(answer.status, 2, "%s", what);
	cr_expect_not_null(strstr(answer.err, what), "%s: %s", what, answer.err);
	done(&answer);
}

Test(image, descriptors_that_will_not_do)
{
	int tree_fd, pipes[2], full_fd, append_fd, read_fd, good_fd;

	begin();
	put("full", "x", 0600);
	put("empty", "", 0600);
	tree_fd = open(at("tree"), O_RDONLY | O_DIRECTORY);
	full_fd = open(at("full"), O_RDWR);
	append_fd = open(at("empty"), O_RDWR | O_APPEND);
	read_fd = open(at("empty"), O_RDONLY);
	good_fd = open(at("empty"), O_RDWR);
	cr_assert(pipe(pipes) == 0 && tree_fd >= 3 && full_fd >= 3 && append_fd >= 3 &&
		  read_fd >= 3 && good_fd >= 3);
	expect_usage(tree_fd, full_fd, USUAL, "empty regular file");
	expect_usage(tree_fd, append_fd, USUAL, "not for appending");
	expect_usage(tree_fd, read_fd, USUAL, "for reading and writing");
	expect_usage(tree_fd, pipes[1], USUAL, "empty regular file");
	expect_usage(pipes[0], good_fd, USUAL, "a directory or a regular file");
	expect_usage(full_fd, good_fd, WORDS("--max-bytes", BYTES_MAX, "--root"),
		     "--root is for a directory");
	expect_usage(tree_fd, good_fd, NULL, "--max-bytes N");
	end();
}

/* As sr-tree has it: not in the image, but in the hash as what could not be read. */
Test(image, what_nobody_may_read_has_no_content)
{
	char hash[DIGEST_TEXT_SIZE];
	struct answer answer;

	if (geteuid() == 0)
		cr_skip_test("root reads everything");
	begin();
	put("tree/closed", "secret-in-no-image", 0000);
	cr_assert_eq(mkdir(at("tree/shut"), 0000), 0);
	tree_hash(at("tree"), hash);
	answer = image_of("tree", USUAL);
	cr_expect_eq(answer.status, 0, "%s", message(&answer));
	cr_expect_str_eq(text(&answer, "treeHash"), hash);
	cr_expect_str_eq(text(&answer, "unreadable"), "2");
	cr_assert_eq(chmod(at("tree/closed"), 0644), 0);
	cr_assert_eq(chmod(at("tree/shut"), 0755), 0);
	if (extract()) {
		struct stat info;

		cr_expect(stat(at("out/tree/closed"), &info) == 0 && info.st_size == 0 &&
			  (info.st_mode & 07777) == 0);
		cr_expect(stat(at("out/tree/shut"), &info) == 0 && (info.st_mode & 07777) == 0);
		(void)chmod(at("out/tree/shut"), 0755);
	}
	done(&answer);
	end();
}

/* One inode of the table, by its number in the image's own words (Linux, fs/erofs/erofs_fs.h). */
static uint32_t word(const char *bytes, size_t offset)
{
	uint32_t value;

	memcpy(&value, bytes + offset, sizeof value);
	return value;
}

Test(image, everything_belongs_to_whom_it_is_said)
{
	struct answer answer;
	size_t len, table;
	char *bytes;

	begin();
	put("tree/a", "x", 0600);
	answer = image_of("tree", WORDS("--max-bytes", BYTES_MAX, "--uid", "70000", "--gid", "9"));
	cr_assert_eq(answer.status, 0);
	bytes = child_read_file(at("image"), &len);
	table = word(bytes, 1024 + 40) * (size_t)BLOCK;
	cr_assert_leq(table + 4 * 64, len);
	for (size_t i = 1; i <= 3; i++) { /* the top, "tree", "a" */
		cr_expect_eq(word(bytes, table + i * 64 + 24), 70000);
		cr_expect_eq(word(bytes, table + i * 64 + 28), 9);
		cr_expect_eq(word(bytes, table + i * 64 + 32), 0, "it tells a time");
	}
	free(bytes);
	done(&answer);
	end();
}

/* A writer who never stops: no image, and no end of memory or disk either. */
Test(image, a_file_that_grows_is_refused)
{
	struct answer answer;
	struct stat info;
	int status = 0;
	pid_t pid, parent = getpid();
	off_t size;

	begin();
	put("tree/log", "x", 0644);
	size = 64 << 20;
	cr_assert_eq(truncate(at("tree/log"), size), 0);
	pid = fork();
	if (pid == 0) {
		int fd = open(at("tree/log"), O_WRONLY);

		while (getppid() == parent && ftruncate(fd, ++size) == 0)
			;
		_exit(0);
	}
	while (stat(at("tree/log"), &info) == 0 && info.st_size == 64 << 20)
		sched_yield();
	answer = image_of("tree", USUAL);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	cr_expect_eq(answer.status, 1);
	cr_expect_not_null(strstr(message(&answer), "grows while"), "%s", message(&answer));
	done(&answer);
	end();
}

Test(image, a_mount_below_is_refused)
{
	uid_t uid = geteuid();
	int status = 0;
	pid_t pid;

	begin();
	cr_assert_eq(mkdir(at("tree/a"), 0755), 0);
	pid = fork();
	if (pid == 0) {
		struct answer answer;

		if (unshare(uid == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) < 0 ||
		    (uid == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) ||
		    mount("tmpfs", at("tree/a"), "tmpfs", 0, NULL) < 0)
			_exit(STATUS_OFF);
		answer = image_of("tree", USUAL);
		_exit(answer.status == 1 && strstr(message(&answer), "another file system") ? 0
											    : 1);
	}
	waitpid(pid, &status, 0);
	end();
	if (WEXITSTATUS(status) == STATUS_OFF)
		cr_skip_test("this host gives no mount namespace");
	cr_expect_eq(status, 0);
}

/* --- several trees, and owners --- */

/* With --parts each tree has its number at the top; both are hashed as by themselves. */
Test(image, parts_have_their_numbers)
{
	char hash[DIGEST_TEXT_SIZE], seen[DIGEST_TEXT_SIZE], *data;
	struct answer answer;
	char number[16];
	int first_fd, second_fd, image_fd;
	size_t len;

	begin();
	fill();
	put("one", "alone\n", 0644);
	first_fd = open(at("one"), O_RDONLY);
	second_fd = open(at("tree"), O_RDONLY);
	image_fd = open(at("image"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	snprintf(number, sizeof number, "%d", second_fd);
	more_fd = second_fd;
	answer = run("sr-image", WORDS("--max-bytes", BYTES_MAX, "--parts", "--tree-fd", number),
		     first_fd, image_fd);
	cr_assert_eq(answer.status, 0, "%s%s", message(&answer), answer.err);
	cr_expect_eq(strlen(text(&answer, "key")), DIGEST_TEXT_SIZE - 1);
	tree_hash(at("tree"), hash);
	if (extract()) {
		tree_hash(at("out/01"), seen);
		cr_expect_str_eq(seen, hash);
		data = child_read_file(at("out/00"), &len);
		cr_expect(data != NULL && len == 6 && memcmp(data, "alone\n", 6) == 0);
		free(data);
	}
	done(&answer);
	expect_usage(first_fd, image_fd, WORDS("--max-bytes", BYTES_MAX), "empty regular file");
	cr_assert_eq(ftruncate(image_fd, 0), 0);
	expect_usage(first_fd, image_fd, WORDS("--max-bytes", BYTES_MAX, "--tree-fd", number),
		     "--parts");
	expect_usage(second_fd, image_fd, WORDS("--max-bytes", BYTES_MAX, "--parts", "--root"),
		     "--root is for a directory");
	expect_usage(second_fd, image_fd, WORDS("--max-bytes", BYTES_MAX, "--owners", "all"),
		     "one, kept or own");
	close(first_fd);
	close(second_fd);
	close(image_fd);
	end();
}

/* An owner that differs is another image and another key; the tree's hash has none in it. */
Test(image, owners_by_rule)
{
	static const struct {
		const char *rule;
		uint32_t own, other;
	} cases[] = {{"one", 70000, 70000}, {"kept", 0, 12345}, {"own", 70000, 65534}};
	char keys[3][DIGEST_TEXT_SIZE];

	if (geteuid() != 0)
		cr_skip_test("it takes root to have files of somebody else's");
	begin();
	put("tree/a", "own", 0644);
	put("tree/b", "other", 0644);
	cr_assert_eq(chown(at("tree/b"), 12345, 12345), 0);
	for (size_t i = 0; i < 3; i++) {
		struct answer answer =
			image_of("tree", WORDS("--max-bytes", BYTES_MAX, "--owners", cases[i].rule,
					       "--uid", "70000", "--gid", "70000"));
		size_t len, table;
		char *bytes = child_read_file(at("image"), &len);

		cr_assert_eq(answer.status, 0, "%s", message(&answer));
		table = word(bytes, 1024 + 40) * (size_t)BLOCK;
		cr_assert_leq(table + 5 * 64, len);
		for (size_t place = 24; place <= 28; place += 4) { /* user, group */
			cr_expect_eq(word(bytes, table + 3 * 64 + place), cases[i].own);
			cr_expect_eq(word(bytes, table + 4 * 64 + place), cases[i].other);
		}
		snprintf(keys[i], sizeof keys[i], "%s", text(&answer, "key"));
		free(bytes);
		done(&answer);
	}
	cr_expect_str_neq(keys[0], keys[1]);
	cr_expect_str_neq(keys[1], keys[2]);
	end();
}

/* As many parts as an image may have, and one more; one descriptor does for all. */
Test(image, as_many_parts_as_there_may_be)
{
	for (int count = 64; count <= 65; count++) {
		const char *argv[2 * 65 + 8] = {"sr-image", "--parts", "--max-bytes", BYTES_MAX,
						"--image-fd"};
		struct child_options options = {.keep_fds = {0}};
		struct child_result result;
		char numbers[2][16];
		size_t words = 5;
		int tree_fd, image_fd;

		begin();
		put("tree/a", "x", 0644);
		tree_fd = open(at("tree"), O_RDONLY);
		image_fd = open(at("image"), O_RDWR | O_CREAT, 0600);
		snprintf(numbers[0], sizeof numbers[0], "%d", tree_fd);
		snprintf(numbers[1], sizeof numbers[1], "%d", image_fd);
		argv[words++] = numbers[1];
		for (int i = 0; i < count; i++) {
			argv[words++] = "--tree-fd";
			argv[words++] = numbers[0];
		}
		options.keep_fds[0] = tree_fd;
		options.keep_fds[1] = image_fd;
		child_run(argv, "", 0, &options, &result);
		cr_expect_eq(result.status, count == 64 ? 0 : 2, "%d: %s%s", count, result.out,
			     result.err);
		cr_expect_eq(strstr(result.err, "more than 64 times") != NULL, count == 65);
		child_release(&result);
		close(tree_fd);
		close(image_fd);
		end();
	}
}
