/* SPDX-License-Identifier: Apache-2.0 */
/* RG6: more output than anybody wants, slower readers than anybody expects. */
#include "tests/attacks/live.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void sha256_text(const void *data, size_t len, char text[80])
{
	const char *argv[] = {"/usr/bin/sha256sum", NULL};
	struct child_result result;

	child_run(argv, data, len, NULL, &result);
	cr_assert_eq(result.status, 0);
	snprintf(text, 80, "sha256:%.64s", result.out);
	child_release(&result);
}

/* Bytes in a file of the last run's artifacts. */
static long long artifact_size(const struct attack *attack, const char *name)
{
	char path[4400];
	struct stat st;

	snprintf(path, sizeof path, "%s", attack->report_path);
	snprintf(strrchr(path, '/') + 1, 64, "%s", name);
	return stat(path, &st) ? -1 : (long long)st.st_size;
}

/* Nothing lost, nothing twice, the hash is of the whole. */
static void expect_whole(const char *bytes, const char *line)
{
	const char *argv[] = {ATTACK_INSIDE "/flood", bytes, line, NULL};
	const char *bare[] = {"flood", bytes, line, NULL};
	struct child_result control;
	struct attack attack;
	char digest[80];

	attack_bare(bare, &control);
	sha256_text(control.out, control.out_len, digest);
	attack_open(&attack, argv);
	attack_set(&attack, "resources.output.max", "\"128Mi\"");
	attack_run(&attack);
	attack_expect_finished(&attack);
	cr_expect_eq(attack.result.status, 0);
	cr_expect_eq(attack.result.out_len, control.out_len);
	cr_expect(attack.result.out_len == control.out_len &&
		  !memcmp(attack.result.out, control.out, control.out_len));
	cr_expect_str_eq(attack_text(&attack, "output.stdout.sha256"), digest);
	cr_expect_eq(attack_number(&attack, "output.stdout.bytes"), (long long)control.out_len);
	cr_expect_eq(artifact_size(&attack, "stdout.log"), (long long)control.out_len);
	child_release(&control);
	attack_close(&attack);
}

Test(attacks, RG6_hash_of_the_whole, .timeout = 180)
{
	expect_whole("0", "0");
	expect_whole("1", "0");
	expect_whole("65536", "1");
	expect_whole("33554432", "80");
	expect_whole("67108864", "0");
}

/* A line of 1 GB against a cap of 1 MiB: ended, told, and never more on disk than the cap. */
Test(attacks, RG6_one_endless_line, .timeout = 120)
{
	const char *argv[] = {ATTACK_INSIDE "/flood", "1073741824", "0", NULL};
	struct attack attack;

	attack_open(&attack, argv);
	attack_run(&attack);
	cr_expect_str_eq(attack_text(&attack, "outcome.cause"), "output");
	cr_expect_eq(attack.result.status, 137);
	cr_expect_leq(artifact_size(&attack, "stdout.log"), 1 << 20);
	cr_expect_gt(artifact_size(&attack, "stdout.log"), 0);
	cr_expect_str_eq(attack_event(&attack, "output.truncated", "payload.stream"), "stdout");
	attack_close(&attack);
}

/* User and system time of a process so far, in clock ticks; -1 when it is gone. */
static long long ticks_of(pid_t pid)
{
	char path[64];
	unsigned long user = 0, kernel = 0;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	char *text = child_read_file(path, NULL);
	char *rest = text ? strrchr(text, ')') : NULL;
	int got = rest ? sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
				&user, &kernel)
		       : 0;
	free(text);
	return got == 2 ? (long long)(user + kernel) : -1;
}

/*
 * A caller that does not read at all: the deadline holds, nobody spins, and once the caller does
 * read, what was written arrives in order and the report is whole.
 */
Test(attacks, RG6_reader_that_never_reads, .timeout = 120)
{
	char token[64];
	const char *argv[] = {ATTACK_INSIDE "/flood", "8388608", "0", NULL};
	struct attack attack;
	struct live live;
	char byte[65536];

	snprintf(token, sizeof token, "%s", "8388608");
	attack_open(&attack, argv);
	attack_set(&attack, "resources.output.max", "\"64Mi\"");
	attack_set(&attack, "runtime.timeoutSec", "3");
	live_start(&live, &attack, true);
	cr_assert(live_wait_started(&live));
	pid_t monitor = live_stage(&live, "sr-monitor");
	cr_assert_neq(monitor, 0);
	cr_expect_eq(attack_wait_gone(token, 20000), 0, "the deadline does not hold");
	long long ticks = ticks_of(monitor);
	/* 3 s of waiting: a loop that spins has used most of them. */
	cr_expect_lt(ticks, 100, "sr-monitor has used %lld ticks", ticks);
	while (read(live.out_fd, byte, sizeof byte) > 0)
		;
	cr_expect_neq(live_end(&live, 20000), -1);
	attack_load(&attack);
	cr_expect_str_eq(attack_text(&attack, "outcome.cause"), "timeout", "%s",
			 attack_text(&attack, "outcome.summary"));
	attack_close(&attack);
}

/* A caller that goes away (| head): the workload's own pipe breaks, and the report says why. */
Test(attacks, RG6_reader_that_leaves, .timeout = 120)
{
	const char *argv[] = {ATTACK_INSIDE "/flood", "4194304", "0", NULL};
	struct attack attack;
	struct live live;
	char byte;

	attack_open(&attack, argv);
	attack_set(&attack, "resources.output.max", "\"64Mi\"");
	live_start(&live, &attack, true);
	cr_assert_eq(read(live.out_fd, &byte, 1), 1);
	close(live.out_fd);
	live.out_fd = -1;
	cr_expect_neq(live_end(&live, 30000), -1);
	attack_load(&attack);
	cr_expect_str_eq(attack_event(&attack, "output.truncated", "payload.reason"),
			 "caller-closed");
	cr_expect_gt(attack_number(&attack, "output.stdout.bytes"), 0);
	cr_expect_leq(attack_number(&attack, "output.stdout.bytes"), 4194304);
	attack_close(&attack);
}

/* Started with none of the standard descriptors open. */
Test(attacks, RG6_closed_standard_descriptors)
{
	const char *argv[] = {"/bin/cat", NULL};
	struct attack attack;

	attack_open(&attack, argv);
	attack_set(&attack, "runtime.stdin", "\"inherit\"");
	attack.wrapper[0] = "closed";
	attack_run(&attack);
	attack_expect_finished(&attack);
	cr_expect_eq(attack_number(&attack, "exitCode"), 0);
	attack_close(&attack);
}
