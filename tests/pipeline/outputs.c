/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs of whole runs: brought back, compared, applied, removed. Hostile ones: tests/attacks. */
#include "tests/pipeline/run.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *join(const char *dir, const char *name)
{
	char *path = NULL;

	cr_assert_gt(asprintf(&path, "%s/%s", dir, name), 0);
	return path;
}

static void write_text(const char *dir, const char *name, const char *text)
{
	char *path = join(dir, name);

	child_write_file(path, text, strlen(text));
	free(path);
}

/* A file's text, in the caller's hands; "" when there is none. */
static char *read_text(const char *dir, const char *name)
{
	char *path = join(dir, name);
	char *text = child_read_file(path, NULL);

	free(path);
	return text != NULL ? text : strdup("");
}

static void expect_text(const char *dir, const char *name, const char *expected)
{
	char *text = read_text(dir, name);

	cr_expect_str_eq(text, expected, "%s/%s: %s", dir, name, text);
	free(text);
}

static const char *policy_in(char *dir, const char *mounts, const char *outputs)
{
	char text[2048];

	snprintf(text, sizeof text,
		 "{\"apiVersion\":\"policy.safe-run.dev/v1alpha1\",\"audit\":{\"level\":\"basic\"},"
		 "\"metadata\":{\"name\":\"outputs\"},\"mounts\":%s,\"outputs\":%s,"
		 "\"resources\":{\"cpu\":{\"max\":\"100000 "
		 "100000\"},\"memory\":{\"max\":\"256Mi\"}},"
		 "\"runtime\":{\"args\":[],\"command\":\"/bin/true\",\"timeoutSec\":30}}",
		 mounts, outputs);
	write_text(dir, "policy.json", text);
	return join(dir, "policy.json");
}

/* A dataset comes in through a mount, a result goes out, and its hash is what sha256sum prints. */
Test(outputs, dataset_in_result_out)
{
	static const char script[] =
		"import csv, json\n"
		"rows = list(csv.DictReader(open('/data/in/sales.csv')))\n"
		"total = {}\n"
		"for row in rows:\n"
		"    total[row['who']] = total.get(row['who'], 0) + int(row['sum'])\n"
		"json.dump(total, open('result.json', 'w'), sort_keys=True)\n";
	char *dir = child_make_dir("sr-outputs"), mounts[512], *line, *copy, wanted[256];
	const char *policy, *allow;
	struct child_result sum;
	struct run run;

	char *in = join(dir, "in"), *data = join(dir, "in/sales.csv");

	/* As root the command is another user, who reads it like anybody. */
	cr_assert_eq(mkdir(in, 0755), 0);
	write_text(in, "sales.csv", "who,sum\nann,3\nbob,4\nann,5\n");
	cr_assert_eq(chmod(in, 0755) | chmod(data, 0644), 0);
	snprintf(mounts, sizeof mounts,
		 "[{\"source\":\"%s/in\",\"target\":\"/data/in\",\"read_only\":true}]", dir);
	policy = policy_in(dir, mounts, "[{\"path\":\"result.json\"}]");
	snprintf(mounts, sizeof mounts,
		 "{\"schemaVersion\":\"safe-run.mount-allowlist/v1\",\"hostAllowPrefixes\":"
		 "[\"%s\"],\"guestAllowPrefixes\":[\"/data\"]}",
		 dir);
	write_text(dir, "allow.json", mounts);
	allow = join(dir, "allow.json");
	run_start(&run, WORDS("--policy", policy, "--mount-allowlist", allow),
		  WORDS("/usr/bin/python3", "-c", script), "", 0);
	run_expect(&run, 0, "exit");
	copy = join(run.dir, "artifacts/outputs/result.json");
	child_run(WORDS("/usr/bin/sha256sum", copy), "", 0, NULL, &sum);
	line = read_text(run.dir, "artifacts/outputs.ndjson");
	snprintf(wanted, sizeof wanted, "\"sha256\":\"sha256:%.64s\",\"size\":20,", sum.out);
	cr_expect(strstr(line, wanted), "%s: %s", wanted, line);
	expect_text(run.dir, "artifacts/outputs/result.json", "{\"ann\": 8, \"bob\": 4}");
	child_release(&sum);
	/* And the list's own hash is the report's. */
	free(copy);
	copy = join(run.dir, "artifacts/outputs.ndjson");
	child_run(WORDS("/usr/bin/sha256sum", copy), "", 0, NULL, &sum);
	snprintf(wanted, sizeof wanted, "sha256:%.64s", sum.out);
	cr_expect_str_eq(run_text(&run, "outputs.manifestHash"), wanted);
	cr_expect(run_has_event(&run, "outputs.collected"));
	child_release(&sum);
	free(line);
	free(copy);
	free((char *)policy);
	free((char *)allow);
	free(in);
	free(data);
	run_release(&run);
	child_remove_dir(dir);
	free(dir);
}

/* Neither a bit of the run nor a second name decides what it is called: the same tree, one hash. */
Test(outputs, same_tree_same_hash)
{
	static const char *const orders[] = {"mkdir o; for f in b a c; do echo $f > o/$f; done",
					     "mkdir o; for f in c b a; do echo $f > o/$f; done"};
	char *dir = child_make_dir("sr-outputs"), hashes[2][80];
	const char *policy = policy_in(dir, "[]", "[{\"path\":\"o\"}]");

	for (size_t i = 0; i < 2; i++) {
		struct run run;

		run_start(&run, WORDS("--policy", policy), WORDS("/bin/sh", "-c", orders[i]), "",
			  0);
		run_expect(&run, 0, "exit");
		snprintf(hashes[i], sizeof hashes[i], "%s", run_text(&run, "outputs.manifestHash"));
		run_release(&run);
	}
	cr_expect_str_eq(hashes[0], hashes[1]);
	free((char *)policy);
	child_remove_dir(dir);
	free(dir);
}

#define CHANGE                                                                                     \
	"mkdir -p o/sub o/.git/hooks; printf 'one\\nTWO\\n' > o/a; printf 'same\\n' > o/same; "    \
	"printf 'new\\n' > o/sub/new; printf '\\0\\1' > o/bin; ln -s /etc/passwd o/link"
#define HOOK "; printf 'hook\\n' > o/.git/hooks/post-merge; chmod +x o/.git/hooks/post-merge"

/* A tree on the host, as it was before. */
static char *make_base(const char *dir)
{
	char *base = join(dir, "base");

	cr_assert_eq(mkdir(base, 0755), 0);
	write_text(base, "a", "one\ntwo\n");
	write_text(base, "same", "same\n");
	write_text(base, "bin", "\1\1");
	return base;
}

struct tree {
	char *dir, *base;
	const char *policy;
};

static struct tree tree_open(void)
{
	struct tree tree = {.dir = child_make_dir("sr-outputs")};

	tree.base = make_base(tree.dir);
	tree.policy = policy_in(tree.dir, "[]", "[{\"path\":\"o\"}]");
	return tree;
}

static void tree_close(struct tree *tree)
{
	free((char *)tree->policy);
	free(tree->base);
	child_remove_dir(tree->dir);
	free(tree->dir);
}

Test(outputs, diff_shows_and_leaves_alone)
{
	struct tree tree = tree_open();
	struct run run;

	run_start(&run, WORDS("--policy", tree.policy, "--diff", tree.base),
		  WORDS("/bin/sh", "-c", CHANGE), "", 0);
	run_expect(&run, 0, "exit");
	cr_expect_str_eq(run.child.out, "--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n one\n-two\n+TWO\n"
					"Binary files a/bin and b/bin differ\n"
					"--- /dev/null\n+++ b/sub/new\n@@ -0,0 +1 @@\n+new\n");
	expect_text(tree.base, "a", "one\ntwo\n");
	expect_text(tree.base, "sub/new", "");
	run_release(&run);
	tree_close(&tree);
}

Test(outputs, apply_writes_what_differs)
{
	struct tree tree = tree_open();
	char *same = join(tree.base, "same");
	struct stat before, after;
	struct run run;

	cr_assert_eq(stat(same, &before), 0);
	run_start(&run, WORDS("--policy", tree.policy, "--diff", tree.base, "--apply"),
		  WORDS("/bin/sh", "-c", CHANGE), "", 0);
	run_expect(&run, 0, "exit");
	expect_text(tree.base, "a", "one\nTWO\n");
	expect_text(tree.base, "sub/new", "new\n");
	cr_assert_eq(stat(same, &after), 0);
	cr_expect_eq(before.st_ino, after.st_ino, "a file that did not change was written");
	/* Links are the workload's way to other places: none is made. */
	cr_expect(strstr(run.child.err, "1 links and special files left out"), "%s", run.child.err);
	expect_text(tree.base, "link", "");
	expect_text(tree.base, ".safe-run-apply", "");
	free(same);
	run_release(&run);
	tree_close(&tree);
}

/* What a killed run left under the name of the unfinished file, and an output of that very name. */
Test(outputs, apply_finds_a_name_for_the_unfinished_file)
{
	struct tree tree = tree_open();
	struct run run;

	write_text(tree.base, ".safe-run-apply", "half");
	write_text(tree.base, ".safe-run-apply~1", "half");
	run_start(&run, WORDS("--policy", tree.policy, "--diff", tree.base, "--apply"),
		  WORDS("/bin/sh", "-c", CHANGE "; echo mine > o/.safe-run-apply"), "", 0);
	run_expect(&run, 0, "exit");
	expect_text(tree.base, ".safe-run-apply", "mine\n");
	expect_text(tree.base, ".safe-run-apply~1", "half");
	expect_text(tree.base, ".safe-run-apply~2", "");
	expect_text(tree.base, "a", "one\nTWO\n");
	run_release(&run);
	tree_close(&tree);
}

/* All or nothing: a hook among the changes keeps every one of them out. */
Test(outputs, apply_refuses_hooks)
{
	static const struct {
		const char *option;
		int status;
		const char *hook, *a;
	} cases[] = {{"--quiet", 125, "", "one\ntwo\n"},
		     {"--apply-sensitive", 0, "hook\n", "one\nTWO\n"}};

	for (size_t i = 0; i < 2; i++) {
		struct tree tree = tree_open();
		struct run run;

		run_start(&run,
			  WORDS("--policy", tree.policy, "--diff", tree.base, "--apply",
				cases[i].option),
			  WORDS("/bin/sh", "-c", CHANGE HOOK), "", 0);
		cr_expect_eq(run.child.status, cases[i].status, "%s", run.child.err);
		cr_expect(strstr(run.child.err, "sensitive: .git/hooks/post-merge: git runs"), "%s",
			  run.child.err);
		expect_text(tree.base, ".git/hooks/post-merge", cases[i].hook);
		expect_text(tree.base, "a", cases[i].a);
		run_release(&run);
		tree_close(&tree);
	}
}

/* A link in the caller's tree is the caller's, and nothing is written through it. */
Test(outputs, apply_follows_no_link)
{
	struct tree tree = tree_open();
	char *outside = join(tree.dir, "outside"), *link = join(tree.base, "sub");
	struct run run;

	cr_assert_eq(mkdir(outside, 0755), 0);
	cr_assert_eq(symlink(outside, link), 0);
	run_start(&run, WORDS("--policy", tree.policy, "--diff", tree.base, "--apply"),
		  WORDS("/bin/sh", "-c", CHANGE), "", 0);
	cr_expect_eq(run.child.status, 125, "%s", run.child.err);
	expect_text(outside, "new", "");
	expect_text(tree.base, "a", "one\ntwo\n");
	free(outside);
	free(link);
	run_release(&run);
	tree_close(&tree);
}

/* A run that failed changes nothing; what it left can be looked at. */
Test(outputs, apply_needs_a_finished_run)
{
	struct tree tree = tree_open();
	struct run run;

	run_start(&run, WORDS("--policy", tree.policy, "--diff", tree.base, "--apply"),
		  WORDS("/bin/sh", "-c", CHANGE "; exit 3"), "", 0);
	cr_expect_eq(run.child.status, 3, "%s", run.child.err);
	cr_expect(strstr(run.child.err, "nothing was applied"), "%s", run.child.err);
	cr_expect(strstr(run.child.out, "+TWO"), "%s", run.child.out);
	expect_text(tree.base, "a", "one\ntwo\n");
	run_release(&run);
	tree_close(&tree);
}

Test(outputs, output_directory_must_be_empty)
{
	struct tree tree = tree_open();
	char *target = join(tree.dir, "target");
	struct run run;

	run_start(&run, WORDS("--policy", tree.policy, "--output", target, "--json"),
		  WORDS("/bin/sh", "-c", CHANGE), "", 0);
	cr_expect_eq(run.child.status, 0, "%s", run.child.out);
	cr_expect(strstr(run.child.out, "\"exports\":{\"output\":{\"bytes\":"), "%s",
		  run.child.out);
	cr_expect(strstr(run.child.out, "/artifacts/outputs\""), "%s", run.child.out);
	expect_text(target, "o/a", "one\nTWO\n");
	run_release(&run);
	run_start(&run, WORDS("--policy", tree.policy, "--output", target),
		  WORDS("/bin/sh", "-c", CHANGE), "", 0);
	cr_expect_eq(run.child.status, 125);
	cr_expect(strstr(run.child.err, "is not empty"), "%s", run.child.err);
	run_release(&run);
	free(target);
	tree_close(&tree);
}

/* By hand there is no place for files: the report says that nothing was collected. */
Test(outputs, by_hand_nothing_is_collected)
{
	struct tree tree = tree_open();
	struct child_result result;
	char line[4096], *bin = strdup(child_path("safe-run"));

	*strrchr(bin, '/') = '\0';
	snprintf(line, sizeof line,
		 "cd '%s' && ./sr-validate < '%s' | ./sr-compile | ./sr-launch %s | ./sr-monitor | "
		 "./sr-seal",
		 bin, tree.policy, geteuid() == 0 ? "" : "--best-effort");
	child_run(WORDS("/bin/sh", "-c", line), "", 0, NULL, &result);
	cr_expect(strstr(result.out, "\"captured\":false,\"entries\":0"), "%s", result.err);
	cr_expect(strstr(result.out, "\"status\":\"not-captured\""), "%s", result.err);
	cr_expect(strstr(result.out, "\"state\":\"finished\""), "%s", result.err);
	child_release(&result);
	free(bin);
	tree_close(&tree);
}
