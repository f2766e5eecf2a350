/* SPDX-License-Identifier: Apache-2.0 */
/* The parts outputs are handled with: escapes, names in order, what a terminal may see, what runs.
 */
#include "ipc/buf.h"
#include "ipc/object.h"
#include "ipc/unescape.h"
#include "stages/collect/batch.h"
#include "stages/diff/visible.h"
#include "stages/export/lines.h"
#include "stages/export/sensitive.h"
#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Test(unescape, takes_back_what_was_escaped)
{
	static const char *const texts[] = {
		"",	"plain",    "\\",	"\\\\", "\\x41",	"\xff",
		"\x7f", "a\nb\x1b", "\xc3\xa9", "\xc3", "\xed\xa0\x80", "\xf0\x9f\x98\x80"};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct json_object *object OBJECT_CLEANUP = object_new();
		struct json_object *value = NULL;
		char out[64];

		object_add_escaped(object, "t", texts[i], strlen(texts[i]));
		json_object_object_get_ex(object, "t", &value);
		cr_assert(unescape(json_object_get_string(value), out, sizeof out), "%zu", i);
		cr_expect_str_eq(out, texts[i], "%zu", i);
	}
}

Test(unescape, refuses_what_nobody_wrote)
{
	static const char *const texts[] = {"\\",    "\\n",   "\\x",   "\\x4",
					    "\\x4g", "\\xFF", "\\X41", "\\x00"};
	char out[8];

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		cr_expect_not(unescape(texts[i], out, sizeof out), "%s", texts[i]);
	cr_expect(unescape("abc", out, 4));
	cr_expect_not(unescape("abc", out, 3));
	cr_expect_not(unescape("", out, 0));
}

static char *make_names(size_t count)
{
	char *dir = child_make_dir("batch"), path[PATH_MAX];

	for (size_t i = 0; i < count; i++) {
		snprintf(path, sizeof path, "%s/%zu", dir, i * 7919 % count);
		close(open(path, O_WRONLY | O_CREAT, 0600));
	}
	return dir;
}

/* Every name once, each behind the one before, whatever fits at a time. */
static void expect_ordered(const char *dir, size_t count, size_t capacity)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY);
	char last[BATCH_NAME_SIZE] = "";
	size_t seen = 0, rounds = 0;
	struct batch batch;

	cr_assert_geq(fd, 0);
	batch_init(&batch, capacity);
	do {
		cr_assert_eq(batch_read(&batch, fd, last), 0);
		cr_expect_leq(batch.count, capacity);
		for (size_t i = 0; i < batch.count; i++, seen++) {
			cr_expect_gt(strcmp(batch_name(&batch, i), last), 0);
			strcpy(last, batch_name(&batch, i));
		}
		rounds++;
	} while (batch.more);
	cr_expect_eq(seen, count, "%zu of %zu by %zu", seen, count, capacity);
	cr_expect_leq(rounds, count / capacity + 1);
	batch_release(&batch);
	close(fd);
}

Test(batch, names_in_order)
{
	static const size_t counts[] = {0, 1, 2, 63, 64, 65, 1000};
	static const size_t capacities[] = {1, 2, 63, 64, 65, 2000};

	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		char *dir = make_names(counts[i]);

		for (size_t k = 0; k < sizeof capacities / sizeof *capacities; k++)
			expect_ordered(dir, counts[i], capacities[k]);
		child_remove_dir(dir);
		free(dir);
	}
}

/* However the bytes are cut into pieces, the result is one. */
static void expect_visible(const char *data, size_t len, const char *expected)
{
	for (size_t piece = 1; piece <= len; piece++) {
		struct visible visible = {.tail_len = 0};
		struct buf out BUF_CLEANUP;

		buf_init(&out, INT_MAX);
		for (size_t at = 0; at < len; at += piece)
			visible_append(&visible, data + at, len - at < piece ? len - at : piece,
				       &out);
		visible_end(&visible, &out);
		buf_append(&out, "", 1);
		cr_expect_str_eq(out.data, expected, "by %zu", piece);
	}
}

Test(visible, nothing_a_terminal_obeys)
{
	static const struct {
		const char *bytes, *shown;
	} cases[] = {
		{"plain\tline\n", "plain\tline\n"},
		{"\x1b[31mred\x07", "\\x1b[31mred\\x07"},
		{"\r\x7f\x08", "\\x0d\\x7f\\x08"},
		{"\xc2\x9b"
		 "31m",
		 "\\xc2\\x9b31m"},
		{"\x9b", "\\x9b"},
		{"a\xe2\x80\xae"
		 "b\xe2\x81\xa6",
		 "a\\xe2\\x80\\xaeb\\xe2\\x81\\xa6"},
		{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
		{"\xe2\x82", "\\xe2\\x82"},
		{"\xf0\x9f\x98", "\\xf0\\x9f\\x98"},
		{"\xe2\x82"
		 "x",
		 "\\xe2\\x82x"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},
		{"\xc0\xaf", "\\xc0\\xaf"},
		{"\xf0\x9f\xf0\x9f\x98\x80", "\\xf0\\x9f\xf0\x9f\x98\x80"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		expect_visible(cases[i].bytes, strlen(cases[i].bytes), cases[i].shown);
}

Test(sensitive, what_runs_unasked)
{
	static const struct {
		const char *path;
		bool is;
	} cases[] = {
		{".git/hooks/pre-commit", true},
		{"a/b/.git/hooks/x/y", true},
		{".git/config", true},
		{".git/config/x", false},
		{".git/configuration", false},
		{".git/objects/aa/bb", false},
		{"sub/.git", true},
		{"sub/.github", false},
		{"bare/HEAD", true},
		{"bare/HEADER", false},
		{".git/commondir", true},
		{".hg/hgrc", true},
		{".config/git/config", true},
		{".local/bin/ls", true},
		{"sub/.Rprofile", true},
		{".cargo/config", true},
		{".cargo/config.toml", true},
		{".mvn/extensions.xml", true},
		{"x.git/hooks/y", false},
		{".GIT/Hooks/pre-push", true},
		{".bashrc", true},
		{"home/.Zshrc", true},
		{".bashrc.md", false},
		{"notes.bashrc", false},
		{".envrc", true},
		{".github/workflows/ci.yml", true},
		{".github/ISSUE_TEMPLATE.md", false},
		{".gitlab-ci.yml", true},
		{"sub/.gitlab-ci.yml", true},
		{".husky/pre-commit", true},
		{".ssh/authorized_keys", true},
		{".vscode/tasks.json", true},
		{"Jenkinsfile", true},
		{"Makefile", false},
		{"package.json", false},
		{"", false},
		{"/", false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		cr_expect_eq(sensitive_reason(cases[i].path) != NULL, cases[i].is, "%s",
			     cases[i].path);
}

#define HASH "\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""

static enum fault_code parse(const char *line, struct entry *entry)
{
	char hash[DIGEST_TEXT_SIZE];
	struct fault fault;

	return entry_parse(line, strlen(line), entry, hash, &fault);
}

#define LINE(mode, path, refused, hash, target, type)                                              \
	"{\"mode\":\"" mode "\",\"output\":0,\"path\":\"" path "\",\"refused\":" refused           \
	",\"sha256\":" hash ",\"size\":0,\"target\":" target ",\"type\":\"" type "\"}"

Test(manifest, lines_that_are_none)
{
	static const struct {
		const char *line;
		bool good;
	} cases[] = {
		{LINE("0644", "a/b", "null", HASH, "null", "file"), true},
		{LINE("4755", "a", "null", "null", "null", "directory"), true},
		{LINE("0777", "a", "null", "null", "\"b\"", "symlink"), true},
		{LINE("0600", "a", "\"fifo\"", "null", "null", "fifo"), true},
		{LINE("0600", "a", "\"maxBytes\"", "null", "null", "file"), true},
		{LINE("0600", "a\\\\xff", "null", HASH, "null", "file"), true},
		{LINE("644", "a", "null", HASH, "null", "file"), false},
		{LINE("0894", "a", "null", HASH, "null", "file"), false},
		{LINE("0644", "/a", "null", HASH, "null", "file"), false},
		{LINE("0644", "..", "null", HASH, "null", "file"), false},
		{LINE("0644", "a/../b", "null", HASH, "null", "file"), false},
		{LINE("0644", "a/./b", "null", HASH, "null", "file"), false},
		{LINE("0644", "a//b", "null", HASH, "null", "file"), false},
		{LINE("0644", "a/", "null", HASH, "null", "file"), false},
		{LINE("0644", "", "null", HASH, "null", "file"), false},
		{LINE("0644", "a\\\\x2fb", "null", HASH, "null", "file"), true},
		{LINE("0644", "\\\\x2e.", "null", HASH, "null", "file"), false},
		{LINE("0644", "a\\\\x00b", "null", HASH, "null", "file"), false},
		{LINE("0644", "a", "null", "null", "null", "file"), false},
		{LINE("0644", "a", "\"x\"", HASH, "null", "file"), false},
		{LINE("0644", "a", "null", HASH, "null", "directory"), false},
		{LINE("0644", "a", "null", "null", "null", "symlink"), false},
		{LINE("0644", "a", "null", HASH, "\"x\"", "file"), false},
		{LINE("0644", "a", "null", "null", "null", "fifo"), false},
		{LINE("0644", "a", "null", "\"sha256:00\"", "null", "file"), false},
		{LINE("0644", "a", "null", HASH, "null", "door"), false},
		{"{}", false},
		{"[]", false},
		{"", false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct entry entry;

		cr_expect_eq(parse(cases[i].line, &entry) == FAULT_NONE, cases[i].good, "%s",
			     cases[i].line);
		entry_release(&entry);
	}
}

Test(manifest, path_below_its_output)
{
	static const struct {
		const char *path, *root, *below;
		bool directory;
	} cases[] = {
		{"out/a/b", "out", "a/b", false},
		{"out", "out", "", true},
		{"out", "out", "out", false},
		{"x/y/z", "x/y/z", "z", false},
		{".", ".", "", true},
		{"a/b", ".", "a/b", false},
		{"outer/a", "outer", "a", false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct entry entry = {.directory = cases[i].directory, .fd = -1};

		strcpy(entry.path, cases[i].path);
		cr_expect_str_eq(lines_below(&entry, cases[i].root), cases[i].below, "%s below %s",
				 cases[i].path, cases[i].root);
	}
}
