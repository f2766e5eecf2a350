/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/scalar.h"

#include <stddef.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_one_of(const char *text, const char *const words[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	return false;
}

static bool is_null_word(const char *text)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};

	return is_one_of(text, words, COUNT(words));
}

static bool is_boolean_word(const char *text)
{
	static const char *const words[] = {
		"y", "Y", "yes", "Yes", "YES", "true",	"True",	 "TRUE",  "on",	 "On",	"ON",
		"n", "N", "no",	 "No",	"NO",  "false", "False", "FALSE", "off", "Off", "OFF",
	};

	return is_one_of(text, words, COUNT(words));
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_float_word(const char *text)
{
	static const char *const words[] = {".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"};

	return is_one_of(text, words, COUNT(words));
}

/* 0x1F 0b10 0o17 in any case, with the underscores YAML 1.1 allows. */
static bool is_radix(const char *text)
{
	const char *digits = NULL;

	if (text[0] != '0' || text[1] == '\0' || text[2] == '\0')
		return false;
	if (text[1] == 'x' || text[1] == 'X')
		digits = "0123456789abcdefABCDEF_";
	if (text[1] == 'b' || text[1] == 'B')
		digits = "01_";
	if (text[1] == 'o' || text[1] == 'O')
		digits = "01234567_";
	return digits != NULL && text[2 + strspn(text + 2, digits)] == '\0';
}

/* Sexagesimal: groups of one or two digits behind a colon, as 1:30 or 190:20:30.15. */
static bool is_sexagesimal(const char *text)
{
	while (text[0] == ':' && is_digit(text[1]))
		text += is_digit(text[2]) ? 3 : 2;
	if (text[0] == '.')
		text += 1 + strspn(text + 1, "0123456789_");
	return text[0] == '\0';
}

static bool is_exponent(const char *text)
{
	if (text[0] != 'e' && text[0] != 'E')
		return false;
	text++;
	if (text[0] == '+' || text[0] == '-')
		text++;
	return is_digit(text[0]) && text[strspn(text, "0123456789_")] == '\0';
}

/* Decimal, octal by leading zero, float, 1e3, sexagesimal. */
static bool is_decimal(const char *text)
{
	const char *rest = text + strspn(text, "0123456789_");
	bool digits = is_digit(text[0]);

	if (digits && rest[0] == ':' && is_sexagesimal(rest))
		return true;
	if (rest[0] == '.' && (digits || (rest == text && is_digit(rest[1]))))
		rest += 1 + strspn(rest + 1, "0123456789_");
	else if (!digits)
		return false;
	return rest[0] == '\0' || is_exponent(rest);
}

static bool is_number(const char *text)
{
	if (text[0] == '+' || text[0] == '-')
		text++;
	return is_radix(text) || is_decimal(text) || is_float_word(text);
}

/* 2001-12-14, also with a time behind it. */
static bool is_date(const char *text)
{
	if (strspn(text, "0123456789") != 4 || text[4] != '-')
		return false;
	for (int part = 0; part < 2; part++) {
		size_t digits;

		text = strchr(text, '-') + 1;
		digits = strspn(text, "0123456789");
		if (digits < 1 || digits > 2 || (part == 0 && text[digits] != '-'))
			return false;
		if (part == 1)
			text += digits;
	}
	if (text[0] == 'T' || text[0] == 't' || text[0] == ' ')
		return is_digit(text[1]);
	return text[0] == '\0';
}

enum scalar_class scalar_classify(const struct node *node)
{
	if (node->kind != NODE_SCALAR || node->quoted)
		return SCALAR_STRING;
	if (is_null_word(node->text))
		return SCALAR_NULL;
	if (is_boolean_word(node->text))
		return SCALAR_BOOLEAN;
	if (is_number(node->text))
		return SCALAR_NUMBER;
	if (is_date(node->text))
		return SCALAR_DATE;
	if (strcmp(node->text, "<<") == 0 || strcmp(node->text, "=") == 0)
		return SCALAR_SPECIAL;
	return SCALAR_STRING;
}

const char *scalar_class_words(enum scalar_class class)
{
	switch (class) {
	case SCALAR_STRING:
		return "text";
	case SCALAR_NULL:
		return "null";
	case SCALAR_BOOLEAN:
		return "a boolean";
	case SCALAR_NUMBER:
		return "a number";
	case SCALAR_DATE:
		return "a date";
	case SCALAR_SPECIAL:
		return "a special word";
	}
	__builtin_unreachable();
}

bool scalar_null(const struct node *node)
{
	return node->kind == NODE_SCALAR && scalar_classify(node) == SCALAR_NULL;
}

enum scalar_number scalar_integer(const char *text, int64_t min, int64_t max, int64_t *out)
{
	int64_t value = 0;

	if (!is_digit(text[0]) || (text[0] == '0' && text[1] != '\0'))
		return SCALAR_NUMBER_SPELLING;
	if (text[strspn(text, "0123456789")] != '\0')
		return SCALAR_NUMBER_SPELLING;
	for (; text[0] != '\0'; text++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, text[0] - '0', &value))
			return SCALAR_NUMBER_RANGE;
	if (value < min || value > max)
		return SCALAR_NUMBER_RANGE;
	*out = value;
	return SCALAR_NUMBER_OK;
}

enum scalar_number scalar_size(const char *text, int64_t min, int64_t max, int64_t *out)
{
	static const char units[] = "KMGT";
	char digits[24];
	size_t len = strspn(text, "0123456789");
	const char *unit = text[len] == '\0' ? NULL : strchr(units, text[len]);
	int64_t value = 0;
	enum scalar_number result;

	if (text[len] == '\0')
		return scalar_integer(text, min, max, out);
	if (len == 0 || unit == NULL || strcmp(text + len + 1, "i") != 0)
		return SCALAR_NUMBER_SPELLING;
	if (len >= sizeof(digits))
		return SCALAR_NUMBER_RANGE;
	memcpy(digits, text, len);
	digits[len] = '\0';
	result = scalar_integer(digits, 0, INT64_MAX, &value);
	if (result != SCALAR_NUMBER_OK)
		return result;
	if (__builtin_mul_overflow(value, (int64_t)1 << (10 * (unit - units + 1)), &value) ||
	    value < min || value > max)
		return SCALAR_NUMBER_RANGE;
	*out = value;
	return SCALAR_NUMBER_OK;
}
