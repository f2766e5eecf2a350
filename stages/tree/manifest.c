/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/tree/manifest.h"

#include "ipc/buf.h"
#include "ipc/object.h"
#include "stages/tree/line.h"
#include "stages/tree/names.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define CODE	   FAULT_RUN_LAUNCH
#define BLOCK_SIZE 131072
#define HEX_SIZE   (DIGEST_TEXT_SIZE - (sizeof "sha256:" - 1))
#define UNREADABLE "unreadable"

struct walk {
	const struct manifest_limits *limits;
	const struct manifest_visitor *visitor;
	const char *fault_path;
	struct manifest *manifest;
	struct digest *all, *one;
	char *block;
	uint64_t entries;
	unsigned depth;
	size_t len; /* of path */
	char path[PATH_MAX];
	struct fault *fault;
};

/* The message names the place in the tree; the fault's own path says who was looking. */
static enum fault_code refuse(struct walk *walk, int error_number, const char *what)
{
	const char *path = walk->len == 0 ? "." : walk->path;

	if (error_number == 0)
		return fault_set(walk->fault, CODE, walk->fault_path, "%s %s", path, what);
	return fault_set_errno(walk->fault, CODE, error_number, walk->fault_path, "%s %s", path,
			       what);
}

static enum fault_code refuse_more(struct walk *walk, const char *what)
{
	char text[96];

	(void)snprintf(text, sizeof text, "%s %s may have", what, walk->limits->noun);
	return refuse(walk, 0, text);
}

static enum fault_code show(struct walk *walk, enum manifest_step step, const struct stat *info,
			    const void *data, size_t len)
{
	const struct manifest_visitor *visitor = walk->visitor;

	return visitor == NULL
		       ? FAULT_NONE
		       : visitor->visit(visitor->context, step, info, data, len, walk->fault);
}

static int open_in(int dir_fd, const char *name, unsigned flags)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | flags,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof how);
}

static void add_line(struct walk *walk, const struct stat *info, const uint64_t *size,
		     const char *hash)
{
	line_add(walk->all, walk->path, info, size, hash);
}

static void hash_text(struct walk *walk, char out[HEX_SIZE])
{
	char text[DIGEST_TEXT_SIZE];
	uint8_t value[DIGEST_SIZE];

	digest_value(walk->one, value);
	digest_text(value, text);
	memcpy(out, text + strlen("sha256:"), HEX_SIZE);
}

/*
 * What we may not read the workload, another user without capabilities, may not read either, unless
 * the bits for others say so: then its content would be in the sandbox and not in the hash.
 */
static enum fault_code add_unreadable(struct walk *walk, const struct stat *info, int error_number)
{
	mode_t bits = S_IROTH | S_IXOTH;

	if ((error_number != EACCES && error_number != EPERM) || (info->st_mode & bits) != 0)
		return refuse(walk, error_number,
			      error_number == EXDEV
				      ? "has another file system mounted on it, and only one is "
					"taken. Unmount it, or share it by a mount of its own"
				      : "cannot be read, so it cannot be hashed");
	walk->manifest->unreadable++;
	add_line(walk, info, NULL, UNREADABLE);
	return show(walk, MANIFEST_UNREADABLE, info, NULL, 0);
}

static bool same(const struct stat *left, const struct stat *right)
{
	return left->st_dev == right->st_dev && left->st_ino == right->st_ino &&
	       (left->st_mode & S_IFMT) == (right->st_mode & S_IFMT);
}

static enum fault_code add_content(struct walk *walk, int fd, const struct stat *info)
{
	enum fault_code code = show(walk, MANIFEST_FILE, info, NULL, 0);
	char hash[HEX_SIZE];
	uint64_t size = 0;
	ssize_t len = 0;

	digest_reset(walk->one);
	while (code == FAULT_NONE && (len = read(fd, walk->block, BLOCK_SIZE)) > 0) {
		digest_update(walk->one, walk->block, (size_t)len);
		size += (uint64_t)len;
		code = show(walk, MANIFEST_DATA, NULL, walk->block, (size_t)len);
	}
	if (code != FAULT_NONE)
		return code;
	if (len < 0)
		return refuse(walk, errno, "cannot be read");
	if (size != (uint64_t)info->st_size)
		return refuse(walk, 0, "changed while it was hashed: run again when it is at rest");
	hash_text(walk, hash);
	walk->manifest->bytes += size;
	add_line(walk, info, &size, hash);
	return show(walk, MANIFEST_FILE_END, info, NULL, 0);
}

static enum fault_code add_file(struct walk *walk, int dir_fd, const char *name,
				const struct stat *info)
{
	int fd = open_in(dir_fd, name, 0);
	struct stat opened;
	enum fault_code code;

	walk->manifest->files++;
	if (fd < 0)
		return add_unreadable(walk, info, errno);
	if (fstat(fd, &opened) < 0 || !same(info, &opened))
		code = refuse(walk, 0, "was replaced while it was hashed");
	else
		code = add_content(walk, fd, &opened);
	(void)close(fd);
	return code;
}

static enum fault_code add_link(struct walk *walk, int dir_fd, const char *name,
				const struct stat *info)
{
	char target[PATH_MAX], hash[HEX_SIZE];
	ssize_t len = readlinkat(dir_fd, name, target, sizeof target);
	uint64_t size;

	if (len < 0 || (size_t)len == sizeof target)
		return refuse(walk, len < 0 ? errno : ENAMETOOLONG,
			      "is a link that cannot be read");
	digest_reset(walk->one);
	digest_update(walk->one, target, (size_t)len);
	hash_text(walk, hash);
	walk->manifest->links++;
	size = (uint64_t)len;
	add_line(walk, info, &size, hash);
	return show(walk, MANIFEST_LINK, info, target, (size_t)len);
}

static enum fault_code add_other(struct walk *walk, const struct stat *info)
{
	char numbers[32] = "-";

	if (S_ISCHR(info->st_mode) || S_ISBLK(info->st_mode))
		(void)snprintf(numbers, sizeof numbers, "%u:%u", major(info->st_rdev),
			       minor(info->st_rdev));
	walk->manifest->others++;
	add_line(walk, info, NULL, numbers);
	return show(walk, MANIFEST_OTHER, info, NULL, 0);
}

static enum fault_code add_entries(struct walk *walk, int dir_fd, const struct stat *info);

static enum fault_code add_directory(struct walk *walk, int dir_fd, const char *name,
				     const struct stat *info)
{
	int fd = open_in(dir_fd, name, O_DIRECTORY);
	struct stat opened;
	enum fault_code code;

	walk->manifest->directories++;
	if (fd < 0)
		return add_unreadable(walk, info, errno);
	if (fstat(fd, &opened) < 0 || !same(info, &opened)) {
		code = refuse(walk, 0, "was replaced while it was hashed");
	} else {
		add_line(walk, info, NULL, "-");
		code = add_entries(walk, fd, &opened);
	}
	(void)close(fd);
	return code;
}

static enum fault_code add_entry(struct walk *walk, int dir_fd, const char *name)
{
	struct stat info;

	if (++walk->entries > walk->limits->entries)
		return refuse_more(walk, "is one entry more than");
	if (fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return refuse(walk, errno, "cannot be looked at");
	if (S_ISDIR(info.st_mode))
		return add_directory(walk, dir_fd, name, &info);
	if (S_ISREG(info.st_mode))
		return add_file(walk, dir_fd, name, &info);
	return S_ISLNK(info.st_mode) ? add_link(walk, dir_fd, name, &info) : add_other(walk, &info);
}

static enum fault_code add_named(struct walk *walk, int dir_fd, const char *name)
{
	size_t before = walk->len, len = strlen(name);
	enum fault_code code;

	if (before + len + 2 > sizeof walk->path)
		return refuse(walk, ENAMETOOLONG, "has names below it that make too long a path");
	if (before > 0)
		walk->path[walk->len++] = '/';
	memcpy(walk->path + walk->len, name, len + 1);
	walk->len += len;
	code = add_entry(walk, dir_fd, name);
	walk->len = before;
	walk->path[before] = '\0';
	return code;
}

static enum fault_code add_entries(struct walk *walk, int dir_fd, const struct stat *info)
{
	uint64_t left = walk->limits->entries - walk->entries;
	enum fault_code code;
	struct names names;

	if (walk->depth == walk->limits->depth)
		return refuse_more(walk, "is one directory deeper than");
	walk->depth++;
	code = show(walk, MANIFEST_ENTER, info, NULL, 0);
	if (names_read(dir_fd, (size_t)left, &names) < 0 && code == FAULT_NONE)
		code = errno == EFBIG ? refuse_more(walk, "has more entries in it than")
				      : refuse(walk, errno, "cannot be listed");
	for (size_t i = 0; code == FAULT_NONE && i < names.count; i++)
		code = add_named(walk, dir_fd, names_at(&names, i));
	if (code == FAULT_NONE)
		code = show(walk, MANIFEST_LEAVE, info, &names, sizeof names);
	names_release(&names);
	walk->depth--;
	return code;
}

enum fault_code manifest_make(int dir_fd, const struct manifest_limits *limits,
			      const struct manifest_visitor *visitor, const char *path,
			      struct manifest *manifest, struct fault *fault)
{
	struct walk walk = {
		.limits = limits,
		.visitor = visitor,
		.fault_path = path,
		.manifest = manifest,
		.all = digest_new(),
		.one = digest_new(),
		.block = malloc(BLOCK_SIZE),
		.fault = fault,
	};
	uint8_t value[DIGEST_SIZE];
	enum fault_code code;
	struct stat info;
	int top_fd;

	*manifest = (struct manifest){.directories = 1};
	if (walk.block == NULL)
		buf_no_memory();
	digest_update(walk.all, MANIFEST_HEADER, sizeof MANIFEST_HEADER);
	/* Opened anew: whoever else holds dir_fd may have read it, and its offset is theirs too. */
	top_fd = open_in(dir_fd, ".", O_DIRECTORY);
	if (top_fd < 0 || fstat(top_fd, &info) < 0) {
		code = refuse(&walk, errno, "cannot be looked at");
	} else {
		add_line(&walk, &info, NULL, "-");
		code = add_entries(&walk, top_fd, &info);
	}
	if (top_fd >= 0)
		(void)close(top_fd);
	digest_value(walk.all, value);
	digest_text(value, manifest->hash);
	digest_free(walk.all);
	digest_free(walk.one);
	free(walk.block);
	return code;
}

struct json_object *manifest_to_json(const struct manifest *manifest)
{
	struct json_object *object = object_new();

	object_add_integer(object, "bytes", (int64_t)manifest->bytes);
	object_add_integer(object, "directories", (int64_t)manifest->directories);
	object_add_integer(object, "files", (int64_t)manifest->files);
	object_add_string(object, "hash", manifest->hash);
	object_add_integer(object, "links", (int64_t)manifest->links);
	object_add_integer(object, "others", (int64_t)manifest->others);
	object_add_integer(object, "unreadable", (int64_t)manifest->unreadable);
	return object;
}
