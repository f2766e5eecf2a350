/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/archive_signer.h"

#include "stages/archive/archive_key.h"
#include "stages/seal/signature.h"

#include <string.h>

enum fault_code archive_signer_load(int fd, int passphrase_fd, struct archive_signer *signer,
				    struct fault *fault)
{
	char passphrase[KEY_PASSPHRASE_MAX + 1], file[KEY_FILE_MAX];
	size_t len;
	enum fault_code code = FAULT_NONE;

	if (passphrase_fd >= 0)
		code = key_passphrase_read(passphrase_fd, passphrase, fault);
	if (code == FAULT_NONE)
		code = key_file_read(fd, file, &len, fault);
	if (code == FAULT_NONE)
		code = key_private_read(file, len, passphrase_fd >= 0 ? passphrase : NULL,
					&signer->key, fault);
	explicit_bzero(passphrase, sizeof(passphrase));
	explicit_bzero(file, sizeof(file));
	return code == FAULT_NONE ? archive_key_check(&signer->key.public, fault) : code;
}

void archive_signer_release(struct archive_signer *signer)
{
	key_private_release(&signer->key);
}

bool archive_signer_sign(const struct archive_signer *signer, struct span text,
			 uint8_t signature[NOTE_SIGNATURE_SIZE])
{
	uint8_t out[SIGNATURE_MAX];
	size_t len = 0;

	if (!signature_sign(signer->key.handle, signer->key.public.algorithm, text.at, text.len,
			    out, &len) ||
	    len != NOTE_SIGNATURE_SIZE)
		return false;
	memcpy(signature, out, NOTE_SIGNATURE_SIZE);
	return true;
}
