/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/pipeline/root_place.h"

#include "stages/seal/digest.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char *root_program(void)
{
	const char *path = child_helper("attack/rootlook");

	return strdup(path);
}

static void copy_program(const char *to)
{
	char *path = root_program();
	size_t len;
	char *bytes = child_read_file(path, &len);

	cr_assert_not_null(bytes, "%s", path);
	child_write_file(to, bytes, len);
	cr_assert_eq(chmod(to, 0755), 0);
	free(bytes);
	free(path);
}

void root_place_open(struct root_place *place)
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

void root_place_close(struct root_place *place)
{
	child_remove_dir(place->dir);
	free(place->dir);
}

void root_write_policy(const struct root_place *place, const char *rootfs, const char *more)
{
	char text[2 * PATH_SIZE];

	snprintf(text, sizeof text,
		 "apiVersion: policy.safe-run.dev/v1alpha1\nmetadata: {name: roots}\n"
		 "runtime: {command: " ROOT_PROGRAM ", args: [/word], rootfs: %s%s}\n"
		 "resources: {cpu: {max: \"100000 100000\"}, memory: {max: 64Mi}}\nmounts: []\n"
		 "audit: {level: basic}\n",
		 rootfs, more);
	child_write_file(place->policy, text, strlen(text));
}

void root_run(struct run *run, const struct root_place *place, const char *rootfs)
{
	root_write_policy(place, rootfs, "");
	run_start(run, WORDS("--policy", place->policy), NULL, "", 0);
}

static struct json_object *root_of(const struct run *run)
{
	struct json_object *events = run_member(run, "events");

	return json_object_object_get(
		json_object_object_get(json_object_array_get_idx(events, 0), "payload"), "root");
}

const char *root_text(const struct run *run, const char *name)
{
	return json_object_get_string(json_object_object_get(root_of(run), name)) ?: "";
}

void root_expect_ran(struct run *run, const char *kind)
{
	run_expect(run, 0, "exit");
	cr_expect_not_null(strstr(run->child.out, "/word says from the tree\n"), "%s: %s",
			   run->child.out, run->child.err);
	cr_expect_str_eq(root_text(run, "kind"), kind);
	cr_expect(digest_text_valid(run_text(run, "artifacts.rootfsHash")));
	cr_expect_str_eq(run_text(run, "artifacts.rootfsHash"), root_text(run, "hash"));
}
