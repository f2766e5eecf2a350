/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/pipeline/bench.h"

#include "tests/pipeline/run.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bench_open(struct bench *bench)
{
	run_need_limits();
	bench->directory = child_make_dir("bench");
	snprintf(bench->setting, sizeof(bench->setting),
		 "set -eu; cd '%s'; SR='%s'; export SAFE_RUN_WORKDIR_BASE=$PWD/runs\n",
		 bench->directory, child_path("safe-run"));
}

void bench_close(struct bench *bench)
{
	child_remove_dir(bench->directory);
	free(bench->directory);
}

void bench_shell(const struct bench *bench, const char *script, int status, const char *said)
{
	size_t size = strlen(bench->setting) + strlen(script) + 1;
	char *whole = malloc(size);
	struct child_result result;

	snprintf(whole, size, "%s%s", bench->setting, script);
	child_run(WORDS("/bin/bash", "-c", whole), "", 0, NULL, &result);
	cr_expect_eq(result.status, status, "%s\n%s%s", script, result.out, result.err);
	if (said != NULL)
		cr_expect(strstr(result.out, said) != NULL || strstr(result.err, said) != NULL,
			  "no '%s' in\n%s%s", said, result.out, result.err);
	child_release(&result);
	free(whole);
}
