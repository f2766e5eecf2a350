/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint: the archive's checkpoint, signed anew when a key is given. reindex: the index anew.
 */
#include "ipc/object.h"
#include "stages/archive/action.h"
#include "stages/archive/answer.h"
#include "stages/archive/archive_key_file.h"
#include "stages/archive/checkpoint.h"

#include <json-c/json.h>
#include <string.h>

static enum fault_code sign(struct archive *archive, const struct action_input *input,
			    struct fault *fault)
{
	struct archive_signer signer = {.key.handle = NULL};
	struct key_public old_key = {.algorithm = KEY_ALGORITHM_COUNT};
	struct note_checkpoint checkpoint;
	bool has_old = input->key_count > 0;
	enum fault_code code =
		archive_signer_load(input->signer_fd, input->passphrase_fd, &signer, fault);

	if (code == FAULT_NONE && has_old)
		code = archive_key_file_load(input->key_fds[0], &old_key, fault);
	if (code == FAULT_NONE)
		code = archive_index(archive, fault);
	if (code == FAULT_NONE)
		code = checkpoint_sign(archive, &signer, has_old ? &old_key : NULL, &checkpoint,
				       fault);
	archive_signer_release(&signer);
	key_public_release(&old_key);
	return code;
}

/* The note's own bytes, to be kept elsewhere as they are. */
static enum stage_exit print(struct stage_context *context, const struct archive *archive,
			     struct fault *fault)
{
	struct buf text BUF_CLEANUP;
	struct note note;
	bool known;

	if (checkpoint_load(archive, &text, &note, &known, fault) != FAULT_NONE)
		return answer_fault(context, fault);
	if (!known) {
		fault_set(fault, FAULT_ARCHIVE, ARCHIVE_CHECKPOINT,
			  "there is none yet: archive add signs one");
		return answer_fault(context, fault);
	}
	if (record_write_all(context->out.fd, text.data, text.len) != 0) {
		stage_complain(context->stage, "cannot write the checkpoint");
		return STAGE_FAILED;
	}
	return STAGE_DONE;
}

enum stage_exit checkpoint_run(struct stage_context *context, const struct action_input *input)
{
	enum archive_use use = input->signer_fd >= 0 ? ARCHIVE_WRITE : ARCHIVE_READ;
	struct archive archive;
	struct fault fault;
	enum stage_exit status;
	enum fault_code code = archive_open(&archive, input->archive_fd, use, NULL, &fault);

	if (code == FAULT_NONE && input->signer_fd >= 0)
		code = sign(&archive, input, &fault);
	status = code == FAULT_NONE ? print(context, &archive, &fault)
				    : answer_fault(context, &fault);
	archive_close(&archive);
	return status;
}

enum stage_exit reindex_run(struct stage_context *context, const struct action_input *input)
{
	struct json_object *answer OBJECT_CLEANUP = NULL;
	struct archive archive;
	struct index_mark mark;
	struct fault fault;
	enum stage_exit status;
	enum fault_code code =
		archive_open(&archive, input->archive_fd, ARCHIVE_WRITE, NULL, &fault);

	if (code == FAULT_NONE)
		code = archive_reindex(&archive, &fault);
	if (code == FAULT_NONE)
		code = index_mark_get(archive.index, &mark, &fault);
	if (code == FAULT_NONE) {
		answer = object_new();
		object_add(answer, "errors", array_new());
		object_add_integer(answer, "leaves", (int64_t)mark.leaves);
		status = answer_send(context, answer, STAGE_DONE);
	} else {
		status = answer_fault(context, &fault);
	}
	archive_close(&archive);
	return status;
}
