/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/output.h"

#include "ipc/canon.h"
#include "stages/validate/mount.h"
#include "stages/validate/path.h"
#include "stages/validate/policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* value: struct output, whose first member the path is. */
static void read_path(const struct site *site, const void *rule, void *value)
{
	struct output *output = value;
	const char *text = value_text(site);
	char absolute[PATH_TEXT_MAX + 2], clean[PATH_TEXT_MAX + 1];
	enum path_fault fault = PATH_LONG;

	(void)rule;
	if (text == NULL)
		return;
	output->relative = text[0] != '/' && text[0] != '\0';
	if (strlen(text) <= PATH_TEXT_MAX) {
		snprintf(absolute, sizeof(absolute), "%s%s", output->relative ? "/" : "", text);
		fault = path_clean(absolute, clean);
	}
	if (fault != PATH_OK)
		site_refuse(site, site->code, "the output '" SITE_TEXT "' %s", text,
			    fault == PATH_EMPTY ? "is empty; name a file or directory below "
						  "runtime.workdir, or . for all of it"
						: path_fault_words(fault));
	else
		output->path = document_copy(site->reading->document, clean, strlen(clean));
}

static const struct value_range bytes_range = {
	.min = 1, .max = CANON_INTEGER_MAX, .size = true, .words = "1 to 2^53-1 bytes"};
static const struct value_range files_range = {
	.min = 1, .max = OUTPUT_FILES_MAX, .words = "1 to 1000000"};

static const struct schema_field fields[] = {
	{.name = "path",
	 .required = true,
	 .example = "path: results",
	 .offset = 0,
	 .read = read_path},
	{.name = "maxBytes",
	 .example = "maxBytes: 16Mi",
	 .offset = offsetof(struct output, max_bytes),
	 .read = value_number,
	 .rule = &bytes_range},
	{.name = "maxFiles",
	 .example = "maxFiles: 100",
	 .offset = offsetof(struct output, max_files),
	 .read = value_number,
	 .rule = &files_range},
};
static const struct schema element = {.fields = fields, .count = COUNT(fields)};

const struct schema_list output_list = {
	.element = &element,
	.element_size = sizeof(struct output),
	.max_count = OUTPUT_COUNT_MAX,
};

static bool overlap(const char *left, const char *right)
{
	return path_below(left, right) || path_below(right, left);
}

/* Where it is inside the sandbox; false after an error. */
static bool place(const struct site *site, const char *workdir, struct output *output)
{
	char absolute[2 * PATH_TEXT_MAX + 2], clean[PATH_TEXT_MAX + 1];
	enum path_fault fault;

	if (output->relative) {
		snprintf(absolute, sizeof(absolute), "%s%s", workdir, output->path);
		fault = path_clean(absolute, clean);
		if (fault != PATH_OK) {
			site_refuse(site, site->code, "the output '" SITE_TEXT "' %s below %s",
				    output->path + 1, path_fault_words(fault), workdir);
			return false;
		}
		output->path = document_copy(site->reading->document, clean, strlen(clean));
	}
	if (path_below(output->path, workdir))
		return true;
	site_refuse(site, FAULT_POLICY_CONFLICT,
		    "the output '" SITE_TEXT "' is not in runtime.workdir, '" SITE_TEXT
		    "': nothing else is taken out of the sandbox; write it there",
		    output->path, workdir);
	return false;
}

static void check_mounts(const struct site *site, const struct policy *policy,
			 const struct output *output)
{
	const struct mount *mounts = policy->mounts.items;

	for (size_t i = 0; i < policy->mounts.count; i++)
		if (mounts[i].target != NULL && path_below(output->path, mounts[i].target))
			site_refuse(site, FAULT_POLICY_CONFLICT,
				    "the output '" SITE_TEXT "' is mounts[%zu].target or below it, "
				    "which is read-only: nothing can be written there",
				    output->path, i);
}

static void check_others(const struct site *site, const struct output *outputs, size_t index)
{
	for (size_t j = 0; j < index; j++) {
		if (outputs[j].path == NULL || !overlap(outputs[index].path, outputs[j].path))
			continue;
		site_refuse(site, FAULT_POLICY_CONFLICT,
			    "the output '" SITE_TEXT "' overlaps outputs[%zu].path '" SITE_TEXT
			    "'; name the outer one alone",
			    outputs[index].path, j, outputs[j].path);
		return;
	}
}

static void check_limits(const struct site *item, const struct policy *policy,
			 struct output *output)
{
	struct site bytes = site_member(item, "maxBytes", item->node);

	if (output->max_files.number == 0)
		output->max_files.number = OUTPUT_FILES_DEFAULT;
	if (output->max_bytes.number == 0)
		output->max_bytes.number = policy->disk.number;
	else if (output->max_bytes.number > policy->disk.number)
		site_refuse(&bytes, FAULT_POLICY_CONFLICT,
			    "%" PRId64 " bytes are more than resources.disk.max, %" PRId64
			    ", which is all the work directory can hold; raise that or lower this",
			    output->max_bytes.number, policy->disk.number);
}

void output_check(const struct site *site, struct policy *policy)
{
	struct site list = site_member(site, "outputs", node_member(site->node, "outputs"));
	struct output *outputs = policy->outputs.items;
	const struct node *node = policy->outputs.count > 0 ? list.node->first : NULL;

	for (size_t i = 0; i < policy->outputs.count; i++, node = node->next) {
		struct site item = site_item(&list, i, node);
		struct site path = site_member(&item, "path", node);

		check_limits(&item, policy, &outputs[i]);
		if (outputs[i].path == NULL)
			continue;
		path.code = FAULT_POLICY_FORMAT;
		if (!place(&path, policy->runtime.workdir, &outputs[i])) {
			outputs[i].path = NULL;
			continue;
		}
		check_mounts(&path, policy, &outputs[i]);
		check_others(&path, outputs, i);
	}
}
