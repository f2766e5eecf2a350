/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/dsse.h"

#include "stages/seal/base64.h"

#include <string.h>

void dsse_pae(const void *payload, size_t len, struct buf *out)
{
	buf_append_text(out, "DSSEv1 ");
	buf_append_u64(out, strlen(DSSE_PAYLOAD_TYPE));
	buf_append_text(out, " " DSSE_PAYLOAD_TYPE " ");
	buf_append_u64(out, len);
	buf_append_text(out, " ");
	buf_append(out, payload, len);
}

void bundle_write(const void *payload, size_t payload_len, const char keyid[KEY_ID_SIZE],
		  const uint8_t *signature, size_t signature_len, struct buf *out)
{
	buf_append_text(out, "{\"dsseEnvelope\":{\"payload\":\"");
	base64_append(out, payload, payload_len);
	buf_append_text(out,
			"\",\"payloadType\":\"" DSSE_PAYLOAD_TYPE "\",\"signatures\":[{\"sig\":\"");
	base64_append(out, signature, signature_len);
	buf_append_text(out, "\"}]},\"mediaType\":\"" BUNDLE_MEDIA_TYPE
			     "\",\"verificationMaterial\":{\"publicKey\":{\"hint\":\"");
	buf_append_text(out, keyid);
	buf_append_text(out, "\"}}}");
}
