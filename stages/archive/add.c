/* SPDX-License-Identifier: Apache-2.0 */
/*
 * add: a report that the verifier has found valid, and the signature beside it.
 *
 * The order is what a crash is measured by. 1. Both bodies are written under waiting names,
 * durable.
 * 2. Their leaf is appended, durable: from here on the bundle is archived. 3. The bodies get their
 * names. 4. A checkpoint over all leaves is signed. 5. The index hears of it. After a crash behind
 * 2 archive_open does 3, whoever signs next does 4, and the index catches up by itself.
 */
#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/archive/action.h"
#include "stages/archive/answer.h"
#include "stages/archive/body.h"
#include "stages/archive/checkpoint.h"
#include "stages/archive/file.h"
#include "stages/archive/lookup.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct addition {
	struct archive archive;
	struct archive_signer signer;
	struct leaf leaf;
	struct buf verdict; /* sr-verify's record */
	uint64_t number;    /* of the leaf */
	bool added;	    /* false: it was there already */
	struct note_checkpoint checkpoint;
};

static enum fault_code refuse(struct fault *fault, const char *path, const char *what)
{
	return fault_set(fault, FAULT_ARCHIVE, path, "%s", what);
}

/* The words of a record that sr-verify wrote. */
static bool get_word(struct span object, const char *name, char *out, size_t size)
{
	struct span text;

	return span_string(span_get(object, name), &text) &&
	       memchr(text.at, '\\', text.len) == NULL && span_copy(text, out, size);
}

/* What the verifier said, and whether it said yes. */
static enum fault_code read_verdict(struct addition *addition, int fd, struct fault *fault)
{
	struct leaf *leaf = &addition->leaf;
	struct span verdict;

	buf_init(&addition->verdict, RECORD_EVENT_MAX);
	if (file_read(fd, "archive.verdict", &addition->verdict, fault) != FAULT_NONE)
		return fault->code;
	verdict = (struct span){addition->verdict.data, addition->verdict.len};
	if (verdict.len > 0 && verdict.at[verdict.len - 1] == '\n')
		verdict.len--;
	if (!canon_check(verdict.at, verdict.len, NULL) ||
	    !get_word(verdict, "result", leaf->result, sizeof(leaf->result)) ||
	    !get_word(verdict, "trust", leaf->trust, sizeof(leaf->trust)))
		return refuse(fault, "archive.verdict", "the verifier gave no answer");
	if (!span_equal(span_get(verdict, "valid"), "true"))
		return fault_set(
			fault, FAULT_ARCHIVE, "archive.report",
			"the report is %s and is not archived: safe-run report verify says "
			"why",
			leaf->result);
	/* A key that the verifier does not trust vouches for nothing. */
	if (strcmp(leaf->trust, "signed") == 0 &&
	    (!get_word(verdict, "keyid", leaf->keyid, sizeof(leaf->keyid)) ||
	     !key_id_valid(leaf->keyid)))
		return refuse(fault, "archive.verdict", "names no key");
	snprintf(leaf->algorithm, sizeof(leaf->algorithm), "%s",
		 leaf->keyid[0] == '\0' ? "SHA-256" : "SHA-256 DSSEv1");
	if (!get_word(verdict, "runId", leaf->run_id, sizeof(leaf->run_id)) ||
	    !runid_valid(leaf->run_id))
		return refuse(fault, "archive.verdict", "names no run");
	return FAULT_NONE;
}

/*
 * The report is the sealed memory that sr-verify has read: canonical and of the right shape, or the
 * verdict would not be what it is.
 */
static enum fault_code read_report(struct leaf *leaf, int fd, struct fault *fault)
{
	uint64_t len = leaf->report.len;
	struct span report, integrity;
	void *map = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	bool good;

	if (map == MAP_FAILED)
		return fault_set_errno(fault, FAULT_ARCHIVE, errno, "archive.report",
				       "cannot be read");
	report = (struct span){map, len};
	integrity = span_get(report, "integrity");
	good = get_word(integrity, "digest", leaf->report_digest, sizeof(leaf->report_digest)) &&
	       digest_text_valid(leaf->report_digest) &&
	       span_integer(span_get(report, "exitCode"), &leaf->exit_code) &&
	       get_word(report, "startedAt", leaf->started_at, sizeof(leaf->started_at)) &&
	       get_word(report, "state", leaf->state, sizeof(leaf->state));
	munmap(map, len);
	return good ? FAULT_NONE
		    : refuse(fault, "archive.report", "is no report the verifier can have seen");
}

static enum fault_code receive(struct addition *addition, const struct action_input *input,
			       struct fault *fault)
{
	int bodies_fd = addition->archive.bodies_fd;
	struct leaf *leaf = &addition->leaf;

	if (body_receive(bodies_fd, BODY_REPORT, input->report_fd, &leaf->report, fault) !=
	    FAULT_NONE)
		return fault->code;
	leaf->is_signed = input->signature_fd >= 0;
	if (leaf->is_signed && body_receive(bodies_fd, BODY_SIGNATURE, input->signature_fd,
					    &leaf->signature, fault) != FAULT_NONE)
		return fault->code;
	if (read_report(leaf, input->report_fd, fault) != FAULT_NONE)
		return fault->code;
	leaf_identify(leaf);
	event_timestamp_now(leaf->stored_at);
	memcpy(leaf->verified_at, leaf->stored_at, sizeof(leaf->verified_at));
	memcpy(leaf->retention, input->retention, strlen(input->retention) + 1);
	return FAULT_NONE;
}

static void discard(const struct archive *archive)
{
	struct fault unused;

	/* What cannot be removed now is removed when the archive is opened next. */
	for (enum body_kind kind = 0; kind < BODY_KIND_COUNT; kind++)
		if (body_discard(archive->bodies_fd, kind, &unused) != FAULT_NONE)
			return;
}

/* The same bundle is archived once. */
static enum fault_code find_same(struct addition *addition, bool *found, struct fault *fault)
{
	const struct lookup lookup = {.by = LOOKUP_BUNDLE, .id = addition->leaf.bundle_id};
	struct archive *archive = &addition->archive;
	struct lookup_rows rows;
	enum fault_code code = lookup_find(archive, &lookup, &rows, fault);
	struct leaf same;

	*found = code == FAULT_NONE && rows.count > 0;
	if (*found) {
		addition->number = rows.items[0].number;
		code = archive_leaf(archive, rows.items[0].offset, &same, fault);
	}
	lookup_release(&rows);
	if (code != FAULT_NONE || !*found)
		return code;
	if (retention_end(same.stored_at, same.retention) <= archive_now() &&
	    !body_exists(archive->bodies_fd, &same.report))
		return refuse(fault, "archive.report",
			      "this bundle was archived before and its time has passed: its leaf "
			      "stays, and its bodies do not come back");
	addition->leaf = same;
	return FAULT_NONE;
}

static enum fault_code settle(struct addition *addition, struct fault *fault)
{
	int bodies_fd = addition->archive.bodies_fd;
	const struct leaf *leaf = &addition->leaf;
	enum fault_code code = body_settle(bodies_fd, BODY_REPORT, &leaf->report, fault);

	if (code == FAULT_NONE && leaf->is_signed)
		code = body_settle(bodies_fd, BODY_SIGNATURE, &leaf->signature, fault);
	return code == FAULT_NONE ? file_sync_directory(bodies_fd, BODY_DIRECTORY, fault) : code;
}

static enum fault_code append(struct addition *addition, struct fault *fault)
{
	struct archive *archive = &addition->archive;
	struct buf line BUF_CLEANUP;
	struct index_mark mark;

	buf_init(&line, LEAF_LEN_MAX);
	/* The index is up to date, so it knows how many leaves there are. */
	if (index_mark_get(archive->index, &mark, fault) != FAULT_NONE ||
	    file_sync_directory(archive->bodies_fd, BODY_DIRECTORY, fault) != FAULT_NONE)
		return fault->code;
	addition->number = mark.leaves;
	leaf_write(&addition->leaf, &line);
	if (line.overflowed)
		return refuse(fault, ARCHIVE_LEAVES, "a leaf is too long");
	return ledger_append(&archive->leaves, (struct span){line.data, line.len}, fault);
}

static enum fault_code store(struct addition *addition, const struct action_input *input,
			     struct fault *fault)
{
	struct archive *archive = &addition->archive;
	bool found;

	if (receive(addition, input, fault) != FAULT_NONE ||
	    find_same(addition, &found, fault) != FAULT_NONE) {
		discard(archive);
		return fault->code;
	}
	if (found) {
		discard(archive);
		return FAULT_NONE;
	}
	if (append(addition, fault) != FAULT_NONE) {
		discard(archive);
		return fault->code;
	}
	addition->added = true;
	return settle(addition, fault);
}

static enum fault_code add(struct addition *addition, const struct action_input *input,
			   struct fault *fault)
{
	struct archive *archive = &addition->archive;
	enum fault_code code = archive_index(archive, fault);

	if (code == FAULT_NONE)
		code = checkpoint_check(archive, &addition->signer, fault);
	if (code == FAULT_NONE)
		code = store(addition, input, fault);
	if (code == FAULT_NONE)
		code = checkpoint_sign(archive, &addition->signer, NULL, &addition->checkpoint,
				       fault);
	return code == FAULT_NONE ? archive_catch_up(archive, fault) : code;
}

static enum stage_exit say(struct stage_context *context, const struct addition *addition)
{
	struct json_object *record OBJECT_CLEANUP =
		answer_leaf(&addition->archive, &addition->leaf, addition->number, archive_now());

	object_add_bool(record, "added", addition->added);
	object_add(record, "checkpoint", answer_checkpoint(&addition->checkpoint));
	object_add(record, "errors", array_new());
	return answer_send(context, record, STAGE_DONE);
}

enum stage_exit add_run(struct stage_context *context, const struct action_input *input)
{
	struct addition addition = {.archive.fd = -1};
	struct archive *archive = &addition.archive;
	struct fault fault;
	enum stage_exit status;
	enum fault_code code = read_verdict(&addition, input->verdict_fd, &fault);

	*archive = (struct archive){.bodies_fd = -1, .leaves.fd = -1, .prunes.fd = -1};
	if (code == FAULT_NONE)
		code = archive_signer_load(input->signer_fd, input->passphrase_fd, &addition.signer,
					   &fault);
	if (code == FAULT_NONE)
		code = archive_open(archive, input->archive_fd, ARCHIVE_CREATE, input->new_origin,
				    &fault);
	if (code == FAULT_NONE)
		code = add(&addition, input, &fault);
	status = code == FAULT_NONE ? say(context, &addition) : answer_fault(context, &fault);
	archive_close(archive);
	archive_signer_release(&addition.signer);
	buf_release(&addition.verdict);
	return status;
}
