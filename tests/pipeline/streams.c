/* SPDX-License-Identifier: Apache-2.0 */
/* What goes in and comes out: the three streams, the response record, the summary. */
#include "tests/pipeline/run.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BINARY_LEN 300000

static char *binary_input(void)
{
	char *bytes = malloc(BINARY_LEN);
	unsigned state = 1;

	for (size_t i = 0; i < BINARY_LEN; i++) {
		state = state * 1103515245 + 12345;
		bytes[i] = (char)(state >> 16);
	}
	return bytes;
}

Test(streams, bytes_pass_through_unchanged)
{
	char *input = binary_input(), *logged;
	char path[4096];
	struct run run;
	size_t len;

	run_start(&run, NULL, WORDS("cat"), input, BINARY_LEN);
	run_expect(&run, 0, "exit");
	cr_expect_eq(run.child.out_len, BINARY_LEN);
	cr_expect_arr_eq(run.child.out, input, BINARY_LEN);
	snprintf(path, sizeof(path), "%s/artifacts/stdout.log", run.dir);
	logged = child_read_file(path, &len);
	cr_assert_eq(len, BINARY_LEN);
	cr_expect_arr_eq(logged, input, BINARY_LEN);
	cr_expect_eq(run_number(&run, "output.stdout.bytes"), BINARY_LEN);
	run_release(&run);
	free(logged);
	free(input);
}

Test(streams, stderr_is_not_stdout)
{
	struct run run;

	run_start(&run, WORDS("--quiet"), WORDS("sh", "-c", "echo out; echo err >&2"), "", 0);
	run_expect(&run, 0, "exit");
	cr_expect_str_eq(run.child.out, "out\n");
	cr_expect_str_eq(run.child.err, "err\n");
	run_release(&run);
}

/* The command ends without reading: what it left unread stops nothing. */
Test(streams, unread_input)
{
	char *input = binary_input();
	struct run run;

	run_start(&run, NULL, WORDS("true"), input, BINARY_LEN);
	run_expect(&run, 0, "exit");
	run_release(&run);
	free(input);
}

Test(streams, environment)
{
	struct run run;

	setenv("SR_TEST_COPIED", "a copy", 1);
	setenv("SR_TEST_KEPT_OUT", "secret", 1);
	run_start(&run, WORDS("--env", "SR_TEST_SET=two words=x", "--env=SR_TEST_COPIED"),
		  WORDS("env"), "", 0);
	run_expect(&run, 0, "exit");
	cr_expect_not_null(strstr(run.child.out, "SR_TEST_SET=two words=x\n"));
	cr_expect_not_null(strstr(run.child.out, "SR_TEST_COPIED=a copy\n"));
	cr_expect_null(strstr(run.child.out, "SR_TEST_KEPT_OUT"));
	run_release(&run);
}

Test(streams, one_response_record)
{
	static const char *const members[] = {"artifacts", "errors",   "exitCode", "runId",
					      "state",	   "degraded", "verdict",  "signature"};
	static const char *const made[] = {"dir", "events", "report", "stderr", "stdout"};
	struct json_object *response, *value;
	struct run run;

	run_start(&run, WORDS("--json"), WORDS("sh", "-c", "echo hidden; exit 7"), "", 0);
	run_expect(&run, 7, "exit");
	cr_expect_str_empty(run.child.err);
	cr_assert_gt(run.child.out_len, 0);
	cr_expect_eq(strchr(run.child.out, '\n'), run.child.out + run.child.out_len - 1);
	response = json_tokener_parse(run.child.out);
	cr_assert_eq(json_object_object_length(response), 8);
	for (size_t i = 0; i < 8; i++)
		cr_expect(json_object_object_get_ex(response, members[i], NULL));
	json_object_object_get_ex(response, "exitCode", &value);
	cr_expect_eq(json_object_get_int(value), 7);
	json_object_object_get_ex(response, "runId", &value);
	cr_expect_str_eq(json_object_get_string(value), run_text(&run, "runId"));
	json_object_object_get_ex(response, "artifacts", &value);
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		struct json_object *path = NULL;

		json_object_object_get_ex(value, made[i], &path);
		cr_expect(path != NULL && access(json_object_get_string(path), R_OK) == 0, "%s",
			  made[i]);
	}
	/* What nobody asked for is named, and null: nobody is sent to a file never made. */
	json_object_object_foreach(value, name, other) cr_expect(
		other == NULL || access(json_object_get_string(other), R_OK) == 0, "%s", name);
	json_object_put(response);
	run_release(&run);
}

Test(streams, response_to_what_never_ran)
{
	static const char *const never[][3] = {
		{"--env", "NOT_SET_ANYWHERE", NULL},
		{"--env", "9=x", NULL},
	};

	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		struct json_object *response, *value;
		struct run run;

		run_start(&run, never[i], NULL, "", 0);
		cr_expect_eq(run.child.status, 125, "%s %s", never[i][0], never[i][1]);
		cr_expect_null(run.dir, "a directory was made for nothing");
		cr_expect_gt(run.child.err_len, 0);
		run_release(&run);
		run_start(&run, WORDS("--json", never[i][0], never[i][1]), WORDS("true"), "", 0);
		cr_expect_eq(run.child.status, 125);
		response = json_tokener_parse(run.child.out);
		cr_assert_not_null(response, "%s", run.child.err);
		json_object_object_get_ex(response, "errors", &value);
		cr_expect_eq(json_object_array_length(value), 1);
		json_object_object_get_ex(response, "state", &value);
		cr_expect_str_eq(json_object_get_string(value), "failed");
		json_object_put(response);
		run_release(&run);
	}
}

/* Quiet is about the summary; what safe-run itself could not do is said all the same. */
Test(streams, quiet)
{
	struct run run;

	run_start(&run, WORDS("--quiet"), WORDS("sh", "-c", "exit 3"), "", 0);
	run_expect(&run, 3, "exit");
	cr_expect_str_empty(run.child.err);
	run_release(&run);
	run_start(&run, WORDS("--quiet", "--policy", "/no/such/policy"), NULL, "", 0);
	cr_expect_eq(run.child.status, 125);
	cr_expect_not_null(strstr(run.child.err, "SR-POL-001"));
	run_release(&run);
}

/* A broken command line is safe-run's failure, never a status the command might have. */
Test(streams, usage)
{
	static const char *const wrong[][4] = {
		{"--no-such-option", NULL},
		{"--timeout", NULL},
		{"--quiet=yes", NULL},
		{"true", NULL},
		{"--tty", "--json", NULL},
		{"--sample-ms", "0", NULL},
		{"-q", NULL},
		{NULL},
		{"--sample-ms", "3600001", NULL},
		{"--polic", "x", NULL},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		bool operand = wrong[i][0] != NULL && strcmp(wrong[i][0], "--tty") == 0;
		struct run run;

		run_start(&run, wrong[i], operand ? WORDS("true") : NULL, "", 0);
		cr_expect_eq(run.child.status, 125, "case %zu", i);
		cr_expect_not_null(strstr(run.child.err, "usage: "), "case %zu", i);
		cr_expect_null(run.dir);
		run_release(&run);
	}
}

/* An override that is no value of its field is sr-validate's to refuse, and sealed. */
Test(streams, overrides_are_validated)
{
	static const struct {
		const char *option;
		const char *value;
		const char *effective; /* in the report's policySummary; NULL: refused */
		const char *member;
	} cases[] = {
		{"--cpu", "0.5", "50000 100000", "policySummary.cpuMax"},
		{"--cpu", "2", "200000 100000", "policySummary.cpuMax"},
		{"--cpu", ".25", "25000 100000", "policySummary.cpuMax"},
		{"--cpu", "20000 50000", "20000 50000", "policySummary.cpuMax"},
		{"--cpu", "0.000001", NULL, NULL},
		{"--cpu", "1.5.5", NULL, NULL},
		{"--cpu", "-1", NULL, NULL},
		{"--memory", "64Mi", "67108864", "policySummary.memoryMax"},
		{"--memory", "67108864", "67108864", "policySummary.memoryMax"},
		{"--memory", "lots", NULL, NULL},
		{"--pids", "100", "100", "policySummary.pidsMax"},
		{"--pids", "0", NULL, NULL},
		{"--timeout", "7", "7", "policySummary.timeoutSec"},
		{"--timeout", "0", NULL, NULL},
		{"--timeout", "soon", NULL, NULL},
		{"--isolation", "wishes", NULL, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct run run;

		run_start(&run, WORDS(cases[i].option, cases[i].value), WORDS("true"), "", 0);
		if (cases[i].effective == NULL) {
			cr_expect_eq(run.child.status, 125, "%s %s", cases[i].option,
				     cases[i].value);
			cr_expect_not_null(strstr(run.child.err, "SR-POL-"), "%s", run.child.err);
		} else {
			run_expect(&run, 0, "exit");
			cr_expect_str_eq(json_object_get_string(run_member(&run, cases[i].member)),
					 cases[i].effective, "%s %s", cases[i].option,
					 cases[i].value);
		}
		run_release(&run);
	}
}
