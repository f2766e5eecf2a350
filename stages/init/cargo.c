/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/init/cargo.h"

#include "ipc/object.h"
#include "ipc/record.h"
#include "stages/collect/path.h"
#include "stages/guest/cargo_format.h"
#include "stages/launch/plan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CODE	     FAULT_RUN_LAUNCH
#define PATH	     "init.outputs"
#define PATH_MAX_LEN 4096

struct cargo {
	int fd;
	uint64_t entries;
	char path[PATH_MAX_LEN]; /* of the entry at hand, relative to the work directory */
	struct fault *fault;
};

static enum fault_code say(struct cargo *cargo, struct json_object *line)
{
	struct json_object *owned OBJECT_CLEANUP = line;
	const struct record_sink sink = {.fd = cargo->fd, .record_fd = -1};

	return record_send(&sink, owned, CARGO_LINE_MAX, cargo->fault);
}

static struct json_object *entry_new(struct cargo *cargo, const char *type, const struct stat *info)
{
	struct json_object *line = object_new();
	char mode[8];

	cargo->entries++;
	object_add_string(line, "type", type);
	object_add_escaped(line, "path", cargo->path, strlen(cargo->path));
	if (info != NULL) {
		(void)snprintf(mode, sizeof mode, "%04o", info->st_mode & 0777);
		object_add_string(line, "mode", mode);
	}
	return line;
}

/* One range that is no hole. */
static enum fault_code send_range(struct cargo *cargo, int fd, off_t at, off_t end)
{
	static char data[CARGO_DATA_MAX];

	while (at < end) {
		off_t left = end - at;
		ssize_t len =
			pread(fd, data, left < (off_t)sizeof data ? (size_t)left : sizeof data, at);
		struct json_object *line;

		/* Nobody writes any more; a file that ends early was shorter. */
		if (len <= 0)
			return FAULT_NONE;
		line = object_new();
		object_add_integer(line, "bytes", len);
		object_add_integer(line, "offset", at);
		object_add_string(line, "type", "data");
		if (say(cargo, line) != FAULT_NONE)
			return cargo->fault->code;
		if (record_write_all(cargo->fd, data, (size_t)len) < 0)
			return fault_set_errno(cargo->fault, CODE, errno, PATH,
					       "the host does not take the outputs");
		at += len;
	}
	return FAULT_NONE;
}

static enum fault_code send_data(struct cargo *cargo, int fd, off_t size)
{
	enum fault_code code = FAULT_NONE;
	off_t at = 0;

	while (code == FAULT_NONE && at < size) {
		off_t start = lseek(fd, at, SEEK_DATA);
		off_t end = start < 0 ? -1 : lseek(fd, start, SEEK_HOLE);

		if (end < 0) /* ENXIO: a hole to the end */
			break;
		code = send_range(cargo, fd, start, end < size ? end : size);
		at = end;
	}
	return code;
}

static enum fault_code send_file(struct cargo *cargo, int dir_fd, const char *name,
				 const struct stat *info)
{
	struct json_object *line = entry_new(cargo, "file", info);
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	enum fault_code code;

	object_add_integer(line, "size", info->st_size);
	code = say(cargo, line);
	if (code == FAULT_NONE && fd >= 0)
		code = send_data(cargo, fd, info->st_size);
	if (fd >= 0)
		(void)close(fd);
	return code;
}

static enum fault_code send_link(struct cargo *cargo, int dir_fd, const char *name)
{
	struct json_object *line = entry_new(cargo, "symlink", NULL);
	char target[PATH_MAX_LEN];
	ssize_t len = readlinkat(dir_fd, name, target, sizeof target);

	object_add_escaped(line, "target", target, len < 0 ? 0 : (size_t)len);
	return say(cargo, line);
}

static enum fault_code send_entry(struct cargo *cargo, int dir_fd, const char *name,
				  unsigned depth);

/* "dir" and "name" into cargo->path; the length to cut back to, or 0 when it is too long. */
static size_t path_push(struct cargo *cargo, const char *name)
{
	size_t len = strlen(cargo->path);
	const char *between = len > 0 ? "/" : "";

	if (len + strlen(between) + strlen(name) >= sizeof cargo->path)
		return SIZE_MAX;
	(void)snprintf(cargo->path + len, sizeof cargo->path - len, "%s%s", between, name);
	return len;
}

static enum fault_code send_below(struct cargo *cargo, int fd, unsigned depth)
{
	int list_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = list_fd < 0 ? NULL : fdopendir(list_fd);
	enum fault_code code = FAULT_NONE;
	const struct dirent *entry;

	while (code == FAULT_NONE && dir != NULL && (entry = readdir(dir)) != NULL) {
		size_t cut;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		cut = path_push(cargo, entry->d_name);
		if (cut == SIZE_MAX)
			continue;
		code = send_entry(cargo, fd, entry->d_name, depth + 1);
		cargo->path[cut] = '\0';
	}
	if (dir != NULL)
		(void)closedir(dir);
	else if (list_fd >= 0)
		(void)close(list_fd);
	return code;
}

static enum fault_code send_directory(struct cargo *cargo, int dir_fd, const char *name,
				      const struct stat *info, unsigned depth)
{
	enum fault_code code = say(cargo, entry_new(cargo, "directory", info));
	int fd;

	if (code != FAULT_NONE || depth >= CARGO_DEPTH_MAX)
		return code;
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return FAULT_NONE;
	code = send_below(cargo, fd, depth);
	(void)close(fd);
	return code;
}

static enum fault_code send_entry(struct cargo *cargo, int dir_fd, const char *name, unsigned depth)
{
	struct stat info;

	if (fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		return FAULT_NONE;
	switch (info.st_mode & S_IFMT) {
	case S_IFDIR:
		return send_directory(cargo, dir_fd, name, &info, depth);
	case S_IFREG:
		return send_file(cargo, dir_fd, name, &info);
	case S_IFLNK:
		return send_link(cargo, dir_fd, name);
	case S_IFIFO:
		return say(cargo, entry_new(cargo, "fifo", &info));
	case S_IFSOCK:
		return say(cargo, entry_new(cargo, "socket", &info));
	default: /* a device: nobody there could make one */
		return FAULT_NONE;
	}
}

/* The directories above an output; a link among them leads nowhere, as for sr-collect. */
static int open_parent(struct cargo *cargo, int workdir_fd, const char *path, const char **name)
{
	struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
					  RESOLVE_NO_MAGICLINKS};
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX_LEN];

	*name = slash != NULL ? slash + 1 : path;
	(void)snprintf(parent, sizeof parent, "%.*s", slash != NULL ? (int)(slash - path) : 0,
		       path);
	(void)snprintf(cargo->path, sizeof cargo->path, "%s", path);
	return (int)syscall(SYS_openat2, workdir_fd, *parent != '\0' ? parent : ".", &how,
			    sizeof how);
}

static enum fault_code send_output(struct cargo *cargo, int workdir_fd, const char *path)
{
	const char *name;
	enum fault_code code = FAULT_NONE;
	int fd;

	cargo->path[0] = '\0';
	if (strcmp(path, ".") == 0)
		return send_below(cargo, workdir_fd, 0);
	if (!path_leads_down(path) || strlen(path) >= sizeof cargo->path)
		return fault_set(cargo->fault, CODE, PATH, "an output's path leads elsewhere");
	fd = open_parent(cargo, workdir_fd, path, &name);
	if (fd < 0)
		return FAULT_NONE;
	code = send_entry(cargo, fd, name, 0);
	(void)close(fd);
	return code;
}

enum fault_code cargo_send(int fd, int workdir_fd, const struct plan *plan, uint64_t *entries,
			   struct fault *fault)
{
	static struct cargo cargo;
	struct json_object *end;
	enum fault_code code = FAULT_NONE;

	cargo.fd = fd;
	cargo.fault = fault;
	if (fcntl(fd, F_SETFL, 0) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "fcntl");
	for (size_t i = 0; code == FAULT_NONE && i < plan->output_count; i++)
		code = send_output(&cargo, workdir_fd, plan->outputs[i].path);
	if (code != FAULT_NONE)
		return code;
	end = object_new();
	object_add_integer(end, "entries", (int64_t)cargo.entries);
	object_add_string(end, "type", "end");
	*entries = cargo.entries;
	return say(&cargo, end);
}
