/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/compare/again.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <string.h>

#define REPORT(executable, exit, cause, summary)                                                   \
	"{\"artifacts\":{\"commandHash\":\"c\",\"executableHash\":" executable                     \
	",\"interpreterHash\":null,\"policyHash\":\"p\",\"rootfsHash\":\"r\"},\"exitCode\":" exit  \
	",\"outcome\":{\"cause\":\"" cause "\",\"signal\":null,\"summary\":\"" summary "\"},"      \
	"\"output\":{\"stderr\":{\"sha256\":\"e\"},\"stdout\":{\"sha256\":\"o\"}},"                \
	"\"outputs\":{\"manifestHash\":null},\"state\":\"finished\"}"
#define RAN(exit) REPORT("\"a\"", exit, "exit", "exited")
#define OTHER	  REPORT("\"b\"", "0", "exit", "exited")
#define NOT_RUN	  REPORT("null", "125", "setup", "was not started: no cgroup")

static struct span span_of(const char *text)
{
	return (struct span){text, strlen(text)};
}

/* What a run came to that was carried out again, and where the answer points. */
Test(compare_again, says_what_came_of_it)
{
	static const struct {
		const char *recorded, *replayed, *result, *path, *says;
	} rows[] = {
		{RAN("0"), RAN("0"), "same", NULL, NULL},
		{RAN("0"), RAN("3"), "different", "exitCode", "3"},
		{RAN("0"), OTHER, "refused", "executableHash", "not what the recorded run had"},
		{RAN("0"), NOT_RUN, "refused", "outcome.summary", "was not started: no cgroup"},
		{RAN("0"), "{}", "refused", "outcome.summary", "nothing was executed"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json_object *record, *errors;
		struct answer answer;
		const char *text;
		bool same;

		answer_init(&answer);
		again_compare(span_of(rows[i].recorded), span_of(rows[i].replayed), &answer);
		record = answer_finish(&answer, &same);
		errors = json_object_object_get(record, "errors");
		text = json_object_to_json_string_ext(record, JSON_C_TO_STRING_PLAIN);
		cr_expect_eq(same, strcmp(rows[i].result, "same") == 0, "%zu: %s", i, text);
		cr_expect_str_eq(json_object_get_string(json_object_object_get(record, "result")),
				 rows[i].result, "%zu: %s", i, text);
		/* One reason: a run that never began differs in everything, and that says nothing. */
		cr_expect_leq(json_object_array_length(errors), 1, "%zu: %s", i, text);
		if (rows[i].path != NULL) {
			cr_expect_not_null(strstr(text, rows[i].path), "%zu: %s", i, text);
			cr_expect_not_null(strstr(text, rows[i].says), "%zu: %s", i, text);
		}
		json_object_put(record);
	}
}
