/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest delivers (VM4, VM6): trees that lead out, twice the same, blocks that do not add up,
 * streams without end. What sr-guest makes of them lies below one directory, or nowhere.
 */
#include "tests/stage/guest_scene.h"
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(stage_guest_cargo, .timeout = 120);

#define SAID	     HELLO STARTED EXITED
#define DONE_OF(n)   "{\"entries\":" #n ",\"type\":\"done\"}\n"
#define END(n)	     "{\"entries\":" #n ",\"type\":\"end\"}\n"
#define DIR_OF(path) "{\"mode\":\"0755\",\"path\":\"" path "\",\"type\":\"directory\"}\n"
#define FILE_OF(path, size)                                                                        \
	"{\"mode\":\"0644\",\"path\":\"" path "\",\"size\":" #size ",\"type\":\"file\"}\n"
#define DATA(bytes, offset) "{\"bytes\":" #bytes ",\"offset\":" #offset ",\"type\":\"data\"}\n"
#define LINK(path, to)	    "{\"path\":\"" path "\",\"target\":\"" to "\",\"type\":\"symlink\"}\n"
#define NODE(path, mode, type)                                                                     \
	"{\"mode\":\"" mode "\",\"path\":\"" path "\",\"type\":\"" type "\"}\n"
#define X64   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X256  X64 X64 X64 X64
#define A64   "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/"
#define A1024 A64 A64 A64 A64 A64 A64 A64 A64 A64 A64 A64 A64 A64 A64 A64 A64

static struct json_object *deliver_into(struct scene *scene, int tree_fd, const char *control,
					const void *data, size_t len)
{
	scene_begin(scene, tree_fd);
	scene_connect(scene);
	scene_say_text(scene, SCENE_CONTROL, control);
	scene_say(scene, SCENE_OUTPUTS, data, len);
	scene_leave_all(scene);
	return scene_final(scene);
}

static struct json_object *deliver(struct scene *scene, const char *data)
{
	return deliver_into(scene, -1, SAID, data, strlen(data));
}

static bool complete(struct json_object *final)
{
	return json_object_get_boolean(scene_member(final, "outputs.complete"));
}

static int number(struct json_object *final, const char *path)
{
	return json_object_get_int(scene_member(final, path));
}

/* How many names there are in the tree, at any depth. */
static int names_below(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int count = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char name[8192];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		count++;
		snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
		if (entry->d_type == DT_DIR)
			count += names_below(name);
	}
	if (dir != NULL)
		closedir(dir);
	return count;
}

static const char *in_tree(const struct scene *scene, const char *name)
{
	static char path[2048];

	snprintf(path, sizeof path, "%s/%s", scene->tree, name);
	return path;
}

Test(stage_guest_cargo, what_an_honest_guest_delivers)
{
	static const char cargo[] = DIR_OF("d") FILE_OF("d/f", 7)
		DATA(3, 0) "abc" DATA(2, 5) "fg" LINK("l", "/etc/shadow") NODE("p", "0600", "fifo")
			NODE("s", "0600", "socket") FILE_OF("deep/er/x", 0)
				FILE_OF("bad\\\\xff\\\\x0a", 1) DATA(1, 0) "!" END(7);
	struct scene *scene = malloc(sizeof *scene);
	struct json_object *final =
		deliver_into(scene, -1, SAID DONE_OF(7), cargo, sizeof cargo - 1);
	struct stat info;
	char *bytes;
	size_t len;

	cr_expect_str_eq(scene_violations(final), "");
	cr_expect(complete(final));
	cr_expect_eq(number(final, "outputs.entries"), 7);
	cr_expect_eq(number(final, "outputs.skipped"), 0);
	bytes = child_read_file(in_tree(scene, "d/f"), &len);
	cr_assert_not_null(bytes);
	cr_expect(len == 7 && memcmp(bytes, "abc\0\0fg", 7) == 0);
	free(bytes);
	cr_expect(lstat(in_tree(scene, "l"), &info) == 0 && S_ISLNK(info.st_mode));
	cr_expect(lstat(in_tree(scene, "p"), &info) == 0 && S_ISFIFO(info.st_mode));
	cr_expect(lstat(in_tree(scene, "s"), &info) == 0 && S_ISSOCK(info.st_mode));
	cr_expect(lstat(in_tree(scene, "bad\xff\n"), &info) == 0 && info.st_size == 1);
	json_object_put(final);
	scene_end(scene, 0);
	free(scene);
}

struct refused {
	const char *what, *cargo;
	const char *violation;
	int names; /* what is in the tree afterwards */
};

static void refuse_all(const struct refused *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct scene *scene = malloc(sizeof *scene);
		struct json_object *final = deliver(scene, cases[i].cargo);
		char path[600];

		cr_expect_not_null(strstr(scene_violations(final), cases[i].violation),
				   "%s: \"%s\"", cases[i].what, scene_violations(final));
		cr_expect_not(complete(final), "%s", cases[i].what);
		cr_expect_eq(names_below(scene->tree), cases[i].names, "%s", cases[i].what);
		/* And nothing beside it: "sockets", with its five, and the tree. */
		snprintf(path, sizeof path, "%s", scene->dir);
		cr_expect_eq(names_below(path), 7 + cases[i].names, "%s", cases[i].what);
		json_object_put(final);
		scene_end(scene, 0);
		free(scene);
	}
}

#define REFUSE_ALL(cases) refuse_all(cases, sizeof(cases) / sizeof *(cases))

Test(stage_guest_cargo, VM4_paths_that_lead_out)
{
	static const struct refused cases[] = {
		{"a parent", FILE_OF("../x", 1), "leads out", 0},
		{"a parent on the way", DIR_OF("a") FILE_OF("a/../../x", 1), "leads out", 1},
		{"a parent at the end", DIR_OF("a/.."), "leads out", 0},
		{"from the top", FILE_OF("/etc/x", 1), "leads out", 0},
		{"the tree itself", DIR_OF("."), "leads out", 0},
		{"nothing", FILE_OF("", 1), "leads out", 0},
		{"a dot on the way", DIR_OF("a/./b"), "leads out", 0},
		{"two slashes", DIR_OF("a//b"), "leads out", 0},
		{"a slash at the end", DIR_OF("a/"), "leads out", 0},
		{"an escaped parent", FILE_OF("\\\\x2e\\\\x2e/x", 1), "", 0},
		{"an escaped slash", FILE_OF("\\\\x2fetc", 1), "", 0},
		{"a NUL", FILE_OF("a\\\\x00b", 1), "no name", 0},
		{"another escape", FILE_OF("a\\\\n", 1), "no name", 0},
		{"half an escape", FILE_OF("a\\\\x4", 1), "no name", 0},
		{"256 bytes", DIR_OF(X256), "leads out", 0},
		{"4096 bytes", DIR_OF(A1024 A1024 A1024 A1024 "a"), "no name", 0},
		{"a link without a name", LINK("../l", "x"), "leads out", 0},
		{"a fifo outside", NODE("../p", "0600", "fifo"), "leads out", 0},
	};

	REFUSE_ALL(cases);
}

Test(stage_guest_cargo, VM4_entries_that_are_none)
{
	static const struct refused cases[] = {
		{"a device", NODE("n", "0666", "device"), "nothing we know", 0},
		{"a character device", NODE("n", "0666", "char"), "nothing we know", 0},
		{"a set-user-ID bit", NODE("n", "4755", "fifo"), "octal", 0},
		{"a mode of three digits", NODE("n", "755", "fifo"), "octal", 0},
		{"a mode that is none", NODE("n", "0888", "fifo"), "octal", 0},
		{"a mode with a sign", NODE("n", "-644", "fifo"), "octal", 0},
		{"a size below nought", FILE_OF("f", -1), "size", 0},
		{"a size of a hundred digits", FILE_OF("f", 99999999999999999999999), "", 0},
		{"no size", NODE("f", "0644", "file"), "size", 0},
		{"a size for a directory",
		 "{\"mode\":\"0755\",\"path\":\"d\",\"size\":1,\"type\":\"directory\"}\n", "size",
		 1},
		{"not canonical", "{ \"type\":\"end\"}\n", "", 0},
		{"no record", "\n", "", 0},
		{"no line", X256 X256, "", 0},
	};
	char *line = malloc(70000);

	/* The one without an end is no violation, but nothing is complete either. */
	for (size_t i = 0; i + 1 < sizeof cases / sizeof *cases; i++)
		refuse_all(&cases[i], 1);
	memset(line, 'x', 69999);
	line[69999] = '\0';
	refuse_all(&(struct refused){"a line without end", line, "longer than 65536", 0}, 1);
	free(line);
}

Test(stage_guest_cargo, VM4_blocks_that_do_not_add_up)
{
	static const struct refused cases[] = {
		{"no file", DATA(1, 0) "x", "no place", 0},
		{"behind a directory", FILE_OF("f", 1) DIR_OF("d") DATA(1, 0) "x", "no place", 2},
		{"beyond the size", FILE_OF("f", 3) DATA(4, 0) "abcd", "no place", 1},
		{"beyond the size, further on", FILE_OF("f", 3) DATA(1, 3) "x", "no place", 1},
		{"from beyond all", FILE_OF("f", 3) DATA(1, 9007199254740991) "x", "no place", 1},
		{"back", FILE_OF("f", 9) DATA(2, 4) "ab" DATA(2, 0) "ab", "no place", 1},
		{"the same twice", FILE_OF("f", 9) DATA(2, 0) "ab" DATA(2, 1) "ab", "no place", 1},
		{"of nothing", FILE_OF("f", 9) DATA(0, 0), "bytes", 1},
		{"of too much", FILE_OF("f", 70000) DATA(65537, 0), "bytes", 1},
		{"of less than nothing", FILE_OF("f", 9) DATA(-1, 0), "bytes", 1},
		{"before the start", FILE_OF("f", 9) DATA(1, -1), "offset", 1},
		{"another number of entries", DIR_OF("d") END(2), "number of entries", 1},
		{"no entries and an end of one", END(1), "number of entries", 0},
	};

	REFUSE_ALL(cases);
}

/* A stream that stops within a block or before its end: nothing is wrong with it, but it is not all. */
Test(stage_guest_cargo, VM4_streams_that_stop)
{
	static const char *const cases[] = {"", DIR_OF("d"), FILE_OF("f", 9) DATA(9, 0) "abcd",
					    FILE_OF("f", 9) DATA(9, 0),
					    DIR_OF("d") "{\"entries\":1,"};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct scene *scene = malloc(sizeof *scene);
		struct json_object *final =
			deliver_into(scene, -1, SAID DONE_OF(1), cases[i], strlen(cases[i]));

		cr_expect_not(complete(final), "%zu", i);
		cr_expect_not_null(scene_member(final, "exit"));
		json_object_put(final);
		scene_end(scene, 0);
		free(scene);
	}
}

/* Two counts, of two streams: a guest that contradicts itself has not delivered what it says. */
Test(stage_guest_cargo, VM4_counts_that_differ)
{
	static const struct {
		const char *control, *cargo;
		bool complete;
	} cases[] = {
		{SAID DONE_OF(1), DIR_OF("d") END(1), true},
		{SAID DONE_OF(2), DIR_OF("d") END(1), false},
		{SAID DONE_OF(0), END(0), true},
		{SAID DONE_OF(1), END(0), false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct scene *scene = malloc(sizeof *scene);
		struct json_object *final = deliver_into(scene, -1, cases[i].control,
							 cases[i].cargo, strlen(cases[i].cargo));

		cr_expect_eq(complete(final), cases[i].complete, "%zu", i);
		json_object_put(final);
		scene_end(scene, 0);
		free(scene);
	}
}

/* The first of a name stays; what comes behind it, data included, goes nowhere. */
Test(stage_guest_cargo, VM4_names_twice)
{
	static const char cargo[] = FILE_OF("f", 3) DATA(3, 0) "one" FILE_OF("f", 3)
		DATA(3, 0) "two" LINK("f", "/etc/passwd") DIR_OF("f") NODE("f", "0600", "fifo")
			DIR_OF("d") DIR_OF("d") FILE_OF("f/x", 0) END(8);
	struct scene *scene = malloc(sizeof *scene);
	struct json_object *final = deliver(scene, cargo);
	char *bytes;
	size_t len;

	cr_expect_str_eq(scene_violations(final), "");
	cr_expect_eq(number(final, "outputs.skipped"), 6);
	bytes = child_read_file(in_tree(scene, "f"), &len);
	cr_expect(bytes != NULL && len == 3 && memcmp(bytes, "one", 3) == 0);
	cr_expect_eq(names_below(scene->tree), 2);
	free(bytes);
	json_object_put(final);
	scene_end(scene, 0);
	free(scene);
}

/* Links it made itself lead it nowhere: not up, not along, not as the last part. */
Test(stage_guest_cargo, VM4_through_links)
{
	struct scene *scene = malloc(sizeof *scene);
	struct json_object *final = deliver(
		scene,
		LINK("up", "..") LINK("away", "/tmp") LINK("proc", "/proc/self/root")
			FILE_OF("up/x", 1) DATA(1, 0) "!" FILE_OF("away/x", 1) DIR_OF("up/d")
				LINK("up/l", "x") NODE("away/p", "0600", "fifo")
					FILE_OF("proc/tmp/x", 1) FILE_OF("up", 1)
						DATA(1, 0) "!" FILE_OF("up/sockets/x", 1) END(11));

	cr_expect_str_eq(scene_violations(final), "");
	cr_expect_eq(number(final, "outputs.skipped"), 8);
	cr_expect_eq(names_below(scene->tree), 3);
	cr_expect_eq(names_below(scene->dir), 7 + 3);
	cr_expect_eq(access("/tmp/x", F_OK), -1);
	json_object_put(final);
	scene_end(scene, 0);
	free(scene);
}

/* An exabyte of nothing takes no room, and no time. */
Test(stage_guest_cargo, VM4_holes)
{
	struct scene *scene = malloc(sizeof *scene);
	struct json_object *final =
		deliver(scene, FILE_OF("hole", 1099511627776) DATA(1, 1099511627775) "!" FILE_OF(
				       "vast", 9007199254740991) END(2));
	struct stat info;

	cr_expect_str_eq(scene_violations(final), "");
	cr_expect_eq(number(final, "outputs.entries"), 2);
	if (stat(in_tree(scene, "hole"), &info) == 0) {
		cr_expect_eq(info.st_size, 1099511627776);
		cr_expect_lt(info.st_blocks, 2048);
	}
	json_object_put(final);
	scene_end(scene, 0);
	free(scene);
}

Test(stage_guest_cargo, something_behind_the_end)
{
	struct scene *scene = malloc(sizeof *scene);
	struct json_object *final = deliver(scene, END(0) DIR_OF("d"));

	cr_expect_not_null(strstr(scene_violations(final), "behind the end"));
	cr_expect_eq(names_below(scene->tree), 0);
	json_object_put(final);
	scene_end(scene, 0);
	free(scene);
}

/* Cut anywhere: what comes a byte at a time is what comes at once. */
Test(stage_guest_cargo, byte_by_byte)
{
	static const char cargo[] = DIR_OF("d") FILE_OF("d/f", 5) DATA(5, 0) "a\nb\nc" END(2);
	struct scene *scene = malloc(sizeof *scene);
	struct json_object *final;
	char *bytes;
	size_t len;

	scene_begin(scene, -1);
	scene_connect(scene);
	for (size_t i = 0; i < sizeof cargo - 1; i++) {
		scene_say(scene, SCENE_OUTPUTS, cargo + i, 1);
		(void)sched_yield();
	}
	scene_say_text(scene, SCENE_CONTROL, SAID DONE_OF(2));
	final = scene_final(scene);
	cr_expect(complete(final));
	bytes = child_read_file(in_tree(scene, "d/f"), &len);
	cr_expect(bytes != NULL && len == 5 && memcmp(bytes, "a\nb\nc", 5) == 0);
	free(bytes);
	json_object_put(final);
	scene_end(scene, 0);
	free(scene);
}

/* A tmpfs of half a MiB and forty files, as the launcher's are of the policy's size; or -1. */
static int small_tmpfs(void)
{
	char map[32];
	uid_t uid = geteuid();
	int fd;

	if (uid != 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
			return -1;
		snprintf(map, sizeof map, "0 %u 1", uid);
		fd = open("/proc/self/uid_map", O_WRONLY);
		if (fd < 0 || write(fd, map, strlen(map)) < 0)
			return -1;
		close(fd);
	} else if (unshare(CLONE_NEWNS) < 0) {
		return -1;
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/mnt", "tmpfs", 0, "size=512k,nr_inodes=40,mode=0700") < 0)
		return -1;
	return open("/mnt", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* More than there is room for: read to its end, kept as far as it goes, and said to be cut. */
Test(stage_guest_cargo, VM4_more_than_the_cap)
{
	struct scene *scene = malloc(sizeof *scene);
	char *bytes = malloc(1 << 20), head[256];
	int tree_fd = small_tmpfs();
	struct json_object *final;
	size_t len = 0;

	if (tree_fd < 0)
		cr_skip_test("no tmpfs can be mounted here: %s", strerror(errno));
	len += (size_t)sprintf(bytes, FILE_OF("first", 4) DATA(4, 0) "kept" FILE_OF("big", 900000));
	for (int at = 0; at < 900000; at += 60000) {
		len += (size_t)sprintf(bytes + len,
				       "{\"bytes\":60000,\"offset\":%d,\"type\":"
				       "\"data\"}\n",
				       at);
		memset(bytes + len, 'x', 60000);
		len += 60000;
	}
	len += (size_t)sprintf(bytes + len, FILE_OF("last", 1) DATA(1, 0) "!" END(3));
	final = deliver_into(scene, tree_fd, SAID DONE_OF(3), bytes, len);
	cr_expect_str_eq(scene_violations(final), "");
	cr_expect_not(complete(final));
	cr_expect_eq(number(final, "outputs.entries"), 3);
	json_object_put(final);
	scene_end(scene, 0);
	/* And too many names. */
	len = 0;
	for (int i = 0; i < 100; i++) {
		snprintf(head, sizeof head,
			 "{\"mode\":\"0755\",\"path\":\"n%d\",\"type\":"
			 "\"directory\"}\n",
			 i);
		len += (size_t)sprintf(bytes + len, "%s", head);
	}
	len += (size_t)sprintf(bytes + len, END(100));
	final = deliver_into(scene, tree_fd, SAID DONE_OF(100), bytes, len);
	cr_expect_not(complete(final));
	json_object_put(final);
	scene_end(scene, 0);
	close(tree_fd);
	free(bytes);
	free(scene);
}

/* Entries for ever: no memory, no end of its own; the launcher's end is a second away. */
Test(stage_guest_cargo, VM4_entries_without_end)
{
	static const char entry[] = DIR_OF("d");
	struct scene *scene = malloc(sizeof *scene);
	char path[64], *status = calloc(1, 8192), *block = malloc(sizeof entry * 1000);
	struct json_object *final;
	size_t len = 0;
	pid_t writer;
	FILE *file;

	for (int i = 0; i < 1000; i++)
		len += (size_t)sprintf(block + len, "%s", entry);
	scene_begin(scene, -1);
	scene_connect(scene);
	writer = fork();
	if (writer == 0)
		for (;;)
			if (send(scene->streams[SCENE_OUTPUTS], block, len, MSG_NOSIGNAL) < 0)
				_exit(0);
	/* Some fifty thousand, first. */
	for (int i = 0; i < 50; i++)
		scene_say(scene, SCENE_OUTPUTS, block, len);
	snprintf(path, sizeof path, "/proc/%d/status", scene->pid);
	file = fopen(path, "r");
	cr_assert_gt(fread(status, 1, 8191, file), 0);
	fclose(file);
	cr_expect_lt(atol(strstr(status, "VmHWM:") + 6), 12288, "%s", strstr(status, "VmHWM:"));
	close(scene->launcher);
	scene->launcher = -1;
	final = scene_final(scene);
	cr_expect_not(complete(final));
	json_object_put(final);
	scene_end(scene, 0);
	(void)kill(writer, SIGKILL);
	free(status);
	free(block);
	free(scene);
}

/* Deeper than anybody collects; made all the same, for sr-collect to see that there is more. */
Test(stage_guest_cargo, names_of_any_depth)
{
	struct scene *scene = malloc(sizeof *scene);
	struct json_object *final = deliver(scene, FILE_OF(A64 A64 A64 "f", 0) END(1));

	cr_expect_str_eq(scene_violations(final), "");
	cr_expect(complete(final));
	cr_expect_eq(names_below(scene->tree), 97);
	json_object_put(final);
	scene_end(scene, 0);
	free(scene);
}
