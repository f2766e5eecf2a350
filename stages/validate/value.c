/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/value.h"

#include "stages/validate/scalar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CPU_PERIOD_MIN 1000 /* the kernel's own: 1 ms to 1 s */
#define CPU_PERIOD_MAX 1000000
#define CPU_QUOTA_MIN  1000
#define CPU_QUOTA_MAX  ((int64_t)CPU_PERIOD_MAX * 8192) /* CONFIG_NR_CPUS at its largest */

static const char *describe(const struct node *node)
{
	if (node->kind == NODE_LIST)
		return "a list";
	return node->kind == NODE_MAPPING ? "a mapping" : scalar_class_words(scalar_classify(node));
}

const char *value_text(const struct site *site)
{
	const struct node *node = site->node;
	enum scalar_class class = scalar_classify(node);

	if (node->kind != NODE_SCALAR) {
		site_refuse(site, site->code, "text belongs here, this is %s", describe(node));
		return NULL;
	}
	if (class == SCALAR_NULL) {
		site_refuse(site, site->code,
			    "text belongs here, this is empty (null); write \"\" for empty text");
		return NULL;
	}
	if (class != SCALAR_STRING) {
		site_refuse(site, site->code,
			    "text belongs here, and '%.64s' without quotes is %s; "
			    "quote it: \"%.64s\"",
			    node->text, scalar_class_words(class), node->text);
		return NULL;
	}
	return node->text;
}

void value_texts(const struct site *site, const void *rule, void *value)
{
	const size_t max_count = *(const size_t *)rule;
	const size_t count = site->node->count;
	const char **items;
	size_t i = 0;

	if (site->node->kind != NODE_LIST) {
		site_refuse(site, site->code,
			    "a list belongs here, this is %s; [] is the empty list",
			    describe(site->node));
		return;
	}
	if (count > max_count) {
		site_refuse(site, site->code, "%zu entries, at most %zu are accepted", count,
			    max_count);
		return;
	}
	items = document_alloc(site->reading->document, count * sizeof(*items));
	for (const struct node *node = site->node->first; node != NULL; node = node->next, i++) {
		struct site item = site_item(site, i, node);

		items[i] = value_text(&item);
	}
	*(struct value_texts *)value = (struct value_texts){items, count};
}

void value_literal(const struct site *site, const void *rule, void *value)
{
	const char *text = value_text(site);
	const char *expected = rule;

	(void)value;
	if (text != NULL && strcmp(text, expected) != 0)
		site_refuse(site, site->code, "'%.64s' is not understood; write %s", text,
			    expected);
}

void value_choice(const struct site *site, const void *rule, void *value)
{
	const struct value_choice *choice = rule;
	const char *text = value_text(site);
	char list[160];
	size_t used = 0;

	if (text == NULL)
		return;
	for (unsigned i = 0; i < choice->count; i++) {
		if (strcmp(text, choice->names[i]) == 0) {
			*(unsigned *)value = i;
			return;
		}
	}
	for (unsigned i = 0; i < choice->count && used < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
					 i > 0 ? ", " : "", choice->names[i]);
	site_refuse(site, site->code, "'%.64s' is none of: %s", text, list);
}

static const char *number_form(const struct value_range *range)
{
	if (range->size && range->unlimited)
		return "plain decimal bytes, or with Ki, Mi, Gi, Ti behind, or max";
	if (range->size)
		return "plain decimal bytes, or with Ki, Mi, Gi, Ti behind";
	return range->unlimited ? "plain decimal digits, or max" : "plain decimal digits";
}

/* Quotes around these make text of what would be a number. */
static bool all_digits(const char *text)
{
	return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static void refuse_number(const struct site *site, const struct value_range *range,
			  enum scalar_number result)
{
	const char *text = site->node->text;

	if (result == SCALAR_NUMBER_RANGE)
		site_refuse(site, site->code, "%.64s is out of range; %s", text, range->words);
	else if (site->node->quoted && all_digits(text))
		site_refuse(site, site->code, "\"%.64s\" is text; write %s, without quotes", text,
			    number_form(range));
	else
		site_refuse(site, site->code, "'%.64s' is not accepted; write %s", text,
			    number_form(range));
}

void value_number(const struct site *site, const void *rule, void *value)
{
	const struct value_range *range = rule;
	const struct node *node = site->node;
	struct value_limit limit = {0};
	enum scalar_number result;

	if (node->kind != NODE_SCALAR) {
		site_refuse(site, site->code, "a number belongs here, this is %s", describe(node));
		return;
	}
	if (range->unlimited && strcmp(node->text, "max") == 0) {
		*(struct value_limit *)value = (struct value_limit){.unlimited = true};
		return;
	}
	result = range->size ? scalar_size(node->text, range->min, range->max, &limit.number)
			     : scalar_integer(node->text, range->min, range->max, &limit.number);
	/* "1024" in quotes is text, "1Ki" is text either way. */
	if (node->quoted && all_digits(node->text))
		result = SCALAR_NUMBER_SPELLING;
	if (result == SCALAR_NUMBER_OK)
		*(struct value_limit *)value = limit;
	else
		refuse_number(site, range, result);
}

void value_bool(const struct site *site, const void *rule, void *value)
{
	const struct node *node = site->node;

	(void)rule;
	if (node->kind == NODE_SCALAR && !node->quoted && strcmp(node->text, "true") == 0)
		*(bool *)value = true;
	else if (node->kind == NODE_SCALAR && !node->quoted && strcmp(node->text, "false") == 0)
		*(bool *)value = false;
	else if (node->kind == NODE_SCALAR)
		site_refuse(site, site->code, "%s%.64s%s is not accepted; write true or false",
			    node->quoted ? "\"" : "'", node->text, node->quoted ? "\"" : "'");
	else
		site_refuse(site, site->code, "true or false belongs here, this is %s",
			    describe(node));
}

static bool cpu_part(const struct site *site, const char *text, size_t len, const char *what,
		     int64_t min, int64_t max, int64_t *out)
{
	char digits[24] = {0};

	if (len < sizeof(digits)) {
		memcpy(digits, text, len);
		if (scalar_integer(digits, min, max, out) == SCALAR_NUMBER_OK)
			return true;
	}
	site_refuse(site, site->code,
		    "the %s '%.*s' is not a number of microseconds from %" PRId64 " to %" PRId64,
		    what, (int)(len < 64 ? len : 64), text, min, max);
	return false;
}

void value_cpu(const struct site *site, const void *rule, void *value)
{
	const struct node *node = site->node;
	const char *text = node->kind == NODE_SCALAR ? node->text : value_text(site);
	const char *space = text != NULL ? strchr(text, ' ') : NULL;
	struct value_cpu cpu = {0};

	(void)rule;
	if (text == NULL)
		return;
	if (space == NULL) {
		site_refuse(site, site->code,
			    "'%.64s' is not \"<quota|max> <period>\" in microseconds; "
			    "one whole CPU is 100000 100000",
			    text);
		return;
	}
	cpu.quota_us.unlimited = strncmp(text, "max ", 4) == 0;
	if (!cpu.quota_us.unlimited &&
	    !cpu_part(site, text, (size_t)(space - text), "quota", CPU_QUOTA_MIN, CPU_QUOTA_MAX,
		      &cpu.quota_us.number))
		return;
	if (cpu_part(site, space + 1, strlen(space + 1), "period", CPU_PERIOD_MIN, CPU_PERIOD_MAX,
		     &cpu.period_us))
		*(struct value_cpu *)value = cpu;
}
