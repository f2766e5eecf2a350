/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-deposit: keeps what sr-collect hands over.
 *
 * PURPOSE  Copy each file it is passed into a directory, hash it on the way, and write the manifest
 *          of all entries.
 * READS    entries from the socket --entries-fd, files as descriptors beside them.
 * WRITES   files and directories below --outputs-fd; lines into --manifest-fd; one DepositResult on
 *          stdout.
 * HOLDS    the caller's uid, so that copies are the caller's; no capability.
 * FILTER   sandbox/filters/deposit.filter; Landlock: make, write and remove below the directory,
 *          open nothing else, and nothing for reading.
 * REFUSES  an entry that is not exactly one, a path that does not lead down, and to touch what
 *          exists. After the first failure it takes no more.
 * WHY NOT  in sr-collect: as root the tree belongs to another user than the copies must, and who
 *          walks a hostile tree should not be able to write.
 */
#include "stages/deposit/entry.h"
#include "stages/deposit/manifest.h"
#include "stages/deposit/store.h"
#include "stages/stage.h"

#include "ipc/object.h"
#include "sandbox/landlock.h"

#include <json-c/json.h>
#include <unistd.h>

enum option { OPTION_ENTRIES_FD, OPTION_OUTPUTS_FD, OPTION_MANIFEST_FD, OPTION_COUNT };

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_ENTRIES_FD] = {.name = "entries-fd",
			       .kind = STAGE_OPTION_FD,
			       .value_name = "N",
			       .help = "a socket, sr-collect's other end"},
	[OPTION_OUTPUTS_FD] = {.name = "outputs-fd",
			       .kind = STAGE_OPTION_FD,
			       .value_name = "N",
			       .help = "the directory for the copies"},
	[OPTION_MANIFEST_FD] = {.name = "manifest-fd",
				.kind = STAGE_OPTION_FD,
				.value_name = "N",
				.help = "the file for the manifest"},
};

struct tally {
	uint64_t files, bytes;
};

static enum stage_exit deposit_open(struct stage_context *context)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (context->values[i].fd < 0) {
			stage_complain(context->stage, "--%s is needed", options[i].name);
			return STAGE_USAGE;
		}
	context->fd_rules[context->fd_rule_count++] = (struct sandbox_fd_rule){
		.fd = context->values[OPTION_OUTPUTS_FD].fd,
		.landlock_access = SANDBOX_FS_MAKE_DIR | SANDBOX_FS_MAKE_REG |
				   SANDBOX_FS_WRITE_FILE | SANDBOX_FS_REMOVE_FILE |
				   SANDBOX_FS_TRUNCATE,
	};
	return STAGE_DONE;
}

static enum stage_exit deposit_prewarm(struct stage_context *context)
{
	(void)context;
	return digest_prewarm() == 0 ? STAGE_DONE : STAGE_FAILED;
}

static enum fault_code keep(const struct entry *entry, struct store *store,
			    struct manifest *manifest, struct tally *tally, struct fault *fault)
{
	char hash[DIGEST_TEXT_SIZE] = "";
	enum fault_code code = FAULT_NONE;

	if (entry->directory)
		code = store_directory(store, entry, fault);
	if (entry->stored)
		code = store_file(store, entry, hash, fault);
	if (code != FAULT_NONE)
		return code;
	if (entry->stored) {
		object_add_string(entry->object, "sha256", hash);
		tally->files++;
		tally->bytes += entry->size;
	} else {
		object_add_null(entry->object, "sha256");
	}
	return manifest_add(manifest, entry->object, fault);
}

static enum fault_code keep_all(int entries_fd, struct store *store, struct manifest *manifest,
				struct tally *tally, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;
	struct entry entry;
	int got = 1;

	while (code == FAULT_NONE && got > 0) {
		got = entry_receive(entries_fd, &entry, fault);
		if (got < 0)
			code = fault->code;
		else if (got > 0)
			code = keep(&entry, store, manifest, tally, fault);
		entry_release(&entry);
		/* A reader that has gone does not wait for an answer. */
		if (code == FAULT_NONE && got > 0 && write(entries_fd, "+", 1) < 0)
			continue;
	}
	return code;
}

static enum stage_exit tell(struct stage_context *context, const struct manifest *manifest,
			    const struct tally *tally, const char *hash, const struct fault *why)
{
	struct json_object *result OBJECT_CLEANUP = object_new();
	struct json_object *errors = array_new();
	struct fault fault;

	if (why->code != FAULT_NONE)
		array_append(errors, fault_to_json(why));
	object_add_integer(result, "bytes", (int64_t)tally->bytes);
	object_add_integer(result, "entries", (int64_t)manifest->lines);
	object_add(result, "errors", errors);
	object_add_integer(result, "files", (int64_t)tally->files);
	object_add_string(result, "manifestHash", hash);
	object_add_string(result, "schemaVersion", "safe-run.deposited/v1");
	if (record_send(&context->out, result, RECORD_EVENT_MAX, &fault) == FAULT_NONE)
		return why->code == FAULT_NONE ? STAGE_DONE : STAGE_REFUSED;
	stage_complain(context->stage, "%s", fault.message);
	return STAGE_FAILED;
}

static enum stage_exit deposit_run(struct stage_context *context)
{
	char hash[DIGEST_TEXT_SIZE];
	struct fault fault = {.code = FAULT_NONE}, later;
	struct manifest manifest;
	struct tally tally = {0};
	struct store store;
	enum stage_exit status;

	store_init(&store, context->values[OPTION_OUTPUTS_FD].fd);
	manifest_init(&manifest, context->values[OPTION_MANIFEST_FD].fd);
	if (keep_all(context->values[OPTION_ENTRIES_FD].fd, &store, &manifest, &tally, &fault) !=
	    FAULT_NONE)
		(void)!manifest_end(&manifest, hash, &later);
	else
		(void)!manifest_end(&manifest, hash, &fault);
	status = tell(context, &manifest, &tally, hash, &fault);
	manifest_release(&manifest);
	store_release(&store);
	return status;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-deposit",
		.summary = "keep the outputs of a run",
		.profile = &sandbox_profile_deposit,
		.options = options,
		.option_count = OPTION_COUNT,
		.survives_keyboard = true,
		.hashes = true,
		.open = deposit_open,
		.prewarm = deposit_prewarm,
		.run = deposit_run,
	};

	return stage_main(&stage, NULL, argc, argv);
}
