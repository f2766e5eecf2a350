/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-diff: shows what a collected output changes of a tree.
 *
 * PURPOSE  Hold each file of one output against the file of the same name below a directory of the
 *          caller's, and write the unified diff of those that differ.
 * READS    the manifest of --manifest-fd, the copies below --from-fd, the tree below --base-fd.
 * WRITES   the diff into --diff-fd; one DiffResult on stdout.
 * HOLDS    the caller's uid; no capability.
 * FILTER   sandbox/filters/diff.filter, which diff(1) inherits, as it does Landlock: both trees and
 *          the system's programs and libraries may be read, nothing may be written.
 * REFUSES  a policy with more than one output, to follow a link, and a tree that has something else
 *          where the output has a file.
 * WHY NOT  in sr-export: it runs a program of the system over a stranger's bytes, so it must not
 *          be able to write.
 */
#include "stages/diff/compare.h"
#include "stages/export/export.h"
#include "stages/export/file.h"
#include "stages/export/lines.h"
#include "stages/export/place.h"
#include "stages/stage.h"

#include "ipc/object.h"
#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE FAULT_RUN_INIT
#define PATH "diff.tree"

enum option {
	OPTION_MANIFEST_FD,
	OPTION_FROM_FD,
	OPTION_BASE_FD,
	OPTION_DIFF_FD,
	OPTION_VISIBLE,
	OPTION_COUNT
};

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_MANIFEST_FD] = {"manifest-fd", STAGE_OPTION_FD, 0, 0, "N", "outputs.ndjson"},
	[OPTION_FROM_FD] = {"from-fd", STAGE_OPTION_FD, 0, 0, "N", "the directory of the copies"},
	[OPTION_BASE_FD] = {"base-fd", STAGE_OPTION_FD, 0, 0, "N", "the tree to compare with"},
	[OPTION_DIFF_FD] = {"diff-fd", STAGE_OPTION_FD, 0, 0, "N", "where the diff goes"},
	[OPTION_VISIBLE] = {"visible", STAGE_OPTION_FLAG, 0, 0, NULL,
			    "show control characters as \\xNN"},
};

struct diff {
	struct compare compare;
	struct export export; /* its counters and its list of sensitive files */
	uint64_t changed, added;
	char root[ENTRY_PATH_SIZE];
	size_t output;
	bool has_root;
};

static enum stage_exit diff_open(struct stage_context *context)
{
	const struct stage_value *values = context->values;
	struct diff *diff = context->state;

	for (size_t i = OPTION_MANIFEST_FD; i <= OPTION_DIFF_FD; i++)
		if (values[i].fd < 0) {
			stage_complain(context->stage, "--%s is needed", options[i].name);
			return STAGE_USAGE;
		}
	diff->compare.program_fd = open(COMPARE_PROGRAM, O_PATH | O_CLOEXEC);
	if (diff->compare.program_fd < 0) {
		stage_complain(context->stage,
			       "there is no " COMPARE_PROGRAM ": install the package diffutils");
		return STAGE_FAILED;
	}
	for (size_t i = OPTION_FROM_FD; i <= OPTION_BASE_FD; i++)
		context->fd_rules[context->fd_rule_count++] = (struct sandbox_fd_rule){
			.fd = values[i].fd,
			.landlock_access = SANDBOX_FS_READ_FILE,
		};
	return STAGE_DONE;
}

static enum stage_exit diff_prewarm(struct stage_context *context)
{
	(void)context;
	return digest_prewarm() == 0 ? STAGE_DONE : STAGE_FAILED;
}

static enum fault_code take_root(struct diff *diff, const struct entry *entry, struct fault *fault)
{
	if (diff->has_root && entry->output == diff->output)
		return FAULT_NONE;
	if (diff->has_root)
		return fault_set(fault, CODE, PATH,
				 "the policy has more than one output, and one directory cannot be "
				 "compared with all of them");
	diff->has_root = true;
	diff->output = entry->output;
	(void)snprintf(diff->root, sizeof(diff->root), "%s", entry->path);
	return FAULT_NONE;
}

static enum fault_code show(struct diff *diff, const struct lines *lines, int base_fd,
			    const char *path, struct fault *fault)
{
	int fd = place_open(diff->export.from_fd, lines->entry.path, O_RDONLY);
	enum fault_code code;

	if (fd < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot open the copy of %s",
				       path);
	diff->changed += base_fd >= 0;
	diff->added += base_fd < 0;
	(void)export_note(&diff->export, path);
	code = compare_files(&diff->compare, base_fd, fd, path, fault);
	(void)close(fd);
	return code;
}

static enum fault_code hold(struct diff *diff, const struct lines *lines, struct fault *fault)
{
	const char *path = lines_below(&lines->entry, diff->root);
	enum fault_code code = FAULT_NONE;
	struct stat info;
	int fd;

	if (!lines->entry.stored) {
		diff->export.skipped += !lines->entry.directory;
		return FAULT_NONE;
	}
	fd = place_open(diff->export.to_fd, path, O_RDONLY);
	if (fd < 0 && errno != ENOENT)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot compare with %s", path);
	if (fd >= 0 && (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode)))
		code = fault_set(fault, CODE, PATH, "%s is no regular file", path);
	else if (fd >= 0 && file_is(fd, &lines->entry, lines->hash))
		diff->export.unchanged++;
	else
		code = show(diff, lines, fd, path, fault);
	if (fd >= 0)
		(void)close(fd);
	return code;
}

static enum fault_code hold_all(struct diff *diff, struct fault *fault)
{
	struct lines lines;
	enum fault_code code = lines_begin(&lines, diff->export.manifest_fd, fault);
	int got = 0;

	while (code == FAULT_NONE && (got = lines_next(&lines, fault)) > 0) {
		code = take_root(diff, &lines.entry, fault);
		if (code == FAULT_NONE)
			code = hold(diff, &lines, fault);
	}
	if (got < 0)
		code = fault->code;
	lines_end(&lines);
	return code;
}

static struct json_object *result_of(const struct diff *diff, const struct fault *why)
{
	struct json_object *result = object_new();
	struct json_object *errors = array_new();

	if (why->code != FAULT_NONE)
		array_append(errors, fault_to_json(why));
	object_add_integer(result, "added", (int64_t)diff->added);
	object_add_integer(result, "changed", (int64_t)diff->changed);
	object_add(result, "errors", errors);
	object_add_string(result, "schemaVersion", "safe-run.diff/v1");
	object_add_shared(result, "sensitive", diff->export.sensitive);
	object_add_integer(result, "sensitiveCount", (int64_t)diff->export.sensitive_count);
	object_add_integer(result, "skipped", (int64_t)diff->export.skipped);
	object_add_integer(result, "unchanged", (int64_t)diff->export.unchanged);
	return result;
}

static enum stage_exit diff_run(struct stage_context *context)
{
	const struct stage_value *values = context->values;
	struct json_object *sensitive OBJECT_CLEANUP = array_new();
	struct json_object *result OBJECT_CLEANUP = NULL;
	struct fault why = {.code = FAULT_NONE}, fault;
	struct diff *diff = context->state;
	enum fault_code code;

	diff->compare.out_fd = values[OPTION_DIFF_FD].fd;
	diff->compare.visible = values[OPTION_VISIBLE].given;
	diff->export = (struct export){
		.manifest_fd = values[OPTION_MANIFEST_FD].fd,
		.from_fd = values[OPTION_FROM_FD].fd,
		.to_fd = values[OPTION_BASE_FD].fd,
		.sensitive = sensitive,
	};
	code = hold_all(diff, &why);
	result = result_of(diff, &why);
	if (record_send(&context->out, result, RECORD_EVENT_MAX, &fault) != FAULT_NONE) {
		stage_complain(context->stage, "%s", fault.message);
		return STAGE_FAILED;
	}
	return code == FAULT_NONE ? STAGE_DONE : STAGE_REFUSED;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-diff",
		.summary = "show what a collected output changes",
		.profile = &sandbox_profile_diff,
		.options = options,
		.option_count = OPTION_COUNT,
		.hashes = true,
		.open = diff_open,
		.prewarm = diff_prewarm,
		.run = diff_run,
	};
	struct diff diff = {.has_root = false};

	return stage_main(&stage, &diff, argc, argv);
}
