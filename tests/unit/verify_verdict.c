/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/verdict.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void all_pass(struct verdict *verdict)
{
	*verdict = (struct verdict){0};
	for (int check = 0; check < VERDICT_CHECK_COUNT; check++)
		verdict_pass(verdict, (enum verdict_check)check);
}

static void send(const struct verdict *verdict, char *out, size_t size)
{
	struct record_sink sink = {.fd = memfd_create("verdict", MFD_CLOEXEC), .record_fd = -1};
	struct fault fault;
	ssize_t len;

	cr_assert_eq(verdict_send(verdict, &sink, &fault), FAULT_NONE);
	len = pread(sink.fd, out, size - 1, 0);
	cr_assert_gt(len, 0);
	out[len] = '\0';
	close(sink.fd);
}

/* Each check alone decides. */
Test(verify_verdict, one_refusal_or_one_check_not_run_is_enough)
{
	for (int check = 0; check < VERDICT_CHECK_COUNT; check++) {
		struct verdict verdict;
		char text[8192];

		all_pass(&verdict);
		cr_assert(verdict_valid(&verdict));
		verdict_want(&verdict, (enum verdict_check)check);
		verdict.states[check] = VERDICT_NOT_RUN;
		cr_expect(!verdict_valid(&verdict), "%d not run", check);
		send(&verdict, text, sizeof(text));
		cr_expect_not_null(strstr(text, "\"result\":\"invalid\""), "%d", check);
		all_pass(&verdict);
		verdict_refuse_at(&verdict, (enum verdict_check)check, "x", "y");
		verdict_pass(&verdict, (enum verdict_check)check);
		cr_expect(!verdict_valid(&verdict), "%d passed after a refusal", check);
		send(&verdict, text, sizeof(text));
		cr_expect_not_null(strstr(text, check == VERDICT_COMPLETE
							? "\"result\":\"incomplete\""
							: "\"result\":\"invalid\""),
				   "%d", check);
		cr_expect_not_null(
			strstr(text, fault_code_name(verdict_code((enum verdict_check)check))));
	}
}

/* What nobody asked for and there was nothing to look at for is no part of the answer. */
Test(verify_verdict, an_optional_check_counts_once_it_is_wanted)
{
	for (int check = VERDICT_STATEMENT; check < VERDICT_CHECK_COUNT; check++) {
		struct verdict verdict;

		all_pass(&verdict);
		verdict.states[check] = VERDICT_NOT_RUN;
		cr_expect(verdict_valid(&verdict), "%d", check);
		verdict_want(&verdict, (enum verdict_check)check);
		cr_expect(!verdict_valid(&verdict), "%d", check);
	}
}

Test(verify_verdict, a_valid_one_still_says_what_it_does_not_prove)
{
	struct verdict verdict;
	char text[8192];

	all_pass(&verdict);
	memset(verdict.log.origin, 'o', NOTE_ORIGIN_MAX);
	verdict.log.size = UINT64_MAX;
	send(&verdict, text, sizeof(text));
	cr_expect_not_null(strstr(text, "\"trust\":\"logged(ooo"));
	cr_expect_not_null(strstr(text, "ooo,18446744073709551615)\",\"valid\":true}"));
	verdict.states[VERDICT_LOG] = VERDICT_NOT_RUN;
	send(&verdict, text, sizeof(text));
	cr_expect_not_null(strstr(text, "\"trust\":\"signed\",\"valid\":true}"));
	cr_expect_not_null(strstr(text, "\"doesNotProve\":[\"that nobody else had the key"));
	verdict.states[VERDICT_SIGNATURE] = VERDICT_NOT_RUN;
	send(&verdict, text, sizeof(text));
	cr_expect_not_null(strstr(text, "\"trust\":\"self\",\"valid\":true}"));
	cr_expect_not_null(strstr(text, "\"doesNotProve\":[\"who made it"));
	cr_expect_null(strstr(text, "nobody captured"));
	verdict.output_uncaptured = true;
	send(&verdict, text, sizeof(text));
	cr_expect_not_null(strstr(text, "nobody captured"));
}

Test(verify_verdict, reasons_past_the_first_few_are_counted)
{
	for (int count = VERDICT_REASONS_MAX - 1; count <= VERDICT_REASONS_MAX + 1; count++) {
		struct verdict verdict;
		char text[8192];

		all_pass(&verdict);
		for (int i = 0; i < count; i++)
			verdict_refuse_at(&verdict, VERDICT_EVENT_CHAIN, "x", "reason %d", i);
		send(&verdict, text, sizeof(text));
		cr_expect_eq(strstr(text, "1 reasons more") != NULL, count > VERDICT_REASONS_MAX);
		cr_expect_eq(verdict.faults.count,
			     (size_t)(count < VERDICT_REASONS_MAX ? count : VERDICT_REASONS_MAX));
	}
}
