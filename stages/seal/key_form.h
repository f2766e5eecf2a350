/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_KEY_FORM_H
#define SEAL_KEY_FORM_H

#include "ipc/buf.h"
#include "ipc/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What key files look like, for those too who never compute with a key. No libcrypto. */
enum key_algorithm { KEY_ED25519, KEY_P256, KEY_ALGORITHM_COUNT };

enum key_purpose { KEY_PURPOSE_NONE, KEY_PURPOSE_SEAL, KEY_PURPOSE_ARCHIVE, KEY_PURPOSE_COUNT };

#define KEY_FILE_MAX ((size_t)4 << 10) /* longer is no key file */

const char *key_algorithm_name(enum key_algorithm algorithm); /* "ed25519", "p256" */
const char *key_purpose_name(enum key_purpose purpose);	      /* "", "seal", "archive" */
/* The COUNT value when there is none of that name. */
enum key_algorithm key_algorithm_parse(const char *name);
enum key_purpose key_purpose_parse(const char *name);

/* Whether text starts with word; then text begins behind it. */
bool key_skip(const char **text, size_t *len, const char *word) __attribute__((warn_unused_result));

/*
 * The line in front of a key: taken off text when there is one, false when it names no purpose
 * known here; written, nothing for KEY_PURPOSE_NONE.
 */
bool key_take_purpose(const char **text, size_t *len, enum key_purpose *purpose)
	__attribute__((warn_unused_result));
void key_put_purpose(enum key_purpose purpose, struct buf *out);

/* A key of no purpose may seal; one of another may not: SR-EVD-304, path "key". */
enum fault_code key_require_seal(enum key_purpose purpose, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * A private Ed25519 key in the clear (PKCS#8, RFC 8410, in PEM), as openssl(1) and we write it, has
 * one form and length; anything else that libcrypto may read as one is not "plain". Whether a file
 * of file_len bytes is plain its first key_plain_head(file_len) bytes say: 0 when it is not. In
 * them is nothing of the key's own. key_is_plain takes exactly these.
 */
#define KEY_PLAIN_LINE_AT  21 /* characters of the line of base64 that are in the head */
#define KEY_PLAIN_LINE	   64
#define KEY_PLAIN_END	   "\n-----END PRIVATE KEY-----\n"
#define KEY_PLAIN_REST	   (KEY_PLAIN_LINE - KEY_PLAIN_LINE_AT + sizeof(KEY_PLAIN_END) - 1)
#define KEY_PLAIN_HEAD_MAX 63

size_t key_plain_head(uint64_t file_len) __attribute__((warn_unused_result));
bool key_is_plain(const char *head, size_t len) __attribute__((warn_unused_result));

#endif
