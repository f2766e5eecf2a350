/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a bundle, as a public key and as base64. What is accepted is what we write: written
 * again it gives the same bytes, but for the alphabet of base64 and a keyid beside the signature.
 */
#include "stages/verify/bundle.h"
#include "ipc/canon.h"
#include "stages/seal/base64.h"

#include <stdlib.h>
#include <string.h>

static void check_statement(const struct bundle *bundle)
{
	struct buf again BUF_CLEANUP;

	buf_init(&again, BUNDLE_MAX);
	statement_write(&bundle->statement, &again);
	if (again.len != bundle->payload_len || memcmp(again.data, bundle->payload, again.len) != 0)
		abort();
}

static void check_bundle(const char *data, size_t len)
{
	struct bundle bundle, second;
	struct buf again BUF_CLEANUP;
	struct fault fault;

	buf_init(&again, 2 * BUNDLE_MAX);
	if (bundle_read((struct span){data, len}, &bundle, &fault) == FAULT_NONE) {
		check_statement(&bundle);
		bundle_write(bundle.payload, bundle.payload_len, bundle.keyid, bundle.signature,
			     bundle.signature_len, &again);
		if (!canon_check(again.data, again.len, NULL) ||
		    bundle_read((struct span){again.data, again.len}, &second, &fault) !=
			    FAULT_NONE ||
		    second.payload_len != bundle.payload_len)
			abort();
		bundle_release(&second);
	}
	bundle_release(&bundle);
}

static void check_key(const char *data, size_t len)
{
	struct key_public key;
	struct buf again BUF_CLEANUP;
	struct fault fault;

	buf_init(&again, KEY_FILE_MAX);
	if (key_public_read(data, len, &key, &fault) == FAULT_NONE) {
		key_public_write(&key, &again);
		if (again.len != len || memcmp(again.data, data, len) != 0)
			abort();
	}
	key_public_release(&key);
}

static void check_base64(const char *data, size_t len)
{
	uint8_t *bytes = malloc(BASE64_DECODED_MAX(len) + 1);
	struct buf again BUF_CLEANUP;
	size_t count;

	if (bytes == NULL)
		abort();
	buf_init(&again, len + 4);
	if (base64_decode(data, len, bytes, BASE64_DECODED_MAX(len), &count)) {
		base64_append(&again, bytes, count);
		for (size_t i = 0; i < again.len; i++)
			if (again.data[i] != data[i] && data[i] != '-' && data[i] != '_')
				abort();
		if (again.len != len)
			abort();
	}
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;

	check_bundle(text, len);
	check_key(text, len);
	check_base64(text, len);
	return 0;
}
