/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/tree/single.h"

#include "ipc/buf.h"
#include "stages/tree/line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE	   FAULT_RUN_LAUNCH
#define BLOCK_SIZE 131072

static enum fault_code show_content(int file_fd, const struct manifest_visitor *visitor,
				    const struct stat *info, struct digest *digest,
				    const char *path, struct fault *fault)
{
	enum fault_code code =
		visitor->visit(visitor->context, MANIFEST_FILE, info, NULL, 0, fault);
	char *block = malloc(BLOCK_SIZE);
	off_t at = 0;
	ssize_t len = 0;

	if (block == NULL)
		buf_no_memory();
	while (code == FAULT_NONE && (len = pread(file_fd, block, BLOCK_SIZE, at)) > 0) {
		digest_update(digest, block, (size_t)len);
		at += len;
		code = visitor->visit(visitor->context, MANIFEST_DATA, NULL, block, (size_t)len,
				      fault);
	}
	if (code == FAULT_NONE && len < 0)
		code = fault_set_errno(fault, CODE, errno, path, "the file cannot be read");
	else if (code == FAULT_NONE && at != info->st_size)
		code = fault_set(fault, CODE, path,
				 "the file changed while it was read: run again when it is at "
				 "rest");
	free(block);
	return code == FAULT_NONE
		       ? visitor->visit(visitor->context, MANIFEST_FILE_END, info, NULL, 0, fault)
		       : code;
}

static void hash_line(const struct stat *info, const struct digest *content,
		      struct manifest *manifest)
{
	struct digest *all = digest_new();
	char text[DIGEST_TEXT_SIZE];
	uint64_t size = (uint64_t)info->st_size;
	uint8_t value[DIGEST_SIZE];

	digest_value(content, value);
	digest_text(value, text);
	digest_update(all, MANIFEST_HEADER, sizeof MANIFEST_HEADER);
	line_add(all, "", info, &size, text + strlen("sha256:"));
	digest_value(all, value);
	digest_text(value, manifest->hash);
	digest_free(all);
}

enum fault_code single_make(int file_fd, const struct manifest_visitor *visitor, const char *path,
			    struct manifest *manifest, struct fault *fault)
{
	struct digest *content;
	enum fault_code code;
	struct stat info;

	*manifest = (struct manifest){.files = 1};
	if (fstat(file_fd, &info) < 0)
		return fault_set_errno(fault, CODE, errno, path, "the file cannot be looked at");
	content = digest_new();
	code = show_content(file_fd, visitor, &info, content, path, fault);
	hash_line(&info, content, manifest);
	manifest->bytes = (uint64_t)info.st_size;
	digest_free(content);
	return code;
}
