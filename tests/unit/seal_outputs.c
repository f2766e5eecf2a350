/* SPDX-License-Identifier: Apache-2.0 */
/* outputs.collected: what its shape cannot say, and what the report has of it. */
#include "stages/seal/outputs.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define HASH "\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""
#define PAYLOAD(captured, bytes, entries, files, hash, outputs)                                    \
	"{\"bootNs\":\"1\",\"bytes\":" bytes ",\"captured\":" captured ",\"entries\":" entries     \
	",\"files\":" files ",\"manifestHash\":" hash                                              \
	",\"observedBy\":\"launcher\",\"outputs\":[" outputs "],\"reasons\":[]}"
#define OUTPUT(bytes, entries, files, status)                                                      \
	"{\"bytes\":" bytes ",\"entries\":" entries ",\"files\":" files                            \
	",\"path\":\"o\",\"refused\":0,\"status\":\"" status "\"}"

static struct span span_of(const char *text)
{
	return (struct span){.at = text, .len = strlen(text)};
}

Test(seal_outputs, sums_and_names)
{
	static const struct {
		const char *payload;
		bool good, incomplete;
	} cases[] = {
		{PAYLOAD("true", "0", "0", "0", HASH, ""), true, false},
		{PAYLOAD("true", "5", "3", "2", HASH, OUTPUT("5", "3", "2", "collected")), true,
		 false},
		{PAYLOAD("true", "6", "3", "2", HASH, OUTPUT("5", "3", "2", "collected")), false,
		 false},
		{PAYLOAD("true", "5", "4", "2", HASH, OUTPUT("5", "3", "2", "collected")), false,
		 false},
		{PAYLOAD("true", "5", "3", "1", HASH, OUTPUT("5", "3", "2", "collected")), false,
		 false},
		{PAYLOAD("true", "6", "4", "2", HASH,
			 OUTPUT("5", "3", "2", "collected") "," OUTPUT("1", "1", "0", "limit")),
		 true, true},
		{PAYLOAD("true", "5", "3", "2", "null", OUTPUT("5", "3", "2", "collected")), false,
		 false},
		{PAYLOAD("false", "5", "3", "2", HASH, OUTPUT("5", "3", "2", "collected")), false,
		 false},
		{PAYLOAD("false", "0", "0", "0", "null", OUTPUT("0", "0", "0", "not-captured")),
		 true, false},
		{PAYLOAD("true", "0", "0", "0", HASH, OUTPUT("0", "0", "0", "missing")), true,
		 true},
		{PAYLOAD("true", "0", "0", "0", HASH, OUTPUT("0", "0", "0", "refused")), true,
		 true},
		{PAYLOAD("true", "0", "0", "0", "null", OUTPUT("0", "0", "0", "failed")), true,
		 true},
		{PAYLOAD("true", "0", "0", "0", HASH, OUTPUT("0", "0", "0", "fine")), false, true},
		{PAYLOAD("true", "0", "0", "0", HASH,
			 OUTPUT("9223372036854775807", "0", "0", "collected") "," OUTPUT(
				 "9223372036854775807", "0", "0", "collected")),
		 false, false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct span payload = span_of(cases[i].payload);
		struct fault fault;

		cr_expect_eq(outputs_check(payload, FAULT_REPORT_SCHEMA, &fault) == FAULT_NONE,
			     cases[i].good, "%zu: %s", i, cases[i].payload);
		cr_expect_eq(outputs_incomplete(payload), cases[i].incomplete, "%zu: %s", i,
			     cases[i].payload);
	}
}

Test(seal_outputs, report_has_what_is_its_own)
{
	struct buf out BUF_CLEANUP;

	buf_init(&out, INT_MAX);
	outputs_value(span_of(PAYLOAD("true", "0", "0", "0", HASH, "")), &out);
	buf_append(&out, "", 1);
	cr_expect_str_eq(out.data, "{\"bytes\":0,\"captured\":true,\"entries\":0,\"files\":0,"
				   "\"manifestHash\":" HASH ",\"outputs\":[],\"reasons\":[]}");
}
