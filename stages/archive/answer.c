/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/answer.h"

#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/archive/body.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

enum stage_exit answer_send(struct stage_context *context, struct json_object *record,
			    enum stage_exit status)
{
	struct fault fault;

	if (record_send(&context->out, record, RECORD_EVENT_MAX, &fault) != FAULT_NONE) {
		stage_complain(context->stage, "%s", fault.message);
		return STAGE_FAILED;
	}
	return status;
}

enum stage_exit answer_fault(struct stage_context *context, const struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = object_new();
	struct json_object *errors = array_new();

	array_append(errors, fault_to_json(fault));
	object_add(record, "errors", errors);
	return answer_send(context, record, STAGE_REFUSED);
}

static const char *state_of(const struct archive *archive, const struct leaf_body *body,
			    uint64_t ends, uint64_t now)
{
	if (body_exists(archive->bodies_fd, body))
		return "present";
	return ends <= now ? "expired" : "missing";
}

static struct json_object *body_json(const struct archive *archive, const struct leaf_body *body,
				     uint64_t ends, uint64_t now)
{
	char name[BODY_NAME_SIZE], path[sizeof(BODY_DIRECTORY "/") + BODY_NAME_SIZE];
	struct json_object *object = object_new();

	body_name(body->hash, name);
	snprintf(path, sizeof(path), BODY_DIRECTORY "/%s", name);
	object_add_string(object, "path", path);
	object_add_string(object, "state", state_of(archive, body, ends, now));
	return object;
}

struct json_object *answer_leaf(const struct archive *archive, const struct leaf *leaf,
				uint64_t number, uint64_t now)
{
	uint64_t ends = retention_end(leaf->stored_at, leaf->retention);
	struct json_object *answer = NULL, *bodies = object_new();
	char until[EVENT_TIMESTAMP_SIZE];
	struct buf line BUF_CLEANUP;
	struct fault fault;

	buf_init(&line, LEAF_LEN_MAX);
	leaf_write(leaf, &line);
	/* What leaf_read took is what leaf_write gives: it parses. */
	if (canon_parse(line.data, line.len, FAULT_ARCHIVE, &answer, &fault) != FAULT_NONE)
		abort();
	object_add(bodies, "report", body_json(archive, &leaf->report, ends, now));
	if (leaf->is_signed)
		object_add(bodies, "signature", body_json(archive, &leaf->signature, ends, now));
	object_add(answer, "bodies", bodies);
	object_add_integer(answer, "index", (int64_t)number);
	if (ends != RETENTION_NEVER) {
		event_timestamp_format(ends, 0, until);
		object_add_string(answer, "keptUntil", until);
	}
	return answer;
}

struct json_object *answer_checkpoint(const struct note_checkpoint *checkpoint)
{
	struct json_object *object = object_new();
	char root[DIGEST_TEXT_SIZE];

	digest_text(checkpoint->root, root);
	object_add_string(object, "origin", checkpoint->origin);
	object_add_string(object, "root", root);
	object_add_integer(object, "size", (int64_t)checkpoint->size);
	return object;
}
