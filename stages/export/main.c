/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-export: brings collected outputs to where their owner wants them.
 *
 * PURPOSE  Copy what a manifest lists into an empty directory, or apply one output over a tree,
 *          file by file and atomically; say which files something would run or obey unasked.
 * READS    the manifest of --manifest-fd, the copies below --from-fd; with --apply the files it
 *          would replace below --to-fd.
 * WRITES   below --to-fd; one ExportResult on stdout.
 * HOLDS    the caller's uid; no capability.
 * FILTER   sandbox/filters/export.filter; Landlock: read below the one tree, write below the other.
 * REFUSES  a copy that is not what its manifest says, to follow a link, to make a link or anything
 *          but files and directories, to overwrite without --apply, to delete, and to touch hooks,
 *          start-up files and CI configuration without --allow-sensitive.
 * WHY NOT  in the front-end: names and bytes are a stranger's, and the front-end is not confined.
 */
#include "stages/export/export.h"
#include "stages/stage.h"

#include "ipc/object.h"
#include "sandbox/landlock.h"
#include "stages/seal/digest.h"

#include <json-c/json.h>
#include <sys/stat.h>
#include <unistd.h>

enum option {
	OPTION_MANIFEST_FD,
	OPTION_FROM_FD,
	OPTION_TO_FD,
	OPTION_UMASK,
	OPTION_APPLY,
	OPTION_ALLOW_SENSITIVE,
	OPTION_COUNT
};

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_MANIFEST_FD] = {"manifest-fd", STAGE_OPTION_FD, 0, 0, "N", "outputs.ndjson"},
	[OPTION_FROM_FD] = {"from-fd", STAGE_OPTION_FD, 0, 0, "N", "the directory of the copies"},
	[OPTION_TO_FD] = {"to-fd", STAGE_OPTION_FD, 0, 0, "N", "the directory to write below"},
	[OPTION_UMASK] = {"umask", STAGE_OPTION_NUMBER, 0, 0777, "N",
			  "of new files and directories, in decimal (63)"},
	[OPTION_APPLY] = {"apply", STAGE_OPTION_FLAG, 0, 0, NULL,
			  "replace what differs below --to-fd"},
	[OPTION_ALLOW_SENSITIVE] = {"allow-sensitive", STAGE_OPTION_FLAG, 0, 0, NULL,
				    "with --apply: hooks, start-up files and the like too"},
};

static enum stage_exit export_open(struct stage_context *context)
{
	const struct stage_value *values = context->values;

	for (size_t i = OPTION_MANIFEST_FD; i <= OPTION_TO_FD; i++)
		if (values[i].fd < 0) {
			stage_complain(context->stage, "--%s is needed", options[i].name);
			return STAGE_USAGE;
		}
	if (values[OPTION_UMASK].given)
		umask((mode_t)values[OPTION_UMASK].number);
	context->fd_rules[context->fd_rule_count++] = (struct sandbox_fd_rule){
		.fd = values[OPTION_FROM_FD].fd,
		.landlock_access = SANDBOX_FS_READ_FILE,
	};
	context->fd_rules[context->fd_rule_count++] = (struct sandbox_fd_rule){
		.fd = values[OPTION_TO_FD].fd,
		.landlock_access = SANDBOX_FS_MAKE_DIR | SANDBOX_FS_MAKE_REG |
				   SANDBOX_FS_WRITE_FILE | SANDBOX_FS_REMOVE_FILE |
				   SANDBOX_FS_TRUNCATE |
				   (values[OPTION_APPLY].given ? SANDBOX_FS_READ_FILE : 0),
	};
	return STAGE_DONE;
}

static enum stage_exit export_prewarm(struct stage_context *context)
{
	(void)context;
	return digest_prewarm() == 0 ? STAGE_DONE : STAGE_FAILED;
}

static struct json_object *result_of(const struct export *export, const struct fault *why)
{
	struct json_object *result = object_new();
	struct json_object *errors = array_new();

	if (why->code != FAULT_NONE)
		array_append(errors, fault_to_json(why));
	object_add_integer(result, "bytes", (int64_t) export->bytes);
	object_add_integer(result, "directories", (int64_t) export->directories);
	object_add(result, "errors", errors);
	object_add_integer(result, "files", (int64_t) export->files);
	object_add_string(result, "schemaVersion", "safe-run.export/v1");
	object_add_shared(result, "sensitive", export->sensitive);
	object_add_integer(result, "sensitiveCount", (int64_t) export->sensitive_count);
	object_add_integer(result, "skipped", (int64_t) export->skipped);
	object_add_integer(result, "unchanged", (int64_t) export->unchanged);
	return result;
}

static enum stage_exit export_run(struct stage_context *context)
{
	const struct stage_value *values = context->values;
	struct json_object *sensitive OBJECT_CLEANUP = array_new();
	struct json_object *result OBJECT_CLEANUP = NULL;
	struct fault why = {.code = FAULT_NONE}, fault;
	struct export export = {
		.manifest_fd = values[OPTION_MANIFEST_FD].fd,
		.from_fd = values[OPTION_FROM_FD].fd,
		.to_fd = values[OPTION_TO_FD].fd,
		.apply = values[OPTION_APPLY].given,
		.allow_sensitive = values[OPTION_ALLOW_SENSITIVE].given,
		.sensitive = sensitive,
	};
	enum fault_code code =
		export.apply ? export_apply(&export, &why) : export_copy(&export, &why);

	result = result_of(&export, &why);
	if (record_send(&context->out, result, RECORD_EVENT_MAX, &fault) != FAULT_NONE) {
		stage_complain(context->stage, "%s", fault.message);
		return STAGE_FAILED;
	}
	return code == FAULT_NONE ? STAGE_DONE : STAGE_REFUSED;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-export",
		.summary = "bring collected outputs to a directory",
		.profile = &sandbox_profile_export,
		.options = options,
		.option_count = OPTION_COUNT,
		.hashes = true,
		.open = export_open,
		.prewarm = export_prewarm,
		.run = export_run,
	};

	return stage_main(&stage, NULL, argc, argv);
}
