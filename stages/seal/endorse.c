/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/endorse.h"

#include "ipc/canon.h"
#include "ipc/field.h"
#include "ipc/object.h"
#include "ipc/record.h"
#include "stages/seal/base64.h"
#include "stages/seal/dsse.h"
#include "stages/seal/signature.h" /* SIGNATURE_MAX alone: seal links no libcrypto keys */
#include "stages/signer/protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char place[] = "seal.signature";

static enum fault_code refuse(struct fault *fault, const char *what)
{
	return fault_set(fault, FAULT_REPORT_SIGNATURE, place, "%s", what);
}

static enum fault_code refuse_errno(struct fault *fault, const char *what)
{
	return fault_set_errno(fault, FAULT_REPORT_SIGNATURE, errno, place, "%s", what);
}

/* A record with errors[] in it is the signer's refusal. */
static enum fault_code repeat_refusal(struct fields *answer, struct fault *fault)
{
	struct json_object *errors;
	struct fields first;
	const char *message;

	if (fields_array(answer, "errors", FAULT_ARRAY_MAX, &errors, fault) != FAULT_NONE ||
	    json_object_array_length(errors) == 0 ||
	    fields_open(&first, json_object_array_get_idx(errors, 0), place, FAULT_REPORT_SIGNATURE,
			fault) != FAULT_NONE ||
	    fields_string(&first, "message", &message, fault) != FAULT_NONE)
		return refuse(fault, "the signer refused and gave no reason");
	return fault_set(fault, FAULT_REPORT_SIGNATURE, place, "the signer refused: %s", message);
}

/* One packet from the signer. The caller releases *root. */
static enum fault_code receive(int fd, struct json_object **root, struct fields *answer,
			       struct fault *fault)
{
	char packet[SIGNER_ANSWER_MAX];
	ssize_t len = read(fd, packet, sizeof(packet));

	if (len < 0 && errno == EAGAIN)
		return refuse(fault, "the signer did not answer in time");
	if (len < 0)
		return refuse_errno(fault, "the signer cannot be heard");
	if (len == 0)
		return refuse(fault, "the signer hung up");
	if (packet[len - 1] != '\n')
		return refuse(fault, "the signer's answer is no record");
	if (canon_parse(packet, (size_t)len - 1, FAULT_REPORT_SIGNATURE, root, fault) !=
		    FAULT_NONE ||
	    fields_open(answer, *root, place, FAULT_REPORT_SIGNATURE, fault) != FAULT_NONE)
		return fault->code;
	return fields_has(answer, "errors") ? repeat_refusal(answer, fault) : FAULT_NONE;
}

/* The signer speaks first: which key it has, and where that lives. */
static enum fault_code read_greeting(struct endorse *endorse, struct buf *signer)
{
	struct json_object *root OBJECT_CLEANUP = NULL;
	struct fields greeting;
	struct fault *fault = &endorse->fault;
	const char *keyid, *where, *algorithm;

	if (receive(endorse->signer_fd, &root, &greeting, fault) != FAULT_NONE ||
	    fields_literal(&greeting, "schemaVersion", SIGNER_SCHEMA, fault) != FAULT_NONE ||
	    fields_string(&greeting, "algorithm", &algorithm, fault) != FAULT_NONE ||
	    fields_string(&greeting, "keyid", &keyid, fault) != FAULT_NONE ||
	    fields_string(&greeting, "where", &where, fault) != FAULT_NONE ||
	    fields_close(&greeting, fault) != FAULT_NONE)
		return fault->code;
	if (!key_id_valid(keyid))
		return refuse(fault, "the signer names no key");
	endorse->ed25519 = strcmp(algorithm, "ed25519") == 0;
	if (!endorse->ed25519 && strcmp(algorithm, "p256") != 0)
		return refuse(fault, "the signer's key is of a kind not known here");
	memcpy(endorse->keyid, keyid, sizeof(endorse->keyid));
	buf_append_text(signer, "{\"keyid\":\"");
	buf_append_text(signer, keyid);
	buf_append_text(signer, "\",\"where\":");
	canon_write_string(signer, where, strlen(where));
	buf_append_text(signer, "}");
	return FAULT_NONE;
}

/*
 * What can be said without the key: 64 bytes (RFC 8032), or a DER sequence of two integers (RFC
 * 3279). Whether it is over this statement is the verifier's to find.
 */
static bool looks_signed(const struct endorse *endorse, const uint8_t *signature, size_t len)
{
	if (endorse->ed25519)
		return len == 64;
	return len >= 8 && len <= SIGNATURE_MAX && signature[0] == 0x30 && signature[1] == len - 2;
}

static enum fault_code ask(const struct endorse *endorse, const struct buf *payload,
			   uint8_t signature[SIGNATURE_MAX], size_t *len, struct fault *fault)
{
	struct json_object *root OBJECT_CLEANUP = NULL;
	struct record_sink sink = {.fd = endorse->signer_fd, .record_fd = -1};
	struct fields answer;
	const char *text;

	struct fault lost;

	if (record_send_line(&sink, payload->data, payload->len, &lost) != FAULT_NONE)
		return fault_set(fault, FAULT_REPORT_SIGNATURE, place,
				 "the signer cannot be asked: %s", lost.message);
	if (receive(endorse->signer_fd, &root, &answer, fault) != FAULT_NONE ||
	    fields_string(&answer, "signature", &text, fault) != FAULT_NONE ||
	    fields_close(&answer, fault) != FAULT_NONE)
		return fault->code;
	if (!base64_decode(text, strlen(text), signature, SIGNATURE_MAX, len))
		return refuse(fault, "the signer's signature is not base64");
	if (!looks_signed(endorse, signature, *len))
		return refuse(fault, "the signer gave no signature of its key's kind");
	return FAULT_NONE;
}

static enum fault_code find_prev(struct endorse *endorse, struct buf *prev)
{
	struct lineage_entry last;
	bool known = false;

	if (endorse->chain_fd >= 0) {
		endorse->locked = true;
		if (lineage_lock(endorse->chain_fd, &last, &known, &endorse->fault) != FAULT_NONE)
			return endorse->fault.code;
	}
	if (!known) {
		buf_append_text(prev, "null");
		return FAULT_NONE;
	}
	buf_append_text(prev, "{\"bundleDigest\":\"");
	buf_append_text(prev, last.bundle_digest);
	buf_append_text(prev, "\",\"runId\":\"");
	buf_append_text(prev, last.run_id);
	buf_append_text(prev, "\"}");
	return FAULT_NONE;
}

static enum fault_code write_bundle(struct endorse *endorse, int directory_fd,
				    const struct buf *bundle)
{
	uint8_t sum[DIGEST_SIZE];
	int fd = openat(directory_fd, ENDORSE_PARTIAL,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	enum fault_code failed = FAULT_NONE;

	if (fd < 0)
		return refuse_errno(&endorse->fault, "the bundle cannot be created");
	endorse->bundle_fd = fd;
	if (record_write_all(fd, bundle->data, bundle->len) != 0)
		failed = refuse_errno(&endorse->fault, "the bundle cannot be written");
	(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* as in publish.c */
	digest_bytes(bundle->data, bundle->len, sum);
	digest_text(sum, endorse->bundle_digest);
	return failed;
}

/* The line is on its way to the disk with everything else, and there before the bundle's name is.
 */
static enum fault_code add_to_chain(struct endorse *endorse, const struct statement *statement)
{
	struct lineage_entry entry;
	struct span run_id;

	if (endorse->chain_fd < 0)
		return FAULT_NONE;
	memcpy(entry.bundle_digest, endorse->bundle_digest, sizeof(entry.bundle_digest));
	if (!span_string(statement->fields[STATEMENT_RUN_ID], &run_id) ||
	    !span_copy(run_id, entry.run_id, sizeof(entry.run_id)))
		return refuse(&endorse->fault, "the run has no id");
	return lineage_append(endorse->chain_fd, &entry, &endorse->chain_start, &endorse->fault);
}

static struct span span_of(const struct buf *buf)
{
	return (struct span){buf->data, buf->len};
}

static enum fault_code prepare(struct endorse *endorse, int directory_fd,
			       struct statement *statement)
{
	struct buf signer BUF_CLEANUP;
	struct buf prev BUF_CLEANUP;
	struct buf payload BUF_CLEANUP;
	struct buf bundle BUF_CLEANUP;
	uint8_t signature[SIGNATURE_MAX];
	size_t len;

	buf_init(&signer, SIGNER_ANSWER_MAX);
	buf_init(&prev, LINEAGE_LINE_MAX);
	buf_init(&payload, STATEMENT_MAX);
	buf_init(&bundle, BUNDLE_MAX);
	if (read_greeting(endorse, &signer) != FAULT_NONE ||
	    find_prev(endorse, &prev) != FAULT_NONE)
		return endorse->fault.code;
	statement->fields[STATEMENT_SIGNER] = span_of(&signer);
	statement->fields[STATEMENT_PREV] = span_of(&prev);
	statement_write(statement, &payload);
	if (payload.overflowed)
		return refuse(&endorse->fault, "the statement is too long");
	if (ask(endorse, &payload, signature, &len, &endorse->fault) != FAULT_NONE)
		return endorse->fault.code;
	bundle_write(payload.data, payload.len, endorse->keyid, signature, len, &bundle);
	if (write_bundle(endorse, directory_fd, &bundle) != FAULT_NONE)
		return endorse->fault.code;
	return add_to_chain(endorse, statement);
}

/* False with errno. The descriptor is closed in every case. */
static bool settle_bundle(struct endorse *endorse)
{
	int fd = endorse->bundle_fd;
	bool settled;

	if (fd < 0)
		return true;
	endorse->bundle_fd = -1;
	settled = fsync(fd) == 0;
	return close(fd) == 0 && settled;
}

/* Without a bundle, and with the chain free for the next run. */
static void give_up(struct endorse *endorse, int directory_fd)
{
	endorse->keyid[0] = '\0';
	(void)settle_bundle(endorse);
	(void)unlinkat(directory_fd, ENDORSE_PARTIAL, 0);
	if (endorse->locked && endorse->chain_start >= 0)
		lineage_retract(endorse->chain_fd, endorse->chain_start);
	if (endorse->locked)
		lineage_unlock(endorse->chain_fd);
	endorse->locked = false;
}

void endorse_abandon(struct endorse *endorse, int directory_fd)
{
	if (endorse->signer_fd < 0)
		return;
	/* It took its name only where there was none, so it is ours. */
	if (endorse->published)
		(void)unlinkat(directory_fd, ENDORSE_BUNDLE, 0);
	give_up(endorse, directory_fd);
}

void endorse_prepare(struct endorse *endorse, int directory_fd, struct statement *statement)
{
	endorse->bundle_fd = -1;
	endorse->chain_start = -1;
	if (endorse->signer_fd >= 0 && prepare(endorse, directory_fd, statement) != FAULT_NONE)
		give_up(endorse, directory_fd);
}

void endorse_publish(struct endorse *endorse, int directory_fd)
{
	struct fault *fault = &endorse->fault;

	if (endorse->signer_fd < 0 || fault->code != FAULT_NONE)
		return;
	if (!settle_bundle(endorse)) {
		(void)refuse_errno(fault, "the bundle may not survive a power cut");
		give_up(endorse, directory_fd);
		return;
	}
	if (endorse->chain_fd >= 0 && lineage_settle(endorse->chain_fd, fault) != FAULT_NONE) {
		give_up(endorse, directory_fd);
		return;
	}
	if (renameat2(directory_fd, ENDORSE_PARTIAL, directory_fd, ENDORSE_BUNDLE,
		      RENAME_NOREPLACE) != 0) {
		(void)refuse_errno(fault, "the bundle cannot take its name");
		give_up(endorse, directory_fd);
		return;
	}
	endorse->published = true;
	if (endorse->locked)
		lineage_unlock(endorse->chain_fd);
	endorse->locked = false;
}
