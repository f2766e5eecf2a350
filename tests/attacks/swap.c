/* SPDX-License-Identifier: Apache-2.0 */
/* FD4: what the report says was run is what ran, while the file is swapped as fast as can be. */
#include "tests/attacks/rapid.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUNDS	 10000
#define LIMIT_MS 20000

static void sha256_of(const char *path, char text[80])
{
	const char *argv[] = {"/usr/bin/sha256sum", path, NULL};
	struct child_result result;

	child_run(argv, NULL, 0, NULL, &result);
	cr_assert_eq(result.status, 0);
	snprintf(text, 80, "sha256:%.64s", result.out);
	child_release(&result);
}

/* dir/current and dir/other: the programs that say one and two. */
static void place(struct flipper *flipper, const char *dir, char digests[2][80])
{
	static const char *const programs[] = {"say-one", "say-two"};
	static const char *const names[] = {"current", "other"};

	cr_assert_eq(chmod(dir, 0755), 0);
	for (int i = 0; i < 2; i++) {
		size_t len;
		char *bytes = child_read_file(attack_program(programs[i]), &len);

		cr_assert_not_null(bytes);
		snprintf(flipper->paths[i], sizeof flipper->paths[i], "%s/%s", dir, names[i]);
		child_write_file(flipper->paths[i], bytes, len);
		cr_assert_eq(chmod(flipper->paths[i], 0755), 0);
		sha256_of(flipper->paths[i], digests[i]);
		free(bytes);
	}
	cr_assert_str_neq(digests[0], digests[1]);
}

/* One run through all of it: what the sealed report says is what ran. */
static void expect_truth_sealed(struct attack *attack, char digests[2][80])
{
	attack_run(attack);
	attack_expect_finished(attack);
	const char *said = attack->result.out;
	int which = !strcmp(said, "one\n") ? 0 : 1;
	cr_assert(which == 0 || !strcmp(said, "two\n"), "said '%s'; stderr: %s", said,
		  attack->result.err);
	cr_expect_str_eq(attack_text(attack, "artifacts.executableHash"), digests[which],
			 "it said %s", said);
	cr_expect_str_eq(attack_event(attack, "vm.started", "payload.executable.hash"),
			 digests[which]);
}

static void expect_truth(struct rapid *rapid, char digests[2][80], size_t seen[2])
{
	cr_assert(rapid_run(rapid), "%s", rapid->result.out);
	const char *said = rapid->result.err;
	int which = !strcmp(said, "one\n") ? 0 : 1;
	cr_assert(which == 0 || !strcmp(said, "two\n"), "said '%s'", said);
	cr_assert_str_eq(rapid_text(rapid, "run.prepared", "sha256"), digests[which], "it said %s",
			 said);
	cr_assert_str_eq(rapid_text(rapid, "vm.started", "hash"), digests[which], "it said %s",
			 said);
	seen[which]++;
}

Test(attacks, FD4_swapped_between_hash_and_exec, .timeout = 120)
{
	const char *argv[] = {"/opt/swap/current", NULL};
	char *dir = child_make_dir("swap"), mounts[8300], digests[2][80];
	static struct flipper flipper;
	struct attack attack;
	struct rapid rapid;
	size_t seen[2] = {0, 0}, runs = 0;

	place(&flipper, dir, digests);
	attack_open(&attack, argv);
	snprintf(mounts, sizeof mounts,
		 "[{\"read_only\":true,\"source\":\"%s\",\"target\":\"/opt/swap\"}]", dir);
	attack_set(&attack, "mounts", mounts);
	rapid_open(&rapid, &attack);
	flipper_start(&flipper);
	for (size_t i = 0; i < 20; i++)
		expect_truth_sealed(&attack, digests);
	long long end = attack_now_ms() + LIMIT_MS;
	while (runs < ROUNDS && attack_now_ms() < end) {
		expect_truth(&rapid, digests, seen);
		runs++;
	}
	unsigned long swaps = flipper_stop(&flipper);
	fprintf(stderr, "FD4: %zu runs (%zu one, %zu two), %lu swaps in at most %d s%s\n", runs,
		seen[0], seen[1], swaps, LIMIT_MS / 1000,
		runs < ROUNDS ? "; not all rounds fit" : "");
	cr_expect_geq(swaps, ROUNDS);
	cr_expect_gt(seen[0], 0);
	cr_expect_gt(seen[1], 0);
	rapid_close(&rapid);
	attack_close(&attack);
	child_remove_dir(dir);
	free(dir);
}
