/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FS1: while a run is set up, what its policy names is exchanged as fast as can be for a link to a
 * secret. The run is refused, or it gets what it was allowed; never the secret.
 */
#include "tests/attacks/rapid.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUNDS	 10000
#define ENOUGH	 100
#define LIMIT_MS 6000 /* for each of the races */
#define IN	 "/opt/in"

static void make_dir(const char *dir, const char *name, const char *word)
{
	char path[4200];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	cr_assert_eq(mkdir(path, 0755), 0);
	cr_assert_eq(chmod(path, 0755), 0);
	snprintf(path, sizeof path, "%s/%s/word", dir, name);
	if (!word)
		return;
	child_write_file(path, word, strlen(word));
	cr_assert_eq(chmod(path, 0644), 0);
}

static void make_link(const char *dir, const char *name, const char *to)
{
	char path[4200], target[4200];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	snprintf(target, sizeof target, "%s/%s", dir, to);
	cr_assert_eq(symlink(target, path), 0);
}

/* dir/given, dir/given/deep and dir/secret, which nobody allowed. */
static char *make_places(void)
{
	char *dir = child_make_dir("race");

	cr_assert_eq(chmod(dir, 0755), 0);
	make_dir(dir, "given", "given");
	make_dir(dir, "given/deep", "given");
	make_dir(dir, "secret", "secret");
	make_dir(dir, "secret/deep", "secret");
	make_link(dir, "link", "secret");
	return dir;
}

/* `cat IN/word`, with dir/name at IN and only dir/given allowed. */
static void open_reader(struct attack *attack, const char *dir, const char *name)
{
	const char *argv[] = {"/bin/cat", IN "/word", NULL};
	char text[13000], path[4200];

	attack_open(attack, argv);
	snprintf(text, sizeof text,
		 "[{\"read_only\":true,\"source\":\"%s/%s\",\"target\":\"" IN "\"}]", dir, name);
	attack_set(attack, "mounts", text);
	snprintf(text, sizeof text,
		 "{\"guestAllowPrefixes\":[\"/opt\"],\"hostAllowPrefixes\":[\"%s/given\"],"
		 "\"schemaVersion\":\"safe-run.mount-allowlist/v1\"}",
		 dir);
	snprintf(path, sizeof path, "%s/allow.json", attack->dir);
	child_write_file(path, text, strlen(text));
}

struct tally {
	size_t runs, ran, refused;
};

static void print_tally(const char *what, const struct tally *tally, unsigned long flips)
{
	fprintf(stderr, "FS1 %s: %zu runs (%zu refused), %lu exchanges in at most %d s%s\n", what,
		tally->runs, tally->refused, flips, LIMIT_MS / 1000,
		tally->runs < ROUNDS ? "; not all rounds fit" : "");
	cr_expect_geq(flips, ROUNDS);
	/* Both have come about, where there was time for enough of them. */
	cr_expect(tally->runs < ENOUGH || tally->ran > 0);
	cr_expect(tally->runs < ENOUGH || tally->refused > 0);
}

static void expect_given(const char *said, struct tally *tally)
{
	cr_assert_str_eq(said, "given");
	tally->ran++;
}

/* The launcher alone, many times: between what was validated and what is mounted. */
static void race_launch(struct attack *attack, struct flipper *flipper, const char *what)
{
	struct tally tally = {0};
	struct rapid rapid;

	rapid_open(&rapid, attack);
	flipper_start(flipper);
	long long end = attack_now_ms() + LIMIT_MS;
	for (; tally.runs < ROUNDS && attack_now_ms() < end; tally.runs++) {
		if (rapid_run(&rapid)) {
			expect_given(rapid.result.err, &tally);
			continue;
		}
		tally.refused++;
		cr_assert_null(strstr(rapid.result.err, "secret"), "%s", rapid.result.err);
		cr_assert_str_neq(rapid_text(&rapid, "mount.rejected", "reason"), "", "%s",
				  rapid.result.out);
		cr_assert_str_eq(rapid_text(&rapid, "run.failed", "code"), "SR-RUN-101", "%s",
				 rapid.result.out);
	}
	print_tally(what, &tally, flipper_stop(flipper));
	rapid_close(&rapid);
}

/* All stages, fewer times. */
static void race_whole(struct attack *attack, struct flipper *flipper, const char *what)
{
	struct tally tally = {0};

	flipper_start(flipper);
	long long end = attack_now_ms() + LIMIT_MS;
	for (; tally.runs < ROUNDS && attack_now_ms() < end; tally.runs++) {
		attack_run(attack);
		if (*attack_event(attack, "vm.started", "seq")) {
			expect_given(attack->result.out, &tally);
			continue;
		}
		tally.refused++;
		cr_assert_null(strstr(attack->result.out, "secret"));
		cr_assert(strstr(attack_errors(attack), "SR-POL-101") ||
				  strstr(attack_errors(attack), "SR-RUN-101"),
			  "%s: %s", attack_errors(attack), attack->result.err);
	}
	print_tally(what, &tally, flipper_stop(flipper));
}

static void race(const char *name, const char *flipped, const char *what)
{
	static struct flipper flipper;
	char *dir = make_places(), words[64];
	struct attack attack;

	snprintf(flipper.paths[0], sizeof flipper.paths[0], "%s/%s", dir, flipped);
	snprintf(flipper.paths[1], sizeof flipper.paths[1], "%s/link", dir);
	open_reader(&attack, dir, name);
	snprintf(words, sizeof words, "%s, launcher", what);
	race_launch(&attack, &flipper, words);
	snprintf(words, sizeof words, "%s, all stages", what);
	race_whole(&attack, &flipper, words);
	attack_close(&attack);
	child_remove_dir(dir);
	free(dir);
}

Test(attacks, FS1_source, .timeout = 120)
{
	race("given", "given", "source");
}

Test(attacks, FS1_parent_of_the_source, .timeout = 120)
{
	race("given/deep", "given", "parent of the source");
}

/* Where run directories go: the directory, or nothing; never what a link leads to. */
Test(attacks, FS1_base_of_run_directories, .timeout = 120)
{
	static struct flipper flipper;
	char *dir = make_places(), base[4200], secret[4200];
	const char *argv[] = {"safe-run", "run", "--workdir", base, "--", "/bin/true", NULL};
	struct tally tally = {0};

	snprintf(base, sizeof base, "%s/given", dir);
	snprintf(secret, sizeof secret, "%s/secret/word", dir);
	cr_assert_eq(unlink(secret), 0);
	snprintf(secret, sizeof secret, "%s/secret/deep", dir);
	child_remove_dir(secret);
	snprintf(secret, sizeof secret, "%s/secret", dir);
	snprintf(flipper.paths[0], sizeof flipper.paths[0], "%s/given", dir);
	snprintf(flipper.paths[1], sizeof flipper.paths[1], "%s/link", dir);
	flipper_start(&flipper);
	long long end = attack_now_ms() + LIMIT_MS;
	for (; tally.runs < ROUNDS && attack_now_ms() < end; tally.runs++) {
		struct child_result result;

		child_run(argv, NULL, 0, NULL, &result);
		tally.ran += result.status == 0;
		tally.refused += result.status == 125;
		cr_assert(result.status == 0 || result.status == 125, "%d: %s", result.status,
			  result.err);
		child_release(&result);
	}
	print_tally("base of run directories", &tally, flipper_stop(&flipper));
	/* Empty still: rmdir says so. */
	cr_expect_eq(rmdir(secret), 0, "something was written behind the link");
	child_remove_dir(dir);
	free(dir);
}

/* A program of the same name in the directory and in what the link leads to. */
static void put_program(const char *dir, const char *below, const char *program)
{
	char path[4200];
	size_t len;
	char *bytes = child_read_file(attack_program(program), &len);

	cr_assert_not_null(bytes);
	snprintf(path, sizeof path, "%s/%s/say", dir, below);
	child_write_file(path, bytes, len);
	cr_assert_eq(chmod(path, 0755), 0);
	free(bytes);
}

/* The whole root exchanged: what runs is of the root that was validated, and hashed as that. */
Test(attacks, FS1_root, .timeout = 120)
{
	const char *argv[] = {"/say", NULL};
	static struct flipper flipper;
	char *dir = make_places(), text[4300], hash[128] = "";
	struct attack attack;
	struct tally tally = {0};
	struct rapid rapid;

	put_program(dir, "given", "say-one");
	put_program(dir, "secret", "say-two");
	snprintf(flipper.paths[0], sizeof flipper.paths[0], "%s/given", dir);
	snprintf(flipper.paths[1], sizeof flipper.paths[1], "%s/link", dir);
	attack_open(&attack, argv);
	attack_set(&attack, "mounts", "[]");
	snprintf(text, sizeof text, "\"%s/given\"", dir);
	attack_set(&attack, "runtime.rootfs", text);
	rapid_open(&rapid, &attack);
	cr_assert(rapid_run(&rapid), "%s%s", rapid.result.out, rapid.result.err);
	snprintf(hash, sizeof hash, "%s", rapid_text(&rapid, "compile", "rootfsHash"));
	cr_assert_str_neq(hash, "");
	flipper_start(&flipper);
	long long end = attack_now_ms() + LIMIT_MS;
	for (; tally.runs < ROUNDS && attack_now_ms() < end; tally.runs++) {
		if (!rapid_run(&rapid)) {
			tally.refused++;
			continue;
		}
		tally.ran++;
		cr_assert_str_eq(rapid.result.err, "one\n");
		cr_assert_str_eq(rapid_text(&rapid, "compile", "rootfsHash"), hash);
	}
	print_tally("root", &tally, flipper_stop(&flipper));
	rapid_close(&rapid);
	attack_close(&attack);
	child_remove_dir(dir);
	free(dir);
}

/*
 * A target below a directory of the root, which the root's owner exchanges for a link to another of
 * its directories: what is mounted comes out where the policy says, or not at all.
 */
Test(attacks, FS1_target_in_a_root, .timeout = 120)
{
	const char *argv[] = {ATTACK_INSIDE "/rootlook", "/data/in/word", "/other/in/word", NULL};
	static struct flipper flipper;
	char *dir = make_places(), text[13000];
	struct attack attack;
	struct tally tally = {0};
	struct rapid rapid;

	make_dir(dir, "root", NULL);
	make_dir(dir, "root/data", NULL);
	make_dir(dir, "root/data/in", NULL);
	make_dir(dir, "root/other", NULL);
	make_dir(dir, "root/other/in", NULL);
	snprintf(text, sizeof text, "%s/root/away", dir);
	cr_assert_eq(symlink("/other", text), 0);
	snprintf(flipper.paths[0], sizeof flipper.paths[0], "%s/root/data", dir);
	snprintf(flipper.paths[1], sizeof flipper.paths[1], "%s/root/away", dir);
	attack_open(&attack, argv);
	snprintf(text, sizeof text,
		 "[{\"read_only\":true,\"source\":\"%s\",\"target\":\"" ATTACK_INSIDE "\"},"
		 "{\"read_only\":true,\"source\":\"%s/given\",\"target\":\"/data/in\"}]",
		 attack.source, dir);
	attack_set(&attack, "mounts", text);
	snprintf(text, sizeof text, "\"%s/root\"", dir);
	attack_set(&attack, "runtime.rootfs", text);
	rapid_open(&rapid, &attack);
	flipper_start(&flipper);
	long long end = attack_now_ms() + LIMIT_MS;
	for (; tally.runs < ROUNDS && attack_now_ms() < end; tally.runs++) {
		bool ran = rapid_run(&rapid);

		tally.ran += ran;
		tally.refused += !ran;
		if (ran)
			cr_assert_null(strstr(rapid.result.err, "/other/in/word says"), "%s",
				       rapid.result.err);
	}
	print_tally("target in a root", &tally, flipper_stop(&flipper));
	rapid_close(&rapid);
	attack_close(&attack);
	child_remove_dir(dir);
	free(dir);
}
