/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/ed25519/signer.h"

#include "stages/ed25519/key.h"
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
	return sodium_init() == 0 ? STAGE_DONE : STAGE_FAILED;
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

int ed25519_signer(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-ed25519",
		.summary = "sign the statement of one run with an Ed25519 key",
		.profile = &sandbox_profile_ed25519,
		.options = options,
		.option_count = OPTION_COUNT,
		.open = ed25519_open,
		.prewarm = ed25519_prewarm,
		.run = ed25519_run,
	};
	struct key key = {.keyid = ""};

	return stage_main(&stage, &key, argc, argv);
}
