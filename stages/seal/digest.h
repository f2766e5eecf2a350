/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_DIGEST_H
#define SEAL_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * SHA-256 (FIPS 180-4) through OpenSSL 3, as compile, launch, monitor, seal and verify use it.
 * digest_prewarm fetches the algorithm once, before confinement, without reading any configuration
 * (OPENSSL_INIT_NO_LOAD_CONFIG); afterwards nothing here opens a file or asks for random bytes.
 */
#define DIGEST_SIZE 32
#define DIGEST_TEXT_SIZE                                                                           \
	sizeof("sha256:"                                                                           \
	       "0000000000000000000000000000000000000000000000000000000000000000")

struct digest; /* one running hash */

int digest_prewarm(void) __attribute__((warn_unused_result)); /* 0, or -1 */

/* A running hash; the caller frees it. Failure inside libcrypto ends the process (status 3). */
struct digest *digest_new(void);
void digest_free(struct digest *digest);
/* Another running hash that has seen what this one has; the caller frees it. */
struct digest *digest_copy(const struct digest *digest);
void digest_reset(struct digest *digest);
void digest_update(struct digest *digest, const void *data, size_t len);
/* The value so far; the running hash goes on. */
void digest_value(const struct digest *digest, uint8_t out[DIGEST_SIZE]);
/* The value, and an end to it: what went in was secret, and is erased. digest_reset starts anew. */
void digest_finish(struct digest *digest, uint8_t out[DIGEST_SIZE]);

void digest_bytes(const void *data, size_t len, uint8_t out[DIGEST_SIZE]);
/* "sha256:<64 lower-case hex>" */
void digest_text(const uint8_t value[DIGEST_SIZE], char out[DIGEST_TEXT_SIZE]);
bool digest_text_valid(const char *text);
/* The canonical form of a value, hashed and printed; false when it has none. */
struct json_object;
bool digest_json(struct json_object *value, char out[DIGEST_TEXT_SIZE])
	__attribute__((warn_unused_result));

#endif
