/* SPDX-License-Identifier: Apache-2.0 */
/* safe-run canon itself, over pipes. */
#include "ipc/canon.h"
#include "tests/support/child.h"
#include "tests/support/vectors.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const verb[] = {"safe-run", "canon", NULL};

Test(stage_canon, writes_exactly_the_canonical_bytes)
{
	struct vector_set inputs, outputs;

	vectors_load("canon/accept", &inputs);
	vectors_load("canon/canonical", &outputs);
	for (size_t i = 0; i < inputs.count; i++) {
		struct child_options options = {.chunk_len = i % 2 ? 1 : 0};
		struct child_result result;

		child_run(verb, inputs.items[i].data, inputs.items[i].len, &options, &result);
		cr_expect_eq(result.status, 0, "%s: %s", inputs.items[i].name, result.out);
		cr_expect_str_eq(result.err, "");
		cr_expect(result.out_len == outputs.items[i].len &&
				  memcmp(result.out, outputs.items[i].data, result.out_len) == 0,
			  "%s: %s", inputs.items[i].name, result.out);
		child_release(&result);
	}
	vectors_release(&inputs);
	vectors_release(&outputs);
}

static void expect_refused(const char *name, const void *input, size_t len, const char *message)
{
	struct child_result result;

	child_run(verb, input, len, NULL, &result);
	cr_expect_eq(result.status, 1, "%s: %d", name, result.status);
	cr_assert_gt(result.out_len, 0, "%s", name);
	cr_expect(canon_check(result.out, result.out_len - 1, NULL), "%s", name);
	cr_expect_eq(strncmp(result.out, "{\"errors\":[{\"code\":\"SR-EVD-306\"", 31), 0, "%s: %s",
		     name, result.out);
	cr_expect(strstr(result.out, message) != NULL, "%s: %s", name, result.out);
	child_release(&result);
}

Test(stage_canon, says_why_not)
{
	struct vector_set inputs;

	vectors_load("canon/reject", &inputs);
	for (size_t i = 0; i < inputs.count; i++)
		expect_refused(inputs.items[i].name, inputs.items[i].data, inputs.items[i].len,
			       "byte ");
	vectors_release(&inputs);
}

Test(stage_canon, takes_16_mebibytes_and_not_a_byte_more)
{
	size_t cap = (size_t)16 << 20;
	char *input = malloc(cap + 1);

	for (size_t len = cap - 1; len <= cap + 1; len++) {
		struct child_result result;

		memset(input, ' ', len);
		input[len - 1] = '7';
		if (len > cap) {
			expect_refused("too long", input, len, "longer than 16777216 bytes");
			continue;
		}
		child_run(verb, input, len, NULL, &result);
		cr_expect_eq(result.status, 0, "%s", result.out);
		cr_expect_str_eq(result.out, "7");
		child_release(&result);
	}
	free(input);
}

/* As many members as fit: what a library's sort would ask the kernel for is not allowed. */
Test(stage_canon, sorts_a_great_object)
{
	size_t count = 100000, len = 1;
	char *input = malloc(count * 16 + 2), *expected = malloc(count * 16 + 2);
	struct child_result result;

	input[0] = expected[0] = '{';
	for (size_t i = 0; i < count; i++) {
		sprintf(input + len, "\"%08zu\":1,", count - 1 - i);
		len += (size_t)sprintf(expected + len, "\"%08zu\":1,", i);
	}
	input[len - 1] = expected[len - 1] = '}';
	child_run(verb, input, len, NULL, &result);
	cr_expect_eq(result.status, 0, "%d", result.status);
	cr_expect(result.out_len == len && memcmp(result.out, expected, len) == 0);
	child_release(&result);
	free(input);
	free(expected);
}

Test(stage_canon, takes_no_operands)
{
	struct child_result result;

	child_run((const char *const[]){"safe-run", "canon", "file.json", NULL}, "1", 1, NULL,
		  &result);
	cr_expect_eq(result.status, 2);
	cr_expect_eq(result.out_len, 0);
	child_release(&result);
}
