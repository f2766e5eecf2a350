/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/canon_number.h"

#include "ipc/buf.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A positive decimal: 0.DIGITS times ten to the point. */
struct decimal {
	char digits[24];
	int count;
	int point;
};

/* integer times ten to the exponent, as text and back. */
static bool reads_back(uint64_t integer, int exponent, double value)
{
	char text[48];

	snprintf(text, sizeof(text), "%" PRIu64 "e%d", integer, exponent);
	return strtod(text, NULL) == value;
}

/* Whether the next double below is nearer than the one above: value is a power of two. */
static bool is_binade_start(double value)
{
	int exponent;

	return frexp(value, &exponent) == 0.5;
}

/*
 * The decimal of that many digits closest to value, if it reads back as value. Where the doubles
 * below are closer together than those above, the closest decimal can lie below and read back as
 * another one while the next decimal above is still value's: 2^-44 needs that.
 */
static bool try_precision(double value, int precision, uint64_t *integer, int *exponent)
{
	char text[32], digits[24];
	char *mark;

	snprintf(text, sizeof(text), "%.*e", precision - 1, value);
	mark = strchr(text, 'e');
	digits[0] = text[0];
	if (precision > 1)
		memcpy(digits + 1, text + 2, (size_t)precision - 1);
	digits[precision] = '\0';
	*integer = strtoull(digits, NULL, 10);
	*exponent = (int)strtol(mark + 1, NULL, 10) - (precision - 1);
	if (reads_back(*integer, *exponent, value))
		return true;
	if (!is_binade_start(value) || !reads_back(*integer + 1, *exponent, value))
		return false;
	(*integer)++;
	return true;
}

static struct decimal shortest(double value)
{
	/*
	 * A normal double has at most one decimal of up to DBL_DIG digits that reads back as it,
	 * so that many digits show it, behind zeros to strip. A subnormal one can have fewer.
	 */
	int precision = value >= DBL_MIN ? DBL_DIG : 1;
	struct decimal decimal;
	uint64_t integer;
	int exponent;

	while (precision < DBL_DECIMAL_DIG && !try_precision(value, precision, &integer, &exponent))
		precision++;
	if (precision == DBL_DECIMAL_DIG)
		(void)try_precision(value, precision, &integer, &exponent);
	for (; integer % 10 == 0; integer /= 10)
		exponent++;
	decimal.count = snprintf(decimal.digits, sizeof(decimal.digits), "%" PRIu64, integer);
	decimal.point = decimal.count + exponent;
	return decimal;
}

static void append_zeros(struct buf *out, int count)
{
	for (; count > 0; count--)
		buf_append(out, "0", 1);
}

static void append_exponential(struct buf *out, const struct decimal *decimal)
{
	int exponent = decimal->point - 1;

	buf_append(out, decimal->digits, 1);
	if (decimal->count > 1) {
		buf_append(out, ".", 1);
		buf_append(out, decimal->digits + 1, (size_t)decimal->count - 1);
	}
	buf_append(out, exponent < 0 ? "e-" : "e+", 2);
	buf_append_u64(out, (uint64_t)abs(exponent));
}

/* ECMA-262's cases: up to 21 places before the point, up to 6 zeros behind it. */
static void append_decimal(struct buf *out, const struct decimal *decimal)
{
	if (decimal->point > 21 || decimal->point <= -6) {
		append_exponential(out, decimal);
	} else if (decimal->point <= 0) {
		buf_append(out, "0.", 2);
		append_zeros(out, -decimal->point);
		buf_append(out, decimal->digits, (size_t)decimal->count);
	} else if (decimal->point >= decimal->count) {
		buf_append(out, decimal->digits, (size_t)decimal->count);
		append_zeros(out, decimal->point - decimal->count);
	} else {
		buf_append(out, decimal->digits, (size_t)decimal->point);
		buf_append(out, ".", 1);
		buf_append(out, decimal->digits + decimal->point,
			   (size_t)(decimal->count - decimal->point));
	}
}

void canon_number_write(struct buf *out, double value)
{
	struct decimal decimal;

	if (value == 0) {
		buf_append(out, "0", 1);
		return;
	}
	if (value < 0)
		buf_append(out, "-", 1);
	decimal = shortest(fabs(value));
	append_decimal(out, &decimal);
}
