/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/machine/file.h"

#include "ipc/buf.h"
#include "ipc/object.h"
#include "stages/machine/rest.h"
#include "stages/seal/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE	     FAULT_RUN_LAUNCH
#define BLOCK_SIZE   ((size_t)256 << 10)
#define HEAD_SIZE    2048
#define VERSION_MARK "QEMU emulator version "
#define VERSION_MAX  63

/* What a block may hold the beginning of, and the next one the rest. */
#define CARRY_MAX (sizeof VERSION_MARK - 1 + VERSION_MAX)

/* A version that stands in the blocks that go by. */
struct scan {
	bool found;
	char version[VERSION_MAX + 1];
};

static size_t version_len(const char *at, size_t len)
{
	size_t size = 0;

	while (size < VERSION_MAX && size < len && at[size] > ' ' && at[size] <= '~')
		size++;
	return size;
}

/* last: nothing comes behind data that could be more of the version. */
static void scan_block(struct scan *scan, const char *data, size_t len, bool last)
{
	const char *at = memmem(data, len, VERSION_MARK, strlen(VERSION_MARK));
	size_t left, size;

	if (at == NULL)
		return;
	at += strlen(VERSION_MARK);
	left = len - (size_t)(at - data);
	size = version_len(at, left);
	/* Cut by the block's end: whole in what is carried. */
	if (size == left && size < VERSION_MAX && !last)
		return;
	memcpy(scan->version, at, size);
	scan->version[size] = '\0';
	scan->found = size > 0;
}

/* Carries the end of what was read to before where the next block goes; how much of it there is. */
static size_t carry(char *block, size_t carried, size_t len)
{
	size_t next = carried + len < CARRY_MAX ? carried + len : CARRY_MAX;

	memmove(block + CARRY_MAX - next, block + CARRY_MAX + len - next, next);
	return next;
}

/* digest NULL: only looked through, and no further than there is something to find. */
static enum fault_code read_all(int fd, const char *what, uint64_t bytes, struct scan *scan,
				struct digest *digest, uint64_t *size, struct fault *fault)
{
	char *block = malloc(CARRY_MAX + BLOCK_SIZE);
	size_t carried = 0;
	ssize_t len = 0;

	if (block == NULL)
		buf_no_memory();
	*size = 0;
	while ((digest != NULL || !scan->found) &&
	       (len = pread(fd, block + CARRY_MAX, BLOCK_SIZE, (off_t)*size)) > 0) {
		*size += (uint64_t)len;
		if (digest != NULL)
			digest_update(digest, block + CARRY_MAX, (size_t)len);
		if (scan == NULL || scan->found)
			continue;
		scan_block(scan, block + CARRY_MAX - carried, carried + (size_t)len,
			   *size >= bytes);
		carried = carry(block, carried, (size_t)len);
	}
	int error_number = errno;

	free(block);
	return len >= 0 ? FAULT_NONE
			: fault_set_errno(fault, CODE, error_number, what, "cannot be read");
}

static enum fault_code hash_all(int fd, const char *what, uint64_t bytes, struct scan *scan,
				uint64_t *size, char hash[DIGEST_TEXT_SIZE], struct fault *fault)
{
	struct digest *digest = digest_new();
	uint8_t value[DIGEST_SIZE];
	enum fault_code code = read_all(fd, what, bytes, scan, digest, size, fault);

	digest_value(digest, value);
	digest_free(digest);
	digest_text(value, hash);
	return code;
}

static bool at_rest(int fd, const struct stat *before)
{
	struct stat now;

	return fstat(fd, &now) == 0 && now.st_size == before->st_size &&
	       rest_nanoseconds(&now.st_ctim) == rest_nanoseconds(&before->st_ctim) &&
	       rest_nanoseconds(&now.st_mtim) == rest_nanoseconds(&before->st_mtim);
}

static enum fault_code describe(int fd, const char *what, bool hashed, struct scan *scan,
				struct json_object **record, struct fault *fault)
{
	char hash[DIGEST_TEXT_SIZE];
	struct stat info;
	uint64_t size, looked_at;
	enum fault_code code = FAULT_NONE;

	if (fstat(fd, &info) < 0)
		return fault_set_errno(fault, CODE, errno, what, "cannot be looked at");
	if (!S_ISREG(info.st_mode) || info.st_size <= 0 ||
	    (uint64_t)info.st_size > MACHINE_FILE_MAX)
		return fault_set(fault, CODE, what, "must be a regular file of 1 byte to 64 GiB");
	rest_settle(&info);
	size = (uint64_t)info.st_size;
	if (hashed)
		code = hash_all(fd, what, (uint64_t)info.st_size, scan, &size, hash, fault);
	else if (scan != NULL)
		code = read_all(fd, what, size, scan, NULL, &looked_at, fault);
	if (code == FAULT_NONE && (size != (uint64_t)info.st_size || !at_rest(fd, &info)))
		code = fault_set(fault, CODE, what, "changed while it was read");
	if (code != FAULT_NONE)
		return code;
	*record = object_new();
	object_add_integer(*record, "bytes", info.st_size);
	object_add_decimal(*record, "changedNs", (uint64_t)rest_nanoseconds(&info.st_ctim));
	object_add_decimal(*record, "device", info.st_dev);
	if (hashed)
		object_add_string(*record, "hash", hash);
	else
		object_add_null(*record, "hash");
	object_add_decimal(*record, "inode", info.st_ino);
	object_add_decimal(*record, "modifiedNs", (uint64_t)rest_nanoseconds(&info.st_mtim));
	return FAULT_NONE;
}

enum fault_code file_describe(int fd, const char *what, bool hashed, struct json_object **record,
			      struct fault *fault)
{
	return describe(fd, what, hashed, NULL, record, fault);
}

enum fault_code file_describe_root(int fd, const char *what, bool hashed,
				   struct json_object **record, struct fault *fault)
{
	static const struct {
		size_t offset;
		const char *magic;
		size_t len;
		const char *format;
	} marks[] = {
		{0, "hsqs", 4, "squashfs"},
		{1024, "\xe2\xe1\xf5\xe0", 4, "erofs"},
		{1080, "\x53\xef", 2, "ext4"},
	};
	char head[HEAD_SIZE] = {0};

	if (pread(fd, head, sizeof head, 0) < 0)
		return fault_set_errno(fault, CODE, errno, what, "cannot be read");
	for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
		if (memcmp(head + marks[i].offset, marks[i].magic, marks[i].len) != 0)
			continue;
		if (describe(fd, what, hashed, NULL, record, fault) != FAULT_NONE)
			return fault->code;
		object_add_string(*record, "format", marks[i].format);
		return FAULT_NONE;
	}
	return fault_set(fault, CODE, what,
			 "is no erofs, ext4 or squashfs image, by its first bytes");
}

enum fault_code file_describe_vmm(int fd, const char *what, bool hashed,
				  struct json_object **record, struct fault *fault)
{
	struct scan scan = {.found = false};
	enum fault_code code = describe(fd, what, hashed, &scan, record, fault);

	if (code != FAULT_NONE)
		return code;
	if (scan.found)
		object_add_string(*record, "version", scan.version);
	else
		object_add_null(*record, "version");
	return FAULT_NONE;
}
