/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Group G: what somebody can do who may write the archive's directory and has no key, or another
 * one. Each row is done to a copy of an archive of six leaves that verifies.
 */
#include "tests/support/shelf.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEAVES 6

/* An archive, and the checkpoint of its first three leaves kept elsewhere. */
struct scene {
	struct shelf shelf;
	char older[700];
	char *lines[LEAVES]; /* owned, without LF */
};

static char *read_text(const char *path, size_t *len)
{
	char *text = child_read_file(path, len);

	cr_assert_not_null(text, "%s", path);
	return text;
}

static void scene_open(struct scene *scene)
{
	size_t len;
	char *text, *rest, *line;

	shelf_open(&scene->shelf);
	shelf_fill(&scene->shelf, 0, 3);
	snprintf(scene->older, sizeof(scene->older), "%s/older", scene->shelf.directory);
	text = read_text(shelf_path(&scene->shelf, "checkpoint"), &len);
	child_write_file(scene->older, text, len);
	free(text);
	shelf_fill(&scene->shelf, 3, LEAVES - 3);
	text = rest = read_text(shelf_path(&scene->shelf, "leaves.jsonl"), &len);
	for (size_t i = 0; i < LEAVES; i++) {
		line = strsep(&rest, "\n");
		cr_assert_not_null(line);
		scene->lines[i] = strdup(line);
	}
	free(text);
}

static void scene_close(struct scene *scene)
{
	for (size_t i = 0; i < LEAVES; i++)
		free(scene->lines[i]);
	shelf_close(&scene->shelf);
}

/* leaves.jsonl anew from lines; -1 ends the list. */
static void put_leaves(const struct scene *scene, const int *order)
{
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	for (; *order >= 0; order++)
		fprintf(stream, "%s\n", scene->lines[*order]);
	fclose(stream);
	child_write_file(shelf_path(&scene->shelf, "leaves.jsonl"), text, len);
	free(text);
}

#define ORDER(...)                                                                                 \
	(const int[])                                                                              \
	{                                                                                          \
		__VA_ARGS__, -1                                                                    \
	}

/* Change one occurrence in a file; both texts are of one length unless the file may grow. */
static void replace_in(const char *path, const char *find, const char *replace)
{
	size_t len;
	char *text = read_text(path, &len), *at = strstr(text, find), *changed;

	cr_assert_not_null(at, "%s in %s", find, path);
	changed = malloc(len + strlen(replace));
	memcpy(changed, text, (size_t)(at - text));
	strcpy(changed + (at - text), replace);
	memcpy(changed + (at - text) + strlen(replace), at + strlen(find),
	       len - (size_t)(at - text) - strlen(find));
	child_write_file(path, changed, len - strlen(find) + strlen(replace));
	free(changed);
	free(text);
}

static const char *checkpoint(const struct scene *scene)
{
	return shelf_path(&scene->shelf, "checkpoint");
}

/* One of the bodies. */
static void body_path(const struct scene *scene, char path[1024])
{
	DIR *directory = opendir(shelf_path(&scene->shelf, "bodies"));
	struct dirent *entry;

	cr_assert_not_null(directory);
	do
		entry = readdir(directory);
	while (entry != NULL && entry->d_name[0] == '.');
	cr_assert_not_null(entry);
	snprintf(path, 1024, "%s/%s", shelf_path(&scene->shelf, "bodies"), entry->d_name);
	closedir(directory);
}

static void leaf_deleted(struct scene *scene)
{
	put_leaves(scene, ORDER(0, 1, 3, 4, 5));
}

static void last_leaf_deleted(struct scene *scene)
{
	put_leaves(scene, ORDER(0, 1, 2, 3, 4));
}

static void all_leaves_deleted(struct scene *scene)
{
	child_write_file(shelf_path(&scene->shelf, "leaves.jsonl"), "", 0);
}

static void leaf_edited(struct scene *scene)
{
	replace_in(shelf_path(&scene->shelf, "leaves.jsonl"), "\"retention\":\"forever\"",
		   "\"retention\":\"1h\"");
}

static void leaves_reordered(struct scene *scene)
{
	put_leaves(scene, ORDER(0, 2, 1, 3, 4, 5));
}

static void leaf_twice(struct scene *scene)
{
	put_leaves(scene, ORDER(0, 1, 1, 2, 3, 4, 5));
}

static void leaf_again_at_the_end(struct scene *scene)
{
	put_leaves(scene, ORDER(0, 1, 2, 3, 4, 5, 0));
}

static void leaf_not_canonical(struct scene *scene)
{
	replace_in(shelf_path(&scene->shelf, "leaves.jsonl"), "{\"archive\"", "{ \"archive\"");
}

static void leaf_of_another_bundle(struct scene *scene)
{
	replace_in(shelf_path(&scene->shelf, "leaves.jsonl"), "\"bundleId\":\"sb-",
		   "\"bundleId\":\"sb-f");
}

/* An older signed checkpoint put back over all the leaves: the later ones are in none. */
static void older_checkpoint(struct scene *scene)
{
	size_t len;
	char *text = read_text(scene->older, &len);

	child_write_file(checkpoint(scene), text, len);
	free(text);
}

static void no_checkpoint(struct scene *scene)
{
	cr_assert_eq(unlink(checkpoint(scene)), 0);
}

static void sign_with(const struct scene *scene, const char *key)
{
	int fd = open(key, O_RDONLY);
	char number[16];
	const char *argv[] = {"sr-archive", "--archive", scene->shelf.archive, "--key-fd", number,
			      "checkpoint", NULL};
	struct child_options options = {.keep_fds = {fd}};
	struct child_result result;

	snprintf(number, sizeof(number), "%d", fd);
	child_run(argv, NULL, 0, &options, &result);
	cr_assert_eq(result.status, 0, "%s", result.out);
	child_release(&result);
	close(fd);
}

/* Signed by whoever has a key: over leaves that were changed, in the same number. */
static void same_size_other_root(struct scene *scene)
{
	put_leaves(scene, ORDER(0, 1, 2, 4, 3, 5));
	no_checkpoint(scene);
	sign_with(scene, scene->shelf.other_key);
}

static void unknown_origin(struct scene *scene)
{
	replace_in(checkpoint(scene), "test/archive\n", "best/archive\n");
}

static void origin_of_the_archive(struct scene *scene)
{
	replace_in(shelf_path(&scene->shelf, "archive.json"), "test/archive", "best/archive");
}

/* The four bytes in front of the signature. */
static void wrong_key_id(struct scene *scene)
{
	size_t len;
	char *text = read_text(checkpoint(scene), &len), *name = strstr(text, "\xe2\x80\x94 ");

	cr_assert_not_null(name);
	name += strlen("\xe2\x80\x94 test/archive ");
	name[1] = name[1] == 'A' ? 'B' : 'A';
	child_write_file(checkpoint(scene), text, len);
	free(text);
}

static void signature_changed(struct scene *scene)
{
	size_t len;
	char *text = read_text(checkpoint(scene), &len), *name = strstr(text, "\xe2\x80\x94 ");

	cr_assert_not_null(name);
	name += strlen("\xe2\x80\x94 test/archive ") + 30;
	*name = *name == 'A' ? 'B' : 'A';
	child_write_file(checkpoint(scene), text, len);
	free(text);
}

static void control_character(struct scene *scene)
{
	replace_in(checkpoint(scene), "test/archive\n", "test/arch\x01ve\n");
}

static void no_empty_line(struct scene *scene)
{
	replace_in(checkpoint(scene), "\n\n", "\n");
}

static void leading_zero(struct scene *scene)
{
	replace_in(checkpoint(scene), "\n6\n", "\n06\n");
}

static void body_missing(struct scene *scene)
{
	char path[1024];

	body_path(scene, path);
	cr_assert_eq(unlink(path), 0);
}

static void body_changed(struct scene *scene)
{
	char path[1024];

	body_path(scene, path);
	replace_in(path, "\"exitCode\":127", "\"exitCode\":126");
}

static void body_is_a_link(struct scene *scene)
{
	char path[1024];

	body_path(scene, path);
	cr_assert_eq(unlink(path), 0);
	cr_assert_eq(symlink("/etc/hostname", path), 0);
}

static void body_in_no_leaf(struct scene *scene)
{
	child_write_file(
		shelf_path(&scene->shelf,
			   "bodies/00000000000000000000000000000000000000000000000000000000000"
			   "00000"),
		"x", 1);
}

static void file_that_is_no_body(struct scene *scene)
{
	child_write_file(shelf_path(&scene->shelf, "bodies/x"), "x", 1);
}

static void pruned_too_early(struct scene *scene)
{
	char line[400];

	snprintf(line, sizeof(line),
		 "{\"bundleId\":\"%.67s\",\"prunedAt\":\"2099-01-01T00:00:00.000000000Z\","
		 "\"schemaVersion\":\"safe-run.archive-prune/v1\"}\n",
		 strstr(scene->lines[0], "sb-"));
	child_write_file(shelf_path(&scene->shelf, "prunes.jsonl"), line, strlen(line));
}

static const struct row {
	const char *what;
	void (*damage)(struct scene *scene);
	const char *check; /* the one that must fail */
} rows[] = {
	{"leaf deleted", leaf_deleted, "root"},
	{"last leaf deleted", last_leaf_deleted, "root"},
	{"all leaves deleted", all_leaves_deleted, "root"},
	{"leaf edited", leaf_edited, "root"},
	{"leaves reordered", leaves_reordered, "root"},
	{"leaf twice", leaf_twice, "leaves"},
	{"leaf again at the end", leaf_again_at_the_end, "leaves"},
	{"leaf not canonical", leaf_not_canonical, "leaves"},
	{"leaf of another bundle", leaf_of_another_bundle, "leaves"},
	{"older signed checkpoint", older_checkpoint, "covered"},
	{"no checkpoint", no_checkpoint, "checkpoint"},
	{"same size, another root", same_size_other_root, "signature"},
	{"unknown origin", unknown_origin, "checkpoint"},
	{"another archive's name", origin_of_the_archive, "checkpoint"},
	{"right name, wrong key id", wrong_key_id, "signature"},
	{"signature changed", signature_changed, "signature"},
	{"control character", control_character, "checkpoint"},
	{"no empty line", no_empty_line, "checkpoint"},
	{"leading zero", leading_zero, "checkpoint"},
	{"body missing before its time", body_missing, "bodies"},
	{"body changed", body_changed, "bodies"},
	{"body is a link", body_is_a_link, "bodies"},
	{"body in no leaf", body_in_no_leaf, "strays"},
	{"file that is no body", file_that_is_no_body, "strays"},
	{"pruned before its time", pruned_too_early, "prunes"},
};

static void expect_refused(const struct scene *scene, const char *since, const char *what,
			   const char *check)
{
	struct child_result result;
	char failed[64];

	shelf_verify(&scene->shelf, since, &result);
	snprintf(failed, sizeof(failed), "{\"name\":\"%s\",\"ok\":false}", check);
	cr_expect_eq(result.status, 1, "%s: %s", what, result.out);
	cr_expect(strstr(result.out, failed) != NULL, "%s: %s", what, result.out);
	cr_expect(strstr(result.out, "\"valid\":false") != NULL, "%s: %s", what, result.out);
	child_release(&result);
}

Test(archive_tamper, group_G, .timeout = 300)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct child_result result;
		struct scene scene;

		scene_open(&scene);
		shelf_verify(&scene.shelf, scene.older, &result);
		cr_assert_eq(result.status, 0, "%s: %s", rows[i].what, result.out);
		child_release(&result);
		rows[i].damage(&scene);
		expect_refused(&scene, NULL, rows[i].what, rows[i].check);
		scene_close(&scene);
	}
}

/* Everything put back as it was: alone it cannot be told, with a newer checkpoint it can. */
Test(archive_tamper, an_old_state_put_back_whole)
{
	struct scene scene;
	char newer[700], body[1024];
	size_t len;
	char *text;
	struct child_result result;

	scene_open(&scene);
	snprintf(newer, sizeof(newer), "%s/newer", scene.shelf.directory);
	text = read_text(checkpoint(&scene), &len);
	child_write_file(newer, text, len);
	free(text);
	put_leaves(&scene, ORDER(0, 1, 2));
	older_checkpoint(&scene);
	for (size_t i = 3; i < LEAVES; i++) {
		snprintf(body, sizeof(body), "%s/%.64s", shelf_path(&scene.shelf, "bodies"),
			 strstr(strstr(scene.lines[i], "\"sha256\":\"sha256:"), ":\"sha256:") + 9);
		cr_assert_eq(unlink(body), 0, "%s", body);
	}
	shelf_verify(&scene.shelf, scene.older, &result);
	cr_expect_eq(result.status, 0, "%s", result.out);
	cr_expect(strstr(result.out, "doesNotProve") != NULL);
	child_release(&result);
	expect_refused(&scene, newer, "rolled back", "since");
	scene_close(&scene);
}

/* The holder of the key rewrites the archive: only somebody else's older checkpoint tells. */
Test(archive_tamper, rewritten_and_signed_again)
{
	struct child_result result;
	struct scene scene;

	scene_open(&scene);
	put_leaves(&scene, ORDER(1, 0, 2, 3, 4, 5));
	no_checkpoint(&scene);
	sign_with(&scene, scene.shelf.key);
	shelf_verify(&scene.shelf, NULL, &result);
	cr_expect_eq(result.status, 0, "%s", result.out);
	child_release(&result);
	expect_refused(&scene, scene.older, "rewritten", "since");
	scene_close(&scene);
}

/* Notes for --since that are none, or another archive's, or cover nothing. */
Test(archive_tamper, older_checkpoints_that_say_nothing)
{
	static const char *const notes[] = {
		"",
		"test/archive\n",
		"test/archive\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n",
	};
	struct scene scene;

	scene_open(&scene);
	for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
		child_write_file(scene.older, notes[i], strlen(notes[i]));
		expect_refused(&scene, scene.older, notes[i], "since");
	}
	scene_close(&scene);
}
