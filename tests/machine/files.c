/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine sees of the host: mounts of all kinds and roots, as process isolation shows them. */
#include "stages/seal/digest.h"
#include "tests/machine/machine.h"
#include "tests/support/oci.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATH_SIZE 1024
#define TEXT_SIZE 16384

/* A place of the test's own: sources of mounts, an allowlist for them, a store. */
struct place {
	char *dir;
	char allowlist[PATH_SIZE], store[PATH_SIZE];
};

static void put(const char *dir, const char *name, const char *text, mode_t mode)
{
	char path[2 * PATH_SIZE];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	child_write_file(path, text, strlen(text));
	cr_assert_eq(chmod(path, mode), 0);
}

static void make_dir(const char *dir, const char *name, mode_t mode)
{
	char path[2 * PATH_SIZE];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	cr_assert(mkdir(path, mode) == 0 && chmod(path, mode) == 0, "%s", path);
}

static void place_open(struct place *place)
{
	char text[2 * PATH_SIZE];

	place->dir = child_make_dir("machine-files");
	cr_assert_eq(chmod(place->dir, 0755), 0);
	snprintf(place->allowlist, sizeof place->allowlist, "%s/allowlist.yaml", place->dir);
	snprintf(place->store, sizeof place->store, "%s/store", place->dir);
	snprintf(text, sizeof text,
		 "schemaVersion: safe-run.mount-allowlist/v1\nhostAllowPrefixes: [%s]\n"
		 "guestAllowPrefixes: [/data]\n",
		 place->dir);
	put(place->dir, "allowlist.yaml", text, 0644);
	cr_assert_eq(setenv("SAFE_RUN_STORE", place->store, 1), 0);
}

static void place_close(struct place *place)
{
	child_remove_dir(place->dir);
	free(place->dir);
}

/* The same policy with a kernel of its own and without. */
static void run_both(const struct place *place, const char *policy, struct run *machine,
		     struct run *process)
{
	const char *const options[] = {"--policy", "-", "--mount-allowlist", place->allowlist,
				       NULL};

	machine_run(machine, "good", options, NULL, policy, strlen(policy));
	run_start(process,
		  WORDS("--timeout", "50", "--memory", "128Mi", "--policy", "-",
			"--mount-allowlist", place->allowlist),
		  NULL, policy, strlen(policy));
}

#define POLICY                                                                                     \
	"apiVersion: policy.safe-run.dev/v1alpha1\nmetadata: {name: files}\n"                      \
	"resources: {cpu: {max: max 100000}, memory: {max: 128Mi}}\naudit: {level: basic}\n"

/*
 * Owners, modes and what can be read are the same in both. As root the files of strangers, of the
 * guest's usual first user among them, are theirs; as a user his own are the workload's.
 */
Test(machine_files, owners_are_as_in_process_isolation)
{
	static const char *const names[] = {"own", "closed", "shared", "group"};
	static const mode_t modes[] = {0600, 0000, 0644, 0640};
	char policy[TEXT_SIZE], data[PATH_SIZE], path[2 * PATH_SIZE];
	struct run machine, process;
	struct place place;

	place_open(&place);
	make_dir(place.dir, "data", 0755);
	snprintf(data, sizeof data, "%.900s/data", place.dir);
	for (size_t i = 0; i < 4; i++)
		put(data, names[i], names[i], modes[i]);
	make_dir(data, "shut", 0700);
	put(data, "shut/below", "below", 0644);
	for (size_t i = 0; geteuid() == 0 && i < 4; i++) {
		snprintf(path, sizeof path, "%s/of-%s", data, names[i]);
		put(data, path + strlen(data) + 1, "of", modes[i]);
		cr_assert_eq(chown(path, i < 2 ? 1000 : 12345, 1000), 0);
	}
	snprintf(policy, sizeof policy,
		 POLICY "runtime: {command: sh, args: [-c, 'for f in /data/* /data/shut/below; do "
			"stat -c \"%%n %%a %%u %%g\" $f; cat $f || echo no; done 2>/dev/null']}\n"
			"mounts: [{source: %s, target: /data, read_only: true}]\n",
		 data);
	run_both(&place, policy, &machine, &process);
	run_expect(&process, 0, "exit");
	run_expect(&machine, 0, "exit");
	cr_expect_str_eq(machine.child.out, process.child.out);
	cr_expect_eq(strstr(machine.child.out, "/data/own 600 1000 1000\nown") != NULL,
		     geteuid() != 0, "%s", machine.child.out);
	run_release(&machine);
	run_release(&process);
	place_close(&place);
}

/* What root's workload could not open without a machine is not on the guest's device either. */
Test(machine_files, hidden_content_stays_on_the_host)
{
	static const char secret[] = "a-secret-of-roots-own-that-nobody-is-to-see";
	char policy[TEXT_SIZE], data[PATH_SIZE], path[2 * PATH_SIZE];
	struct run machine;
	struct place place;
	const char *const argv[] = {"/usr/bin/grep", "-rlF", secret, path, NULL};
	struct child_result found;

	if (geteuid() != 0)
		cr_skip_test("an ordinary user's workload may read what he may");
	place_open(&place);
	make_dir(place.dir, "data", 0755);
	snprintf(data, sizeof data, "%.900s/data", place.dir);
	put(data, "hidden", secret, 0600);
	make_dir(data, "shut", 0700);
	put(data, "shut/below", secret, 0644);
	put(data, "shown", "shown", 0644);
	snprintf(policy, sizeof policy,
		 POLICY "runtime: {command: cat, args: [/data/shown]}\n"
			"mounts: [{source: %s, target: /data, read_only: true}]\n",
		 data);
	machine_run(&machine, "good", WORDS("--policy", "-", "--mount-allowlist", place.allowlist),
		    NULL, policy, strlen(policy));
	run_expect(&machine, 0, "exit");
	cr_expect_str_eq(machine.child.out, "shown");
	snprintf(path, sizeof path, "%s/volumes", place.store);
	child_run(argv, "", 0, NULL, &found);
	cr_expect_eq(found.status, 1, "%s", found.out);
	child_release(&found);
	run_release(&machine);
	place_close(&place);
}

/* Files by themselves, a directory, and more of them than the machine has devices. */
Test(machine_files, many_mounts_and_single_files)
{
	char policy[TEXT_SIZE] =
		POLICY "runtime: {command: sh, args: [-c, 'cat /data/*/f /data/*.txt; "
		       "echo x >/data/1.txt; ls -d /data/* | wc -l']}\nmounts:\n";
	char name[64], text[64], all[TEXT_SIZE] = "";
	struct run run;
	struct place place;
	size_t used;

	place_open(&place);
	for (int i = 10; i < 50; i++) {
		bool file = i >= 30;

		snprintf(name, sizeof name, file ? "%d.txt" : "%d", i);
		snprintf(text, sizeof text, "content of %d\n", i);
		if (!file)
			make_dir(place.dir, name, 0755);
		snprintf(name, sizeof name, file ? "%d.txt" : "%d/f", i);
		put(place.dir, name, text, 0644);
		strcat(all, text);
		used = strlen(policy);
		snprintf(name, sizeof name, file ? "%d.txt" : "%d", i);
		snprintf(policy + used, sizeof policy - used,
			 "  - {source: %s/%s, target: /data/%s, read_only: true}\n", place.dir,
			 name, name);
	}
	strcat(all, "40\n");
	machine_run(&run, "good", WORDS("--policy", "-", "--mount-allowlist", place.allowlist),
		    NULL, policy, strlen(policy));
	run_expect(&run, 0, "exit");
	cr_expect_str_eq(run.child.out, all);
	cr_expect_not_null(strstr(run.child.err, "Read-only file system"), "%s", run.child.err);
	cr_expect_eq(run_number(&run, "mountAudit.accepted"), 40);
	run_release(&run);
	place_close(&place);
}

/* --- roots --- */

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

#define ROOT_POLICY                                                                                \
	POLICY "runtime: {command: /bin/rootlook, args: [/word], rootfs: %s}\nmounts: []\n"

static void expect_root(struct run *run, const char *kind, const char *hash)
{
	run_expect(run, 0, "exit");
	cr_expect_not_null(strstr(run->child.out, "/word says from the tree\n"), "%s%s",
			   run->child.out, run->child.err);
	cr_expect_str_eq(root_text(run, "kind"), kind);
	cr_expect_str_eq(run_text(run, "artifacts.rootfsHash"), hash);
}

/* rootfsHash says the same of a root in both isolations: what is in it. */
static void expect_same_root(const struct place *place, const char *rootfs, const char *kind)
{
	char policy[TEXT_SIZE];
	struct run machine, process;

	snprintf(policy, sizeof policy, ROOT_POLICY, rootfs);
	run_both(place, policy, &machine, &process);
	expect_root(&process, kind, run_text(&process, "artifacts.rootfsHash"));
	expect_root(&machine, kind, run_text(&process, "artifacts.rootfsHash"));
	cr_expect(digest_text_valid(run_text(&machine, "artifacts.rootfsHash")));
	cr_expect_not_null(json_object_object_get(root_of(&machine), "volume"));
	run_release(&machine);
	run_release(&process);
}

/* Those used after a moment. */
static int count_volumes(const struct place *place, time_t after)
{
	char path[2 * PATH_SIZE];
	struct dirent **list = NULL;
	int count, found = 0;

	snprintf(path, sizeof path, "%s/volumes", place->store);
	count = scandir(path, &list, NULL, NULL);
	for (int i = 0; i < count; i++) {
		struct stat info;

		snprintf(path, sizeof path, "%s/volumes/%s", place->store, list[i]->d_name);
		found += list[i]->d_name[0] != '.' && stat(path, &info) == 0 &&
			 info.st_mtime > after;
		free(list[i]);
	}
	free(list);
	return found;
}

static void age_volumes(const struct place *place)
{
	const struct timespec times[] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	char path[2 * PATH_SIZE];
	struct dirent **list = NULL;
	int count;

	snprintf(path, sizeof path, "%s/volumes", place->store);
	count = scandir(path, &list, NULL, NULL);
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof path, "%s/volumes/%s", place->store, list[i]->d_name);
		if (list[i]->d_name[0] != '.')
			cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
		free(list[i]);
	}
	free(list);
}

static void read_program(char **bytes, size_t *len)
{
	*bytes = child_read_file(child_helper("attack/rootlook"), len);
	cr_assert_not_null(*bytes);
}

Test(machine_files, a_directory_is_a_root)
{
	char root[PATH_SIZE], path[2 * PATH_SIZE], *bytes;
	struct place place;
	size_t len;

	place_open(&place);
	make_dir(place.dir, "root", 0755);
	snprintf(root, sizeof root, "%.900s/root", place.dir);
	make_dir(root, "bin", 0755);
	read_program(&bytes, &len);
	snprintf(path, sizeof path, "%s/bin/rootlook", root);
	child_write_file(path, bytes, len);
	cr_assert_eq(chmod(path, 0755), 0);
	put(root, "word", "from the tree\n", 0644);
	expect_same_root(&place, root, "directory");
	/* From the store, which notes it; and then another one, for the tree is another. */
	age_volumes(&place);
	expect_same_root(&place, root, "directory");
	cr_expect_eq(count_volumes(&place, 1000), 1);
	put(root, "more", "", 0644);
	expect_same_root(&place, root, "directory");
	cr_expect_eq(count_volumes(&place, 0), 2);
	free(bytes);
	place_close(&place);
}

Test(machine_files, an_oci_image_is_a_root)
{
	char layout[PATH_SIZE], archive[PATH_SIZE + 8], data[2 * PATH_SIZE];
	struct oci_layer_spec layers[] = {
		{OCI_GZIP,
		 {{"bin/", 'd', NULL, 0},
		  {"bin/rootlook", 'f', data, 0755},
		  {"word", 'f', "wrong\n", 0644}}},
		{OCI_ZSTD, {{"word", 'f', "from the tree\n", 0644}}},
	};
	struct place place;

	place_open(&place);
	snprintf(data, sizeof data, "@%s", child_helper("attack/rootlook"));
	snprintf(layout, sizeof layout, "%.900s/layout", place.dir);
	cr_assert_eq(mkdir(layout, 0755), 0);
	oci_make(layout, layers, 2, OCI_RIGHT);
	expect_same_root(&place, layout, "oci");
	snprintf(archive, sizeof archive, "%s.tar", layout);
	oci_archive(layout, archive, OCI_GZIP);
	expect_same_root(&place, archive, "oci");
	place_close(&place);
}

/* A file of the policy's own, and one that others could change: that one is copied first. */
Test(machine_files, an_image_is_a_root)
{
	char from[PATH_SIZE * 4], image[PATH_SIZE], policy[TEXT_SIZE], hash[DIGEST_TEXT_SIZE];
	const mode_t modes[] = {0644, 0666};
	struct place place;
	uint8_t value[DIGEST_SIZE];
	size_t len;
	char *bytes;

	place_open(&place);
	snprintf(from, sizeof from, "%s/good/rootfs.erofs", child_helper("artifacts"));
	bytes = child_read_file(from, &len);
	cr_assert_not_null(bytes);
	cr_assert_eq(digest_prewarm(), 0);
	digest_bytes(bytes, len, value);
	digest_text(value, hash);
	snprintf(image, sizeof image, "%.900s/root.img", place.dir);
	child_write_file(image, bytes, len);
	snprintf(policy, sizeof policy,
		 POLICY "runtime: {command: uname, args: [-n], rootfs: %s}\nmounts: []\n", image);
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		struct run run;

		cr_assert_eq(chmod(image, modes[i]), 0);
		machine_run(&run, "good", WORDS("--policy", "-"), NULL, policy, strlen(policy));
		run_expect(&run, 0, "exit");
		cr_expect_str_eq(run.child.out, "safe-run\n");
		cr_expect_str_eq(root_text(&run, "kind"), "image");
		cr_expect_str_eq(run_text(&run, "artifacts.rootfsHash"), hash);
		run_release(&run);
	}
	free(bytes);
	place_close(&place);
}
