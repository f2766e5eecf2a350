/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/host_value.h"

#include "stages/validate/allowlist.h"
#include "stages/validate/network.h"
#include "stages/validate/runtime.h"
#include "stages/validate/scalar.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ID_MAX	     4294967294 /* (uid_t)-1 is nobody's: it means "leave it as it is" */

static const char *const rootfs_names[] = {"directory", "image", "oci"};

const struct host_set host_isolations = {runtime_isolation_names, RUNTIME_ISOLATION_COUNT, NULL};
const struct host_set host_rootfs_kinds = {rootfs_names, COUNT(rootfs_names), NULL};
const struct host_set host_network_modes = {network_mode_names, NETWORK_MODE_COUNT, "none"};

/* value: struct host_choices */
void host_choices(const struct site *site, const void *rule, void *value)
{
	static const size_t max = 16;
	const struct host_set *set = rule;
	const struct value_choice choice = {set->names, set->count};
	const struct node *node = site->node->first;
	struct value_texts texts = {0};
	struct host_choices choices = {.given = true};
	bool always = set->always == NULL;

	value_texts(site, &max, &texts);
	for (size_t i = 0; i < texts.count; i++, node = node->next) {
		struct site item = site_item(site, i, node);
		unsigned index = set->count;

		if (texts.items[i] == NULL)
			continue;
		value_choice(&item, &choice, &index);
		if (index < set->count)
			choices.bits |= 1U << index;
		always = always || strcmp(texts.items[i], set->always) == 0;
	}
	if (site->node->kind == NODE_LIST && !always)
		site_refuse(site, site->code,
			    "'%s' is the least a policy can ask for, and cannot be forbidden; "
			    "name it too",
			    set->always);
	*(struct host_choices *)value = choices;
}

static bool read_id(const char *text, size_t len, int64_t *id)
{
	char digits[sizeof("4294967295")] = {0};

	if (len >= sizeof(digits))
		return false;
	memcpy(digits, text, len);
	return scalar_integer(digits, 0, ID_MAX, id) == SCALAR_NUMBER_OK;
}

/* "1000" or "1000-1999". */
static void read_range(const struct site *site, struct host_range *range)
{
	const char *text = site->node->kind == NODE_SCALAR ? site->node->text : "";
	const size_t len = strcspn(text, "-");
	const char *last = text[len] == '-' ? text + len + 1 : text;

	if (!read_id(text, len, &range->first) || !read_id(last, strlen(last), &range->last) ||
	    range->first > range->last)
		site_refuse(
			site, site->code,
			"'%.64s' is no numeric id (0 to 4294967294) and no range of them; write "
			"1000 or 1000-1999",
			text);
}

/* value: struct host_ranges */
void host_ranges(const struct site *site, const void *rule, void *value)
{
	const struct node *node = site->node->first;
	struct host_ranges ranges = {.count = site->node->count, .given = true};

	(void)rule;
	if (site->node->kind != NODE_LIST) {
		site_refuse(site, site->code,
			    "a list of numeric ids belongs here; [] is the empty list");
		return;
	}
	if (ranges.count > HOST_RANGES_MAX) {
		site_refuse(site, site->code, "%zu entries, at most %zu are accepted", ranges.count,
			    HOST_RANGES_MAX);
		return;
	}
	ranges.items =
		document_alloc(site->reading->document, ranges.count * sizeof(*ranges.items));
	for (size_t i = 0; i < ranges.count; i++, node = node->next) {
		struct site item = site_item(site, i, node);

		read_range(&item, &ranges.items[i]);
	}
	*(struct host_ranges *)value = ranges;
}

/* value: struct host_prefixes */
void host_prefixes(const struct site *site, const void *rule, void *value)
{
	struct host_prefixes *prefixes = value;

	allowlist_prefixes(site, rule, &prefixes->texts);
	prefixes->given = true;
}
