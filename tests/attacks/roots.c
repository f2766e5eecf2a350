/* SPDX-License-Identifier: Apache-2.0 */
/* FD5, FD6: a root of the attacker's own making. Ids as in SECURITY.md. */
#include "tests/attacks/run.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096
#define PROGRAM	  ATTACK_INSIDE "/rootlook"
#define CORE	  "/proc/sys/kernel/core_pattern"

struct item {
	const char *path; /* below the root */
	char type;	  /* f file, d directory, l link, p FIFO */
	const char *data;
};

static void make(const char *root, const struct item *item)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof path, "%s/%s", root, item->path);
	if (item->type == 'd')
		cr_assert_eq(mkdir(path, 0755), 0, "%s", path);
	else if (item->type == 'l')
		cr_assert_eq(symlink(item->data, path), 0, "%s", path);
	else if (item->type == 'p')
		cr_assert_eq(mkfifo(path, 0644), 0, "%s", path);
	else
		child_write_file(path, item->data, strlen(item->data));
	if (item->type == 'f')
		cr_assert_eq(chmod(path, 0644), 0);
}

/* A root with these items, run with the program that looks; the tree is as it was afterwards. */
static void run_in(struct attack *attack, const struct item *items, size_t count, char **root)
{
	const char *argv[] = {PROGRAM, "/file", "/evil", NULL};
	const struct item file = {"file", 'f', "of the root\n"};
	char value[PATH_SIZE];

	attack_open(attack, argv);
	*root = child_make_dir("root");
	cr_assert_eq(chmod(*root, 0755), 0);
	make(*root, &file);
	for (size_t i = 0; i < count; i++)
		make(*root, &items[i]);
	snprintf(value, sizeof value, "\"%s\"", *root);
	attack_set(attack, "runtime.rootfs", value);
	attack_set(attack, "runtime.seccomp", "\"standard\"");
	attack_run(attack);
}

static void done(struct attack *attack, char *root)
{
	attack_close(attack);
	child_remove_dir(root);
	free(root);
}

static void expect_ours(const struct attack *attack, size_t which)
{
	static const struct {
		const char *name, *expected;
	} said[] = {
		{"proc", "1"},	       {"self", "1"},	 {"sysctl", "ENOENT"},
		{"null", "1"},	       {"zero", "1"},	 {"urandom", "1"},
		{"console", "ENOENT"}, {"written", "8"}, {"/file", "says of the root"},
	};

	attack_expect_finished(attack);
	for (size_t i = 0; i < sizeof said / sizeof *said; i++)
		cr_expect_str_eq(attack_said(attack->result.out, said[i].name), said[i].expected,
				 "%zu: %s", which, said[i].name);
}

/* FD5: privileged steps read and write the real procfs, whatever the root has under that name. */
Test(attacks, FD5_root_with_a_proc_of_its_own)
{
	static const struct item cases[][4] = {
		{{"proc", 'd', NULL},
		 {"proc/self", 'd', NULL},
		 {"proc/self/status", 'f', "Uid:\t0\n"}},
		{{"proc", 'l', "/"}},
		{{"proc", 'l', "/proc/1/root/proc"}},
		{{"proc", 'l', "proc"}},
		{{"proc", 'f', "a file\n"}},
		{{"proc", 'p', NULL}},
		{{"real", 'd', NULL}, {"proc", 'l', "real"}},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t count = 0;
		struct attack attack;
		char *root;

		while (count < 4 && cases[i][count].path != NULL)
			count++;
		run_in(&attack, cases[i], count, &root);
		expect_ours(&attack, i);
		done(&attack, root);
	}
}

/* FD6: nothing below the root's /dev is followed, written to, or seen. */
Test(attacks, FD6_root_with_devices_of_its_own)
{
	static const struct item cases[][4] = {
		{{"dev", 'l', "/proc/sys/kernel"}},
		{{"dev", 'd', NULL},
		 {"dev/null", 'l', CORE},
		 {"dev/console", 'l', CORE},
		 {"dev/zero", 'f', "x"}},
		{{"dev", 'f', "a file\n"}},
		{{"dev", 'd', NULL}, {"dev/pts", 'l', "/"}, {"dev/shm", 'l', "/tmp"}},
	};
	char *before = child_read_file(CORE, NULL), *after;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t count = 0;
		struct attack attack;
		char *root;

		while (count < 4 && cases[i][count].path != NULL)
			count++;
		run_in(&attack, cases[i], count, &root);
		expect_ours(&attack, i);
		done(&attack, root);
	}
	after = child_read_file(CORE, NULL);
	cr_expect_str_eq(after, before);
	free(before);
	free(after);
}

/* Links at the top and in the middle are the sandbox's, and lead to its own files or nowhere. */
Test(attacks, FD5_links_of_a_root_end_in_the_sandbox)
{
	static const struct {
		const char *target, *expected;
	} cases[] = {
		{"/file", "says of the root"},
		{"/proc/1/root/etc/passwd", "EACCES"},
		{"../../../../etc/passwd", "ENOENT"},
		{"/etc/shadow", "ENOENT"},
		{"/proc/self/root/file", "says of the root"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct item link = {"evil", 'l', cases[i].target};
		struct attack attack;
		const char *said;
		char *root;

		run_in(&attack, &link, 1, &root);
		expect_ours(&attack, i);
		said = attack_said(attack.result.out, "/evil");
		/* The sandbox's pid 1 is hidden (hidepid), or not ours to look into. */
		if (i == 1)
			cr_expect(strcmp(said, "EACCES") == 0 || strcmp(said, "ENOENT") == 0, "%s",
				  said);
		else
			cr_expect_str_eq(said, cases[i].expected, "%s", cases[i].target);
		done(&attack, root);
	}
}

/* The sandbox's own mount points are not made through links of the root. */
Test(attacks, FD5_no_mount_goes_through_a_link_of_a_root)
{
	static const struct {
		const char *name, *field, *value;
	} cases[] = {
		{"work", "runtime.workdir", "\"/work\""},
		{"srv", "runtime.workdir", "\"/srv/deep\""},
		{"opt", NULL, NULL}, /* where the attack programs go */
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *argv[] = {PROGRAM, NULL};
		char *root = child_make_dir("root"), *outside = child_make_dir("outside");
		struct item link = {cases[i].name, 'l', outside};
		char value[PATH_SIZE];
		struct attack attack;

		attack_open(&attack, argv);
		cr_assert_eq(chmod(root, 0755), 0);
		make(root, &link);
		snprintf(value, sizeof value, "\"%s\"", root);
		attack_set(&attack, "runtime.rootfs", value);
		if (cases[i].field != NULL)
			attack_set(&attack, cases[i].field, cases[i].value);
		attack_run(&attack);
		attack_expect_refused(&attack, "SR-RUN-");
		cr_expect_eq(rmdir(outside), 0, "something was made outside");
		free(outside);
		done(&attack, root);
	}
}
