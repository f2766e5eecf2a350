/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/artifact/image_file.h"

#include "ipc/object.h"
#include "ipc/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE  FAULT_RUN_INIT
#define PATH  "artifact.file"
#define BLOCK 65536

enum fault_code image_file_begin(struct image_file *file, int out_fd, const char *name,
				 struct fault *fault)
{
	*file = (struct image_file){.fd = -1, .name = name};
	file->fd = openat(out_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (file->fd < 0 || fchmod(file->fd, 0644) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot make %s", name);
	file->digest = digest_new();
	return FAULT_NONE;
}

enum fault_code image_file_add(struct image_file *file, const void *data, size_t len,
			       struct fault *fault)
{
	if (record_write_all(file->fd, data, len) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot write %s", file->name);
	digest_update(file->digest, data, len);
	file->bytes += len;
	return FAULT_NONE;
}

static struct json_object *describe(const char *name, uint64_t bytes, const struct digest *digest)
{
	struct json_object *entry = object_new();
	uint8_t value[DIGEST_SIZE];
	char text[DIGEST_TEXT_SIZE];

	digest_value(digest, value);
	digest_text(value, text);
	object_add_integer(entry, "bytes", (int64_t)bytes);
	object_add_string(entry, "path", name);
	object_add_string(entry, "sha256", text);
	return entry;
}

enum fault_code image_file_end(struct image_file *file, struct json_object **entry,
			       struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	if (fsync(file->fd) < 0)
		code = fault_set_errno(fault, CODE, errno, PATH, "cannot flush %s", file->name);
	else
		*entry = describe(file->name, file->bytes, file->digest);
	image_file_release(file);
	return code;
}

void image_file_release(struct image_file *file)
{
	if (file->fd >= 0)
		(void)close(file->fd);
	file->fd = -1;
	if (file->digest != NULL)
		digest_free(file->digest);
	file->digest = NULL;
}

static enum fault_code hash_all(int fd, const char *name, struct digest *digest, uint64_t *bytes,
				struct fault *fault)
{
	static uint8_t block[BLOCK];
	ssize_t len;

	while ((len = read(fd, block, sizeof block)) > 0) {
		digest_update(digest, block, (size_t)len);
		*bytes += (uint64_t)len;
	}
	return len == 0 ? FAULT_NONE
			: fault_set_errno(fault, CODE, errno, PATH, "cannot read %s", name);
}

enum fault_code image_file_describe(int out_fd, const char *name, struct json_object **entry,
				    struct fault *fault)
{
	int fd = openat(out_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct digest *digest = digest_new();
	uint64_t bytes = 0;
	enum fault_code code;

	if (fd < 0)
		code = fault_set_errno(fault, CODE, errno, PATH, "cannot open %s", name);
	else
		code = hash_all(fd, name, digest, &bytes, fault);
	if (code == FAULT_NONE && fsync(fd) < 0)
		code = fault_set_errno(fault, CODE, errno, PATH, "cannot flush %s", name);
	if (code == FAULT_NONE)
		*entry = describe(name, bytes, digest);
	digest_free(digest);
	if (fd >= 0)
		(void)close(fd);
	return code;
}

enum fault_code image_file_read(int fd, const char *name, size_t max, uint8_t **data, size_t *len,
				struct fault *fault)
{
	struct stat info;
	ssize_t got = 0;

	*data = NULL;
	*len = 0;
	if (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode) || info.st_size <= 0 ||
	    (uint64_t)info.st_size > max)
		return fault_set(fault, CODE, PATH, "%s must be a file of 1 to %zu bytes", name,
				 max);
	*data = malloc((size_t)info.st_size);
	if (*data == NULL)
		return fault_set_errno(fault, CODE, errno, PATH, "%s", name);
	while (*len < (size_t)info.st_size &&
	       (got = read(fd, *data + *len, (size_t)info.st_size - *len)) > 0)
		*len += (size_t)got;
	if (got >= 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, PATH, "cannot read %s", name);
}
