/* SPDX-License-Identifier: Apache-2.0 */
/* A run, archived, found, verified, proved: the front-end and every stage it takes. */
#include "tests/pipeline/run.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMAND_MAX 24

/* A directory with an archive's and a seal's key, and what the commands leave there. */
struct desk {
	char *directory;
	struct child_result child;
};

static void say(struct desk *desk, const char *const words[])
{
	const char *argv[COMMAND_MAX] = {"safe-run"};
	struct child_options options = {.cwd = desk->directory};

	for (size_t i = 0; words[i] != NULL; i++)
		argv[1 + i] = words[i];
	child_run(argv, NULL, 0, &options, &desk->child);
}

static void expect(struct desk *desk, const char *const words[], int status, const char *said)
{
	say(desk, words);
	cr_expect_eq(desk->child.status, status, "%s %s: %s%s", words[0], words[1], desk->child.out,
		     desk->child.err);
	cr_expect(strstr(desk->child.out, said) != NULL || strstr(desk->child.err, said) != NULL,
		  "%s %s: %s%s", words[0], words[1], desk->child.out, desk->child.err);
	child_release(&desk->child);
}

static void desk_open(struct desk *desk)
{
	desk->directory = child_make_dir("sr-archive");
	expect(desk, WORDS("key", "generate", "--purpose", "archive", "--out", "key"), 0, "");
	expect(desk, WORDS("key", "generate", "--out", "seal"), 0, "");
}

static void desk_close(struct desk *desk)
{
	child_remove_dir(desk->directory);
	free(desk->directory);
}

static void put_checkpoint(struct desk *desk, const char *name)
{
	char path[700];

	say(desk, WORDS("archive", "checkpoint", "--archive", "a"));
	cr_assert_eq(desk->child.status, 0, "%s", desk->child.out);
	snprintf(path, sizeof(path), "%s/%s", desk->directory, name);
	child_write_file(path, desk->child.out, desk->child.out_len);
	child_release(&desk->child);
}

Test(archive, run_add_find_verify_prune_since)
{
	struct desk desk;
	struct run first, second;

	desk_open(&desk);
	run_start(&first, NULL, WORDS("echo", "one"), NULL, 0);
	run_start(&second, NULL, WORDS("false"), NULL, 0);
	expect(&desk,
	       WORDS("archive", "add", "--archive", "a", "--key", "key", "--retention", "180d",
		     first.dir),
	       0, run_text(&first, "runId"));
	put_checkpoint(&desk, "older");
	expect(&desk, WORDS("archive", "add", "--archive", "a", "--key", "key", second.dir), 0,
	       "leaf 1, kept forever");
	expect(&desk, WORDS("archive", "add", "--archive", "a", "--key", "key", first.dir), 0,
	       "archived already");
	expect(&desk, WORDS("archive", "list", "--archive", "a"), 0, "failed (1)");
	expect(&desk, WORDS("archive", "find", "--archive", "a", run_text(&first, "runId")), 0,
	       "report present");
	expect(&desk, WORDS("archive", "show", "--archive", "a", run_text(&second, "runId")), 0,
	       "verification  valid");
	expect(&desk, WORDS("archive", "find", "--archive", "a", "../x"), 1, "SR-OPS-301");
	expect(&desk,
	       WORDS("archive", "verify", "--archive", "a", "--key", "key.pub", "--since", "older"),
	       0, "valid, trust=signed");
	expect(&desk, WORDS("archive", "prune", "--archive", "a"), 0, "pruned 0 bundles");
	expect(&desk, WORDS("archive", "reindex", "--archive", "a"), 0, "2 leaves");
	expect(&desk, WORDS("archive", "add", "--archive", "a", "--key", "seal", first.dir), 1,
	       "seals reports");
	expect(&desk, WORDS("archive", "add", "--archive", "a", first.dir), 1, "needs --key");
	expect(&desk, WORDS("archive", "burn", "--archive", "a"), 2, "no such action");
	expect(&desk, WORDS("archive", "list", "--archive", "a", "--since", "older"), 2,
	       "does not take");
	/* A refusal is no verdict: no line of one stands above it. */
	say(&desk, WORDS("archive", "verify", "--archive", "nowhere"));
	cr_expect_eq(desk.child.status, 1, "%s", desk.child.err);
	cr_expect_eq(strncmp(desk.child.out, "  SR-OPS-301 ", 13), 0, "%s", desk.child.out);
	child_release(&desk.child);
	run_release(&first);
	run_release(&second);
	desk_close(&desk);
}

/* Signed by a key the archive trusts: the leaf says so, and the proof of an event holds under it.
 */
Test(archive, signed_and_proved)
{
	char bundle[4096], seal[700];
	struct desk desk;
	struct run run;

	desk_open(&desk);
	snprintf(seal, sizeof(seal), "%s/seal", desk.directory);
	run_start(&run, WORDS("--seal-key", seal), WORDS("echo", "one"), NULL, 0);
	snprintf(bundle, sizeof(bundle), "%s/artifacts/run_report.sigstore.json", run.dir);
	expect(&desk,
	       WORDS("archive", "add", "--archive", "a", "--key", "key", "--require", "signed",
		     run.dir),
	       1, "is not archived");
	expect(&desk, WORDS("key", "trust", "--trust-dir", "trust", "seal.pub"), 0, "");
	expect(&desk,
	       WORDS("archive", "add", "--archive", "a", "--key", "key", "--origin", "test/log",
		     "--trust-dir", "trust", "--require", "signed", run.dir),
	       0, "archived sb-");
	expect(&desk, WORDS("archive", "show", "--archive", "a", run_text(&run, "runId")), 0,
	       "trust=signed");
	expect(&desk,
	       WORDS("archive", "prove", "--archive", "a", "--out", "log", run_text(&run, "runId")),
	       0, "");
	expect(&desk,
	       WORDS("report", "verify", "--log", "log", "--key", "seal.pub", "--archive-key",
		     "key.pub", "--require", "logged", run.dir),
	       0, "valid, trust=logged(test/log,1)");
	expect(&desk, WORDS("key", "trust", "--trust-dir", "trust", "key.pub"), 0, "");
	expect(&desk,
	       WORDS("report", "verify", "--json", "--log", "log", "--trust-dir", "trust", run.dir),
	       0, "\"trust\":\"logged(test/log,1)\"");
	expect(&desk, WORDS("report", "inspect", "--log", "log", "--trust-dir", "trust", run.dir),
	       0, "trust logged(test/log,1)");
	expect(&desk, WORDS("archive", "verify", "--archive", "a", "--trust-dir", "trust"), 0,
	       "valid, trust=signed");
	expect(&desk, WORDS("archive", "prove", "--archive", "a", "--out", "none", "../x"), 1,
	       "neither a bundle id");
	expect(&desk, WORDS("report", "verify", "--log", "none", run.dir), 1, "cannot open 'none'");
	expect(&desk,
	       WORDS("archive", "prove", "--archive", "a", "--out", "trust",
		     run_text(&run, "runId")),
	       1, "trust");
	expect(&desk, WORDS("report", "prove", "--out", "proof", run.dir, "1"), 0, "");
	expect(&desk, WORDS("report", "verify-event", "proof"), 0, "valid, trust=self");
	expect(&desk, WORDS("report", "verify-event", "--report", run.dir, "proof"), 0, "report");
	expect(&desk,
	       WORDS("report", "verify-event", "--bundle", bundle, "--key", "seal.pub", "proof"), 0,
	       "trust=signed");
	expect(&desk,
	       WORDS("report", "verify-event", "--bundle", bundle, "--key", "key.pub", "proof"), 1,
	       "none of those trusted");
	expect(&desk, WORDS("report", "prove", run.dir, "9999"), 1, "SR-EVD");
	run_release(&run);
	desk_close(&desk);
}
