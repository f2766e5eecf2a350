/* SPDX-License-Identifier: Apache-2.0 */
/* sr-deposit, sr-export and sr-collect over real descriptors, and what they do not believe. */
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* Numbers the stages are told. */
#define ENTRIES_FD  30
#define TREE_FD	    31
#define MANIFEST_FD 32
#define OTHER_FD    33

struct place {
	char *dir; /* this test's own */
	char *tree;
	int pair[2];
};

static char *join(const char *dir, const char *name)
{
	char *path = NULL;

	cr_assert_gt(asprintf(&path, "%s/%s", dir, name), 0);
	return path;
}

static void open_as(int number, const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_eq(dup2(fd, number), number);
	close(fd);
}

static struct place place_open(void)
{
	struct place place = {.dir = child_make_dir("sr-stage")};
	char *manifest = join(place.dir, "manifest");

	place.tree = join(place.dir, "tree");
	cr_assert_eq(mkdir(place.tree, 0700), 0);
	open_as(TREE_FD, place.tree, O_RDONLY | O_DIRECTORY);
	open_as(MANIFEST_FD, manifest, O_RDWR | O_CREAT);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, place.pair), 0);
	cr_assert_eq(dup2(place.pair[1], ENTRIES_FD), ENTRIES_FD);
	free(manifest);
	return place;
}

static void place_close(struct place *place)
{
	close(place->pair[0]);
	close(place->pair[1]);
	child_remove_dir(place->dir);
	free(place->tree);
	free(place->dir);
}

static bool there(const char *dir, const char *name)
{
	char *path = join(dir, name);
	struct stat info;
	bool found = lstat(path, &info) == 0;

	free(path);
	return found;
}

static void send_entry(int fd, const char *text, int passed_fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec vector = {(void *)text, strlen(text)};
	struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};

	if (passed_fd >= 0) {
		struct cmsghdr *item = (struct cmsghdr *)(void *)control;

		header.msg_control = control;
		header.msg_controllen = sizeof control;
		item->cmsg_level = SOL_SOCKET;
		item->cmsg_type = SCM_RIGHTS;
		item->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(item), &passed_fd, sizeof(int));
	}
	cr_assert_gt(sendmsg(fd, &header, 0), 0);
}

static void deposit(struct place *place, struct child_result *result)
{
	const struct child_options options = {.keep_fds = {ENTRIES_FD, TREE_FD, MANIFEST_FD}};
	static const char *const argv[] = {"sr-deposit", "--entries-fd",  "30", "--outputs-fd",
					   "31",	 "--manifest-fd", "32", NULL};

	shutdown(place->pair[0], SHUT_WR);
	child_run(argv, NULL, 0, &options, result);
}

#define FILE_ENTRY(path, size)                                                                     \
	"{\"mode\":\"6755\",\"output\":0,\"path\":\"" path "\",\"refused\":null,\"size\":" size    \
	",\"target\":null,\"type\":\"file\"}"
#define OTHER_ENTRY(path, refused, target, type)                                                   \
	"{\"mode\":\"0755\",\"output\":0,\"path\":\"" path "\",\"refused\":" refused               \
	",\"size\":0,\"target\":" target ",\"type\":\"" type "\"}"

static int source_of(const struct place *place, const char *text)
{
	char *path = join(place->dir, "source");
	int fd;

	child_write_file(path, text, strlen(text));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	free(path);
	return fd;
}

Test(deposit, keeps_what_it_is_handed)
{
	struct place place = place_open();
	int fd = source_of(&place, "abc");
	char *manifest = join(place.dir, "manifest"), *copy = join(place.tree, "d/f"), *text;
	struct child_result result;
	struct stat info;

	send_entry(place.pair[0], OTHER_ENTRY("d", "null", "null", "directory"), -1);
	send_entry(place.pair[0], FILE_ENTRY("d/f", "3"), fd);
	send_entry(place.pair[0], OTHER_ENTRY("l", "null", "\"/etc\"", "symlink"), -1);
	send_entry(place.pair[0], OTHER_ENTRY("p", "\"fifo\"", "null", "fifo"), -1);
	deposit(&place, &result);
	cr_expect_eq(result.status, 0, "%s%s", result.out, result.err);
	cr_expect(strstr(result.out, "{\"bytes\":3,\"entries\":4,\"errors\":[],\"files\":1,"), "%s",
		  result.out);
	cr_assert_eq(lstat(copy, &info), 0);
	/* Executable by anybody is executable by the owner; set-id bits are not kept. */
	cr_expect_eq(info.st_mode & 07777, 0700, "%o", info.st_mode);
	cr_expect_not(there(place.tree, "l"));
	cr_expect_not(there(place.tree, "p"));
	text = child_read_file(manifest, NULL);
	cr_expect(strstr(text,
			 "\"path\":\"d/f\",\"refused\":null,\"sha256\":\"sha256:"
			 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""),
		  "%s", text);
	free(text);
	free(copy);
	free(manifest);
	child_release(&result);
	close(fd);
	place_close(&place);
}

/* Each alone: the first is refused, said so, and nothing is made of it. */
Test(deposit, refuses_entries_that_are_none)
{
	static const struct {
		const char *text;
		bool file;
	} cases[] = {
		{FILE_ENTRY("../evil", "3"), true},
		{FILE_ENTRY("/evil", "3"), true},
		{FILE_ENTRY("evil", "4"), true},
		{FILE_ENTRY("evil", "3"), false},
		{FILE_ENTRY(".", "3"), true},
		{OTHER_ENTRY("evil", "null", "null", "directory"), true},
		{OTHER_ENTRY("..", "null", "null", "directory"), false},
		{OTHER_ENTRY("evil", "null", "null", "device"), false},
		{OTHER_ENTRY("evil", "null", "null", "symlink"), false},
		{"{}", false},
		{"not json", false},
		{" " FILE_ENTRY("evil", "3"), true},
		{FILE_ENTRY("evil", "3") "\n", true},
		{FILE_ENTRY("link/evil", "3"), true},
		{FILE_ENTRY("taken", "3"), true},
		{FILE_ENTRY("link", "3"), true},
		{OTHER_ENTRY("link/evil", "null", "null", "directory"), false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct place place = place_open();
		int fd = source_of(&place, "abc");
		char *link = join(place.tree, "link"), *taken = join(place.tree, "taken"), *kept;
		struct child_result result;

		cr_assert_eq(symlink(place.dir, link), 0);
		child_write_file(taken, "mine", 4);
		send_entry(place.pair[0], cases[i].text, cases[i].file ? fd : -1);
		deposit(&place, &result);
		cr_expect_eq(result.status, 1, "%s: %s", cases[i].text, result.out);
		cr_expect(strstr(result.out, "\"errors\":[{\"code\":\"SR-RUN-001\""), "%s: %s",
			  cases[i].text, result.out);
		cr_expect(strstr(result.out, "\"entries\":0,"), "%s", result.out);
		cr_expect_not(there(place.dir, "evil"), "%s", cases[i].text);
		cr_expect_not(there(place.tree, "evil"), "%s", cases[i].text);
		kept = child_read_file(taken, NULL);
		cr_expect_str_eq(kept, "mine", "%s", cases[i].text);
		free(kept);
		free(link);
		free(taken);
		child_release(&result);
		close(fd);
		place_close(&place);
	}
}

/* What a file system could make of a source: nothing here is a file, so nothing may be copied. */
Test(deposit, copies_regular_data_alone)
{
	struct place place = place_open();
	int ends[2];
	struct child_result result;

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	send_entry(place.pair[0], FILE_ENTRY("evil", "3"), ends[0]);
	deposit(&place, &result);
	cr_expect_eq(result.status, 1, "%s", result.out);
	cr_expect_not(there(place.tree, "evil"));
	child_release(&result);
	close(ends[0]);
	close(ends[1]);
	place_close(&place);
}

#define EMPTY "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC   "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define LINE(path, size, hash)                                                                     \
	"{\"mode\":\"0644\",\"output\":0,\"path\":\"" path                                         \
	"\",\"refused\":null,\"sha256\":\"" hash "\",\"size\":" size                               \
	",\"target\":null,\"type\":\"file\"}\n"

/* The copy must be what the list says: else it does not get the name. */
static void expect_export(const char *line, int status, const char *target)
{
	static const char *const argv[] = {"sr-export", "--manifest-fd", "32", "--from-fd",
					   "31",	"--to-fd",	 "33", NULL};
	const struct child_options options = {.keep_fds = {TREE_FD, MANIFEST_FD, OTHER_FD}};
	struct place place = place_open();
	char *to = join(place.dir, "to"), *file = join(place.tree, "f"), *link;
	struct child_result result;

	cr_assert_eq(mkdir(to, 0700), 0);
	child_write_file(file, "abc", 3);
	link = join(place.tree, "link");
	cr_assert_eq(symlink("f", link), 0);
	free(link);
	open_as(OTHER_FD, to, O_RDONLY | O_DIRECTORY);
	cr_assert_gt(write(MANIFEST_FD, line, strlen(line)), 0);
	child_run(argv, NULL, 0, &options, &result);
	cr_expect_eq(result.status, status, "%s: %s%s", line, result.out, result.err);
	cr_expect_eq(there(to, target), status == 0, "%s", line);
	child_release(&result);
	free(to);
	free(file);
	place_close(&place);
}

Test(export, only_what_the_manifest_says)
{
	expect_export(LINE("f", "3", ABC), 0, "f");
	expect_export(LINE("f", "3", EMPTY), 1, "f");
	expect_export(LINE("f", "2", ABC), 1, "f");
	expect_export(LINE("f", "4", ABC), 1, "f");
	expect_export(LINE("g", "3", ABC), 1, "g");
	expect_export(LINE("link", "3", ABC), 1, "link");
	expect_export(LINE("../f", "3", ABC), 1, "f");
	expect_export(LINE("f", "3", ABC) "x", 1, "g");
}

/* Nobody says what to collect: not a byte of the tree is looked at, and it is no success. */
Test(collect, needs_an_order)
{
	static const char *const argv[] = {"sr-collect", "--tree-fd", "31",
					   "--store-fd", "30",	      NULL};
	static const char *const orders[] = {
		"",
		"{}\n",
		"{\"outputs\":[{\"maxBytes\":1,\"maxFiles\":1,\"path\":\"..\"}],"
		"\"schemaVersion\":\"safe-run.collect/v1\"}\n",
		"{\"outputs\":[{\"maxBytes\":1,\"maxFiles\":1,\"path\":\"/etc\"}],"
		"\"schemaVersion\":\"safe-run.collect/v1\"}\n",
		"{\"outputs\":[{\"maxBytes\":0,\"maxFiles\":1,\"path\":\"a\"}],"
		"\"schemaVersion\":\"safe-run.collect/v1\"}\n",
		"{\"outputs\":[],\"schemaVersion\":\"safe-run.collect/v2\"}\n",
	};
	const struct child_options options = {.keep_fds = {ENTRIES_FD, TREE_FD}};

	for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
		struct place place = place_open();
		struct child_result result;

		child_run(argv, orders[i], strlen(orders[i]), &options, &result);
		cr_expect_eq(result.status, 1, "%s: %s%s", orders[i], result.out, result.err);
		cr_expect(strstr(result.out, "\"errors\":[{"), "%s", result.out);
		child_release(&result);
		place_close(&place);
	}
}

/* A store that has gone away ends the walk at once. */
Test(collect, ends_with_its_store)
{
	static const char *const argv[] = {"sr-collect", "--tree-fd", "31",
					   "--store-fd", "30",	      NULL};
	static const char order[] = "{\"outputs\":[{\"maxBytes\":1,\"maxFiles\":100,\"path\":"
				    "\".\"}],\"schemaVersion\":\"safe-run.collect/v1\"}\n";
	const struct child_options options = {.keep_fds = {ENTRIES_FD, TREE_FD}};
	struct place place = place_open();
	struct child_result result;

	close(place.pair[0]);
	child_run(argv, order, sizeof order - 1, &options, &result);
	cr_expect_eq(result.status, 1, "%s%s", result.out, result.err);
	cr_expect(strstr(result.out, "sr-deposit stores no more"), "%s", result.out);
	child_release(&result);
	place.pair[0] = -1;
	place_close(&place);
}
