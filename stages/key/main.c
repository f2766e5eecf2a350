/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-key: makes a signing key, or says which key a file holds.
 *
 * PURPOSE  The front-end handles key files without reading them: what reads one that a stranger
 *          may have sent is this, confined.
 * READS    --public-fd: a public key; --passphrase-fd: one line.
 * WRITES   --private-fd, --public-out-fd: the two halves of a new key. On stdout one record:
 *          {algorithm, keyid, purpose, spki}, or errors[].
 * HOLDS    those descriptors; a new private key, for as long as it takes to write it.
 * FILTER   sandbox/filters/key.filter; Landlock gives nothing.
 * REFUSES  whatever is not exactly an Ed25519 or P-256 key in PEM.
 * WHY NOT  in the front-end: it parses nothing, and does not link libcrypto.
 */
#include "ipc/object.h"
#include "stages/seal/base64.h"
#include "stages/seal/digest.h"
#include "stages/seal/key_private.h"
#include "stages/seal/signature.h"
#include "stages/stage.h"

#include <errno.h>
#include <json-c/json.h>
#include <openssl/crypto.h>
#include <unistd.h>

enum option {
	OPTION_TYPE,
	OPTION_PURPOSE,
	OPTION_PRIVATE_FD,
	OPTION_PUBLIC_OUT_FD,
	OPTION_PASSPHRASE_FD,
	OPTION_PUBLIC_FD,
	OPTION_COUNT
};

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_TYPE] = {.name = "type",
			 .kind = STAGE_OPTION_TEXT,
			 .value_name = "TYPE",
			 .help = "make a key: ed25519 or p256"},
	[OPTION_PURPOSE] = {.name = "purpose",
			    .kind = STAGE_OPTION_TEXT,
			    .value_name = "PURPOSE",
			    .help = "what it is for: seal or archive"},
	[OPTION_PRIVATE_FD] = {.name = "private-fd",
			       .kind = STAGE_OPTION_FD,
			       .value_name = "N",
			       .help = "where the private key goes"},
	[OPTION_PUBLIC_OUT_FD] = {.name = "public-out-fd",
				  .kind = STAGE_OPTION_FD,
				  .value_name = "N",
				  .help = "where the public key goes"},
	[OPTION_PASSPHRASE_FD] = {.name = "passphrase-fd",
				  .kind = STAGE_OPTION_FD,
				  .value_name = "N",
				  .help = "encrypt the private key: one line from N"},
	[OPTION_PUBLIC_FD] = {.name = "public-fd",
			      .kind = STAGE_OPTION_FD,
			      .value_name = "N",
			      .help = "say which public key is open at N"},
};

struct key_task {
	enum key_algorithm algorithm;
	enum key_purpose purpose;
};

static enum stage_exit key_open(struct stage_context *context)
{
	const struct stage_value *values = context->values;
	struct key_task *task = context->state;
	bool makes = values[OPTION_TYPE].given;

	if (makes == values[OPTION_PUBLIC_FD].given || makes != values[OPTION_PURPOSE].given ||
	    makes != values[OPTION_PRIVATE_FD].given ||
	    makes != values[OPTION_PUBLIC_OUT_FD].given) {
		stage_complain(context->stage, "needs --type, --purpose, --private-fd and "
					       "--public-out-fd, or --public-fd alone");
		return STAGE_USAGE;
	}
	if (!makes)
		return STAGE_DONE;
	task->algorithm = key_algorithm_parse(values[OPTION_TYPE].text);
	task->purpose = key_purpose_parse(values[OPTION_PURPOSE].text);
	if (task->algorithm == KEY_ALGORITHM_COUNT || task->purpose == KEY_PURPOSE_COUNT) {
		stage_complain(context->stage,
			       "--type is ed25519 or p256, --purpose seal or archive");
		return STAGE_USAGE;
	}
	return STAGE_DONE;
}

static enum stage_exit key_prewarm(struct stage_context *context)
{
	(void)context;
	return digest_prewarm() == 0 && signature_start() == 0 ? STAGE_DONE : STAGE_FAILED;
}

static enum fault_code write_out(int fd, const struct buf *text, struct fault *fault)
{
	if (record_write_all(fd, text->data, text->len) == 0 &&
	    (fsync(fd) == 0 || errno == EINVAL || errno == EROFS))
		return FAULT_NONE;
	return fault_set_errno(fault, FAULT_REPORT_SIGNATURE, errno, "key",
			       "the key cannot be written");
}

/* The public half last: where it is, the private one is on the disk. */
static enum fault_code write_both(struct stage_context *context, const struct key_private *key,
				  const char *passphrase, struct fault *fault)
{
	struct buf private BUF_CLEANUP;
	struct buf public BUF_CLEANUP;
	enum fault_code code;

	buf_init(&private, KEY_FILE_MAX);
	buf_init(&public, KEY_FILE_MAX);
	key_public_write(&key->public, &public);
	code = key_private_write(key, passphrase, &private, fault);
	if (code == FAULT_NONE)
		code = write_out(context->values[OPTION_PRIVATE_FD].fd, &private, fault);
	if (private.data != NULL)
		OPENSSL_cleanse(private.data, private.len);
	if (code == FAULT_NONE)
		code = write_out(context->values[OPTION_PUBLIC_OUT_FD].fd, &public, fault);
	return code;
}

static enum fault_code make(struct stage_context *context, struct key_private *key,
			    struct fault *fault)
{
	const struct key_task *task = context->state;
	const struct stage_value *passphrase_fd = &context->values[OPTION_PASSPHRASE_FD];
	char passphrase[KEY_PASSPHRASE_MAX + 1];
	enum fault_code code = FAULT_NONE;

	if (passphrase_fd->given)
		code = key_passphrase_read(passphrase_fd->fd, passphrase, fault);
	if (code == FAULT_NONE)
		code = key_private_make(task->algorithm, task->purpose, key, fault);
	if (code == FAULT_NONE)
		code = write_both(context, key, passphrase_fd->given ? passphrase : NULL, fault);
	OPENSSL_cleanse(passphrase, sizeof(passphrase));
	return code;
}

static enum fault_code read_public(int fd, struct key_public *key, struct fault *fault)
{
	char file[KEY_FILE_MAX];
	size_t len;

	if (key_file_read(fd, file, &len, fault) != FAULT_NONE)
		return fault->code;
	return key_public_read(file, len, key, fault);
}

static struct json_object *describe(const struct key_public *key)
{
	struct json_object *record = object_new();
	struct buf spki BUF_CLEANUP;

	buf_init(&spki, KEY_FILE_MAX);
	base64_append(&spki, key->spki, key->spki_len);
	buf_append(&spki, "", 1);
	object_add_string(record, "algorithm", key_algorithm_name(key->algorithm));
	object_add_string(record, "keyid", key->keyid);
	if (key->purpose == KEY_PURPOSE_NONE)
		object_add_null(record, "purpose");
	else
		object_add_string(record, "purpose", key_purpose_name(key->purpose));
	object_add_string(record, "spki", spki.data);
	return record;
}

static enum stage_exit key_run(struct stage_context *context)
{
	struct json_object *answer OBJECT_CLEANUP = NULL;
	struct key_private key = {.handle = NULL};
	struct fault fault;
	int public_fd = context->values[OPTION_PUBLIC_FD].fd;
	enum fault_code code = public_fd >= 0 ? read_public(public_fd, &key.public, &fault)
					      : make(context, &key, &fault);

	if (code == FAULT_NONE) {
		answer = describe(&key.public);
	} else {
		struct json_object *errors = array_new();

		answer = object_new();
		array_append(errors, fault_to_json(&fault));
		object_add(answer, "errors", errors);
	}
	key_private_release(&key);
	if (record_send(&context->out, answer, RECORD_EVENT_MAX, &fault) != FAULT_NONE)
		return STAGE_FAILED;
	return code == FAULT_NONE ? STAGE_DONE : STAGE_REFUSED;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-key",
		.summary = "make a signing key, or say which key a file holds",
		.profile = &sandbox_profile_key,
		.options = options,
		.option_count = OPTION_COUNT,
		.hashes = true,
		.open = key_open,
		.prewarm = key_prewarm,
		.run = key_run,
	};
	struct key_task task = {.algorithm = KEY_ED25519};

	return stage_main(&stage, &task, argc, argv);
}
