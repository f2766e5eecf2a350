/* SPDX-License-Identifier: Apache-2.0 */
/* Every way a run can end, told by status, outcome and a report that verifies. */
#include "tests/pipeline/run.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Test(outcomes, hello)
{
	char *policy = run_policy("hello.yaml");
	struct run run;

	run_start(&run, WORDS("--policy", policy), NULL, "", 0);
	run_expect(&run, 0, "exit");
	cr_expect_not_null(strstr(run.child.out, "hello"));
	cr_expect_not_null(strstr(run.child.err, "finished"));
	cr_expect_not_null(strstr(run.child.err, run.dir), "no report path: %s", run.child.err);
	run_release(&run);
	free(policy);
}

Test(outcomes, command_overrides_the_policy)
{
	char *policy = run_policy("hello.yaml");
	struct run run;

	run_start(&run, WORDS("--policy", policy), WORDS("echo", "instead", "two words"), "", 0);
	run_expect(&run, 0, "exit");
	cr_expect_str_eq(run.child.out, "instead two words\n");
	run_release(&run);
	free(policy);
}

/* The monitor reads the counters itself, as nobody, while the command runs. */
Test(outcomes, sampled_while_it_runs)
{
	struct run run;

	run_need_limits();
	run_start(&run, WORDS("--sample-ms", "10"), WORDS("sleep", "0.5"), "", 0);
	run_expect(&run, 0, "exit");
	cr_expect_geq(run_number(&run, "resourceUsage.samples"), 5);
	run_release(&run);
}

/* The front-end sets masks of its own while it starts the stages (cmd/affinity.h). */
static void expect_processors(const cpu_set_t *mask)
{
	struct run run;
	char expected[64];

	cr_assert_eq(sched_setaffinity(0, sizeof(*mask), mask), 0);
	snprintf(expected, sizeof(expected), "%d\n", CPU_COUNT(mask));
	run_start(&run, NULL, WORDS("nproc"), "", 0);
	run_expect(&run, 0, "exit");
	cr_expect_str_eq(run.child.out, expected);
	run_release(&run);
}

Test(outcomes, processors_are_the_callers)
{
	cpu_set_t all, one;

	cr_assert_eq(sched_getaffinity(0, sizeof(all), &all), 0);
	expect_processors(&all);
	CPU_ZERO(&one);
	for (size_t i = 0; CPU_COUNT(&one) == 0; i++)
		if (CPU_ISSET(i, &all))
			CPU_SET(i, &one);
	expect_processors(&one);
}

Test(outcomes, own_status_passes_through)
{
	static const int statuses[] = {1, 2, 3, 100, 124, 125, 126, 127, 128, 200, 255};

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		char script[32];
		struct run run;

		snprintf(script, sizeof(script), "exit %d", statuses[i]);
		run_start(&run, NULL, WORDS("sh", "-c", script), "", 0);
		run_expect(&run, statuses[i], "exit");
		cr_expect(run_has_error(&run, "SR-RUN-001"));
		cr_expect(run_has_event(&run, "run.failed"));
		run_release(&run);
	}
}

Test(outcomes, signal_of_its_own)
{
	static const struct {
		const char *script;
		int status;
		const char *name;
	} signals[] = {
		{"kill -TERM $$", 143, "SIGTERM"},
		{"kill -SEGV $$", 139, "SIGSEGV"},
		{"kill -KILL $$", 137, "SIGKILL"},
		{"kill -ABRT $$", 134, "SIGABRT"},
	};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct run run;

		run_start(&run, NULL, WORDS("sh", "-c", signals[i].script), "", 0);
		run_expect(&run, signals[i].status, "signal");
		cr_expect_str_eq(run_text(&run, "outcome.signal"), signals[i].name);
		run_release(&run);
	}
}

Test(outcomes, not_found)
{
	struct run run;

	run_start(&run, NULL, WORDS("no-such-command-anywhere"), "", 0);
	run_expect(&run, 127, "setup");
	cr_expect(run_has_error(&run, "SR-RUN-002"));
	run_release(&run);
	run_start(&run, NULL, WORDS("/no/such/file"), "", 0);
	run_expect(&run, 127, "setup");
	run_release(&run);
}

/* However long its name is, what is wrong with it is still said. */
Test(outcomes, not_found_under_a_long_name)
{
	char name[4096] = "";
	struct run run;

	for (size_t used = 0; used + 4 < sizeof(name); used += 4)
		memcpy(name + used, used % 240 == 0 ? "/abc" : "x\xe2\x82\xac", 5);
	run_start(&run, NULL, WORDS(name), "", 0);
	run_expect(&run, 127, "setup");
	cr_expect_not_null(strstr(run.child.err, "does not exist in the sandbox"), "%s",
			   run.child.err);
	run_release(&run);
}

Test(outcomes, not_executable)
{
	struct run run;

	run_start(&run, NULL, WORDS("/usr/lib/os-release"), "", 0);
	run_expect(&run, 126, "setup");
	cr_expect(run_has_error(&run, "SR-RUN-002"));
	run_release(&run);
	run_start(&run, NULL, WORDS("/usr"), "", 0);
	run_expect(&run, 126, "setup");
	run_release(&run);
}

Test(outcomes, timeout)
{
	struct run run;

	run_start(&run, WORDS("--timeout", "1"), WORDS("sleep", "1000"), "", 0);
	run_expect(&run, 124, "timeout");
	cr_expect(run_has_error(&run, "SR-RUN-003"));
	run_release(&run);
}

/* Nothing that catches, ignores or hides from signals outlives the deadline. */
Test(outcomes, timeout_of_a_stubborn_command)
{
	struct run run;

	run_start(&run, WORDS("--timeout", "1"),
		  WORDS("sh", "-c", "trap '' TERM INT HUP; (setsid sleep 1000 &) ; sleep 1000"), "",
		  0);
	run_expect(&run, 124, "timeout");
	run_release(&run);
}

Test(outcomes, out_of_memory)
{
	struct run run;

	run_need_limits();
	run_start(&run, WORDS("--memory", "16Mi"), WORDS("tail", "/dev/zero"), "", 0);
	run_expect(&run, 137, "oom");
	cr_expect(run_has_error(&run, "SR-RUN-001"));
	cr_expect_not_null(strstr(run.child.err, "memory"), "not in words: %s", run.child.err);
	run_release(&run);
}

Test(outcomes, too_many_processes)
{
	struct run run;

	run_need_limits();
	run_start(&run, WORDS("--pids", "8"),
		  WORDS("sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do sleep 1000 & done; exit 9"), "",
		  0);
	cr_expect_str_eq(run_text(&run, "outcome.cause"), "pids", "%s: %s",
			 run_text(&run, "outcome.summary"), run.child.err);
	cr_expect_neq(run.child.status, 0);
	run_release(&run);
}

/* The limit is one of both streams together; one byte below it nothing happens. */
Test(outcomes, output_limit)
{
	static const struct {
		const char *script;
		bool over;
	} cases[] = {
		{"head -c 65535 /dev/zero", false},
		{"head -c 65536 /dev/zero", false},
		{"head -c 65537 /dev/zero; sleep 1000", true},
		{"head -c 40000 /dev/zero; head -c 40000 /dev/zero >&2; sleep 1000", true},
		{"exec cat /dev/zero", true},
	};
	static const char policy[] = "apiVersion: policy.safe-run.dev/v1alpha1\n"
				     "metadata: {name: output}\n"
				     "runtime: {command: 'true', args: []}\n"
				     "resources: {cpu: {max: 100000 100000}, memory: {max: 256Mi},"
				     " output: {max: 64Ki}}\n"
				     "mounts: []\n"
				     "audit: {level: basic}\n";

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run run;

		run_start(&run, WORDS("--policy", "-"), WORDS("sh", "-c", cases[i].script), policy,
			  strlen(policy));
		if (cases[i].over) {
			run_expect(&run, 137, "output");
			cr_expect(run_has_event(&run, "output.truncated"));
		} else {
			run_expect(&run, 0, "exit");
		}
		cr_expect_eq(run_number(&run, "output.stdout.loggedBytes") +
				     run_number(&run, "output.stderr.loggedBytes"),
			     cases[i].over ? 65536 : (int64_t)run.child.out_len);
		run_release(&run);
	}
}

Test(outcomes, refused_policy)
{
	static const char policy[] = "apiVersion: policy.safe-run.dev/v1alpha1\n"
				     "metadata: {name: bad}\n"
				     "runtme: {command: 'true'}\n";
	struct run run;

	run_start(&run, WORDS("--policy", "-"), NULL, policy, strlen(policy));
	run_expect(&run, 125, "setup");
	cr_expect(run_has_error(&run, "SR-POL-002"));
	cr_expect_not_null(strstr(run.child.err, "runtme"), "%s", run.child.err);
	run_release(&run);
}
