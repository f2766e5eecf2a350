/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-ed25519: signs the statement of one run with an Ed25519 key that is not encrypted.
 *
 * PURPOSE  sr-signer for the usual case, a file of safe-run key generate's and one run: the same
 *          promise and the same words (stages/signer/), with libsodium instead of libcrypto's
 *          provider, whose start alone takes longer than all of this.
 * READS    the key, once; one request of one packet.
 * WRITES   a greeting and one answer.
 * HOLDS    the key, in memory; the socket. No file, no privilege.
 * FILTER   sandbox/filters/ed25519.filter: memory, read, write, close, exit. Ed25519 takes no random
 *          numbers (RFC 8032).
 * REFUSES  a file of any other form, a key that was made for another purpose; anything but a
 *          statement about a run report that names this key and says where it lives.
 * WHY NOT  in sr-signer: P-256, passphrases and a listening socket need another library and more
 *          of the kernel, and a run that needs neither should hold neither.
 */
#include "stages/ed25519/key.h"
#include "stages/seal/digest.h"
#include "stages/signer/connection.h"
#include "stages/signer/protocol.h"
#include "stages/stage.h"

#include <sodium/core.h>
#include <string.h>
#include <unistd.h>

enum option { OPTION_KEY_FD, OPTION_PEER_FD, OPTION_COUNT };

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_KEY_FD] = {.name = "key-fd",
			   .kind = STAGE_OPTION_FD,
			   .value_name = "N",
			   .help = "the private key, PKCS#8 in PEM, open at N"},
	[OPTION_PEER_FD] = {.name = "peer-fd",
			    .kind = STAGE_OPTION_FD,
			    .value_name = "N",
			    .help = "serve the one connection at N"},
};

static enum stage_exit ed25519_open(struct stage_context *context)
{
	if (context->values[OPTION_KEY_FD].given && context->values[OPTION_PEER_FD].given)
		return STAGE_DONE;
	stage_complain(context->stage, "needs --key-fd and --peer-fd");
	return STAGE_USAGE;
}

/* libsodium asks the processor and the kernel's random numbers once, then never again. */
static enum stage_exit ed25519_prewarm(struct stage_context *context)
{
	(void)context;
	return digest_prewarm() == 0 && sodium_init() == 0 ? STAGE_DONE : STAGE_FAILED;
}

static bool sign(const void *secret, const void *data, size_t len, uint8_t out[SIGNATURE_MAX],
		 size_t *out_len)
{
	const struct key *key = secret;
	unsigned long long signature_len;

	if (crypto_sign_ed25519_detached(out, &signature_len, data, len, key->secret) != 0)
		return false;
	*out_len = (size_t)signature_len;
	return true;
}

static enum fault_code read_key(const struct stage_context *context, struct key *key,
				struct fault *fault)
{
	int fd = context->values[OPTION_KEY_FD].fd;
	char file[KEY_FILE_MAX];
	size_t len = 0;
	enum fault_code code = key_file_read(fd, file, &len, fault);

	close(fd);
	return code == FAULT_NONE ? key_read(file, len, key, fault) : code;
}

static enum stage_exit ed25519_run(struct stage_context *context)
{
	struct key *key = context->state;
	int peer_fd = context->values[OPTION_PEER_FD].fd;
	struct fault fault;
	const struct request_key asked = {
		.algorithm = key_algorithm_name(KEY_ED25519),
		.keyid = key->keyid,
		.where = SIGNER_WHERE_RUN,
		.sign = sign,
		.secret = key,
	};

	if (read_key(context, key, &fault) != FAULT_NONE) {
		connection_refuse(peer_fd, &fault);
		return STAGE_REFUSED;
	}
	(void)connection_serve(&asked, peer_fd);
	key_release(key);
	return STAGE_DONE;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-ed25519",
		.summary = "sign the statement of one run with an Ed25519 key",
		.profile = &sandbox_profile_ed25519,
		.options = options,
		.option_count = OPTION_COUNT,
		.hashes = true,
		.open = ed25519_open,
		.prewarm = ed25519_prewarm,
		.run = ed25519_run,
	};
	struct key key = {.keyid = ""};

	return stage_main(&stage, &key, argc, argv);
}
