/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-signer: holds a private key and signs statements about run reports.
 *
 * PURPOSE  That nobody else holds the key: not the launcher, not the witness, not even sr-seal,
 *          which reads what came from the workload. Lives as long as one run (--peer-fd), or under
 *          another uid for many (--listen-fd), so that a broken account can ask for signatures
 *          while it is broken, each of them logged, and take no key away.
 * READS    the key and its passphrase, once; requests of one packet.
 * WRITES   a greeting and one answer to each connection; a record for each signature on stdout
 *          (--listen-fd).
 * HOLDS    the key, in memory; the sockets. No file, no privilege.
 * FILTER   sandbox/filters/signer.filter; Landlock gives nothing.
 * REFUSES  a key that is not Ed25519 or P-256, or that was made for another purpose; whoever the
 *          kernel says is not allowed; anything but a statement about a run report that names this
 *          key and says where it lives.
 * WHY NOT  in sr-seal: whoever reads hostile bytes must not hold the key they are signed with. A run
 *          with an Ed25519 key in the clear has sr-ed25519 instead, which does no more than that.
 */
#include "stages/seal/digest.h"
#include "stages/seal/key_private.h"
#include "stages/seal/signature.h"
#include "stages/signer/connection.h"
#include "stages/signer/protocol.h"
#include "stages/signer/service.h"
#include "stages/stage.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum option {
	OPTION_KEY_FD,
	OPTION_PASSPHRASE_FD,
	OPTION_PEER_FD,
	OPTION_LISTEN_FD,
	OPTION_ALLOW_UID,
	OPTION_COUNT
};

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_KEY_FD] = {.name = "key-fd",
			   .kind = STAGE_OPTION_FD,
			   .value_name = "N",
			   .help = "the private key, PKCS#8 in PEM, open at N"},
	[OPTION_PASSPHRASE_FD] = {.name = "passphrase-fd",
				  .kind = STAGE_OPTION_FD,
				  .value_name = "N",
				  .help = "its passphrase: one line from N"},
	[OPTION_PEER_FD] = {.name = "peer-fd",
			    .kind = STAGE_OPTION_FD,
			    .value_name = "N",
			    .help = "serve the one connection at N"},
	[OPTION_LISTEN_FD] = {.name = "listen-fd",
			      .kind = STAGE_OPTION_FD,
			      .value_name = "N",
			      .help = "serve every connection to the socket listening at N"},
	[OPTION_ALLOW_UID] = {.name = "allow-uid",
			      .kind = STAGE_OPTION_LIST,
			      .value_name = "UID",
			      .help = "with --listen-fd: who may ask; may be repeated"},
};

struct signer {
	struct key_private held;
	struct request_key key; /* speaks for held */
	struct service_uids allowed;
	bool once;
};

static bool read_uid(const char *text, uid_t *uid)
{
	char *end;
	unsigned long number;

	if (text[0] < '0' || text[0] > '9')
		return false;
	number = strtoul(text, &end, 10);
	*uid = (uid_t)number;
	/* The last is no uid but "unchanged" (setresuid(2)). */
	return *end == '\0' && strlen(text) <= 10 && number < UINT32_MAX;
}

static enum stage_exit signer_open(struct stage_context *context)
{
	struct signer *signer = context->state;
	const struct stage_value *values = context->values;
	const struct stage_value *uids = &values[OPTION_ALLOW_UID];

	signer->once = values[OPTION_PEER_FD].given;
	signer->key.where = signer->once ? SIGNER_WHERE_RUN : SIGNER_WHERE_SERVICE;
	if (!values[OPTION_KEY_FD].given || signer->once == values[OPTION_LISTEN_FD].given ||
	    (signer->once && uids->list_count > 0)) {
		stage_complain(context->stage,
			       "needs --key-fd, and --peer-fd or --listen-fd with --allow-uid");
		return STAGE_USAGE;
	}
	for (size_t i = 0; i < uids->list_count; i++) {
		if (signer->allowed.count == SERVICE_UIDS_MAX ||
		    !read_uid(uids->list[i], &signer->allowed.uids[signer->allowed.count++])) {
			stage_complain(context->stage, "--allow-uid: a number, at most 64 of them");
			return STAGE_USAGE;
		}
	}
	return STAGE_DONE;
}

static enum stage_exit signer_prewarm(struct stage_context *context)
{
	(void)context;
	return digest_prewarm() == 0 && signature_start() == 0 ? STAGE_DONE : STAGE_FAILED;
}

static enum fault_code read_key(struct stage_context *context, struct key_private *key,
				struct fault *fault)
{
	const struct stage_value *passphrase_fd = &context->values[OPTION_PASSPHRASE_FD];
	char passphrase[KEY_PASSPHRASE_MAX + 1];
	char file[KEY_FILE_MAX];
	size_t len = 0;
	enum fault_code code = FAULT_NONE;

	if (passphrase_fd->given)
		code = key_passphrase_read(passphrase_fd->fd, passphrase, fault);
	if (code == FAULT_NONE)
		code = key_file_read(context->values[OPTION_KEY_FD].fd, file, &len, fault);
	if (code == FAULT_NONE)
		code = key_private_read(file, len, passphrase_fd->given ? passphrase : NULL, key,
					fault);
	OPENSSL_cleanse(passphrase, sizeof(passphrase));
	OPENSSL_cleanse(file, sizeof(file));
	close(context->values[OPTION_KEY_FD].fd);
	if (code == FAULT_NONE)
		code = key_require_seal(key->public.purpose, fault);
	return code;
}

static bool sign(const void *secret, const void *data, size_t len, uint8_t out[SIGNATURE_MAX],
		 size_t *out_len)
{
	const struct key_private *key = secret;

	return signature_sign(key->handle, key->public.algorithm, data, len, out, out_len);
}

static void speak_for(struct request_key *key, const struct key_private *held)
{
	key->algorithm = key_algorithm_name(held->public.algorithm);
	key->keyid = held->public.keyid;
	key->sign = sign;
	key->secret = held;
}

static enum stage_exit signer_run(struct stage_context *context)
{
	struct signer *signer = context->state;
	int peer_fd = context->values[OPTION_PEER_FD].fd;
	enum stage_exit status = STAGE_DONE;
	struct fault fault = {.code = FAULT_NONE};

	if (read_key(context, &signer->held, &fault) == FAULT_NONE)
		speak_for(&signer->key, &signer->held);
	if (fault.code != FAULT_NONE) {
		if (signer->once)
			connection_refuse(peer_fd, &fault);
		else
			stage_complain(context->stage, "%s", fault.message);
		status = STAGE_REFUSED;
	} else if (signer->once) {
		(void)connection_serve(&signer->key, peer_fd);
	} else {
		service_listen(&signer->key, context->values[OPTION_LISTEN_FD].fd, &signer->allowed,
			       &context->out, &fault);
		stage_complain(context->stage, "%s", fault.message);
		status = STAGE_FAILED;
	}
	key_private_release(&signer->held);
	return status;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-signer",
		.summary = "sign statements about run reports",
		.profile = &sandbox_profile_signer,
		.options = options,
		.option_count = OPTION_COUNT,
		.hashes = true,
		.open = signer_open,
		.prewarm = signer_prewarm,
		.run = signer_run,
	};
	struct signer signer = {.once = false};

	return stage_main(&stage, &signer, argc, argv);
}
