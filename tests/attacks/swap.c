/* SPDX-License-Identifier: Apache-2.0 */
/* FD4: what the report says was run is what ran, while the file is swapped as fast as can be. */
#include "tests/attacks/run.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUNDS	 10000
#define LIMIT_MS 20000

struct swapper {
	char paths[2][4096]; /* two files, exchanged again and again */
	atomic_bool stop;
	atomic_ulong rounds;
};

static void *swap_until_stopped(void *argument)
{
	struct swapper *swapper = argument;

	while (!atomic_load(&swapper->stop)) {
		if (renameat2(AT_FDCWD, swapper->paths[0], AT_FDCWD, swapper->paths[1],
			      RENAME_EXCHANGE))
			break;
		atomic_fetch_add(&swapper->rounds, 1);
	}
	return NULL;
}

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
static void place(struct swapper *swapper, const char *dir, char digests[2][80])
{
	static const char *const programs[] = {"say-one", "say-two"};
	static const char *const names[] = {"current", "other"};

	cr_assert_eq(chmod(dir, 0755), 0);
	for (int i = 0; i < 2; i++) {
		size_t len;
		char *bytes = child_read_file(attack_program(programs[i]), &len);

		cr_assert_not_null(bytes);
		snprintf(swapper->paths[i], sizeof swapper->paths[i], "%s/%s", dir, names[i]);
		child_write_file(swapper->paths[i], bytes, len);
		cr_assert_eq(chmod(swapper->paths[i], 0755), 0);
		sha256_of(swapper->paths[i], digests[i]);
		free(bytes);
	}
	cr_assert_str_neq(digests[0], digests[1]);
}

static void expect_truth(const struct attack *attack, char digests[2][80], size_t seen[2])
{
	const char *said = attack->result.out;
	int which = !strcmp(said, "one\n") ? 0 : 1;

	attack_expect_finished(attack);
	cr_assert(which == 0 || !strcmp(said, "two\n"), "said '%s'; stderr: %s", said,
		  attack->result.err);
	cr_expect_str_eq(attack_text(attack, "artifacts.executableHash"), digests[which],
			 "it said %s", said);
	cr_expect_str_eq(attack_event(attack, "vm.started", "payload.executable.hash"),
			 digests[which]);
	seen[which]++;
}

Test(attacks, FD4_swapped_between_hash_and_exec, .timeout = 120)
{
	const char *argv[] = {"/opt/swap/current", NULL};
	char *dir = child_make_dir("swap"), mounts[8300], digests[2][80];
	static struct swapper swapper;
	struct attack attack;
	size_t seen[2] = {0, 0}, runs = 0;
	pthread_t thread;

	place(&swapper, dir, digests);
	attack_open(&attack, argv);
	snprintf(mounts, sizeof mounts,
		 "[{\"noexec\":false,\"read_only\":true,\"source\":\"%s\",\"target\":\"/opt/"
		 "swap\"}]",
		 dir);
	attack_set(&attack, "mounts", mounts);
	cr_assert_eq(pthread_create(&thread, NULL, swap_until_stopped, &swapper), 0);
	long long end = attack_now_ms() + LIMIT_MS;
	while (runs < ROUNDS && attack_now_ms() < end) {
		attack_run(&attack);
		expect_truth(&attack, digests, seen);
		runs++;
	}
	atomic_store(&swapper.stop, true);
	pthread_join(thread, NULL);
	fprintf(stderr, "FD4: %zu runs (%zu one, %zu two), %lu swaps in at most %d s%s\n", runs,
		seen[0], seen[1], atomic_load(&swapper.rounds), LIMIT_MS / 1000,
		runs < ROUNDS ? "; not all rounds fit" : "");
	cr_expect_geq(atomic_load(&swapper.rounds), ROUNDS);
	cr_expect_gt(seen[0], 0);
	cr_expect_gt(seen[1], 0);
	attack_close(&attack);
	child_remove_dir(dir);
	free(dir);
}
