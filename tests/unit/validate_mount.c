/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/resolve.h"

#include "tests/support/child.h"
#include "tests/unit/validate_run.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * A tree of the host:
 *   in/dir  in/file  in/fifo  inside (its name starts as in's does)  out/dir
 *   in/link -> dir   in/leaves -> ../out/dir   in/proc -> /proc/self   in/loop -> loop
 *   in/magic -> /proc/self/fd/0   in/dangling -> nowhere   in/bad -> a name that is not UTF-8
 *   link -> in
 */
static char *tree;

static void make(const char *name, const char *target, mode_t mode)
{
	char *path = run_format("%s/%s", tree, name);

	if (target != NULL)
		cr_assert_eq(symlink(target, path), 0, "%s", path);
	else if (S_ISDIR(mode))
		cr_assert_eq(mkdir(path, 0755), 0, "%s", path);
	else
		cr_assert_eq(mknod(path, mode | 0644, 0), 0, "%s", path);
	free(path);
}

static void make_tree(void)
{
	char *made = child_make_dir("validate-mount");

	/* TMPDIR may be a link itself. */
	tree = realpath(made, NULL);
	free(made);
	cr_assert_not_null(tree);
	make("in", NULL, S_IFDIR);
	make("in/dir", NULL, S_IFDIR);
	make("in/dir/below", NULL, S_IFDIR);
	make("in/file", NULL, S_IFREG);
	make("in/fifo", NULL, S_IFIFO);
	make("in/\xff", NULL, S_IFDIR);
	make("inside", NULL, S_IFDIR);
	make("out", NULL, S_IFDIR);
	make("out/dir", NULL, S_IFDIR);
	make("in/link", "dir", 0);
	make("in/leaves", "../out/dir", 0);
	make("in/proc", "/proc/self", 0);
	make("in/magic", "/proc/self/fd/0", 0);
	make("in/root", "/proc/self/root", 0);
	make("in/loop", "loop", 0);
	make("in/dangling", "nowhere", 0);
	make("in/bad", "\xff", 0);
	make("in/null", "/dev/null", 0);
	make("link", "in", 0);
}

static void remove_tree(void)
{
	child_remove_dir(tree);
	free(tree);
}

TestSuite(validate_mount, .init = make_tree, .fini = remove_tree);

static void validate(const char *source, const char *target, struct run *run)
{
	char *allowlist = run_format("schemaVersion: safe-run.mount-allowlist/v1\n"
				     "hostAllowPrefixes: [%s//in/.]\n"
				     "guestAllowPrefixes: [/data, /]\n",
				     tree);
	char *policy = run_format(RUN_HEAD RUN_COMMAND RUN_RESOURCES RUN_AUDIT
				  "mounts: [{source: \"%s\", target: \"%s\", read_only: true}]\n",
				  source, target);

	run_validate(policy, strlen(policy), NULL, allowlist, run);
	free(policy);
	free(allowlist);
}

static const struct {
	const char *source;   /* below the tree */
	const char *leads_to; /* NULL: refused */
	const char *type_or_words;
} sources[] = {
	{"in", "in", "directory"},
	{"in/", "in", "directory"},
	{"in/dir", "in/dir", "directory"},
	{"in/file", "in/file", "file"},
	{"/in//./dir/", "in/dir", "directory"},
	{"in/dir/../file", "in/file", "file"},
	{"out/../in/dir", "in/dir", "directory"},
	{"in/link", "in/dir", "directory"},
	{"in/link/below", "in/dir/below", "directory"},
	{"in/link/../file", "in/file", "file"}, /* the kernel's .., not the text's */
	{"link/dir", "in/dir", "directory"},
	{"in/leaves", NULL, "outside what may be mounted"},
	{"in/leaves/..", NULL, "outside what may be mounted"},
	{"in/..", NULL, "outside what may be mounted"},
	{"inside", NULL, "outside what may be mounted"},
	{"out/dir", NULL, "outside what may be mounted"},
	{"", NULL, "outside what may be mounted"},
	{"in/proc", NULL, "never mounted into a sandbox"},
	{"in/null", NULL, "never mounted into a sandbox"},
	{"in/magic", NULL, "a link of /proc"},
	{"in/root", NULL, "a link of /proc"},
	{"in/root/etc", NULL, "a link of /proc"},
	{"in/loop", NULL, "a loop of links"},
	{"in/dangling", NULL, "does not exist"},
	{"in/nowhere", NULL, "does not exist"},
	{"in/file/x", NULL, "no directory"},
	{"in/fifo", NULL, "neither a directory nor a regular file"},
	{"in/bad", NULL, "not UTF-8"},
};

static void check_source(size_t i)
{
	struct run run RUN_CLEANUP;
	char *source = run_format("%s/%s", tree, sources[i].source);
	char *expected;

	validate(source, "/data/x", &run);
	if (sources[i].leads_to == NULL) {
		cr_expect(!run.valid, "%s", source);
		cr_expect_eq(strncmp(run.errors, "SR-POL-101 mounts[0].source: ", 29), 0, "%s: %s",
			     source, run.errors);
		cr_expect_not_null(strstr(run.errors, sources[i].type_or_words), "%s: %s", source,
				   run.errors);
	} else {
		struct stat status;

		expected = run_format(
			"\"mounts\":[{\"noexec\":false,\"read_only\":true,\"source\":\"%s/%s\","
			"\"target\":\"/data/x\"}]",
			tree, sources[i].leads_to);
		cr_expect(run.valid, "%s: %s", source, run.errors);
		cr_expect_not_null(strstr(run.policy, expected), "%s: %s", expected, run.policy);
		free(expected);
		cr_assert_eq(stat(source, &status), 0);
		expected = run_format("\"mounts\":[{\"device\":\"%ju\",\"inode\":\"%ju\","
				      "\"path\":\"%s/%s\",\"type\":\"%s\"}]",
				      (uintmax_t)status.st_dev, (uintmax_t)status.st_ino, tree,
				      sources[i].leads_to, sources[i].type_or_words);
		cr_expect_not_null(strstr(run.facts, expected), "%s: %s", expected, run.facts);
		free(expected);
	}
	free(source);
}

Test(validate_mount, sources)
{
	for (size_t i = 0; i < COUNT(sources); i++)
		check_source(i);
}

/* An allowlist that names everything opens neither kernel file systems nor the sandbox itself. */
Test(validate_mount, invariants)
{
	static const char allowlist[] = "schemaVersion: safe-run.mount-allowlist/v1\n"
					"hostAllowPrefixes: [/, /proc, /dev]\n"
					"guestAllowPrefixes: [/, /etc, /usr]\n";
	static const struct {
		const char *source, *target, *error;
	} cases[] = {
		{"/usr", "/home/x", NULL},
		{"/", "/anything", "SR-POL-101"}, /* what is mounted below comes along */
		{"/usr/..", "/anything", "SR-POL-101"},
		{"/proc/self", "/data", "SR-POL-101"},
		{"/dev/shm", "/data", "SR-POL-101"},
		{"/sys", "/data", "SR-POL-101"},
		{"/usr", "/", "SR-POL-102"},
		{"/usr", "/etc/x", "SR-POL-102"},
		{"/usr", "/usr/x", "SR-POL-102"},
		{"/usr", "/lib64", "SR-POL-102"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct run run RUN_CLEANUP;
		char *policy = run_format(RUN_HEAD RUN_COMMAND RUN_RESOURCES RUN_AUDIT
					  "mounts: [{source: %s, target: %s, read_only: true}]\n",
					  cases[i].source, cases[i].target);

		run_validate(policy, strlen(policy), NULL, allowlist, &run);
		cr_expect_eq(run.valid, cases[i].error == NULL, "%s: %s", policy, run.errors);
		if (cases[i].error != NULL)
			cr_expect_eq(strncmp(run.errors, cases[i].error, 10), 0, "%s", run.errors);
		free(policy);
	}
}

Test(validate_mount, aliases_become_names)
{
	struct run run RUN_CLEANUP;
	char *allowlist = run_format("schemaVersion: safe-run.mount-allowlist/v1\n"
				     "hostAllowPrefixes: [%s]\nguestAllowPrefixes: [/mnt]\n",
				     tree);
	char *policy =
		run_format(RUN_HEAD RUN_COMMAND RUN_RESOURCES RUN_AUDIT
			   "mounts: [{hostPath: %s/in, guestPath: /mnt//a/, readOnly: true},"
			   " {source: %s/in, target: /mnt/ab, read_only: true, noexec: true}]\n",
			   tree, tree);
	char *expected = run_format(
		"\"mounts\":[{\"noexec\":false,\"read_only\":true,\"source\":\"%s/"
		"in\",\"target\":\"/mnt/a\"},"
		"{\"noexec\":true,\"read_only\":true,\"source\":\"%s/in\",\"target\":\"/mnt/ab\"}]",
		tree, tree);

	run_validate(policy, strlen(policy), NULL, allowlist, &run);
	cr_expect(run.valid, "%s", run.errors);
	cr_expect_not_null(strstr(run.policy, expected), "%s", run.policy);
	free(expected);
	free(policy);
	free(allowlist);
}

Test(validate_mount, rootfs)
{
	static const struct {
		const char *name, *leads_to;
	} cases[] = {{"in/link", "in/dir"}, {"in/file", "in/file"}, {"in/fifo", NULL},
		     {"in/magic", NULL},    {"in/proc", NULL},	    {"in/nowhere", NULL}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct run run RUN_CLEANUP;
		char *policy = run_format(RUN_HEAD RUN_RESOURCES RUN_AUDIT RUN_MOUNTS
					  "runtime: {command: /x, args: [], rootfs: %s/%s}\n",
					  tree, cases[i].name);
		char *expected = run_format("\"rootfs\":\"%s/%s\"", tree,
					    cases[i].leads_to != NULL ? cases[i].leads_to : "");

		run_validate(policy, strlen(policy), NULL, NULL, &run);
		cr_expect_eq(run.valid, cases[i].leads_to != NULL, "%s: %s", policy, run.errors);
		if (cases[i].leads_to != NULL)
			cr_expect_not_null(strstr(run.policy, expected), "%s", run.policy);
		else
			cr_expect_not_null(strstr(run.errors, " runtime.rootfs: "));
		free(expected);
		free(policy);
	}
}

#define VERSION "schemaVersion: safe-run.mount-allowlist/v1\n"

static const struct {
	const char *text, *error;
} allowlists[] = {
	{"", "SR-POL-101 mountAllowlist: "},
	{"[]", "SR-POL-101 mountAllowlist: "},
	{"a: &x b\n", "SR-POL-101 mountAllowlist: "},
	{VERSION "guestAllowPrefixes: []\n", "SR-POL-101 mountAllowlist.hostAllowPrefixes: "},
	{VERSION "hostAllowPrefixes: []\n", "SR-POL-101 mountAllowlist.guestAllowPrefixes: "},
	{"hostAllowPrefixes: []\nguestAllowPrefixes: []\n",
	 "SR-POL-101 mountAllowlist.schemaVersion: "},
	{"schemaVersion: v1\nhostAllowPrefixes: []\nguestAllowPrefixes: []\n",
	 "SR-POL-101 mountAllowlist.schemaVersion: "},
	{VERSION "hostAllowPrefixes: [/a, data]\nguestAllowPrefixes: []\n",
	 "SR-POL-101 mountAllowlist.hostAllowPrefixes[1]: "},
	{VERSION "hostAllowPrefixes: [no, /usr]\nguestAllowPrefixes: [/data]\n",
	 "SR-POL-101 mountAllowlist.hostAllowPrefixes[0]: "},
	{VERSION "hostAllowPrefixes: []\nguestAllowPrefixes: [/a/../b]\n",
	 "SR-POL-101 mountAllowlist.guestAllowPrefixes[0]: "},
	{VERSION "hostAllowPrefixes: ~\nguestAllowPrefixes: []\n",
	 "SR-POL-101 mountAllowlist.hostAllowPrefixes: "},
	{VERSION "hostAllowPrefixes: /data\nguestAllowPrefixes: []\n",
	 "SR-POL-101 mountAllowlist.hostAllowPrefixes: "},
	{VERSION "hostAllowPrefixes: [no]\nguestAllowPrefixes: []\n",
	 "SR-POL-101 mountAllowlist.hostAllowPrefixes[0]: "},
	{VERSION "hostAllowPrefix: []\nhostAllowPrefixes: []\nguestAllowPrefixes: []\n",
	 "SR-POL-101 mountAllowlist.hostAllowPrefix: "},
};

Test(validate_mount, allowlist_refused)
{
	/* A mount that the good half of a broken list would allow. */
	static const char policy[] = RUN_HEAD RUN_COMMAND RUN_RESOURCES RUN_AUDIT
		"mounts: [{source: /usr, target: /data, read_only: true}]\n";

	for (size_t i = 0; i < COUNT(allowlists); i++) {
		struct run run RUN_CLEANUP;

		run_validate(policy, strlen(policy), NULL, allowlists[i].text, &run);
		cr_expect(!run.valid, "%s", allowlists[i].text);
		cr_expect_eq(strncmp(run.errors, allowlists[i].error, strlen(allowlists[i].error)),
			     0, "%s: %s", allowlists[i].error, run.errors);
		cr_expect_not_null(strstr(run.errors, "SR-POL-101 mounts[0].source: "), "%s: %s",
				   allowlists[i].text, run.errors);
		cr_expect_not_null(strstr(run.errors, "SR-POL-102 mounts[0].target: "), "%s: %s",
				   allowlists[i].text, run.errors);
	}
}

/* An empty list allows nothing; a broken one too, whatever its other half says. */
Test(validate_mount, allowlist_empty_allows_nothing)
{
	struct run run RUN_CLEANUP;
	char *policy = run_format(RUN_HEAD RUN_COMMAND RUN_RESOURCES RUN_AUDIT
				  "mounts: [{source: %s/in, target: /data, read_only: true}]\n",
				  tree);

	run_validate(policy, strlen(policy), NULL,
		     VERSION "hostAllowPrefixes: []\nguestAllowPrefixes: []\n", &run);
	cr_expect_not_null(strstr(run.errors, "SR-POL-101 mounts[0].source: "));
	cr_expect_not_null(strstr(run.errors, "SR-POL-102 mounts[0].target: "));
	free(policy);
}

/* Puts a new directory in path's place, over and over: path is there at every moment. */
static pid_t start_flipper(const char *path)
{
	char *next = run_format("%s-next", path);
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (pid == 0) {
		mkdir(next, 0755);
		rename(next, path);
	}
	free(next);
	return pid;
}

/*
 * The kernel calls a directory that was removed meanwhile "<name> (deleted)". Somebody made a
 * directory of that very name: it must not be taken for the one that was asked for.
 */
Test(validate_mount, removed_while_looked_at)
{
	char *path = run_format("%s/flip", tree);
	size_t taken_for_it = 0;
	size_t seen = 0;
	pid_t pid;

	make("flip", NULL, S_IFDIR);
	make("flip (deleted)", NULL, S_IFDIR);
	pid = start_flipper(path);
	for (int round = 0; round < 30000; round++) {
		struct document document DOCUMENT_CLEANUP;
		struct resolve_facts facts;

		document_init(&document);
		if (resolve_path(path, &document, &facts) != 0)
			continue;
		taken_for_it += strcmp(facts.path, path) != 0;
		seen++;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	cr_expect_eq(taken_for_it, 0);
	cr_expect_gt(seen, 0);
	free(path);
}

/* Against the host as the test itself sees it. */
static char *expected_root_fact(const char *path)
{
	struct stat status;
	char target[4096];
	char *resolved, *fact;
	ssize_t len;

	if (lstat(path, &status) < 0 ||
	    !(S_ISDIR(status.st_mode) || S_ISREG(status.st_mode) || S_ISLNK(status.st_mode)))
		return run_format("{\"path\":\"%s\",\"type\":\"absent\"}", path);
	if (!S_ISLNK(status.st_mode))
		return run_format("{\"path\":\"%s\",\"type\":\"%s\"}", path,
				  S_ISDIR(status.st_mode) ? "directory" : "file");
	if (strcmp(path, "/etc/localtime") == 0) {
		resolved = realpath(path, NULL);
		if (resolved == NULL)
			return run_format("{\"path\":\"%s\",\"type\":\"absent\"}", path);
		fact = run_format("{\"path\":\"%s\",\"resolved\":\"%s\",\"type\":\"file\"}", path,
				  resolved);
		free(resolved);
		return fact;
	}
	len = readlink(path, target, sizeof(target) - 1);
	cr_assert_gt(len, 0);
	target[len] = '\0';
	return run_format("{\"path\":\"%s\",\"target\":\"%s\",\"type\":\"symlink\"}", path, target);
}

Test(validate_mount, host_root_facts)
{
	static const char *const paths[] = {"/usr",
					    "/bin",
					    "/sbin",
					    "/lib",
					    "/lib32",
					    "/lib64",
					    "/libx32",
					    "/etc/alternatives",
					    "/etc/ld.so.cache",
					    "/etc/ld.so.conf",
					    "/etc/ld.so.conf.d",
					    "/etc/localtime",
					    "/etc/nsswitch.conf",
					    "/etc/protocols",
					    "/etc/services",
					    "/etc/ssl/certs",
					    "/etc/ssl/openssl.cnf",
					    "/etc/ca-certificates",
					    "/etc/mime.types",
					    "/etc/magic"};
	struct run run RUN_CLEANUP;
	char *expected;
	size_t len;
	FILE *out = open_memstream(&expected, &len);

	fputs("{\"allowlist\":{\"guestAllowPrefixes\":[\"/data\",\"/input\",\"/mnt\",\"/opt\","
	      "\"/srv\",\"/work/in\"],\"hostAllowPrefixes\":[\"/var/lib/safe-run\",\"/data\"],"
	      "\"origin\":\"built-in\"},\"mounts\":[],\"root\":[",
	      out);
	for (size_t i = 0; i < COUNT(paths); i++) {
		char *fact = expected_root_fact(paths[i]);

		fprintf(out, "%s%s", i > 0 ? "," : "", fact);
		free(fact);
	}
	fputs("],\"rootfs\":null}", out);
	fclose(out);
	/* Also when the policy is refused: the record has one form. */
	run_validate("x", 1, NULL, NULL, &run);
	cr_expect_str_eq(run.facts, expected);
	free(expected);
}
