/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/deposit/manifest.h"

#include "ipc/canon.h"
#include "ipc/record.h"

#include <errno.h>

#define CODE	   FAULT_RUN_INIT
#define PATH	   "deposit.manifest"
#define HOLD_BYTES ((size_t)64 << 10)

void manifest_init(struct manifest *manifest, int fd)
{
	*manifest = (struct manifest){.fd = fd, .digest = digest_new()};
	buf_init(&manifest->pending, 4 * HOLD_BYTES);
}

void manifest_release(struct manifest *manifest)
{
	digest_free(manifest->digest);
	buf_release(&manifest->pending);
}

static enum fault_code flush(struct manifest *manifest, struct fault *fault)
{
	struct buf *pending = &manifest->pending;

	if (pending->len == 0)
		return FAULT_NONE;
	digest_update(manifest->digest, pending->data, pending->len);
	if (record_write_all(manifest->fd, pending->data, pending->len) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot write the manifest");
	buf_clear(pending);
	return FAULT_NONE;
}

enum fault_code manifest_add(struct manifest *manifest, struct json_object *line,
			     struct fault *fault)
{
	enum fault_code code = canon_write(line, &manifest->pending, CODE, fault);

	if (code != FAULT_NONE)
		return code;
	buf_append(&manifest->pending, "\n", 1);
	if (manifest->pending.overflowed)
		return fault_set(fault, CODE, PATH, "an entry is too long");
	manifest->lines++;
	return manifest->pending.len < HOLD_BYTES ? FAULT_NONE : flush(manifest, fault);
}

enum fault_code manifest_end(struct manifest *manifest, char hash[DIGEST_TEXT_SIZE],
			     struct fault *fault)
{
	uint8_t value[DIGEST_SIZE];
	enum fault_code code = flush(manifest, fault);

	digest_value(manifest->digest, value);
	digest_text(value, hash);
	return code;
}
