/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/scalar.h"

#include <criterion/criterion.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	enum scalar_class class;
	const char *words[32];
} classes[] = {
	{SCALAR_NULL, {"", "~", "null", "Null", "NULL"}},
	{SCALAR_BOOLEAN,
	 {"y", "Y", "yes", "Yes", "YES", "true",  "True",  "TRUE",  "on",  "On",  "ON",
	  "n", "N", "no",  "No",  "NO",	 "false", "False", "FALSE", "off", "Off", "OFF"}},
	{SCALAR_NUMBER, {"0",	    "7",
			 "-1",	    "+1",
			 "007",	    "08",
			 "0x1f",    "0X1F",
			 "0b10",    "0o17",
			 "1_000",   "1.5",
			 "1.",	    ".5",
			 "-.5",	    "1e3",
			 "1E+3",    "1.5e-3",
			 "1:30",    "190:20:30",
			 "1:2:3.5", ".inf",
			 "-.INF",   ".NaN",
			 "0_1",	    "99999999999999999999"}},
	{SCALAR_DATE, {"2001-12-14", "2001-1-1", "2001-12-14T21:59:43Z", "2001-12-14 21:59:43"}},
	{SCALAR_SPECIAL, {"<<", "="}},
	{SCALAR_STRING,
	 {"nO",	 "yEs",	    "oN",  "nULL",	 "-",	    "+",	   ".",	    "..",
	  "--",	 "0x",	    "0b2", "1e",	 "1.2.3",   "e3",	   "12abc", "256Mi",
	  "1:",	 ":30",	    "a:b", "10.0.0.0/8", "2001-12", "2001-12-14x", "_1",    "none",
	  "max", "1:300:5", "0o8", "<",		 "=="}},
};

static struct node plain(const char *text)
{
	return (struct node){.kind = NODE_SCALAR, .text = text, .len = strlen(text)};
}

Test(validate_scalar, classes)
{
	for (size_t i = 0; i < COUNT(classes); i++) {
		for (size_t j = 0; classes[i].words[j] != NULL; j++) {
			struct node node = plain(classes[i].words[j]);

			cr_expect_eq(scalar_classify(&node), classes[i].class, "'%s' is %s",
				     node.text, scalar_class_words(scalar_classify(&node)));
			cr_expect_eq(scalar_null(&node), classes[i].class == SCALAR_NULL);
			node.quoted = true;
			cr_expect_eq(scalar_classify(&node), SCALAR_STRING, "\"%s\"", node.text);
		}
	}
}

static const struct {
	const char *text;
	enum scalar_number result;
	int64_t value;
} integers[] = {
	{"9", SCALAR_NUMBER_RANGE, 0},
	{"10", SCALAR_NUMBER_OK, 10},
	{"11", SCALAR_NUMBER_OK, 11},
	{"19", SCALAR_NUMBER_OK, 19},
	{"20", SCALAR_NUMBER_OK, 20},
	{"21", SCALAR_NUMBER_RANGE, 0},
	{"0", SCALAR_NUMBER_RANGE, 0},
	{"00", SCALAR_NUMBER_SPELLING, 0},
	{"010", SCALAR_NUMBER_SPELLING, 0},
	{"+10", SCALAR_NUMBER_SPELLING, 0},
	{"-10", SCALAR_NUMBER_SPELLING, 0},
	{"", SCALAR_NUMBER_SPELLING, 0},
	{" 10", SCALAR_NUMBER_SPELLING, 0},
	{"10 ", SCALAR_NUMBER_SPELLING, 0},
	{"1_0", SCALAR_NUMBER_SPELLING, 0},
	{"10.0", SCALAR_NUMBER_SPELLING, 0},
	{"9223372036854775807", SCALAR_NUMBER_RANGE, 0},
	{"9223372036854775808", SCALAR_NUMBER_RANGE, 0},
	{"99999999999999999999999999", SCALAR_NUMBER_RANGE, 0},
};

Test(validate_scalar, integers)
{
	for (size_t i = 0; i < COUNT(integers); i++) {
		int64_t value = 0;

		cr_expect_eq(scalar_integer(integers[i].text, 10, 20, &value), integers[i].result,
			     "%s", integers[i].text);
		cr_expect_eq(value, integers[i].value, "%s", integers[i].text);
	}
}

static const struct {
	const char *text;
	enum scalar_number result;
	int64_t value;
} sizes[] = {
	{"1023", SCALAR_NUMBER_RANGE, 0},
	{"1024", SCALAR_NUMBER_OK, 1024},
	{"1025", SCALAR_NUMBER_OK, 1025},
	{"1Ki", SCALAR_NUMBER_OK, 1024},
	{"1Mi", SCALAR_NUMBER_OK, 1048576},
	{"3Gi", SCALAR_NUMBER_OK, 3221225472},
	{"8191Ti", SCALAR_NUMBER_OK, 9006099743113216},
	{"8192Ti", SCALAR_NUMBER_RANGE, 0}, /* 2^53 */
	{"9007199254740991", SCALAR_NUMBER_OK, 9007199254740991},
	{"9007199254740992", SCALAR_NUMBER_RANGE, 0},
	{"8388607Ti", SCALAR_NUMBER_RANGE, 0},
	{"8388608Ti", SCALAR_NUMBER_RANGE, 0}, /* 2^63 */
	{"9223372036854775808Ki", SCALAR_NUMBER_RANGE, 0},
	{"00000000000000000000000001Ki", SCALAR_NUMBER_RANGE, 0},
	{"0Ki", SCALAR_NUMBER_RANGE, 0},
	{"01Ki", SCALAR_NUMBER_SPELLING, 0},
	{"Ki", SCALAR_NUMBER_SPELLING, 0},
	{"1K", SCALAR_NUMBER_SPELLING, 0},
	{"1ki", SCALAR_NUMBER_SPELLING, 0},
	{"1KiB", SCALAR_NUMBER_SPELLING, 0},
	{"1 Ki", SCALAR_NUMBER_SPELLING, 0},
	{"1.5Ki", SCALAR_NUMBER_SPELLING, 0},
	{"-1Ki", SCALAR_NUMBER_SPELLING, 0},
	{"1Pi", SCALAR_NUMBER_SPELLING, 0},
	{"", SCALAR_NUMBER_SPELLING, 0},
};

Test(validate_scalar, sizes)
{
	for (size_t i = 0; i < COUNT(sizes); i++) {
		int64_t value = 0;

		cr_expect_eq(scalar_size(sizes[i].text, 1024, 9007199254740991, &value),
			     sizes[i].result, "%s", sizes[i].text);
		cr_expect_eq(value, sizes[i].value, "%s", sizes[i].text);
	}
}
