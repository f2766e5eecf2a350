/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/bundle.h"

#include "ipc/canon.h"
#include "stages/seal/base64.h"
#include "stages/seal/shape.h"

#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CODE	     FAULT_REPORT_SIGNATURE

static const struct shape_field signature_fields[] = {
	SHAPE_FIELD("keyid", SHAPE_STRING | SHAPE_OPTIONAL),
	SHAPE_FIELD("sig", SHAPE_STRING),
};
static const struct shape signature_shape = {signature_fields, COUNT(signature_fields),
					     SHAPE_CLOSED};

static const struct shape_field envelope_fields[] = {
	SHAPE_FIELD("payload", SHAPE_STRING),
	SHAPE_FIELD("payloadType", SHAPE_STRING),
	SHAPE_NESTED("signatures", SHAPE_ARRAY, signature_shape),
};
static const struct shape envelope_shape = {envelope_fields, COUNT(envelope_fields), SHAPE_CLOSED};

static const struct shape_field key_fields[] = {SHAPE_FIELD("hint", SHAPE_STRING)};
static const struct shape key_shape = {key_fields, COUNT(key_fields), SHAPE_CLOSED};

static const struct shape_field material_fields[] = {
	SHAPE_NESTED("publicKey", SHAPE_OBJECT, key_shape),
};
static const struct shape material_shape = {material_fields, COUNT(material_fields), SHAPE_CLOSED};

static const struct shape_field bundle_fields[] = {
	SHAPE_NESTED("dsseEnvelope", SHAPE_OBJECT, envelope_shape),
	SHAPE_FIELD("mediaType", SHAPE_STRING),
	SHAPE_NESTED("verificationMaterial", SHAPE_OBJECT, material_shape),
};
static const struct shape bundle_shape = {bundle_fields, COUNT(bundle_fields), SHAPE_CLOSED};

/* A bundle's own file name is where a person finds the fault. */
static enum fault_code refuse(struct fault *fault, const char *path, const char *why)
{
	return fault_set(fault, CODE, path, "%s", why);
}

static enum fault_code take_payload(struct span envelope, struct bundle *bundle,
				    struct fault *fault)
{
	struct span text;

	if (!span_says(span_get(envelope, "payloadType"), DSSE_PAYLOAD_TYPE))
		return refuse(fault, "bundle.dsseEnvelope.payloadType",
			      "only " DSSE_PAYLOAD_TYPE " is known here");
	if (!span_string(span_get(envelope, "payload"), &text))
		return refuse(fault, "bundle.dsseEnvelope.payload", "a string must stand here");
	bundle->payload = malloc(BASE64_DECODED_MAX(text.len) + 1);
	if (bundle->payload == NULL)
		buf_no_memory();
	if (!base64_decode(text.at, text.len, (uint8_t *)bundle->payload,
			   BASE64_DECODED_MAX(text.len), &bundle->payload_len))
		return refuse(fault, "bundle.dsseEnvelope.payload", "not base64");
	return FAULT_NONE;
}

static enum fault_code take_signature(struct span envelope, struct bundle *bundle,
				      struct fault *fault)
{
	static const char path[] = "bundle.dsseEnvelope.signatures";
	struct span_walk walk;
	struct span first, second, text;

	if (!span_walk_array(span_get(envelope, "signatures"), &walk) ||
	    !span_next_element(&walk, &first) || span_next_element(&walk, &second))
		return refuse(fault, path, "exactly one signature must stand here");
	if (span_get(first, "keyid").len > 0 && !span_says(span_get(first, "keyid"), bundle->keyid))
		return refuse(fault, path, "its keyid is not the bundle's hint");
	if (!span_string(span_get(first, "sig"), &text) ||
	    !base64_decode(text.at, text.len, bundle->signature, sizeof(bundle->signature),
			   &bundle->signature_len))
		return refuse(fault, path, "not base64 of at most 72 bytes");
	return FAULT_NONE;
}

static enum fault_code take_hint(struct span text, struct bundle *bundle, struct fault *fault)
{
	struct span key = span_get(span_get(text, "verificationMaterial"), "publicKey");
	struct span hint;

	if (span_string(span_get(key, "hint"), &hint) &&
	    span_copy(hint, bundle->keyid, sizeof(bundle->keyid)) && key_id_valid(bundle->keyid))
		return FAULT_NONE;
	return refuse(fault, "bundle.verificationMaterial.publicKey.hint",
		      "a key's id must stand here, 64 lower-case hex digits");
}

static enum fault_code take_statement(struct bundle *bundle, struct fault *fault)
{
	struct span text = {bundle->payload, bundle->payload_len};

	if (!canon_check(text.at, text.len, NULL))
		return refuse(fault, "statement", "not canonical JSON: no safe-run signed this");
	if (statement_read(text, CODE, &bundle->statement, fault) != FAULT_NONE)
		return fault->code;
	if (!span_says(span_get(bundle->statement.fields[STATEMENT_SIGNER], "keyid"),
		       bundle->keyid))
		return refuse(fault, "statement.predicate.signer.keyid",
			      "not the key the bundle's hint names");
	return FAULT_NONE;
}

enum fault_code bundle_read(struct span text, struct bundle *bundle, struct fault *fault)
{
	struct span envelope = span_get(text, "dsseEnvelope");

	*bundle = (struct bundle){.payload = NULL};
	if (text.len > BUNDLE_MAX || !canon_check(text.at, text.len, NULL))
		return refuse(fault, "bundle", "not canonical JSON of at most 64 KiB");
	if (shape_check(&bundle_shape, text, "bundle", CODE, fault) != FAULT_NONE)
		return fault->code;
	if (!span_says(span_get(text, "mediaType"), BUNDLE_MEDIA_TYPE))
		return refuse(fault, "bundle.mediaType",
			      "only " BUNDLE_MEDIA_TYPE " is known here");
	if (take_hint(text, bundle, fault) != FAULT_NONE ||
	    take_signature(envelope, bundle, fault) != FAULT_NONE ||
	    take_payload(envelope, bundle, fault) != FAULT_NONE)
		return fault->code;
	return take_statement(bundle, fault);
}

bool bundle_signed_by(const struct bundle *bundle, const struct key_public *key)
{
	struct buf pae BUF_CLEANUP;

	buf_init(&pae, 2 * BUNDLE_MAX);
	dsse_pae(bundle->payload, bundle->payload_len, &pae);
	return !pae.overflowed &&
	       signature_verify(key, pae.data, pae.len, bundle->signature, bundle->signature_len);
}

void bundle_release(struct bundle *bundle)
{
	free(bundle->payload);
	*bundle = (struct bundle){.payload = NULL};
}
