/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/unpack/extract.h"

#include "ipc/buf.h"
#include "ipc/record.h"
#include "stages/unpack/below.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE	   FAULT_RUN_LAUNCH
#define PATH	   "launch.root.unpack"
#define BLOCK_SIZE 131072
#define PERMISSION 0777 /* no set-id, no sticky bit */
#define WHITEOUT   ".wh."
#define OPAQUE	   ".wh..wh..opq"
#define ALL_OTHERS ".wh..wh." /* aufs's own, of no meaning here */

static enum fault_code failed(const char *path, const char *what, struct fault *fault)
{
	return fault_set_errno(fault, CODE, errno, PATH, "\"%.256s\" %s", path, what);
}

static enum fault_code next_entry(const struct extract *extract, struct archive_entry *entry,
				  const char **name, struct fault *fault)
{
	*name = archive_entry_pathname(entry);
	if (*name == NULL)
		return fault_set(fault, CODE, PATH, "an entry has no name that can be read");
	if (++extract->tally->entries > extract->bounds->entries)
		return fault_set(fault, CODE, PATH, "the image has more than %llu entries",
				 (unsigned long long)extract->bounds->entries);
	return FAULT_NONE;
}

static int empty_directory(int dir_fd, int spare_fd)
{
	int fd = below_open_directory(dir_fd, ".");
	int result = fd < 0 ? -1 : below_clear(fd, spare_fd);
	int error_number = errno;

	(void)close(fd);
	errno = error_number;
	return result;
}

enum fault_code extract_whiteout(struct archive *reader, struct archive_entry *entry, void *context,
				 struct fault *fault)
{
	const struct extract *extract = context;
	const char *name;
	struct extract_place place;
	enum fault_code code = next_entry(extract, entry, &name, fault);
	int result = 0;

	(void)reader;
	if (code == FAULT_NONE)
		code = extract_place(extract->root_fd, name, false, &place, fault);
	if (code != FAULT_NONE || place.dir_fd < 0)
		return code;
	if (strcmp(place.name, OPAQUE) == 0)
		result = empty_directory(place.dir_fd, extract->spare_fd);
	else if (strncmp(place.name, WHITEOUT, strlen(WHITEOUT)) == 0 &&
		 strncmp(place.name, ALL_OTHERS, strlen(ALL_OTHERS)) != 0)
		result = below_remove(place.dir_fd, place.name + strlen(WHITEOUT),
				      extract->spare_fd);
	if (result < 0)
		code = failed(place.path, "cannot take away what it is for", fault);
	(void)close(place.dir_fd);
	return code;
}

static enum fault_code write_content(struct archive *reader, int fd, const char *path,
				     struct fault *fault)
{
	char *block = malloc(BLOCK_SIZE);
	enum fault_code code = FAULT_NONE;
	la_ssize_t len;

	if (block == NULL)
		buf_no_memory();
	while (code == FAULT_NONE && (len = archive_read_data(reader, block, BLOCK_SIZE)) != 0) {
		if (len < 0)
			code = fault_set(fault, CODE, PATH, "\"%.256s\": %s", path,
					 archive_error_string(reader) ?: "cannot be read");
		else if (record_write_all(fd, block, (size_t)len) < 0)
			code = failed(path, "cannot be written", fault);
	}
	free(block);
	return code;
}

/* Times are kept: Python takes its compiled files for stale without them. */
static int finish_file(int fd, struct archive_entry *entry)
{
	const struct timespec times[2] = {
		{.tv_nsec = UTIME_OMIT},
		{.tv_sec = archive_entry_mtime(entry), .tv_nsec = archive_entry_mtime_nsec(entry)},
	};

	if (fchmod(fd, (archive_entry_perm(entry) & PERMISSION) | S_IRUSR) < 0)
		return -1;
	/* A time no file system can hold is not worth an image. */
	return futimens(fd, times) < 0 && errno != EINVAL ? -1 : 0;
}

static enum fault_code make_file(const struct extract *extract, struct archive *reader,
				 struct archive_entry *entry, const struct extract_place *place,
				 struct fault *fault)
{
	enum fault_code code;
	int fd;

	/* Holes are content as well: one header can claim terabytes of them. */
	if ((uint64_t)archive_entry_size(entry) > extract->bounds->bytes - extract->tally->bytes)
		return fault_set(fault, CODE, PATH,
				 "\"%.256s\" makes the image larger than it may be", place->path);
	extract->tally->bytes += (uint64_t)archive_entry_size(entry);
	fd = below_create(place->dir_fd, place->name, 0600);
	if (fd < 0)
		return failed(place->path, "cannot be made", fault);
	code = write_content(reader, fd, place->path, fault);
	if (code == FAULT_NONE && finish_file(fd, entry) < 0)
		code = failed(place->path, "cannot be finished", fault);
	(void)close(fd);
	return code;
}

static bool is_directory(const struct extract_place *place)
{
	struct stat info;

	return fstatat(place->dir_fd, place->name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(info.st_mode);
}

static enum fault_code make_directory(const struct extract_place *place, mode_t mode,
				      struct fault *fault)
{
	if ((!is_directory(place) && mkdirat(place->dir_fd, place->name, 0700) < 0) ||
	    fchmodat(place->dir_fd, place->name, (mode & PERMISSION) | S_IRWXU, 0) < 0)
		return failed(place->path, "cannot be made", fault);
	return FAULT_NONE;
}

/* Some tools write a hard link's target as an absolute path; it is one in the image either way. */
static enum fault_code make_hard_link(const struct extract *extract, const char *target,
				      const struct extract_place *place, struct fault *fault)
{
	struct extract_place from;
	struct stat info;
	enum fault_code code =
		extract_place(extract->root_fd, target + strspn(target, "/"), false, &from, fault);

	if (code != FAULT_NONE)
		return code;
	if (from.dir_fd < 0 || from.name[0] == '\0' ||
	    fstatat(from.dir_fd, from.name, &info, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISREG(info.st_mode))
		code = fault_set(fault, CODE, PATH,
				 "\"%.256s\" is a hard link to %.256s, which is no file of the "
				 "image",
				 place->path, target);
	else if (linkat(from.dir_fd, from.name, place->dir_fd, place->name, 0) < 0)
		code = failed(place->path, "cannot be linked", fault);
	(void)close(from.dir_fd);
	return code;
}

/* A link onto itself would be removed before it is made. */
static bool same_name(const char *target, const struct extract_place *place)
{
	char path[BOUNDS_PATH];
	struct fault ignored;

	return extract_name(target + strspn(target, "/"), path, &ignored) == FAULT_NONE &&
	       strcmp(path, place->path) == 0;
}

static enum fault_code make_entry(const struct extract *extract, struct archive *reader,
				  struct archive_entry *entry, const struct extract_place *place,
				  struct fault *fault)
{
	const char *hard_link = archive_entry_hardlink(entry);
	const char *target = archive_entry_symlink(entry);
	mode_t type = archive_entry_filetype(entry);

	if (hard_link != NULL && same_name(hard_link, place))
		return FAULT_NONE;
	if ((type != AE_IFDIR || hard_link != NULL || !is_directory(place)) &&
	    below_remove(place->dir_fd, place->name, extract->spare_fd) < 0)
		return failed(place->path, "is in the way and cannot be removed", fault);
	if (hard_link != NULL)
		return make_hard_link(extract, hard_link, place, fault);
	if (type == AE_IFREG)
		return make_file(extract, reader, entry, place, fault);
	if (type == AE_IFDIR)
		return make_directory(place, archive_entry_perm(entry), fault);
	if (type == AE_IFLNK && target != NULL && target[0] != '\0')
		return symlinkat(target, place->dir_fd, place->name) == 0
			       ? FAULT_NONE
			       : failed(place->path, "cannot be made", fault);
	extract->tally->skipped++;
	return FAULT_NONE;
}

enum fault_code extract_entry(struct archive *reader, struct archive_entry *entry, void *context,
			      struct fault *fault)
{
	const struct extract *extract = context;
	const char *name;
	struct extract_place place;
	enum fault_code code = next_entry(extract, entry, &name, fault);

	if (code == FAULT_NONE)
		code = extract_place(extract->root_fd, name, true, &place, fault);
	if (code != FAULT_NONE)
		return code;
	/* The top itself: readable to the workload, and its mode otherwise of no use to anybody. */
	if (place.name[0] != '\0' &&
	    (extract->plain || strncmp(place.name, WHITEOUT, strlen(WHITEOUT)) != 0))
		code = make_entry(extract, reader, entry, &place, fault);
	(void)close(place.dir_fd);
	return code;
}
