/* SPDX-License-Identifier: Apache-2.0 */
/* verify: an audit, and what it says. */
#include "ipc/object.h"
#include "stages/archive/action.h"
#include "stages/archive/answer.h"
#include "stages/archive/archive_key_file.h"
#include "stages/archive/audit.h"
#include "stages/archive/file.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

struct keys {
	struct key_public items[ACTION_KEYS_MAX];
	size_t count;
};

static enum fault_code load_keys(const struct action_input *input, struct keys *keys,
				 struct fault *fault)
{
	for (size_t i = 0; i < input->key_count; i++) {
		if (archive_key_file_load(input->key_fds[i], &keys->items[i], fault) != FAULT_NONE)
			return fault->code;
		keys->count++;
	}
	return input->trusted == NULL ? FAULT_NONE : keyring_read(input->trusted, fault);
}

static struct audit_keys audit_keys(const struct action_input *input, const struct keys *keys)
{
	return (struct audit_keys){keys->items, keys->count, input->trusted};
}

static void release_keys(struct keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		key_public_release(&keys->items[i]);
}

static enum fault_code compare_older(struct audit *audit, const struct action_input *input,
				     const struct keys *keys, struct fault *fault)
{
	struct audit_keys given = audit_keys(input, keys);
	struct buf older BUF_CLEANUP;

	buf_init(&older, NOTE_LEN_MAX + 1);
	if (file_read(input->since_fd, "since", &older, fault) != FAULT_NONE)
		return fault->code;
	audit_since(audit, (struct span){older.data, older.len}, &given);
	return FAULT_NONE;
}

static enum fault_code run_checks(struct audit *audit, const struct action_input *input,
				  const struct keys *keys, struct fault *fault)
{
	struct audit_keys given = audit_keys(input, keys);
	enum fault_code code = audit_leaves(audit, fault);

	if (code == FAULT_NONE)
		code = audit_checkpoint(audit, fault);
	if (code == FAULT_NONE)
		code = audit_prunes(audit, fault);
	if (code == FAULT_NONE)
		code = audit_bodies(audit, fault);
	if (code != FAULT_NONE)
		return code;
	if (input->origin != NULL)
		audit_origin(audit, input->origin);
	if (given.count > 0 || given.trusted != NULL)
		audit_signature(audit, &given);
	return input->since_fd >= 0 ? compare_older(audit, input, keys, fault) : FAULT_NONE;
}

static struct json_object *limits(const struct audit *audit)
{
	struct json_object *list = array_new();

	if (audit->signed_by == NULL)
		array_append_string(
			list, "who signed the checkpoint: give --key or --trust-dir; whoever can "
			      "write the archive can make another that recomputes");
	if (!checklist_passed(&audit->list, AUDIT_SINCE))
		array_append_string(list,
				    "that this is the newest state: an older copy with its own "
				    "checkpoint can be put back whole; give --since a checkpoint "
				    "that was kept elsewhere");
	array_append_string(list, "that every run was archived");
	array_append_string(list, "that the clock was right when bodies were stored or pruned");
	array_append_string(list, "what each report proves: safe-run report verify says it");
	return list;
}

/* Only the last leaves are in no checkpoint: a crash came between, and nothing is wrong. */
static const char *result_of(const struct audit *audit)
{
	if (checklist_valid(&audit->list))
		return "valid";
	for (size_t check = 0; check < AUDIT_CHECK_COUNT; check++)
		if (check != AUDIT_COVERED && audit->list.states[check] != CHECKLIST_PASSED &&
		    audit->list.states[check] != CHECKLIST_NOT_ASKED)
			return "invalid";
	return "incomplete";
}

static struct json_object *describe(const struct audit *audit)
{
	struct json_object *answer = object_new();
	const char *result = result_of(audit);

	checklist_describe(&audit->list, answer);
	object_add_string(answer, "result", result);
	object_add_integer(answer, "leaves", (int64_t)audit->count);
	object_add_decimal(answer, "bodyBytes", audit->bodies_len);
	if (audit->has_checkpoint)
		object_add(answer, "checkpoint", answer_checkpoint(&audit->checkpoint.checkpoint));
	object_add(answer, "doesNotProve", limits(audit));
	if (audit->signed_by != NULL)
		object_add_string(answer, "keyid", audit->signed_by);
	object_add_string(answer, "trust",
			  strcmp(result, "invalid") == 0 ? "none"
			  : audit->signed_by != NULL	 ? "signed"
							 : "self");
	return answer;
}

static enum stage_exit audit_open(struct stage_context *context, const struct action_input *input,
				  struct archive *archive, const struct keys *keys)
{
	struct audit *audit = malloc(sizeof(*audit));
	struct json_object *answer OBJECT_CLEANUP = NULL;
	struct fault fault;
	enum stage_exit status;

	if (audit == NULL)
		buf_no_memory();
	audit_init(audit, archive);
	if (run_checks(audit, input, keys, &fault) != FAULT_NONE) {
		status = answer_fault(context, &fault);
	} else {
		answer = describe(audit);
		status = answer_send(context, answer,
				     checklist_valid(&audit->list) ? STAGE_DONE : STAGE_REFUSED);
	}
	audit_release(audit);
	free(audit);
	return status;
}

enum stage_exit audit_run(struct stage_context *context, const struct action_input *input)
{
	struct keys keys = {.count = 0};
	struct archive archive;
	struct fault fault;
	enum stage_exit status;
	enum fault_code code = load_keys(input, &keys, &fault);

	if (code == FAULT_NONE) {
		code = archive_open(&archive, input->archive_fd, ARCHIVE_ASK, NULL, &fault);
		if (code == FAULT_NONE)
			code = archive_share(&archive, &fault);
		status = code == FAULT_NONE ? audit_open(context, input, &archive, &keys)
					    : answer_fault(context, &fault);
		archive_close(&archive);
	} else {
		status = answer_fault(context, &fault);
	}
	release_keys(&keys);
	return status;
}
