/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-tree: hashes the directory a run's root is made of, or what a microVM is to see of the host.
 *
 * PURPOSE  Say what is in a tree somebody else wrote, in one hash that anybody can compute again.
 * READS    the tree below --tree-fd, or the one regular file it is; no input.
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
#include "stages/tree/owners.h"
#include "stages/tree/single.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/stat.h>

#define PATH	"launch.root.tree"
#define ID_LAST (UINT32_MAX - 1) /* -1 is no user */

enum { OPTION_TREE_FD, OPTION_OWNERS, OPTION_UID, OPTION_GID, OPTION_COUNT };

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_TREE_FD] = {"tree-fd", STAGE_OPTION_FD, 0, 0, "N",
			    "the directory or the regular file, for reading"},
	[OPTION_OWNERS] = {"owners", STAGE_OPTION_TEXT, 0, 0, "RULE",
			   "tell the hash of the owners too, as kept or own in an image"},
	[OPTION_UID] = {"uid", STAGE_OPTION_NUMBER, 0, ID_LAST, "N", "of the caller's, with own"},
	[OPTION_GID] = {"gid", STAGE_OPTION_NUMBER, 0, ID_LAST, "N", "and his groups'"},
};

struct state {
	bool file, wants_owners;
	struct owners owners;
};

static enum stage_exit usage(const struct stage_context *context, const char *what)
{
	stage_complain(context->stage, "%s", what);
	return STAGE_USAGE;
}

static enum stage_exit take_owners(const struct stage_context *context, struct state *state)
{
	const struct stage_value *values = context->values;
	enum owners_rule rule = OWNERS_ONE;

	state->wants_owners = values[OPTION_OWNERS].given;
	if (!state->wants_owners)
		return STAGE_DONE;
	if (!owners_parse(values[OPTION_OWNERS].text, &rule))
		return usage(context, "--owners takes one, kept or own");
	if (owners_init(&state->owners, rule, (uint32_t)values[OPTION_UID].number,
			(uint32_t)values[OPTION_GID].number) == 0)
		return STAGE_DONE;
	stage_complain(context->stage, "the caller's groups: %s", strerror(errno));
	return STAGE_FAILED;
}

static enum stage_exit tree_open(struct stage_context *context)
{
	const struct stage_value *tree = &context->values[OPTION_TREE_FD];
	struct state *state = context->state;
	struct stat info;

	if (!tree->given)
		return usage(context, "needs --tree-fd N");
	if (fstat(tree->fd, &info) < 0 || (!S_ISDIR(info.st_mode) && !S_ISREG(info.st_mode)))
		return usage(context, "--tree-fd must be a directory or a regular file");
	state->file = S_ISREG(info.st_mode);
	/* A file is open already; Landlock has nothing to give. */
	if (!state->file)
		context->fd_rules[context->fd_rule_count++] = (struct sandbox_fd_rule){
			tree->fd, SANDBOX_FS_READ_FILE | SANDBOX_FS_READ_DIR};
	return take_owners(context, state);
}

static enum stage_exit tree_prewarm(struct stage_context *context)
{
	(void)context;
	return digest_prewarm() == 0 ? STAGE_DONE : STAGE_FAILED;
}

/* Content and, where they are asked for, owners, in one walk. */
static enum fault_code make(const struct stage_context *context, struct json_object **record,
			    struct fault *fault)
{
	static const struct manifest_limits limits = {MANIFEST_ENTRIES_MAX, MANIFEST_DEPTH_MAX,
						      "a root"};
	struct state *state = context->state;
	struct manifest_visitor visitor = {&state->owners, owners_visit};
	int fd = context->values[OPTION_TREE_FD].fd;
	char hash[DIGEST_TEXT_SIZE];
	struct manifest manifest;
	enum fault_code code;

	owners_begin(&state->owners);
	if (state->file)
		code = single_make(fd, &visitor, PATH, &manifest, fault);
	else
		code = manifest_make(fd, &limits, state->wants_owners ? &visitor : NULL, PATH,
				     &manifest, fault);
	owners_end(&state->owners, hash);
	*record = code == FAULT_NONE ? manifest_to_json(&manifest) : object_new();
	if (code == FAULT_NONE && state->wants_owners)
		object_add_string(*record, "ownersHash", hash);
	return code;
}

static enum stage_exit tree_run(struct stage_context *context)
{
	struct json_object *errors = array_new();
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct fault fault, send_fault;
	enum fault_code code = make(context, &record, &fault);

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
		.summary = "hash a directory tree or a file: sr-tree --tree-fd N",
		.profile = &sandbox_profile_tree,
		.options = options,
		.option_count = OPTION_COUNT,
		.hashes = true,
		.open = tree_open,
		.prewarm = tree_prewarm,
		.run = tree_run,
	};
	struct state state = {.file = false};

	return stage_main(&stage, &state, argc, argv);
}
