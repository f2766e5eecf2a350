/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/jail/image.h"

#include "ipc/record.h"
#include "stages/seal/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CODE	   FAULT_RUN_LAUNCH
#define PATH	   "launch.jail.images"
#define BLOCK_SIZE 65536
#define HEAD	   (sizeof("sha256:") - 1)
#define NEW	   "new" /* while it is made; one at a time, under the directory's lock */

int image_open_source(const struct request_file *file, struct fault *fault)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, file->source, &how, sizeof how);
	struct stat info;

	if (fd < 0) {
		(void)fault_set_errno(fault, CODE, errno, PATH, "cannot open %s", file->source);
		return -1;
	}
	if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_dev == file->device &&
	    info.st_ino == file->inode)
		return fd;
	(void)close(fd);
	(void)fault_set(fault, CODE, PATH, "%s is another file than the one that was hashed",
			file->source);
	return -1;
}

/* What is written is what is hashed: the source is read once. */
static enum fault_code copy_hashed(int from_fd, int to_fd, const struct request_file *file,
				   struct fault *fault)
{
	static char block[BLOCK_SIZE];
	struct digest *digest = digest_new();
	char text[DIGEST_TEXT_SIZE];
	uint8_t value[DIGEST_SIZE];
	ssize_t len;

	while ((len = read(from_fd, block, sizeof block)) > 0) {
		digest_update(digest, block, (size_t)len);
		if (record_write_all(to_fd, block, (size_t)len) < 0)
			break;
	}
	digest_value(digest, value);
	digest_free(digest);
	digest_text(value, text);
	if (len != 0 || fchmod(to_fd, 0444) < 0 || fsync(to_fd) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot copy %s", file->source);
	if (strcmp(text, file->hash) == 0)
		return FAULT_NONE;
	return fault_set(fault, CODE, PATH, "%s is not what it was when it was hashed",
			 file->source);
}

static enum fault_code make_copy(int images_fd, const struct request_file *file,
				 struct fault *fault)
{
	int from_fd = image_open_source(file, fault);
	int to_fd;
	enum fault_code code;

	if (from_fd < 0)
		return fault->code;
	/* Of somebody who was killed: nobody else is at it while the lock is held. */
	(void)unlinkat(images_fd, NEW, 0);
	to_fd = openat(images_fd, NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0400);
	if (to_fd < 0)
		code = fault_set_errno(fault, CODE, errno, PATH,
				       "cannot make a file in " IMAGE_DIR);
	else
		code = copy_hashed(from_fd, to_fd, file, fault);
	if (code == FAULT_NONE && renameat(images_fd, NEW, images_fd, file->hash + HEAD) < 0)
		code = fault_set_errno(fault, CODE, errno, PATH, "cannot name the copy of %s",
				       file->source);
	if (to_fd >= 0)
		(void)close(to_fd);
	if (to_fd >= 0 && code != FAULT_NONE)
		(void)unlinkat(images_fd, NEW, 0);
	(void)close(from_fd);
	return code;
}

enum fault_code image_place(int base_fd, int root_fd, const struct request_file *file,
			    struct fault *fault)
{
	int images_fd = base_store(base_fd, "images");
	const char *name = file->hash + HEAD;
	int result;

	if (images_fd < 0)
		return fault_set_errno(fault, CODE, errno, PATH,
				       IMAGE_DIR " must be root's, and nobody else's to read");
	/* Under the lock: gc takes nothing between the two. */
	result = linkat(images_fd, name, root_fd, file->name, 0);
	if (result < 0 && errno == ENOENT && make_copy(images_fd, file, fault) != FAULT_NONE) {
		(void)close(images_fd);
		return fault->code;
	}
	if (result < 0)
		result = linkat(images_fd, name, root_fd, file->name, 0);
	if (result < 0)
		(void)fault_set_errno(fault, CODE, errno, PATH, "cannot place %s in the jail",
				      file->source);
	(void)close(images_fd);
	return result < 0 ? fault->code : FAULT_NONE;
}
