/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/apart_split.h"

#include "stages/launch/apart.h"
#include "stages/launch/mount.h"
#include "stages/launch/overlay.h"
#include "stages/launch/plan.h"
#include "stages/launch/root.h"
#include "stages/validate/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_DIR   (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define COUNT(set) (sizeof(set) / sizeof(set)[0])

/* The whole of what is done for one source. */
struct split {
	struct apart *apart;
	const struct apart_source *source;
	size_t entries;
};

/* One directory of the host's, and what stands for it. */
struct level {
	const char *path;
	int fd;	    /* of the host's, for reading */
	int own_fd; /* a directory of our own tmpfs */
};

static enum fault_code split_directory(struct split *split, const char *path, int fd, int place_fd,
				       struct fault *fault);

static enum fault_code lack(const struct split *split, const char *path, const char *why,
			    int error_number, struct fault *fault)
{
	char text[240];

	(void)snprintf(text, sizeof text, "something is mounted below it, and %.80s %.100s", path,
		       why);
	return apart_lack(split->source, text, error_number, fault);
}

static bool holds_mounts(const struct apart *apart, const char *path)
{
	for (size_t i = 0; i < apart->table.count; i++)
		if (path_below(apart->table.mounts[i].point, path) &&
		    strcmp(apart->table.mounts[i].point, path) != 0)
			return true;
	return false;
}

static int overlay_on(const struct split *split, int fd, int place_fd)
{
	uint64_t attributes = 0;
	int overlay_fd = apart_attributes(split->source, fd, &attributes) < 0
				 ? -1
				 : overlay_mount(split->apart->root, fd, attributes);
	int result = overlay_fd < 0 ? -1 : mount_place(overlay_fd, place_fd);
	int error_number = errno;

	(void)close(overlay_fd);
	errno = error_number;
	return result;
}

static enum fault_code add_directory(struct split *split, const struct level *level,
				     const char *name, const char *path, int fd,
				     struct fault *fault)
{
	enum fault_code code = FAULT_NONE;
	int place_fd = -1;

	if (mkdirat(level->own_fd, name, 0700) == 0)
		place_fd =
			openat(level->own_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (place_fd < 0)
		code = lack(split, path, "gets no place", errno, fault);
	else if (holds_mounts(split->apart, path))
		code = split_directory(split, path, fd, place_fd, fault);
	else if (overlay_on(split, fd, place_fd) < 0)
		code = lack(split, path, "carries no overlay", errno, fault);
	(void)close(place_fd);
	return code;
}

static enum fault_code add_file(struct split *split, const struct level *level, const char *name,
				const char *path, int fd, struct fault *fault)
{
	struct apart_source file = *split->source;
	int to_fd = openat(level->own_fd, name,
			   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	enum fault_code code;

	if (to_fd < 0)
		return lack(split, path, "gets no place", errno, fault);
	file.path = path;
	file.fd = fd;
	file.directory = false;
	/* Its directory can carry no overlay that would show it. */
	code = apart_copy(split->apart, &file, to_fd, fault);
	if (code != FAULT_NONE)
		code = lack(split, path,
			    "is not to be copied: it is larger than 1 MiB or cannot "
			    "be read",
			    0, fault);
	(void)close(to_fd);
	return code;
}

static enum fault_code add_link(struct split *split, const struct level *level, const char *name,
				const char *path, struct fault *fault)
{
	char target[PLAN_PATH_MAX];
	ssize_t len = readlinkat(level->fd, name, target, sizeof target);

	if (len >= 0 && (size_t)len < sizeof target) {
		target[len] = '\0';
		if (symlinkat(target, level->own_fd, name) == 0)
			return FAULT_NONE;
	}
	return lack(split, path, "is a symbolic link that cannot be made again", 0, fault);
}

static enum fault_code add_entry(struct split *split, const struct level *level, const char *name,
				 struct fault *fault)
{
	char path[PLAN_PATH_MAX];
	struct stat info = {.st_mode = 0};
	enum fault_code code;
	int len = snprintf(path, sizeof path, "%s/%s", level->path, name);
	int fd = openat(level->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (len < 0 || (size_t)len >= sizeof path)
		code = lack(split, level->path, "has a name in it that is too long", 0, fault);
	else if (++split->entries > APART_SPLIT_MAX)
		code = lack(split, path, "is one entry too many to be shown one by one", 0, fault);
	else if (fd < 0 || fstat(fd, &info) < 0)
		code = lack(split, path, "cannot be opened", errno, fault);
	else if (S_ISDIR(info.st_mode))
		code = add_directory(split, level, name, path, fd, fault);
	else if (S_ISREG(info.st_mode))
		code = add_file(split, level, name, path, fd, fault);
	else if (S_ISLNK(info.st_mode))
		code = add_link(split, level, name, path, fault);
	else
		code = lack(split, path, "is neither file, directory nor link", 0, fault);
	(void)close(fd);
	return code;
}

static enum fault_code add_entries(struct split *split, const struct level *level,
				   struct fault *fault)
{
	enum fault_code code = FAULT_NONE;
	int list_fd = openat(level->fd, ".", OPEN_DIR);
	DIR *list = list_fd < 0 ? NULL : fdopendir(list_fd);
	struct dirent *entry;

	if (list == NULL) {
		code = lack(split, level->path, "cannot be read", errno, fault);
		(void)close(list_fd);
		return code;
	}
	while (code == FAULT_NONE && (errno = 0, entry = readdir(list)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			code = add_entry(split, level, entry->d_name, fault);
	if (code == FAULT_NONE && errno != 0)
		code = lack(split, level->path, "cannot be read", errno, fault);
	(void)closedir(list);
	return code;
}

/* As the directory itself says, and closed for good. */
static int finish(const struct split *split, const struct level *level, int mount_fd)
{
	uint64_t attributes = 0;
	struct stat info;

	if (fstat(level->fd, &info) < 0 || fchmod(level->own_fd, info.st_mode & 0777) < 0)
		return -1;
	const struct timespec times[2] = {info.st_atim, info.st_mtim};

	if (futimens(level->own_fd, times) < 0 ||
	    apart_attributes(split->source, level->fd, &attributes) < 0)
		return -1;
	return mount_set(mount_fd, attributes | MOUNT_ATTR_RDONLY);
}

/* Whatever comes instead is not to lie over it; in it are mounts of ours alone. */
static enum fault_code detach(const struct split *split, const struct level *level,
			      enum fault_code code, struct fault *fault)
{
	if (fchdir(level->own_fd) == 0 && umount2(".", MNT_DETACH) == 0 &&
	    fchdir(split->apart->root->fd) == 0)
		return code;
	return fault_set_errno(fault, split->source->code, errno, split->source->field,
			       "cannot take back what stood for %s", level->path);
}

/* Each level is a mount, since the mount it is of may forbid more than the one above. */
static enum fault_code split_directory(struct split *split, const char *path, int fd, int place_fd,
				       struct fault *fault)
{
	static const struct mount_option options[] = {
		{"mode", "0700"}, {"size", "16m"}, {"nr_inodes", "2k"}};
	int mount_fd =
		mount_new("tmpfs", options, COUNT(options), MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	struct level level = {.path = path, .fd = openat(fd, ".", OPEN_DIR), .own_fd = -1};
	enum fault_code code = FAULT_NONE;

	if (mount_fd >= 0 && mount_place(mount_fd, place_fd) == 0)
		level.own_fd = openat(mount_fd, ".", OPEN_DIR);
	if (level.fd < 0 || level.own_fd < 0)
		code = lack(split, path, "gets no place or cannot be read", errno, fault);
	if (code == FAULT_NONE)
		code = add_entries(split, &level, fault);
	if (code == FAULT_NONE && finish(split, &level, mount_fd) < 0)
		code = lack(split, path, "cannot be closed", errno, fault);
	if (code != FAULT_NONE && level.own_fd >= 0)
		code = detach(split, &level, code, fault);
	(void)close(level.own_fd);
	(void)close(level.fd);
	(void)close(mount_fd);
	return code;
}

enum fault_code apart_split(struct apart *apart, const struct apart_source *source, int place_fd,
			    struct fault *fault)
{
	struct split split = {.apart = apart, .source = source};

	return split_directory(&split, source->path, source->fd, place_fd, fault);
}
