/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/key_private.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

static const char place[] = "key";

static enum fault_code refuse(struct fault *fault, const char *why)
{
	return fault_set(fault, FAULT_REPORT_SIGNATURE, place, "%s", why);
}

/* -1 is "no passphrase": libcrypto would ask on the terminal. */
static int give_passphrase(char *out, int size, int writing, void *context)
{
	const char *passphrase = context;
	size_t len = passphrase == NULL ? 0 : strlen(passphrase);

	(void)writing;
	if (passphrase == NULL || size < 0 || len > (size_t)size)
		return -1;
	memcpy(out, passphrase, len);
	return (int)len;
}

static enum fault_code load_public(struct key_private *key, enum key_purpose purpose,
				   struct fault *fault)
{
	uint8_t spki[2 * KEY_SPKI_MAX], *at = spki;
	int len = i2d_PUBKEY(key->handle, NULL);

	if (len <= 0 || (size_t)len > sizeof(spki) || i2d_PUBKEY(key->handle, &at) != len)
		return refuse(fault, "not an Ed25519 or P-256 key");
	if (key_public_from_spki(spki, (size_t)len, &key->public, fault) != FAULT_NONE)
		return fault->code;
	key->public.purpose = purpose;
	return FAULT_NONE;
}

enum fault_code key_private_read(const char *file, size_t len, const char *passphrase,
				 struct key_private *key, struct fault *fault)
{
	enum key_purpose purpose = KEY_PURPOSE_NONE;
	bool encrypted = memmem(file, len, "-----BEGIN ENCRYPTED PRIVATE KEY-----", 37) != NULL;
	BIO *bio;

	*key = (struct key_private){.handle = NULL};
	if (!key_take_purpose(&file, &len, &purpose))
		return refuse(fault, "the line in front of the key names no purpose known here");
	if (encrypted && passphrase == NULL)
		return refuse(fault, "the key is encrypted: give its passphrase");
	if (!encrypted && memmem(file, len, "-----BEGIN PRIVATE KEY-----", 27) == NULL)
		return refuse(fault, "not a private key in PEM (PKCS#8)");
	bio = BIO_new_mem_buf(file, (int)len);
	if (bio == NULL)
		buf_no_memory();
	key->handle = PEM_read_bio_PrivateKey_ex(bio, NULL, give_passphrase, (void *)passphrase,
						 NULL, NULL);
	BIO_free(bio);
	ERR_clear_error();
	if (key->handle == NULL)
		return refuse(fault, encrypted ? "the passphrase does not open the key"
					       : "the key is damaged, or of a kind not known here");
	return load_public(key, purpose, fault);
}

enum fault_code key_private_make(enum key_algorithm algorithm, enum key_purpose purpose,
				 struct key_private *key, struct fault *fault)
{
	*key = (struct key_private){.handle = NULL};
	switch (algorithm) {
	case KEY_ED25519:
		key->handle = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	case KEY_P256:
		key->handle = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
		break;
	case KEY_ALGORITHM_COUNT:
		break;
	}
	if (key->handle == NULL)
		return refuse(fault, "libcrypto made no key");
	return load_public(key, purpose, fault);
}

enum fault_code key_private_write(const struct key_private *key, const char *passphrase,
				  struct buf *out, struct fault *fault)
{
	const EVP_CIPHER *cipher = passphrase == NULL ? NULL : EVP_aes_256_cbc();
	BIO *bio = BIO_new(BIO_s_secmem());
	char *text = NULL;
	long len = 0;
	bool done;

	if (bio == NULL)
		buf_no_memory();
	key_put_purpose(key->public.purpose, out);
	done = PEM_write_bio_PKCS8PrivateKey(bio, key->handle, cipher, NULL, 0,
					     passphrase == NULL ? NULL : give_passphrase,
					     (void *)passphrase) == 1;
	if (done)
		len = BIO_get_mem_data(bio, &text);
	if (len > 0)
		buf_append(out, text, (size_t)len);
	BIO_free(bio);
	if (!done || len <= 0 || out->overflowed)
		return refuse(fault, "libcrypto wrote no key");
	return FAULT_NONE;
}

void key_private_release(struct key_private *key)
{
	EVP_PKEY_free(key->handle);
	key_public_release(&key->public);
	key->handle = NULL;
}
