/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/image/output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define CODE	  FAULT_RUN_LAUNCH
#define HASH_SIZE 131072

static uint64_t blocks_of(uint64_t len)
{
	return len / EROFS_BLOCK + (len % EROFS_BLOCK != 0);
}

/* Compared before it is added: a file may say it has 2^63 bytes. */
enum fault_code output_fits(const struct image *image, uint64_t len, struct fault *fault)
{
	uint64_t room = image->plan->bytes_max / EROFS_BLOCK;
	uint64_t taken = image->blocks + blocks_of(image->inodes.len);

	if (!image->inodes.overflowed && taken <= room && blocks_of(len) <= room - taken)
		return FAULT_NONE;
	return fault_set(fault, CODE, image->plan->path,
			 "the image would be larger than the %" PRIu64
			 " bytes it may have: share less",
			 image->plan->bytes_max);
}

enum fault_code output_at(const struct image *image, uint64_t at, const void *data, size_t len,
			  struct fault *fault)
{
	const char *from = data;

	while (len > 0) {
		ssize_t written = pwrite(image->plan->fd, from, len, (off_t)at);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return fault_set_errno(fault, CODE, written < 0 ? errno : ENOSPC,
					       image->plan->path, "cannot write the image");
		from += written;
		at += (uint64_t)written;
		len -= (size_t)written;
	}
	return FAULT_NONE;
}

enum fault_code output_skip(struct image *image, uint64_t len, struct fault *fault)
{
	enum fault_code code = output_fits(image, len, fault);

	if (code == FAULT_NONE)
		image->blocks += blocks_of(len);
	return code;
}

static enum fault_code write_entries(struct directory *directory, struct image *image, size_t *used,
				     struct fault *fault)
{
	uint8_t block[EROFS_BLOCK];
	enum fault_code code = output_fits(image, EROFS_BLOCK, fault);

	*used = erofs_put_entries(block, &directory->entries);
	if (code == FAULT_NONE)
		code = output_at(image, image->blocks * EROFS_BLOCK, block, sizeof block, fault);
	directory->blocks++;
	image->blocks++;
	return code;
}

enum fault_code directory_add(struct directory *directory, struct image *image, const char *name,
			      uint64_t nid, uint8_t type, struct fault *fault)
{
	enum fault_code code;
	size_t used;

	if (erofs_add_entry(&directory->entries, name, nid, type))
		return FAULT_NONE;
	code = write_entries(directory, image, &used, fault);
	/* An empty block has room for any name. */
	if (code == FAULT_NONE && !erofs_add_entry(&directory->entries, name, nid, type))
		abort();
	return code;
}

/* There is always something left: ".." at the least, or what made the last block be written. */
enum fault_code directory_end(struct directory *directory, struct image *image, uint64_t *size,
			      struct fault *fault)
{
	size_t used;
	enum fault_code code = write_entries(directory, image, &used, fault);

	*size = (directory->blocks - 1) * EROFS_BLOCK + used;
	return code;
}

enum fault_code output_finish(struct image *image, uint64_t root_nid, struct fault *fault)
{
	struct erofs_super super = {.inodes = image->inode_count - 1,
				    .inode_block = (uint32_t)image->blocks,
				    .root = (uint16_t)root_nid};
	uint8_t bytes[EROFS_SUPER_SIZE];
	enum fault_code code = output_fits(image, 0, fault);

	if (code == FAULT_NONE)
		code = output_at(image, image->blocks * EROFS_BLOCK, image->inodes.data,
				 image->inodes.len, fault);
	if (code != FAULT_NONE)
		return code;
	image->blocks += blocks_of(image->inodes.len);
	super.blocks = (uint32_t)image->blocks;
	if (ftruncate(image->plan->fd, (off_t)(image->blocks * EROFS_BLOCK)) < 0)
		return fault_set_errno(fault, CODE, errno, image->plan->path,
				       "cannot set the image's length");
	erofs_put_super(bytes, &super);
	return output_at(image, EROFS_SUPER_AT, bytes, sizeof bytes, fault);
}

enum fault_code output_hash(const struct image *image, char hash[DIGEST_TEXT_SIZE],
			    struct fault *fault)
{
	struct digest *digest = digest_new();
	uint64_t at = 0, size = image->blocks * EROFS_BLOCK;
	char *data = malloc(HASH_SIZE);
	uint8_t value[DIGEST_SIZE];
	ssize_t len = 1;

	if (data == NULL)
		buf_no_memory();
	while (at < size && len > 0) {
		len = pread(image->plan->fd, data, HASH_SIZE, (off_t)at);
		if (len > 0) {
			digest_update(digest, data, (size_t)len);
			at += (uint64_t)len;
		}
	}
	int error_number = len < 0 ? errno : EIO;

	digest_value(digest, value);
	digest_text(value, hash);
	digest_free(digest);
	free(data);
	return at == size ? FAULT_NONE
			  : fault_set_errno(fault, CODE, error_number, image->plan->path,
					    "cannot read the image back");
}
