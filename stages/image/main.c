/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-image: makes a read-only file system image of directories and files.
 *
 * PURPOSE  What a microVM is to see of the host, as a block device that cannot be written.
 * READS    each --tree-fd: the directory and what is below it, or the one regular file it is; no
 *          input.
 * WRITES   an EROFS image into --image-fd, an empty file of the caller's; one ImageResult on stdout.
 * HOLDS    the descriptors, with the right to read below the directories (Landlock). No privilege:
 *          sr-launch starts it as the caller without capabilities.
 * FILTER   sandbox/filters/image.filter.
 * REFUSES  what sr-tree refuses, more than --max-files entries, an image larger than --max-bytes.
 * WHY NOT  mkfs.erofs(1): it takes paths, so it would need the way to the tree and not just the
 *          tree; it reads it after somebody else has hashed it, so what is in the image need not be
 *          what the hash says, and the next run with that hash would get it; and an image of one
 *          file, or of a directory under a name, would be a copy first. Here each byte goes into
 *          the hash and into the image from one buffer. And not in sr-tree: that one writes nothing.
 */
#include "stages/image/image.h"
#include "stages/image/sum.h"
#include "stages/stage.h"

#include "ipc/object.h"
#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/stat.h>

#define PATH	"launch.image"
#define ID_LAST (UINT32_MAX - 1) /* -1 is no user */

enum option {
	OPTION_TREE_FD,
	OPTION_IMAGE_FD,
	OPTION_MAX_BYTES,
	OPTION_MAX_FILES,
	OPTION_ROOT,
	OPTION_PARTS,
	OPTION_OWNERS,
	OPTION_UID,
	OPTION_GID,
	OPTION_COUNT
};

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_TREE_FD] = {"tree-fd", STAGE_OPTION_FDS, 0, 0, "N",
			    "a directory or a regular file, for reading"},
	[OPTION_IMAGE_FD] = {"image-fd", STAGE_OPTION_FD, 0, 0, "N",
			     "an empty regular file, for reading and writing"},
	[OPTION_MAX_BYTES] = {"max-bytes", STAGE_OPTION_NUMBER, EROFS_BLOCK, IMAGE_BYTES_MAX, "N",
			      "how large the image may become"},
	[OPTION_MAX_FILES] = {"max-files", STAGE_OPTION_NUMBER, 1, IMAGE_FILES_MAX, "N",
			      "how many entries the directory may have in all (1000000)"},
	[OPTION_ROOT] = {"root", STAGE_OPTION_FLAG, 0, 0, NULL,
			 "the directory is the image's top, not \"tree\" in it"},
	[OPTION_PARTS] = {"parts", STAGE_OPTION_FLAG, 0, 0, NULL,
			  "each --tree-fd is a part: \"00\", \"01\" and so on at the top"},
	[OPTION_OWNERS] = {"owners", STAGE_OPTION_TEXT, 0, 0, "RULE",
			   "one (default): all to --uid and --gid; kept; own: the caller's alone"},
	[OPTION_UID] = {"uid", STAGE_OPTION_NUMBER, 0, ID_LAST, "N", "whose everything is (0)"},
	[OPTION_GID] = {"gid", STAGE_OPTION_NUMBER, 0, ID_LAST, "N", "and of which group (0)"},
};

struct state {
	struct image image;
	struct image_plan plan;
	struct owners owners;
};

static enum stage_exit usage(struct stage_context *context, const char *what)
{
	stage_complain(context->stage, "%s", what);
	return STAGE_USAGE;
}

static enum stage_exit take_image(struct stage_context *context, struct image_plan *plan)
{
	struct stat info;

	plan->fd = context->values[OPTION_IMAGE_FD].fd;
	if (fstat(plan->fd, &info) < 0 || !S_ISREG(info.st_mode) || info.st_size != 0 ||
	    (fcntl(plan->fd, F_GETFL) & (O_ACCMODE | O_APPEND)) != O_RDWR)
		return usage(context, "--image-fd must be an empty regular file, open for reading "
				      "and writing, not for appending");
	return STAGE_DONE;
}

static enum stage_exit take_tree(struct stage_context *context, int fd, mode_t *mode)
{
	struct stat info;

	if (fstat(fd, &info) < 0 || (!S_ISDIR(info.st_mode) && !S_ISREG(info.st_mode)))
		return usage(context, "--tree-fd must be a directory or a regular file");
	*mode = info.st_mode;
	/* A file is open already; Landlock has nothing to give. */
	if (S_ISDIR(info.st_mode))
		context->fd_rules[context->fd_rule_count++] =
			(struct sandbox_fd_rule){fd, SANDBOX_FS_READ_FILE | SANDBOX_FS_READ_DIR};
	return STAGE_DONE;
}

static enum stage_exit take_trees(struct stage_context *context, struct image_plan *plan)
{
	const struct stage_value *trees = &context->values[OPTION_TREE_FD];
	bool root = context->values[OPTION_ROOT].given;
	bool parts = context->values[OPTION_PARTS].given;
	enum stage_exit status = STAGE_DONE;
	mode_t mode = 0;

	_Static_assert(STAGE_FDS_MAX == IMAGE_PART_MAX, "as many trees as parts");
	for (size_t i = 0; status == STAGE_DONE && i < trees->fd_count; i++)
		status = take_tree(context, trees->fds[i], &mode);
	if (status != STAGE_DONE)
		return status;
	if (!parts && trees->fd_count > 1)
		return usage(context, "more than one --tree-fd is for --parts");
	if (root && (parts || !S_ISDIR(mode)))
		return usage(context, "--root is for a directory");
	plan->top = S_ISDIR(mode) ? IMAGE_TOP_TREE : IMAGE_TOP_FILE;
	if (root || parts)
		plan->top = root ? IMAGE_TOP_ROOT : IMAGE_TOP_PARTS;
	return STAGE_DONE;
}

static enum stage_exit take_owners(struct stage_context *context, struct owners *owners)
{
	const struct stage_value *values = context->values;
	enum owners_rule rule = OWNERS_ONE;

	if (values[OPTION_OWNERS].given && !owners_parse(values[OPTION_OWNERS].text, &rule))
		return usage(context, "--owners takes one, kept or own");
	if (owners_init(owners, rule, (uint32_t)values[OPTION_UID].number,
			(uint32_t)values[OPTION_GID].number) == 0)
		return STAGE_DONE;
	stage_complain(context->stage, "the caller's groups: %s", strerror(errno));
	return STAGE_FAILED;
}

static enum stage_exit image_open(struct stage_context *context)
{
	const struct stage_value *values = context->values;
	struct state *state = context->state;
	enum stage_exit status;

	if (!values[OPTION_TREE_FD].given || !values[OPTION_IMAGE_FD].given ||
	    !values[OPTION_MAX_BYTES].given)
		return usage(context, "needs --tree-fd N, --image-fd N and --max-bytes N");
	state->plan = (struct image_plan){
		.bytes_max = values[OPTION_MAX_BYTES].number,
		.owners = &state->owners,
		.path = PATH,
	};
	status = take_image(context, &state->plan);
	if (status == STAGE_DONE)
		status = take_owners(context, &state->owners);
	return status == STAGE_DONE ? take_trees(context, &state->plan) : status;
}

static enum stage_exit image_prewarm(struct stage_context *context)
{
	(void)context;
	return digest_prewarm() == 0 ? STAGE_DONE : STAGE_FAILED;
}

static enum fault_code add_tree(const struct stage_context *context, int fd, struct sum *sum,
				struct fault *fault)
{
	const struct stage_value *files = &context->values[OPTION_MAX_FILES];
	const struct manifest_limits limits = {files->given ? files->number : IMAGE_FILES_MAX,
					       MANIFEST_DEPTH_MAX, "an image"};
	struct state *state = context->state;

	return sum_add(sum, &state->image, fd, &limits, fault);
}

static enum fault_code make(const struct stage_context *context, struct json_object *record,
			    struct fault *fault)
{
	const struct stage_value *trees = &context->values[OPTION_TREE_FD];
	struct state *state = context->state;
	struct sum sum;
	enum fault_code code = FAULT_NONE;
	char hash[DIGEST_TEXT_SIZE];
	uint64_t bytes = 0;

	sum_begin(&sum, state->plan.top);
	image_begin(&state->image, &state->plan);
	for (size_t i = 0; code == FAULT_NONE && i < trees->fd_count; i++)
		code = add_tree(context, trees->fds[i], &sum, fault);
	if (code == FAULT_NONE)
		code = image_end(&state->image, hash, &bytes, fault);
	image_release(&state->image);
	if (code == FAULT_NONE) {
		object_add_integer(record, "bytes", (int64_t)bytes);
		object_add_string(record, "sha256", hash);
		sum_tell(&sum, record);
	}
	sum_end(&sum);
	return code;
}

static enum stage_exit image_run(struct stage_context *context)
{
	struct json_object *record OBJECT_CLEANUP = object_new();
	struct json_object *errors = array_new();
	struct fault fault, send_fault;
	enum fault_code code = make(context, record, &fault);

	if (code != FAULT_NONE)
		array_append(errors, fault_to_json(&fault));
	object_add(record, "errors", errors);
	object_add_string(record, "schemaVersion", "safe-run.image/v1");
	if (record_send(&context->out, record, RECORD_EVENT_MAX, &send_fault) != FAULT_NONE) {
		stage_complain(context->stage, "%s", send_fault.message);
		return STAGE_FAILED;
	}
	return code == FAULT_NONE ? STAGE_DONE : STAGE_REFUSED;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-image",
		.summary = "make a read-only image: sr-image --tree-fd N --image-fd N "
			   "--max-bytes N",
		.profile = &sandbox_profile_image,
		.options = options,
		.option_count = OPTION_COUNT,
		.hashes = true,
		.open = image_open,
		.prewarm = image_prewarm,
		.run = image_run,
	};
	struct state state;

	return stage_main(&stage, &state, argc, argv);
}
