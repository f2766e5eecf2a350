/* SPDX-License-Identifier: Apache-2.0 */
/* sr-tree as it is: the hash anybody can compute from the manual page, and the trees it refuses. */
#include "stages/seal/digest.h"
#include "stages/tree/manifest.h"
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATH_SIZE 4096

/* sha256 of "" and "hello\n", by coreutils' sha256sum. */
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HELLO "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"

struct answer {
	int status;
	struct json_object *record;
};

static struct answer hash_of(const char *dir)
{
	char number[16], read_before[32768];
	int fd = open(dir, O_RDONLY | O_DIRECTORY);
	const char *argv[] = {"sr-tree", "--tree-fd", number, NULL};
	struct child_options options = {.keep_fds = {fd}};
	struct child_result result;
	struct answer answer;

	cr_assert_geq(fd, 3);
	/* Somebody has read it before: it is the same tree. */
	cr_assert_gt(getdents64(fd, read_before, sizeof read_before), 0);
	snprintf(number, sizeof number, "%d", fd);
	child_run(argv, "", 0, &options, &result);
	close(fd);
	answer = (struct answer){result.status, json_tokener_parse(result.out)};
	cr_assert_not_null(answer.record, "%d: %s", result.status, result.err);
	child_release(&result);
	return answer;
}

static const char *text(const struct answer *answer, const char *name)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(answer->record, name, &value);
	return value != NULL ? json_object_get_string(value) : "";
}

static const char *message(const struct answer *answer)
{
	struct json_object *errors = json_object_object_get(answer->record, "errors");

	return json_object_array_length(errors) == 0
		       ? ""
		       : json_object_get_string(json_object_object_get(
				 json_object_array_get_idx(errors, 0), "message"));
}

static void make(const char *dir, const char *name, char type, const char *data, mode_t mode)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	if (type == 'd')
		cr_assert_eq(mkdir(path, 0700), 0);
	else if (type == 'l')
		cr_assert_eq(symlink(data, path), 0);
	else if (type == 'p')
		cr_assert_eq(mkfifo(path, 0600), 0);
	else
		child_write_file(path, data, strlen(data));
	if (type != 'l')
		cr_assert_eq(chmod(path, mode), 0);
}

static void expect_hash(const char *dir, const char *manifest, size_t len)
{
	struct answer answer = hash_of(dir);
	char hash[DIGEST_TEXT_SIZE];
	uint8_t value[DIGEST_SIZE];

	digest_bytes(manifest, len, value);
	digest_text(value, hash);
	cr_expect_eq(answer.status, 0, "%s", message(&answer));
	cr_expect_str_eq(text(&answer, "hash"), hash);
	json_object_put(answer.record);
}

/* The text of safe-run-report(5), written out. */
Test(tree, hashes_what_the_manual_says)
{
	char *dir = child_make_dir("tree");
	char manifest[4096], target[DIGEST_TEXT_SIZE];
	uint8_t value[DIGEST_SIZE];
	int len;

	digest_bytes("target/x", 8, value);
	digest_text(value, target);
	cr_assert_eq(chmod(dir, 0755), 0);
	make(dir, "b", 'd', NULL, 0750);
	make(dir, "b/empty", 'f', "", 0600);
	make(dir, "b.txt", 'f', "hello\n", 04755);
	make(dir, "link", 'l', "target/x", 0);
	make(dir, "new\nline", 'p', NULL, 0644);
	len = snprintf(manifest, sizeof manifest,
		       "safe-run.tree/v1%cd 0755 - - .%cd 0750 - - b%cf 0600 0 " EMPTY
		       " b/empty%cf 4755 6 " HELLO
		       " b.txt%cl 0777 8 %s link%cp 0644 - - new\nline%c",
		       0, 0, 0, 0, 0, target + strlen("sha256:"), 0, 0);
	expect_hash(dir, manifest, (size_t)len);
	child_remove_dir(dir);
	free(dir);
}

Test(tree, every_change_is_another_hash)
{
	static const struct {
		const char *name;
		char type;
		const char *data;
		mode_t mode;
	} changes[] = {
		{"a", 'f', "hellp\n", 0644}, {"a", 'f', "hello\n", 0600},
		{"c", 'f', "hello\n", 0644}, {"a", 'l', "hello\n", 0},
		{"a", 'd', NULL, 0644},	     {"a", 'p', NULL, 0644},
	};
	char *dir = child_make_dir("tree"), path[PATH_SIZE];
	struct answer first;

	make(dir, "a", 'f', "hello\n", 0644);
	first = hash_of(dir);
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct answer other;

		snprintf(path, sizeof path, "%s/a", dir);
		cr_assert_eq(unlink(path), 0);
		make(dir, changes[i].name, changes[i].type, changes[i].data, changes[i].mode);
		other = hash_of(dir);
		cr_expect_eq(other.status, 0);
		cr_expect_str_neq(text(&other, "hash"), text(&first, "hash"), "%zu", i);
		json_object_put(other.record);
		snprintf(path, sizeof path, "%s/%s", dir, changes[i].name);
		cr_assert_eq(remove(path), 0);
		make(dir, "a", 'f', "hello\n", 0644);
	}
	json_object_put(first.record);
	child_remove_dir(dir);
	free(dir);
}

/* What the workload could read and the hash does not cover is no root. */
Test(tree, what_cannot_be_read)
{
	static const struct {
		mode_t mode;
		bool fits;
	} cases[] = {{0000, true}, {0040, true}, {0004, false}, {0001, false}};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *dir = child_make_dir("tree"), path[PATH_SIZE];
		struct answer answer;

		make(dir, "a", 'f', "secret", cases[i].mode);
		snprintf(path, sizeof path, "%s/a", dir);
		answer = hash_of(dir);
		cr_expect_eq(answer.status, cases[i].fits ? 0 : 1, "%o: %s", cases[i].mode,
			     message(&answer));
		if (cases[i].fits)
			cr_expect_str_eq(text(&answer, "unreadable"), "1");
		else
			cr_expect_not_null(strstr(message(&answer), "cannot be read"));
		json_object_put(answer.record);
		child_remove_dir(dir);
		free(dir);
	}
}

static struct answer hash_of_depth(const char *dir, unsigned depth)
{
	char path[PATH_SIZE];
	int len = snprintf(path, sizeof path, "%s", dir);

	for (unsigned i = 1; i < depth; i++) {
		len += snprintf(path + len, sizeof path - (size_t)len, "/d");
		cr_assert(mkdir(path, 0755) == 0 || access(path, F_OK) == 0);
	}
	return hash_of(dir);
}

Test(tree, keeps_to_its_depth)
{
	char *dir = child_make_dir("tree");

	for (unsigned depth = MANIFEST_DEPTH_MAX - 1; depth <= MANIFEST_DEPTH_MAX + 1; depth++) {
		struct answer answer = hash_of_depth(dir, depth);

		cr_expect_eq(answer.status, depth <= MANIFEST_DEPTH_MAX ? 0 : 1, "%u: %s", depth,
			     message(&answer));
		json_object_put(answer.record);
	}
	child_remove_dir(dir);
	free(dir);
}

Test(tree, keeps_to_its_number_of_entries)
{
	char *dir = child_make_dir("tree");

	make(dir, "a", 'd', NULL, 0755);
	make(dir, "a/b", 'f', "", 0644);
	make(dir, "c", 'l', "x", 0);
	for (uint64_t entries = 2; entries <= 4; entries++) {
		const struct manifest_limits limits = {entries, MANIFEST_DEPTH_MAX, "a test"};
		int fd = open(dir, O_RDONLY | O_DIRECTORY);
		struct manifest manifest;
		struct fault fault = {0};

		cr_expect_eq(manifest_make(fd, &limits, NULL, "test", &manifest, &fault) ==
				     FAULT_NONE,
			     entries >= 3, "%d: %s", (int)entries, fault.message);
		close(fd);
	}
	child_remove_dir(dir);
	free(dir);
}

/* In a mount namespace of its own: a tree is one file system. */
Test(tree, a_mount_below_is_refused)
{
	char *dir = child_make_dir("tree"), path[PATH_SIZE];
	uid_t uid = geteuid();
	int status = 0;
	pid_t pid;

	make(dir, "a", 'd', NULL, 0755);
	snprintf(path, sizeof path, "%s/a", dir);
	pid = fork();
	if (pid == 0) {
		struct answer answer;

		if (unshare(uid == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) < 0 ||
		    (uid == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) ||
		    mount("tmpfs", path, "tmpfs", 0, NULL) < 0)
			_exit(77);
		answer = hash_of(dir);
		_exit(answer.status == 1 && strstr(message(&answer), "another file system") ? 0
											    : 1);
	}
	waitpid(pid, &status, 0);
	child_remove_dir(dir);
	free(dir);
	if (WEXITSTATUS(status) == 77)
		cr_skip_test("this host gives no mount namespace");
	cr_expect_eq(status, 0);
}
