/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/export/file.h"

#include "ipc/buf.h"
#include "stages/deposit/copy.h"
#include "stages/export/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool has_hash(const struct digest *digest, const char *hash)
{
	uint8_t value[DIGEST_SIZE];
	char text[DIGEST_TEXT_SIZE];

	digest_value(digest, value);
	digest_text(value, text);
	return strcmp(text, hash) == 0;
}

static char *new_block(void)
{
	char *block = malloc(COPY_BLOCK);

	if (block == NULL)
		buf_no_memory();
	return block;
}

int file_copy(int from_fd, const struct entry *entry, const char *hash, int target_fd)
{
	struct digest *digest = digest_new();
	char *block = new_block();
	int source_fd = place_open(from_fd, entry->path, O_RDONLY);
	struct stat info;
	int result = -1, error_number;

	if (source_fd >= 0 && fstat(source_fd, &info) == 0) {
		errno = EBADMSG;
		if (S_ISREG(info.st_mode) && (uint64_t)info.st_size == entry->size)
			result = copy_file(source_fd, target_fd, entry->size, digest, block);
		if (result == 0 && !has_hash(digest, hash)) {
			errno = EBADMSG;
			result = -1;
		}
	}
	error_number = errno;
	if (source_fd >= 0)
		(void)close(source_fd);
	free(block);
	digest_free(digest);
	errno = error_number;
	return result;
}

bool file_is(int fd, const struct entry *entry, const char *hash)
{
	struct digest *digest;
	char *block;
	uint64_t at = 0;
	ssize_t len = 1;
	struct stat info;
	bool same;

	if (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode) || (uint64_t)info.st_size != entry->size)
		return false;
	digest = digest_new();
	block = new_block();
	while (len > 0 && at < entry->size) {
		len = pread(fd, block, COPY_BLOCK, (off_t)at);
		if (len > 0) {
			digest_update(digest, block, (size_t)len);
			at += (uint64_t)len;
		}
	}
	same = at == entry->size && has_hash(digest, hash);
	free(block);
	digest_free(digest);
	return same;
}
