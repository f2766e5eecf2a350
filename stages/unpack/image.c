/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/unpack/image.h"

#include "ipc/buf.h"
#include "ipc/record.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODE	   FAULT_RUN_LAUNCH
#define PATH	   "launch.root.unpack"
#define BLOCK_SIZE 262144
#define HEAD_SIZE  2048

const char *image_format_name(enum image_format format)
{
	switch (format) {
	case IMAGE_SQUASHFS:
		return "squashfs";
	case IMAGE_EROFS:
		return "erofs";
	case IMAGE_EXT4:
		return "ext4";
	case IMAGE_ARCHIVE:
		return "archive";
	case IMAGE_UNKNOWN:
		break;
	}
	return "";
}

enum fault_code image_look(int fd, enum image_format *format, struct fault *fault)
{
	static const struct {
		size_t offset;
		const char *magic;
		size_t len;
		enum image_format format;
	} marks[] = {
		{0, "hsqs", 4, IMAGE_SQUASHFS},	   {1024, "\xe2\xe1\xf5\xe0", 4, IMAGE_EROFS},
		{1080, "\x53\xef", 2, IMAGE_EXT4}, {257, "ustar", 5, IMAGE_ARCHIVE},
		{0, "\x1f\x8b", 2, IMAGE_ARCHIVE}, {0, "\x28\xb5\x2f\xfd", 4, IMAGE_ARCHIVE},
	};
	char head[HEAD_SIZE] = {0};

	*format = IMAGE_UNKNOWN;
	if (pread(fd, head, sizeof head, 0) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "the rootfs cannot be read");
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
		if (memcmp(head + marks[i].offset, marks[i].magic, marks[i].len) == 0) {
			*format = marks[i].format;
			return FAULT_NONE;
		}
	return fault_set(
		fault, CODE, PATH,
		"the rootfs is no squashfs, erofs or ext4 image and no archive of an image "
		"(tar, also with gzip or zstd)");
}

enum fault_code image_hash(int fd, int copy_fd, const struct bounds *bounds,
			   char hash[DIGEST_TEXT_SIZE], struct fault *fault)
{
	struct digest *digest = digest_new();
	char *block = malloc(BLOCK_SIZE);
	enum fault_code code = FAULT_NONE;
	uint8_t value[DIGEST_SIZE];
	uint64_t size = 0;
	ssize_t len = 0;

	if (block == NULL)
		buf_no_memory();
	while (code == FAULT_NONE && (len = pread(fd, block, BLOCK_SIZE, (off_t)size)) > 0) {
		digest_update(digest, block, (size_t)len);
		size += (uint64_t)len;
		if (size > bounds->bytes)
			code = fault_set(fault, CODE, PATH, "the rootfs is larger than %llu bytes",
					 (unsigned long long)bounds->bytes);
		else if (copy_fd >= 0 && record_write_all(copy_fd, block, (size_t)len) < 0)
			code = fault_set_errno(fault, CODE, errno, PATH,
					       "cannot copy the image into the store");
	}
	if (len < 0)
		code = fault_set_errno(fault, CODE, errno, PATH, "the rootfs cannot be read");
	digest_value(digest, value);
	digest_text(value, hash);
	digest_free(digest);
	free(block);
	return code;
}
