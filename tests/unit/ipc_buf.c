/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/buf.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(ipc_buf, holds_up_to_its_ceiling_and_not_a_byte_more)
{
	for (size_t len = 99; len <= 101; len++) {
		char *data = calloc(1, len);
		struct buf buf;

		buf_init(&buf, 100);
		buf_append(&buf, data, len);
		cr_expect_eq(buf.overflowed, len > 100);
		cr_expect_eq(buf.len, len > 100 ? 0 : len);
		cr_expect_leq(buf.capacity, 100);
		buf_release(&buf);
		free(data);
	}
}

Test(ipc_buf, keeps_nothing_after_an_overflow)
{
	struct buf buf;

	buf_init(&buf, 4);
	buf_append_text(&buf, "ab");
	buf_append_text(&buf, "cde");
	buf_append_text(&buf, "f");
	cr_expect(buf.overflowed);
	cr_expect_eq(buf.len, 2);
	cr_expect_eq(memcmp(buf.data, "ab", 2), 0);
	buf_clear(&buf);
	buf_append_text(&buf, "wxyz");
	cr_expect_not(buf.overflowed);
	cr_expect_eq(buf.len, 4);
	buf_release(&buf);
}

Test(ipc_buf, grows_over_many_small_appends)
{
	struct buf buf;

	buf_init(&buf, 1 << 20);
	for (int i = 0; i < 1 << 18; i++)
		buf_append(&buf, "abcd", 4);
	cr_expect_not(buf.overflowed);
	cr_expect_eq(buf.len, 1 << 20);
	cr_expect_eq(memcmp(buf.data + buf.len - 8, "abcdabcd", 8), 0);
	buf_append(&buf, "x", 1);
	cr_expect(buf.overflowed);
	buf_release(&buf);
}

Test(ipc_buf, writes_numbers)
{
	static const struct {
		uint64_t value;
		const char *text;
	} cases[] = {{0, "0"}, {9, "9"}, {10, "10"}, {UINT64_MAX, "18446744073709551615"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf buf;

		buf_init(&buf, 32);
		buf_append_u64(&buf, cases[i].value);
		buf_append(&buf, "", 1);
		cr_expect_str_eq(buf.data, cases[i].text);
		buf_release(&buf);
	}
}

Test(ipc_buf, reserve_refuses_to_pass_the_ceiling)
{
	struct buf buf;

	buf_init(&buf, 1000);
	cr_expect(buf_reserve(&buf, 999));
	cr_expect(buf_reserve(&buf, 1000));
	cr_expect_not(buf_reserve(&buf, 1001));
	cr_expect_not(buf_reserve(&buf, SIZE_MAX));
	buf_append(&buf, "x", 1);
	cr_expect_not(buf_reserve(&buf, 1000));
	buf_release(&buf);
}

Test(ipc_buf, out_of_memory_ends_with_status_3, .exit_code = 3)
{
	buf_no_memory();
}
