/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/vectors.h"
#include "tests/unit/validate_run.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Test(validate_vectors, accepted)
{
	struct vector_set set;

	vectors_load("policy/accept", &set);
	for (size_t i = 0; i < set.count; i++) {
		struct run run RUN_CLEANUP;

		run_validate(set.items[i].data, set.items[i].len, NULL, NULL, &run);
		cr_expect(run.valid, "%s: %s", set.items[i].name, run.errors);
	}
	vectors_release(&set);
}

/* A normalised policy is a policy, and says the same. */
Test(validate_vectors, normalized_again_is_the_same)
{
	struct vector_set set;

	vectors_load("policy/accept", &set);
	for (size_t i = 0; i < set.count; i++) {
		struct run first RUN_CLEANUP;
		struct run second RUN_CLEANUP;

		run_validate(set.items[i].data, set.items[i].len, NULL, NULL, &first);
		run_validate(first.policy, strlen(first.policy), NULL, NULL, &second);
		cr_expect(second.valid, "%s: %s", set.items[i].name, second.errors);
		cr_expect_str_eq(first.policy, second.policy, "%s", set.items[i].name);
	}
	vectors_release(&set);
}

static bool is_expectation(const struct vector *vector)
{
	return strncmp(vector->data, "SR-POL-", 7) == 0;
}

static const struct vector *partner(const struct vector_set *set, const struct vector *vector)
{
	for (size_t i = 0; i < set->count; i++)
		if (is_expectation(&set->items[i]) && strcmp(set->items[i].name, vector->name) == 0)
			return &set->items[i];
	cr_assert_fail("%s has no .expect", vector->name);
	return NULL;
}

/* Takes a line off *text. */
static char *next_line(char **text)
{
	char *line = strsep(text, "\n");

	return line != NULL && line[0] != '\0' ? line : NULL;
}

/* "CODE path | part of the message" against "CODE path: message". */
static bool fits(const char *expected, const char *got)
{
	const char *bar = strstr(expected, " | ");
	size_t head = bar != NULL ? (size_t)(bar - expected) : strlen(expected);

	return strncmp(expected, got, head) == 0 && got[head] == ':' &&
	       (bar == NULL || strstr(got + head, bar + 3) != NULL);
}

static void check_reject(const struct vector *vector, const struct vector *expect)
{
	struct run run RUN_CLEANUP;
	char *expected_text = strdup(expect->data);
	char *got_text;
	char *expected_rest = expected_text;
	char *got_rest;

	run_validate(vector->data, vector->len, NULL, NULL, &run);
	got_text = got_rest = strdup(run.errors);
	cr_expect(!run.valid, "%s was accepted", vector->name);
	cr_expect_str_eq(run.policy, "null");
	for (;;) {
		const char *expected = next_line(&expected_rest);
		const char *got = next_line(&got_rest);

		if (expected == NULL && got == NULL)
			break;
		cr_expect(expected != NULL && got != NULL && fits(expected, got),
			  "%s\nexpected %s\ngot      %s", vector->name,
			  expected != NULL ? expected : "no more", got != NULL ? got : "no more");
		if (expected == NULL || got == NULL)
			break;
	}
	free(expected_text);
	free(got_text);
}

Test(validate_vectors, rejected)
{
	struct vector_set set;
	size_t checked = 0;

	vectors_load("policy/reject", &set);
	for (size_t i = 0; i < set.count; i++) {
		if (is_expectation(&set.items[i]))
			continue;
		check_reject(&set.items[i], partner(&set, &set.items[i]));
		checked++;
	}
	cr_expect_eq(checked * 2, set.count);
	vectors_release(&set);
}
