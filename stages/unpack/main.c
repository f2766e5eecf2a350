/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-unpack: says what an image is, and makes of it what the store keeps.
 *
 * PURPOSE  Turn an OCI image layout or an archive of one into a directory tree, and copy a file
 *          system image to where nobody can change it; hash either, and check every digest.
 * READS    the layout below --layout-fd or the file --file-fd; no input.
 * WRITES   one UnpackResult record on stdout; below --work-fd: root, or image.
 * HOLDS    those descriptors: Landlock gives it reading below the layout and everything but devices
 *          below the work directory, which is empty and its own. No privilege: sr-launch starts it
 *          as the caller without capabilities.
 * FILTER   sandbox/filters/unpack.filter: no set-id bit, no device.
 * REFUSES  what is not for linux on amd64, more than one image, digests that do not hold, names
 *          that lead out of the image, more bytes, entries or layers than an image may have.
 * WHY NOT  in sr-launch: JSON, tar, gzip and zstd from anywhere are no food for the one stage with
 *          privilege.
 */
#include "ipc/object.h"
#include "sandbox/landlock.h"
#include "stages/stage.h"
#include "stages/unpack/apply.h"
#include "stages/unpack/below.h"
#include "stages/unpack/image.h"
#include "stages/unpack/oci.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE	FAULT_RUN_LAUNCH
#define PATH	"launch.root.unpack"
#define SCHEMA	"safe-run.unpack/v1"
#define READING (SANDBOX_FS_READ_FILE | SANDBOX_FS_READ_DIR)
#define WORKING                                                                                    \
	(READING | SANDBOX_FS_WRITE_FILE | SANDBOX_FS_TRUNCATE | SANDBOX_FS_REMOVE_DIR |           \
	 SANDBOX_FS_REMOVE_FILE | SANDBOX_FS_MAKE_DIR | SANDBOX_FS_MAKE_REG |                      \
	 SANDBOX_FS_MAKE_SYM | SANDBOX_FS_REFER)

enum {
	OPTION_LAYOUT_FD,
	OPTION_FILE_FD,
	OPTION_WORK_FD,
	OPTION_IDENTIFY,
	OPTION_CLEAR,
	OPTION_MAX_BYTES,
	OPTION_MAX_ENTRIES,
	OPTION_COUNT
};

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_LAYOUT_FD] = {"layout-fd", STAGE_OPTION_FD, 0, 0, "N", "an OCI image layout"},
	[OPTION_FILE_FD] = {"file-fd", STAGE_OPTION_FD, 0, 0, "N", "an image or an archive of one"},
	[OPTION_WORK_FD] = {"work-fd", STAGE_OPTION_FD, 0, 0, "N", "an empty directory to fill"},
	[OPTION_IDENTIFY] = {"identify", STAGE_OPTION_FLAG, 0, 0, NULL,
			     "say what it is and its hash, and write nothing"},
	[OPTION_CLEAR] = {"clear", STAGE_OPTION_FLAG, 0, 0, NULL,
			  "remove everything from the work directory"},
	[OPTION_MAX_BYTES] = {"max-bytes", STAGE_OPTION_NUMBER, 1, 1ULL << 50, "N",
			      "what an image may unpack to"},
	[OPTION_MAX_ENTRIES] = {"max-entries", STAGE_OPTION_NUMBER, 1, 1ULL << 32, "N",
				"entries in all its layers"},
};

struct unpack {
	int layout_fd, file_fd, work_fd; /* -1: not given */
	struct bounds bounds;
	struct tally tally;
	const char *format;
	char key[DIGEST_TEXT_SIZE];
	struct oci_image image; /* 60 KiB, on main's stack */
};

static void keep(struct stage_context *context, int fd, uint64_t access)
{
	if (fd >= 0)
		context->fd_rules[context->fd_rule_count++] = (struct sandbox_fd_rule){fd, access};
}

static enum stage_exit unpack_open(struct stage_context *context)
{
	const struct stage_value *values = context->values;
	struct unpack *unpack = context->state;
	bool source = values[OPTION_LAYOUT_FD].given != values[OPTION_FILE_FD].given;
	bool none = !values[OPTION_LAYOUT_FD].given && !values[OPTION_FILE_FD].given;

	if (values[OPTION_CLEAR].given
		    ? !none || !values[OPTION_WORK_FD].given || values[OPTION_IDENTIFY].given
		    : !source || values[OPTION_IDENTIFY].given == values[OPTION_WORK_FD].given) {
		stage_complain(context->stage,
			       "needs --layout-fd or --file-fd with --identify or --work-fd; or "
			       "--clear with --work-fd");
		return STAGE_USAGE;
	}
	unpack->layout_fd = values[OPTION_LAYOUT_FD].fd;
	unpack->file_fd = values[OPTION_FILE_FD].fd;
	unpack->work_fd = values[OPTION_WORK_FD].fd;
	unpack->bounds = (struct bounds){BOUNDS_BYTES, BOUNDS_ENTRIES};
	if (values[OPTION_MAX_BYTES].given)
		unpack->bounds.bytes = values[OPTION_MAX_BYTES].number;
	if (values[OPTION_MAX_ENTRIES].given)
		unpack->bounds.entries = values[OPTION_MAX_ENTRIES].number;
	/* A file is open already: reading it needs no right of Landlock's. */
	keep(context, unpack->layout_fd, READING);
	keep(context, unpack->work_fd, WORKING);
	return STAGE_DONE;
}

static enum stage_exit unpack_prewarm(struct stage_context *context)
{
	(void)context;
	return digest_prewarm() == 0 ? STAGE_DONE : STAGE_FAILED;
}

/* A layout goes by its manifest's digest; its layers are held to that when they are unpacked. */
static enum fault_code take_layout(struct unpack *unpack, int layout_fd, struct fault *fault)
{
	enum fault_code code = oci_read_layout(layout_fd, &unpack->image, fault);

	if (code != FAULT_NONE)
		return code;
	unpack->format = "oci-layout";
	(void)memcpy(unpack->key, unpack->image.digest, sizeof unpack->key);
	if (unpack->work_fd < 0)
		return FAULT_NONE;
	return apply_image(layout_fd, unpack->work_fd, &unpack->image, &unpack->bounds,
			   &unpack->tally, fault);
}

/* What is in the archive decides, not its name: docker save writes both forms at once today. */
static enum fault_code apply_archived(struct unpack *unpack, int archive_fd, struct fault *fault)
{
	int mark_fd = below_open_file(archive_fd, "oci-layout");
	enum fault_code code;

	if (mark_fd >= 0) {
		(void)close(mark_fd);
		unpack->format = "oci-archive";
		code = oci_read_layout(archive_fd, &unpack->image, fault);
	} else {
		unpack->format = "docker-archive";
		code = oci_read_docker(archive_fd, &unpack->image, fault);
	}
	if (code != FAULT_NONE)
		return code;
	return apply_image(archive_fd, unpack->work_fd, &unpack->image, &unpack->bounds,
			   &unpack->tally, fault);
}

static enum fault_code take_archive(struct unpack *unpack, struct fault *fault)
{
	int archive_fd = -1;
	enum fault_code code;

	unpack->format = "archive";
	if (unpack->work_fd < 0)
		return image_hash(unpack->file_fd, -1, &unpack->bounds, unpack->key, fault);
	code = apply_archive(unpack->file_fd, unpack->work_fd, &unpack->bounds, &archive_fd,
			     unpack->key, fault);
	if (code == FAULT_NONE)
		code = apply_archived(unpack, archive_fd, fault);
	if (archive_fd >= 0)
		(void)close(archive_fd);
	if (code == FAULT_NONE && below_remove(unpack->work_fd, "archive", unpack->work_fd) < 0)
		code = fault_set_errno(fault, CODE, errno, PATH, "cannot remove what is unpacked");
	return code;
}

static enum fault_code copy_image(struct unpack *unpack, struct fault *fault)
{
	int copy_fd = below_create(unpack->work_fd, "image", 0600);
	enum fault_code code;

	if (copy_fd < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot make a copy of the image");
	code = image_hash(unpack->file_fd, copy_fd, &unpack->bounds, unpack->key, fault);
	if (code == FAULT_NONE && fchmod(copy_fd, 0400) < 0)
		code = fault_set_errno(fault, CODE, errno, PATH,
				       "cannot close the copy for writing");
	(void)close(copy_fd);
	return code;
}

static enum fault_code take_file(struct unpack *unpack, struct fault *fault)
{
	enum image_format format;
	enum fault_code code = image_look(unpack->file_fd, &format, fault);

	if (code != FAULT_NONE)
		return code;
	if (format == IMAGE_ARCHIVE)
		return take_archive(unpack, fault);
	unpack->format = image_format_name(format);
	if (unpack->work_fd < 0)
		return image_hash(unpack->file_fd, -1, &unpack->bounds, unpack->key, fault);
	return copy_image(unpack, fault);
}

static enum fault_code clear(struct unpack *unpack, struct fault *fault)
{
	if (below_clear(unpack->work_fd, unpack->work_fd) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, PATH, "cannot clear the work directory");
}

static struct json_object *describe(const struct unpack *unpack, const struct fault *fault)
{
	struct json_object *record = object_new();
	struct json_object *errors = array_new();

	if (fault->code != FAULT_NONE)
		array_append(errors, fault_to_json(fault));
	object_add_integer(record, "bytes", (int64_t)unpack->tally.bytes);
	object_add_integer(record, "entries", (int64_t)unpack->tally.entries);
	object_add(record, "errors", errors);
	object_add_string(record, "format", unpack->format);
	object_add_string(record, "key", unpack->key);
	object_add_string(record, "schemaVersion", SCHEMA);
	object_add_integer(record, "skipped", (int64_t)unpack->tally.skipped);
	return record;
}

static enum stage_exit unpack_run(struct stage_context *context)
{
	struct unpack *unpack = context->state;
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct fault fault = {.code = FAULT_NONE}, send_fault;
	enum fault_code code;

	if (context->values[OPTION_CLEAR].given)
		code = clear(unpack, &fault);
	else if (unpack->layout_fd >= 0)
		code = take_layout(unpack, unpack->layout_fd, &fault);
	else
		code = take_file(unpack, &fault);
	record = describe(unpack, &fault);
	if (record_send(&context->out, record, RECORD_EVENT_MAX, &send_fault) != FAULT_NONE) {
		stage_complain(context->stage, "%s", send_fault.message);
		return STAGE_FAILED;
	}
	return code == FAULT_NONE ? STAGE_DONE : STAGE_REFUSED;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-unpack",
		.summary = "unpack an image into a directory",
		.profile = &sandbox_profile_unpack,
		.options = options,
		.option_count = OPTION_COUNT,
		.hashes = true,
		.open = unpack_open,
		.prewarm = unpack_prewarm,
		.run = unpack_run,
	};
	struct unpack unpack = {.layout_fd = -1, .file_fd = -1, .work_fd = -1, .format = ""};

	return stage_main(&stage, &unpack, argc, argv);
}
