/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces a view is made of: text, numbers, curves. */
#include "ipc/canon.h"
#include "stages/inspect/series.h"
#include "stages/inspect/units.h"
#include "stages/inspect/words.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

Test(inspect_words, fit_into_columns)
{
	static const struct {
		const char *json;
		enum words_target target;
		size_t max;
		const char *shown;
		size_t columns;
	} rows[] = {
		{"\"abc\"", WORDS_PLAIN, 0, "", 0},
		{"\"abc\"", WORDS_PLAIN, 1, "\u2026", 1},
		{"\"abc\"", WORDS_PLAIN, 2, "a\u2026", 2},
		{"\"abc\"", WORDS_PLAIN, 3, "abc", 3},
		{"\"abc\"", WORDS_PLAIN, 4, "abc", 3},
		{"\"abc\"", WORDS_ASCII, 2, "a~", 2},
		{"\"abcd\"", WORDS_HTML, 3, "ab\u2026 (2 characters more)", 3},
		/* wide ones take two columns and are never halved */
		{"\"\u5b57\u5b57\"", WORDS_PLAIN, 4, "\u5b57\u5b57", 4},
		{"\"\u5b57\u5b57\"", WORDS_PLAIN, 3, "\u5b57\u2026", 3},
		{"\"\u5b57\u5b57\"", WORDS_PLAIN, 2, "\u2026", 1},
		/* combining ones none, but no more than three of them */
		{"\"e\u0301\"", WORDS_PLAIN, 1, "e\u0301", 1},
		{"\"e\u0301\u0301\u0301\u0301\"", WORDS_PLAIN, 40, "e\u0301\u0301\u0301\\u{301}",
		 8},
		/* escapes of JSON are undone, then what a terminal would obey is shown */
		{"\"\\\"\\\\/\"", WORDS_PLAIN, 9, "\"\\/", 3},
		{"\"\\u001b[m\"", WORDS_PLAIN, 20, "\\u{1b}[m", 8},
		{"\"\\n\"", WORDS_PLAIN, 20, "\\u{a}", 5},
		{"\"\\b\\f\\r\\t\"", WORDS_PLAIN, 40, "\\u{8}\\u{c}\\u{d}\\u{9}", 20},
		{"\"\u202e\"", WORDS_PLAIN, 20, "\\u{202e}", 8},
		{"\"\u00e9\"", WORDS_ASCII, 20, "\\u{e9}", 6},
		{"\"<&>\\\"'\"", WORDS_HTML, 20, "&lt;&amp;&gt;&quot;&#39;", 5},
		/* other values */
		{"null", WORDS_PLAIN, 20, "-", 1},
		{"12", WORDS_PLAIN, 20, "12", 2},
		{"{\"a\":\"\\n\"}", WORDS_PLAIN, 20, "{\"a\":\"\\n\"}", 10},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct span value = {rows[i].json, strlen(rows[i].json)};
		struct buf out;
		size_t columns;

		buf_init(&out, 4096);
		cr_assert(canon_check(value.at, value.len, NULL), "%s", rows[i].json);
		columns = words_put_value(&out, rows[i].target, value, rows[i].max);
		buf_append(&out, "", 1);
		cr_expect_str_eq(out.data, rows[i].shown, "%s", rows[i].json);
		cr_expect_eq(columns, rows[i].columns, "%s: %zu", rows[i].json, columns);
		buf_release(&out);
	}
}

Test(inspect_words, times)
{
	static const char *const rows[][2] = {
		{"\"2026-11-21T05:24:47.933981160Z\"", "2026-11-21 05:24:47 UTC"},
		{"\"2026-13-21T05:24:47.933981160Z\"", "2026-13-21T05:24:47.933981160Z"},
		{"\"soon\"", "soon"},
		{"7", "7"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf out;

		buf_init(&out, 4096);
		words_put_time(&out, WORDS_PLAIN, (struct span){rows[i][0], strlen(rows[i][0])},
			       80);
		buf_append(&out, "", 1);
		cr_expect_str_eq(out.data, rows[i][1]);
		buf_release(&out);
	}
}

Test(inspect_units, as_people_read_them)
{
	static const struct {
		void (*words)(uint64_t value, char out[UNITS_SIZE]);
		uint64_t value;
		const char *shown;
	} rows[] = {
		{units_bytes, 0, "0 B"},
		{units_bytes, 1023, "1023 B"},
		{units_bytes, 1024, "1.0 KiB"},
		{units_bytes, 1025, "1.0 KiB"},
		{units_bytes, 1024 * 1024 - 1, "1023.9 KiB"},
		{units_bytes, 1024 * 1024, "1.0 MiB"},
		{units_bytes, UINT64_MAX, "15.9 EiB"},
		{units_duration, 0, "0.000 s"},
		{units_duration, 999999, "0.000 s"},
		{units_duration, 1000000, "0.001 s"},
		{units_duration, UINT64_C(59999999999), "59.999 s"},
		{units_duration, UINT64_C(60000000000), "1 min 00 s"},
		{units_duration, UINT64_C(3599000000000), "59 min 59 s"},
		{units_duration, UINT64_C(3600000000000), "1 h 00 min"},
		{units_duration, UINT64_MAX, "5124095 h 34 min"},
		{units_offset, 0, "+0.000"},
		{units_offset, UINT64_C(3661250999999), "+3661.250"},
		{units_cpus, 0, "0.00"},
		{units_cpus, 1009, "1.00"},
		{units_cpus, 12340, "12.34"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char out[UNITS_SIZE];

		rows[i].words(rows[i].value, out);
		cr_expect_str_eq(out, rows[i].shown);
	}
}

#define SAMPLE_NS UINT64_C(100000000)

/* count samples 100 ms apart, each using use_us more, memory rising by a byte. */
static void fill(struct series *series, size_t count, uint64_t use_us)
{
	series_init(series, count);
	for (size_t i = 0; i < count; i++) {
		char payload[256];

		snprintf(payload, sizeof(payload),
			 "{\"cpu\":{\"usageUs\":%" PRIu64 "},\"memory\":{\"currentBytes\":%zu},"
			 "\"pids\":{\"current\":1}}",
			 use_us * (i + 1), i + 1);
		series_take(series, SAMPLE_NS * (i + 1), (struct span){payload, strlen(payload)});
	}
}

Test(inspect_series, however_many_samples_so_many_points)
{
	static const size_t counts[] = {
		1, 2, SERIES_POINTS - 1, SERIES_POINTS, SERIES_POINTS + 1, 1201, 100000};
	struct series *series = malloc(sizeof(*series));

	for (size_t i = 0; i < COUNT(counts); i++) {
		size_t points = counts[i] < SERIES_POINTS ? counts[i] : SERIES_POINTS;
		const struct series_point *last;

		fill(series, counts[i], 50000);
		cr_expect_eq(series->samples, counts[i]);
		cr_expect_eq(series->count, points, "%zu: %zu", counts[i], series->count);
		cr_expect_eq(series->memory_max, counts[i]);
		last = &series->points[series->count - 1];
		cr_expect_eq(last->at_ns, SAMPLE_NS * counts[i]);
		cr_expect_eq(last->memory_bytes, counts[i]);
		/* 50 ms in 100 ms are half a processor, in however long a point. */
		for (size_t k = 0; k < series->count; k++)
			cr_expect(series->points[k].cpu_known && series->points[k].cpu == 500,
				  "%zu: %zu: %" PRIu64, counts[i], k, series->points[k].cpu);
	}
	free(series);
}

Test(inspect_series, numbers_nobody_should_believe)
{
	static const char *const payloads[] = {
		"{}",
		"7",
		"{\"cpu\":{\"usageUs\":9007199254740991},\"memory\":7}",
		"{\"memory\":{\"currentBytes\":9007199254740991}}",
		"{\"cpu\":{\"usageUs\":0},\"memory\":{\"currentBytes\":-1}}",
		"{\"cpu\":7,\"memory\":[],\"pids\":null}",
	};
	struct series *series = malloc(sizeof(*series));

	series_init(series, 2);
	for (size_t i = 0; i < COUNT(payloads); i++)
		series_take(series, i == 4 ? 0 : SAMPLE_NS * i * 1000000,
			    (struct span){payloads[i], strlen(payloads[i])});
	cr_expect_leq(series->count, SERIES_POINTS);
	cr_expect_leq(series->cpu_max, 4096000);
	free(series);
}
