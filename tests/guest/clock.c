/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RG8: the wall clock turned back and forward. A program of its own, for the guest of check-v2
 * alone: the clock is the whole machine's.
 */
#include "tests/attacks/live.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

/* Seconds between vm.started and vm.exited as CLOCK_BOOTTIME has it. */
static double seconds_run(const struct attack *attack)
{
	long long start = strtoll(attack_event(attack, "vm.started", "payload.bootNs"), NULL, 10);
	long long end = strtoll(attack_event(attack, "vm.exited", "payload.bootNs"), NULL, 10);

	return (double)(end - start) / 1e9;
}

static void turn_clock(long seconds)
{
	struct timespec now;

	cr_assert_eq(clock_gettime(CLOCK_REALTIME, &now), 0);
	now.tv_sec += seconds;
	cr_assert_eq(clock_settime(CLOCK_REALTIME, &now), 0);
}

/* Turned while the workload runs, both ways: the deadline and bootNs take no notice. Criterion's
 * own .timeout would: it goes by this clock. */
Test(attacks, RG8_wall_clock)
{
	static const long turns[] = {-86400, 86400 * 365L, -86400 * 364L};
	const char *argv[] = {ATTACK_INSIDE "/end", "sleep", NULL};

	cr_assert(attack_machine_is_ours(), "this turns the clock of the whole machine");
	for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
		struct attack attack;
		struct live live;

		attack_open(&attack, argv);
		attack_set(&attack, "runtime.timeoutSec", "2");
		live_start(&live, &attack, false);
		cr_assert(live_wait_started(&live));
		turn_clock(turns[i]);
		cr_expect_eq(live_end(&live, 60000), 124);
		attack_load(&attack);
		cr_expect_str_eq(attack_text(&attack, "outcome.cause"), "timeout");
		cr_expect_geq(seconds_run(&attack), 1.9);
		cr_expect_leq(seconds_run(&attack), 10.0);
		attack_close(&attack);
	}
}
