/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNPACK_IMAGE_H
#define UNPACK_IMAGE_H

#include "ipc/fault.h"
#include "stages/seal/digest.h"
#include "stages/unpack/bounds.h"

/* What a file is, by its first bytes. */
enum image_format {
	IMAGE_UNKNOWN,
	IMAGE_SQUASHFS, /* "hsqs" */
	IMAGE_EROFS,	/* E0F5E1E2 at 1024 */
	IMAGE_EXT4,	/* EF53 at 1080: ext2 and ext3 too, which the same driver mounts */
	IMAGE_ARCHIVE,	/* tar, or gzip or zstd, in which only a tar can be */
};

const char *image_format_name(enum image_format format);

/* fd is read at its start, and its offset left there. */
enum fault_code image_look(int fd, enum image_format *format, struct fault *fault)
	__attribute__((warn_unused_result));

/* The hash of all of fd; copy_fd not -1: and a copy of it there, byte for byte what was hashed. */
enum fault_code image_hash(int fd, int copy_fd, const struct bounds *bounds,
			   char hash[DIGEST_TEXT_SIZE], struct fault *fault)
	__attribute__((warn_unused_result));

#endif
