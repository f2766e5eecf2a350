/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/stage/verify_tamper.h"

#include "tests/support/answer.h"
#include "tests/support/child.h"
#include "tests/support/evidence.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect_answer(const struct tamper *tamper, const char *path)
{
	bool valid = strcmp(tamper->result, "valid") == 0;
	bool whole = strcmp(tamper->result, "invalid") != 0;
	int status;
	struct json_object *answer = answer_get(path, &status);
	const char *text = json_object_to_json_string_ext(answer, JSON_C_TO_STRING_NOSLASHESCAPE);

	cr_expect_eq(status, valid ? 0 : 1, "%s: status %d", tamper->name, status);
	cr_expect_str_eq(answer_text(answer, "result"), tamper->result, "%s: %s", tamper->name,
			 text);
	cr_expect_str_eq(answer_text(answer, "valid"), valid ? "true" : "false", "%s",
			 tamper->name);
	cr_expect_str_eq(answer_text(answer, "trust"), whole ? "self" : "none", "%s", tamper->name);
	if (tamper->code != NULL)
		cr_expect(answer_has_reason(answer, tamper->code, tamper->place),
			  "%s: no %s at %s in %s", tamper->name, tamper->code, tamper->place, text);
	json_object_put(answer);
}

void verify_tampered(const struct tamper *table, size_t count)
{
	char *directory = child_make_dir("tamper"), path[512];

	snprintf(path, sizeof(path), "%s/report", directory);
	for (size_t i = 0; i < count; i++) {
		struct buf stream, report;

		buf_init(&stream, EVIDENCE_MAX);
		buf_init(&report, EVIDENCE_MAX);
		evidence_finished(&stream);
		evidence_seal(&stream, &report);
		tamper_with(&report, &table[i]);
		child_write_file(path, report.data, report.len);
		expect_answer(&table[i], path);
		buf_release(&stream);
		buf_release(&report);
	}
	child_remove_dir(directory);
	free(directory);
}
