/* SPDX-License-Identifier: Apache-2.0 */
/* sr-unpack as it is, with images that are right and images that are not. */
#include "tests/support/child.h"
#include "tests/support/oci.h"

#include "ipc/event.h"
#include "stages/seal/digest.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE    4096
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct place {
	char *dir;
	char source[PATH_SIZE / 2], work[PATH_SIZE / 2];
	struct child_result result;
	struct json_object *record;
};

static void place_open(struct place *place)
{
	*place = (struct place){.dir = child_make_dir("unpack")};
	snprintf(place->source, sizeof place->source, "%s/source", place->dir);
	snprintf(place->work, sizeof place->work, "%s/work", place->dir);
	cr_assert_eq(mkdir(place->source, 0755), 0);
	cr_assert_eq(mkdir(place->work, 0700), 0);
}

static void forget(struct place *place)
{
	json_object_put(place->record);
	child_release(&place->result);
	place->record = NULL;
}

static void place_close(struct place *place)
{
	if (place->record != NULL)
		forget(place);
	child_remove_dir(place->dir);
	free(place->dir);
}

/* option: --layout-fd or --file-fd or NULL; more: a list, NULL at its end. */
static void unpack(struct place *place, const char *option, const char *source, bool work,
		   const char *const more[])
{
	const char *argv[16] = {"sr-unpack"};
	struct child_options options = {0};
	char source_text[16], work_text[16];
	int source_fd = -1, work_fd = -1;
	size_t count = 1, kept = 0;

	if (place->record != NULL)
		forget(place);
	if (option != NULL) {
		source_fd = open(source, O_RDONLY);
		cr_assert_geq(source_fd, 3, "%s", source);
		snprintf(source_text, sizeof source_text, "%d", source_fd);
		argv[count++] = option;
		argv[count++] = source_text;
		options.keep_fds[kept++] = source_fd;
	}
	if (work) {
		work_fd = open(place->work, O_RDONLY | O_DIRECTORY);
		snprintf(work_text, sizeof work_text, "%d", work_fd);
		argv[count++] = "--work-fd";
		argv[count++] = work_text;
		options.keep_fds[kept++] = work_fd;
	}
	for (; more != NULL && *more != NULL; more++)
		argv[count++] = *more;
	child_run(argv, "", 0, &options, &place->result);
	if (source_fd >= 0)
		close(source_fd);
	if (work_fd >= 0)
		close(work_fd);
	place->record = json_tokener_parse(place->result.out);
	cr_assert_not_null(place->record, "status %d: %s", place->result.status, place->result.err);
}

static const char *text(const struct place *place, const char *name)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(place->record, name, &value);
	return value != NULL ? json_object_get_string(value) : "";
}

static const char *message(const struct place *place)
{
	struct json_object *errors = NULL, *value = NULL;

	json_object_object_get_ex(place->record, "errors", &errors);
	if (json_object_array_length(errors) == 0)
		return "";
	json_object_object_get_ex(json_object_array_get_idx(errors, 0), "message", &value);
	return json_object_get_string(value);
}

/* What is at a path of the tree: its content, a link's target, "(directory)", "(nothing)". */
static const char *seen(const struct place *place, const char *path)
{
	static char out[PATH_SIZE];
	char full[PATH_SIZE];
	struct stat info;
	char *content;

	snprintf(full, sizeof full, "%s/root/%s", place->work, path);
	if (lstat(full, &info) < 0)
		return "(nothing)";
	if (S_ISDIR(info.st_mode))
		return "(directory)";
	if (S_ISLNK(info.st_mode)) {
		ssize_t len = readlink(full, out, sizeof out - 1);

		out[len > 0 ? len : 0] = '\0';
		return out;
	}
	content = child_read_file(full, NULL);
	snprintf(out, sizeof out, "%s", content ?: "(unreadable)");
	free(content);
	return out;
}

static void unpack_layers(struct place *place, const struct oci_layer_spec *layers, size_t count,
			  enum oci_fault fault)
{
	oci_make(place->source, layers, count, fault);
	unpack(place, "--layout-fd", place->source, true, NULL);
}

static const struct oci_layer_spec simple[] = {
	{OCI_GZIP, {{"./", 'd', NULL, 0}, {"bin/", 'd', NULL, 0}, {"bin/a", 'f', "one", 0}}},
};

Test(unpack, applies_layers_and_whiteouts)
{
	static const struct oci_layer_spec layers[] = {
		{OCI_GZIP,
		 {{"./", 'd', NULL, 0},
		  {"usr/", 'd', NULL, 0},
		  {"usr/bin/", 'd', NULL, 0},
		  {"bin", 'l', "usr/bin", 0},
		  {"usr/bin/a", 'f', "a1", 0},
		  {"etc/gone", 'f', "x", 0},
		  {"etc/stays", 'f', "y", 0},
		  {"opt/deep/er/file", 'f', "z", 0},
		  {"opt/old", 'f', "z", 0},
		  {"file-then-dir", 'f', "z", 0},
		  {"dir-then-file/x", 'f', "z", 0},
		  {"gr\xc3\xbc\xc3\x9f", 'f', "utf", 0},
		  {"etc/link", 'l', "/etc/stays", 0}}},
		{OCI_ZSTD,
		 {{"etc/.wh.gone", 'f', "", 0},
		  /* Its own entries stay, in front of the whiteout or behind it. */
		  {"opt/before", 'f', "b", 0},
		  {"opt/.wh..wh..opq", 'f', "", 0},
		  {"opt/behind", 'f', "c", 0},
		  {"bin/b", 'f', "through the link", 0},
		  {"usr/bin/hard", 'h', "bin/a", 0},
		  {"usr/bin/absolute", 'h', "/usr/bin/a", 0},
		  {"file-then-dir/", 'd', NULL, 0},
		  {"dir-then-file", 'f', "now a file", 0},
		  {".wh.nothing-there", 'f', "", 0},
		  {"no/such/.wh.directory", 'f', "", 0},
		  {".wh..wh.plnk", 'd', NULL, 0}}},
		{OCI_PLAIN, {{"usr/bin/a", 'f', "a2", 0}}},
	};
	static const struct {
		const char *path, *expected;
	} cases[] = {
		{"bin", "usr/bin"},
		{"usr/bin/a", "a2"},
		{"usr/bin/hard", "a1"},
		{"usr/bin/absolute", "a1"},
		{"usr/bin/b", "through the link"},
		{"etc/gone", "(nothing)"},
		{"etc/stays", "y"},
		{"etc/link", "/etc/stays"},
		{"opt/deep", "(nothing)"},
		{"opt/old", "(nothing)"},
		{"opt/before", "b"},
		{"opt/behind", "c"},
		{"file-then-dir", "(directory)"},
		{"dir-then-file", "now a file"},
		{"gr\xc3\xbc\xc3\x9f", "utf"},
		{".wh..wh.plnk", "(nothing)"},
		{"etc/.wh.gone", "(nothing)"},
		{"opt/.wh..wh..opq", "(nothing)"},
	};
	struct place place;

	place_open(&place);
	unpack_layers(&place, layers, COUNT(layers), OCI_RIGHT);
	cr_assert_eq(place.result.status, 0, "%s", message(&place));
	cr_expect_str_eq(text(&place, "format"), "oci-layout");
	for (size_t i = 0; i < COUNT(cases); i++)
		cr_expect_str_eq(seen(&place, cases[i].path), cases[i].expected, "%s",
				 cases[i].path);
	place_close(&place);
}

Test(unpack, keeps_modes_and_times_and_drops_the_rest)
{
	static const struct oci_layer_spec layers[] = {
		{OCI_GZIP,
		 {{"suid", 'f', "x", 06755},
		  {"closed", 'f', "x", 0},
		  {"locked/", 'd', NULL, 01000},
		  {"locked/in", 'f', "x", 0640},
		  {"null", 'c', NULL, 0666},
		  {"pipe", 'p', NULL, 0666}}},
	};
	static const struct {
		const char *path;
		mode_t mode;
	} cases[] = {{"suid", S_IFREG | 0755},
		     {"locked", S_IFDIR | 0700},
		     {"locked/in", S_IFREG | 0640}};
	struct place place;
	char path[PATH_SIZE];
	struct stat info;

	place_open(&place);
	unpack_layers(&place, layers, 1, OCI_RIGHT);
	cr_assert_eq(place.result.status, 0, "%s", message(&place));
	for (size_t i = 0; i < COUNT(cases); i++) {
		snprintf(path, sizeof path, "%s/root/%s", place.work, cases[i].path);
		cr_assert_eq(lstat(path, &info), 0, "%s", path);
		cr_expect_eq(info.st_mode, cases[i].mode, "%s: %o", path, info.st_mode);
		cr_expect_eq(info.st_uid, geteuid());
		if (S_ISREG(info.st_mode))
			cr_expect_eq(info.st_mtim.tv_sec, 1000000000);
	}
	cr_expect_str_eq(seen(&place, "null"), "(nothing)");
	cr_expect_str_eq(seen(&place, "pipe"), "(nothing)");
	cr_expect_str_eq(text(&place, "skipped"), "2");
	place_close(&place);
}

/* Each is refused, and nothing outside the tree is made, changed or removed. */
Test(unpack, nothing_leads_out_of_the_tree)
{
	static const struct {
		const char *words;
		struct oci_layer_spec layer;
	} cases[] = {
		{"leads out of the image", {OCI_GZIP, {{"../outside", 'f', "x", 0}}}},
		{"leads out of the image", {OCI_GZIP, {{"a/../../outside", 'f', "x", 0}}}},
		{"leads out of the image", {OCI_GZIP, {{"..", 'd', NULL, 0}}}},
		{"leads out of the image", {OCI_GZIP, {{"a/../.wh.outside", 'f', "", 0}}}},
		{"an absolute path", {OCI_GZIP, {{"/etc/passwd", 'f', "x", 0}}}},
		{"no file of the image", {OCI_GZIP, {{"a", 'h', "/etc/passwd", 0}}}},
		{"leads out of the image", {OCI_GZIP, {{"a", 'h', "../../secret", 0}}}},
		{"no file of the image",
		 {OCI_GZIP, {{"l", 'l', "/etc/passwd", 0}, {"a", 'h', "l", 0}}}},
		{"no file of the image", {OCI_GZIP, {{"d/", 'd', NULL, 0}, {"a", 'h', "d", 0}}}},
		{"in no directory of the image",
		 {OCI_GZIP,
		  {{"up", 'l', "../../..", 0},
		   {"up/secret/x", 'f', "x", 0},
		   {"f", 'f', "", 0},
		   {"f/x", 'f', "", 0}}}},
		{"in no directory of the image",
		 {OCI_GZIP, {{"loop", 'l', "loop", 0}, {"loop/x", 'f', "x", 0}}}},
		{"cannot take away", {OCI_GZIP, {{".wh..", 'f', "", 0}}}},
		{"cannot take away", {OCI_GZIP, {{".wh...", 'f', "", 0}}}},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct place place;
		char path[PATH_SIZE];
		char *left;

		place_open(&place);
		snprintf(path, sizeof path, "%s/secret", place.dir);
		child_write_file(path, "kept", 4);
		unpack_layers(&place, &cases[i].layer, 1, OCI_RIGHT);
		cr_expect_eq(place.result.status, 1, "%zu: %s", i, place.result.out);
		cr_expect_not_null(strstr(message(&place), cases[i].words), "%zu: %s", i,
				   message(&place));
		left = child_read_file(path, NULL);
		cr_expect_str_eq(left, "kept");
		free(left);
		snprintf(path, sizeof path, "%s/outside", place.dir);
		cr_expect_neq(access(path, F_OK), 0);
		snprintf(path, sizeof path, "%s/outside", place.work);
		cr_expect_neq(access(path, F_OK), 0);
		place_close(&place);
	}
}

/* Links that look like a way out stay what they are, and what is written through them stays in. */
Test(unpack, links_end_in_the_tree)
{
	static const struct oci_layer_spec layers[] = {
		{OCI_GZIP,
		 {{"etc/", 'd', NULL, 0},
		  {"abs", 'l', "/etc", 0},
		  {"up", 'l', "../../../etc", 0},
		  {"abs/one", 'f', "1", 0},
		  {"up/two", 'f', "2", 0}}},
	};
	struct place place;

	place_open(&place);
	unpack_layers(&place, layers, 1, OCI_RIGHT);
	cr_assert_eq(place.result.status, 0, "%s", message(&place));
	cr_expect_str_eq(seen(&place, "etc/one"), "1");
	cr_expect_str_eq(seen(&place, "etc/two"), "2");
	cr_expect_str_eq(seen(&place, "abs"), "/etc");
	place_close(&place);
}

Test(unpack, refuses_an_image_that_is_not_what_it_says)
{
	static const struct {
		enum oci_fault fault;
		const char *words;
	} cases[] = {
		{OCI_DIGEST, "layer 1 of the image is not what its digest says"},
		{OCI_DIFF_ID, "diff id"},
		{OCI_SIZE, "not of the size"},
		{OCI_TRUNCATED, "layer 1 of the image"},
		{OCI_TYPE, "not compressed as the manifest says"},
		{OCI_FOREIGN, "which is not unpacked"},
		{OCI_ARCH, "not for linux on amd64"},
		{OCI_TWO, "more than one image"},
		{OCI_NONE, "no image for linux on amd64"},
		{OCI_DUPLICATE, "a name twice"},
		{OCI_VERSION, "not of version 1.0.0"},
		{OCI_CONFIG, "not what its digest says"},
		{OCI_ESCAPE, "no sha256"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct place place;

		place_open(&place);
		unpack_layers(&place, simple, 1, cases[i].fault);
		cr_expect_eq(place.result.status, 1, "%d: %s", cases[i].fault, place.result.out);
		cr_expect_not_null(strstr(message(&place), cases[i].words), "%d: %s",
				   cases[i].fault, message(&place));
		place_close(&place);
	}
}

/* The files: 2 layers, 4 entries, 6 bytes in the files, and more in the archives around them. */
Test(unpack, keeps_to_its_bounds)
{
	static const struct oci_layer_spec layers[] = {
		{OCI_GZIP, {{"a", 'f', "12", 0}, {"b", 'f', "3456", 0}}},
		{OCI_GZIP, {{"c/", 'd', NULL, 0}, {"c/d", 'l', "x", 0}}},
	};
	static const struct {
		const char *limit;
		bool fits;
	} cases[] = {
		{"--max-entries=3", false},  {"--max-entries=4", true},	 {"--max-entries=5", true},
		{"--max-bytes=5119", false}, {"--max-bytes=5120", true}, {"--max-bytes=5121", true},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct place place;

		place_open(&place);
		oci_make(place.source, layers, 2, OCI_RIGHT);
		unpack(&place, "--layout-fd", place.source, true,
		       (const char *const[]){cases[i].limit, NULL});
		cr_expect_eq(place.result.status, cases[i].fits ? 0 : 1, "%s: %s", cases[i].limit,
			     message(&place));
		place_close(&place);
	}
}

/* 64 MiB of zeros in a layer of some 64 KiB: what comes out counts. */
Test(unpack, a_bomb_is_defused)
{
	struct oci_layer_spec layer = {OCI_GZIP, {{"zeros", 'f', NULL, 0}}};
	size_t len = 64 << 20;
	char *zeros = calloc(1, len), data[PATH_SIZE + 1];
	char path[PATH_SIZE];
	struct place place;

	place_open(&place);
	snprintf(path, sizeof path, "%s/zeros", place.dir);
	child_write_file(path, zeros, len);
	free(zeros);
	snprintf(data, sizeof data, "@%s", path);
	layer.entries[0].data = data;
	oci_make(place.source, &layer, 1, OCI_RIGHT);
	unpack(&place, "--layout-fd", place.source, true,
	       (const char *const[]){"--max-bytes=1000000", NULL});
	cr_expect_eq(place.result.status, 1);
	cr_expect_not_null(strstr(message(&place), "more than the image may have"), "%s",
			   message(&place));
	cr_expect_str_eq(seen(&place, "zeros"), "(nothing)");
	place_close(&place);
}

Test(unpack, archives_are_layouts_in_one_file)
{
	static const enum oci_compression compressions[] = {OCI_PLAIN, OCI_GZIP, OCI_ZSTD};

	for (size_t i = 0; i < 2 * COUNT(compressions); i++) {
		bool docker = i >= COUNT(compressions);
		char archive[PATH_SIZE];
		struct place place;
		char *key;

		place_open(&place);
		snprintf(archive, sizeof archive, "%s/image.tar", place.dir);
		if (docker)
			oci_make_docker(place.source, simple, 1);
		else
			oci_make(place.source, simple, 1, OCI_RIGHT);
		oci_archive(place.source, archive, compressions[i % COUNT(compressions)]);
		unpack(&place, "--file-fd", archive, false,
		       (const char *const[]){"--identify", NULL});
		cr_assert_eq(place.result.status, 0, "%s", message(&place));
		key = strdup(text(&place, "key"));
		unpack(&place, "--file-fd", archive, true, NULL);
		cr_assert_eq(place.result.status, 0, "%zu: %s", i, message(&place));
		cr_expect_str_eq(text(&place, "key"), key);
		cr_expect_str_eq(text(&place, "format"), docker ? "docker-archive" : "oci-archive");
		cr_expect_str_eq(seen(&place, "bin/a"), "one");
		snprintf(archive, sizeof archive, "%s/archive", place.work);
		cr_expect_neq(access(archive, F_OK), 0, "what was unpacked on the way is left");
		free(key);
		place_close(&place);
	}
}

/* As docker save before version 25, podman save and skopeo write a layer that is there already. */
Test(unpack, an_archive_may_share_files_by_links)
{
	char archive[PATH_SIZE], from[PATH_SIZE], to[PATH_SIZE];
	struct place place;

	place_open(&place);
	snprintf(archive, sizeof archive, "%s/image.tar", place.dir);
	snprintf(from, sizeof from, "%s/manifest.json", place.source);
	snprintf(to, sizeof to, "%s/there.json", place.source);
	oci_make_docker(place.source, simple, 1);
	cr_assert_eq(rename(from, to), 0);
	cr_assert_eq(symlink("there.json", from), 0);
	oci_archive(place.source, archive, OCI_PLAIN);
	unpack(&place, "--file-fd", archive, true, NULL);
	cr_assert_eq(place.result.status, 0, "%s", message(&place));
	cr_expect_str_eq(seen(&place, "bin/a"), "one");
	place_close(&place);
}

Test(unpack, a_link_out_of_an_archive_is_refused)
{
	static const char *const targets[] = {"/etc/passwd", "../../../../../../../etc/passwd",
					      "manifest.json", "/proc/self/fd/0"};

	for (size_t i = 0; i < COUNT(targets); i++) {
		const struct oci_layer_spec layer = {OCI_PLAIN,
						     {{"manifest.json", 'l', targets[i], 0}}};
		char archive[PATH_SIZE];
		struct place place;

		place_open(&place);
		snprintf(archive, sizeof archive, "%s/image.tar", place.dir);
		oci_write_tar(archive, &layer);
		unpack(&place, "--file-fd", archive, true, NULL);
		cr_expect_eq(place.result.status, 1);
		cr_expect_not_null(strstr(message(&place), "manifest.json of the image"), "%s",
				   message(&place));
		place_close(&place);
	}
}

/* Blobs that are no regular files of the layout are not opened. */
Test(unpack, follows_no_link_out_of_a_layout)
{
	static const char *const names[] = {"index.json", "oci-layout"};

	for (size_t i = 0; i < COUNT(names); i++) {
		char path[PATH_SIZE], aside[PATH_SIZE];
		struct place place;

		place_open(&place);
		oci_make(place.source, simple, 1, OCI_RIGHT);
		snprintf(path, sizeof path, "%s/%s", place.source, names[i]);
		snprintf(aside, sizeof aside, "%s/aside", place.dir);
		cr_assert_eq(rename(path, aside), 0);
		cr_assert_eq(symlink(aside, path), 0);
		unpack(&place, "--layout-fd", place.source, true, NULL);
		cr_expect_eq(place.result.status, 1);
		unlink(path);
		cr_assert_eq(mkfifo(path, 0644), 0);
		unpack(&place, "--layout-fd", place.source, true, NULL);
		cr_expect_eq(place.result.status, 1, "%s", names[i]);
		place_close(&place);
	}
}

Test(unpack, tells_images_by_their_first_bytes)
{
	static const struct {
		size_t offset;
		const char *magic, *format;
	} cases[] = {
		{0, "hsqs", "squashfs"},	{1024, "\xe2\xe1\xf5\xe0", "erofs"},
		{1080, "\x53\xef", "ext4"},	{1, "hsqs", ""},
		{1025, "\xe2\xe1\xf5\xe0", ""},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char bytes[4096] = {0}, path[PATH_SIZE], copy[PATH_SIZE], hash[DIGEST_TEXT_SIZE];
		uint8_t value[DIGEST_SIZE];
		struct place place;
		struct stat info;

		place_open(&place);
		memcpy(bytes + cases[i].offset, cases[i].magic, strlen(cases[i].magic));
		snprintf(path, sizeof path, "%s/image", place.dir);
		child_write_file(path, bytes, sizeof bytes);
		unpack(&place, "--file-fd", path, true, NULL);
		cr_expect_eq(place.result.status, cases[i].format[0] != '\0' ? 0 : 1);
		cr_expect_str_eq(text(&place, "format"), cases[i].format);
		if (cases[i].format[0] != '\0') {
			digest_bytes(bytes, sizeof bytes, value);
			digest_text(value, hash);
			cr_expect_str_eq(text(&place, "key"), hash);
			snprintf(copy, sizeof copy, "%s/image", place.work);
			cr_assert_eq(stat(copy, &info), 0);
			cr_expect_eq(info.st_mode, S_IFREG | 0400);
			cr_expect_eq(info.st_size, (off_t)sizeof bytes);
		}
		place_close(&place);
	}
}

/* Deeper than it has descriptors for. */
Test(unpack, clears_any_depth)
{
	struct place place;
	char start[PATH_SIZE];
	DIR *list;
	size_t count = 0;

	place_open(&place);
	cr_assert_not_null(getcwd(start, sizeof start));
	cr_assert_eq(chdir(place.work), 0);
	for (int i = 0; i < 500; i++) {
		cr_assert_eq(mkdir("d", 0700), 0);
		child_write_file("f", "x", 1);
		cr_assert_eq(chdir("d"), 0);
	}
	cr_assert_eq(chdir(start), 0);
	unpack(&place, NULL, NULL, true, (const char *const[]){"--clear", NULL});
	cr_expect_eq(place.result.status, 0, "%s", message(&place));
	list = opendir(place.work);
	while (readdir(list) != NULL)
		count++;
	closedir(list);
	cr_expect_eq(count, 2, "%zu entries are left", count - 2);
	place_close(&place);
}

/* By a name no other has, so that any number of them costs no more than each of them does. */
Test(unpack, moves_deep_directories_aside_by_their_inode)
{
#define EIGHT "d/d/d/d/d/d/d/d/"
	static const struct oci_layer_spec layers[] = {
		{OCI_PLAIN, {{EIGHT EIGHT EIGHT EIGHT "d/e/f", 'f', "x", 0644}}},
		{OCI_PLAIN, {{".wh.d", 'f', "", 0644}}}};
	char expected[PATH_SIZE];
	const struct dirent *item;
	struct place place;
	size_t count = 0;
	DIR *list;

	place_open(&place);
	unpack_layers(&place, layers, COUNT(layers), OCI_RIGHT);
	cr_assert_eq(place.result.status, 0, "%s", message(&place));
	list = opendir(place.work);
	while ((item = readdir(list)) != NULL) {
		if (item->d_name[0] != '~')
			continue;
		snprintf(expected, sizeof expected, "~%ju", (uintmax_t)item->d_ino);
		cr_expect_str_eq(item->d_name, expected);
		count++;
	}
	closedir(list);
	cr_expect_eq(count, 1);
	unpack(&place, NULL, NULL, true, (const char *const[]){"--clear", NULL});
	cr_expect_eq(rmdir(place.work), 0, "something is left");
	place_close(&place);
}

Test(unpack, says_what_it_needs)
{
	static const char *const cases[][6] = {
		{"sr-unpack"},
		{"sr-unpack", "--identify"},
		{"sr-unpack", "--file-fd", "0", "--identify"},
		{"sr-unpack", "--layout-fd", "300", "--file-fd", "300", "--identify"},
		{"sr-unpack", "--clear"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct child_result result;
		const char *argv[7] = {0};
		struct child_options options = {.keep_fds = {300}};

		memcpy(argv, cases[i], sizeof cases[i]);
		cr_assert_eq(dup2(STDIN_FILENO, 300), 300);
		child_run(argv, "", 0, &options, &result);
		cr_expect_eq(result.status, 2, "%zu: %s", i, result.out);
		child_release(&result);
	}
}
