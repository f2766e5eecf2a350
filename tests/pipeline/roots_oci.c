/* SPDX-License-Identifier: Apache-2.0 */
/* runtime.rootfs in whole runs: OCI images, and the store they are unpacked into. */
#include "tests/pipeline/root_place.h"
#include "tests/support/oci.h"

#include "stages/seal/digest.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The example, with an image that is there: its one program is the one it names. */
Test(roots, the_policy_people_start_from)
{
	static const char there[] = "rootfs: /var/lib/safe-run/images/busybox.tar";
	char *example = run_policy("rootfs.yaml"), *text = child_read_file(example, NULL);
	char *path = root_program(), data[2 * PATH_SIZE], policy[4 * PATH_SIZE];
	struct oci_layer_spec layer = {OCI_GZIP, {{"bin/busybox", 'f', data, 0755}}};
	char archive[PATH_SIZE], layout[PATH_SIZE];
	struct root_place place;
	struct run run;
	char *at;

	root_place_open(&place);
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
	root_place_close(&place);
}

static void make_oci(const struct root_place *place, const char *name, char out[PATH_SIZE])
{
	char *path = root_program(), data[2 * PATH_SIZE];
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
	struct root_place place;
	struct run run;

	root_place_open(&place);
	make_oci(&place, "layout", layout);
	snprintf(archive, sizeof archive, "%s.tar", layout);
	oci_archive(layout, archive, OCI_GZIP);
	root_run(&run, &place, layout);
	root_expect_ran(&run, "oci");
	cr_expect_str_eq(root_text(&run, "format"), "oci-layout");
	snprintf(hash, sizeof hash, "%s", run_text(&run, "artifacts.rootfsHash"));
	run_release(&run);
	/* Again from the store, and then the same tree by way of an archive. */
	root_run(&run, &place, layout);
	root_expect_ran(&run, "oci");
	cr_expect_str_eq(run_text(&run, "artifacts.rootfsHash"), hash);
	run_release(&run);
	root_run(&run, &place, archive);
	root_expect_ran(&run, "oci");
	cr_expect_str_eq(run_text(&run, "artifacts.rootfsHash"), hash);
	run_release(&run);
	root_place_close(&place);
}

/* Both unpack the same image into an empty store at once; both run, one tree is there. */
Test(roots, two_at_once)
{
	char layout[PATH_SIZE], path[PATH_SIZE];
	struct root_place place;
	pid_t pids[4];
	size_t trees = 0;
	DIR *list;

	root_place_open(&place);
	make_oci(&place, "layout", layout);
	root_write_policy(&place, layout, "");
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
	root_place_close(&place);
}

/* A broken image leaves nothing behind, and what a killed run left is no obstacle. */
Test(roots, the_store_holds_whole_trees_only)
{
	char layout[PATH_SIZE], path[PATH_SIZE + 64];
	struct root_place place;
	struct run run;
	DIR *list;
	size_t count = 0;

	root_place_open(&place);
	make_oci(&place, "layout", layout);
	cr_assert_eq(mkdir(place.store, 0700), 0);
	snprintf(path, sizeof path, "%s/work", place.store);
	cr_assert_eq(mkdir(path, 0700), 0);
	strcat(path, "/unpack");
	cr_assert_eq(mkdir(path, 0700), 0);
	strcat(path, "/root");
	cr_assert_eq(mkdir(path, 0700), 0);
	root_run(&run, &place, layout);
	root_expect_ran(&run, "oci");
	run_release(&run);
	/* The last blob that is no document is a layer: one byte more in it. */
	snprintf(path, sizeof path, "%s/broken", place.dir);
	cr_assert_eq(mkdir(path, 0755), 0);
	const struct oci_layer_spec layer = {OCI_GZIP, {{"a", 'f', "x", 0}}};

	oci_make(path, &layer, 1, OCI_DIGEST);
	root_run(&run, &place, path);
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
	root_place_close(&place);
}

/* Nobody else may be able to write where trees are run from. */
Test(roots, a_store_that_others_can_write_to_is_refused)
{
	char layout[PATH_SIZE];
	struct root_place place;
	struct run run;

	root_place_open(&place);
	make_oci(&place, "layout", layout);
	cr_assert_eq(mkdir(place.store, 0700), 0);
	cr_assert_eq(chmod(place.store, 0777), 0);
	root_run(&run, &place, layout);
	cr_expect_eq(run.child.status, 125);
	cr_expect_not_null(strstr(run.child.err, "nobody else can write"), "%s", run.child.err);
	run_release(&run);
	root_place_close(&place);
}

/* A directory needs none; whatever is unpacked does. */
Test(roots, without_a_store_only_directories)
{
	char layout[PATH_SIZE];
	struct root_place place;
	struct run run;

	root_place_open(&place);
	make_oci(&place, "layout", layout);
	cr_assert_eq(setenv("SAFE_RUN_STORE", "not/absolute", 1), 0);
	root_run(&run, &place, place.tree);
	root_expect_ran(&run, "directory");
	run_release(&run);
	root_run(&run, &place, layout);
	cr_expect_eq(run.child.status, 125);
	cr_expect(run_has_error(&run, "SR-OPS-001"));
	cr_expect_not_null(strstr(run.child.err, "no store for images"), "%s", run.child.err);
	run_release(&run);
	root_place_close(&place);
}
