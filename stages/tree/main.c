/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-tree: hashes the directory a run's root is made of.
 *
 * PURPOSE  Say what is in a tree somebody else wrote, in one hash that anybody can compute again.
 * READS    the tree below --tree-fd; no input.
 * WRITES   one TreeManifest record on stdout.
 * HOLDS    that descriptor, with the right to read below it (Landlock). No privilege: sr-launch
 *          starts it as the caller without capabilities.
 * FILTER   sandbox/filters/tree.filter.
 * REFUSES  a tree with another file system mounted in it, one that changes meanwhile, one with more
 *          entries or depth than a root may have, content others may read and it may not.
 * WHY NOT  in sr-launch: whoever reads a stranger's files must not hold CAP_SYS_ADMIN.
 */
#include "ipc/object.h"
#include "sandbox/landlock.h"
#include "stages/stage.h"
#include "stages/tree/manifest.h"

#include <json-c/json.h>

enum { OPTION_TREE_FD, OPTION_COUNT };

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_TREE_FD] = {"tree-fd", STAGE_OPTION_FD, 0, 0, "N", "the directory, for reading"},
};

static enum stage_exit tree_open(struct stage_context *context)
{
	if (!context->values[OPTION_TREE_FD].given) {
		stage_complain(context->stage, "needs --tree-fd N");
		return STAGE_USAGE;
	}
	context->fd_rules[context->fd_rule_count++] = (struct sandbox_fd_rule){
		context->values[OPTION_TREE_FD].fd, SANDBOX_FS_READ_FILE | SANDBOX_FS_READ_DIR};
	return STAGE_DONE;
}

static enum stage_exit tree_prewarm(struct stage_context *context)
{
	(void)context;
	return digest_prewarm() == 0 ? STAGE_DONE : STAGE_FAILED;
}

static enum stage_exit tree_run(struct stage_context *context)
{
	static const struct manifest_limits limits = {MANIFEST_ENTRIES_MAX, MANIFEST_DEPTH_MAX,
						      "a root"};
	struct json_object *errors = array_new();
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct manifest manifest;
	struct fault fault, send_fault;
	enum fault_code code = manifest_make(context->values[OPTION_TREE_FD].fd, &limits, NULL,
					     "launch.root.tree", &manifest, &fault);

	record = code == FAULT_NONE ? manifest_to_json(&manifest) : object_new();
	if (code != FAULT_NONE)
		array_append(errors, fault_to_json(&fault));
	object_add(record, "errors", errors);
	object_add_string(record, "schemaVersion", MANIFEST_HEADER);
	if (record_send(&context->out, record, RECORD_EVENT_MAX, &send_fault) != FAULT_NONE) {
		stage_complain(context->stage, "%s", send_fault.message);
		return STAGE_FAILED;
	}
	return code == FAULT_NONE ? STAGE_DONE : STAGE_REFUSED;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-tree",
		.summary = "hash a directory tree: sr-tree --tree-fd N",
		.profile = &sandbox_profile_tree,
		.options = options,
		.option_count = OPTION_COUNT,
		.hashes = true,
		.open = tree_open,
		.prewarm = tree_prewarm,
		.run = tree_run,
	};

	return stage_main(&stage, NULL, argc, argv);
}
