/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/collect/walk.h"

#include "ipc/buf.h"
#include "ipc/object.h"
#include "stages/collect/batch.h"
#include "stages/collect/open.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names held at a time in the outermost directory, half of that one level down, and so on. */
#define BATCH_FIRST 8192
#define BATCH_LEAST 64

/* One output on its way. */
struct state {
	struct walk *walk;
	const struct collect_output *output;
	size_t index;
	struct walk_tally *tally;
	struct buf path;  /* of the entry looked at; NUL-terminated */
	uint64_t counted; /* against maxFiles */
	bool stopped;	  /* at a limit */
	struct fault *fault;
	enum fault_code code;
};

const char *walk_status_name(enum walk_status status)
{
	static const char *const names[WALK_STATUS_COUNT] = {
		[WALK_COLLECTED] = "collected", [WALK_MISSING] = "missing",
		[WALK_REFUSED] = "refused",	[WALK_LIMIT] = "limit",
		[WALK_FAILED] = "failed",
	};

	return names[status];
}

static void note(struct state *state, enum walk_status status, const char *reason)
{
	struct json_object *object;

	if (state->tally->status < status)
		state->tally->status = status;
	if (json_object_array_length(state->walk->reasons) == WALK_REASONS_MAX)
		return;
	object = object_new();
	object_add_integer(object, "output", (int64_t)state->index);
	object_add_escaped(object, "path", state->path.data, strlen(state->path.data));
	object_add_string(object, "reason", reason);
	array_append(state->walk->reasons, object);
}

static bool going_on(const struct state *state)
{
	return state->code == FAULT_NONE && !state->stopped;
}

static void send(struct state *state, struct entry *entry)
{
	entry->output = state->index;
	entry->path = state->path.data;
	state->tally->entries++;
	state->code = entry_send(&state->walk->sink, entry, state->fault);
}

static void refuse(struct state *state, struct entry *entry, enum walk_status status,
		   const char *reason)
{
	entry->refused = reason;
	entry->fd = -1;
	state->tally->refused++;
	note(state, status, reason);
	send(state, entry);
}

/* An entry that not even a line of the manifest can name. */
static void skip(struct state *state, const char *reason)
{
	state->tally->refused++;
	note(state, WALK_REFUSED, reason);
}

static const char *type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symlink";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	case S_IFCHR:
	case S_IFBLK:
		return "device";
	default:
		return "unknown";
	}
}

static void take_file(struct state *state, int dir_fd, const char *name, const struct stat *info,
		      struct entry *entry)
{
	if ((uint64_t)info->st_size > state->output->max_bytes - state->tally->bytes) {
		refuse(state, entry, WALK_LIMIT, "maxBytes");
		state->stopped = true;
		return;
	}
	entry->fd = open_entry(dir_fd, name, info);
	if (entry->fd < 0) {
		refuse(state, entry, WALK_FAILED, strerrorname_np(errno));
		return;
	}
	state->tally->files++;
	state->tally->bytes += (uint64_t)info->st_size;
	send(state, entry);
	(void)close(entry->fd);
}

static void take_link(struct state *state, int dir_fd, const char *name, struct entry *entry)
{
	char target[4096];
	ssize_t len = readlinkat(dir_fd, name, target, sizeof(target));

	if (len < 0 || (size_t)len >= sizeof(target)) {
		refuse(state, entry, WALK_FAILED, len < 0 ? strerrorname_np(errno) : "target");
		return;
	}
	target[len] = '\0';
	entry->target = target;
	send(state, entry);
	entry->target = NULL;
}

static void walk_directory(struct state *state, int dir_fd, unsigned depth);

static void take_directory(struct state *state, int dir_fd, const char *name,
			   const struct stat *info, struct entry *entry, unsigned depth)
{
	int fd;

	if (depth == WALK_DEPTH_MAX) {
		refuse(state, entry, WALK_REFUSED, "depth");
		return;
	}
	fd = open_entry(dir_fd, name, info);
	if (fd < 0) {
		refuse(state, entry, WALK_FAILED, strerrorname_np(errno));
		return;
	}
	send(state, entry);
	if (going_on(state))
		walk_directory(state, fd, depth + 1);
	(void)close(fd);
}

/* The output's own directory is not counted: an empty one passes with maxFiles 1. */
static bool count(struct state *state, bool counted)
{
	if (!counted)
		return true;
	if (state->counted == state->output->max_files) {
		note(state, WALK_LIMIT, "maxFiles");
		state->stopped = true;
		return false;
	}
	state->counted++;
	return true;
}

static void take(struct state *state, int dir_fd, const char *name, const struct stat *info,
		 unsigned depth)
{
	struct entry entry = {.type = type_name(info->st_mode),
			      .mode = info->st_mode & 07777,
			      .size = S_ISREG(info->st_mode) ? (uint64_t)info->st_size : 0,
			      .fd = -1};

	if (!count(state, depth > 0 || !S_ISDIR(info->st_mode)))
		return;
	if (S_ISREG(info->st_mode))
		take_file(state, dir_fd, name, info, &entry);
	else if (S_ISDIR(info->st_mode))
		take_directory(state, dir_fd, name, info, &entry, depth);
	/* An output that is a link is none: what it leads to was never looked at. */
	else if (S_ISLNK(info->st_mode) && depth > 0)
		take_link(state, dir_fd, name, &entry);
	else
		refuse(state, &entry, WALK_REFUSED, entry.type);
}

static void walk_name(struct state *state, int dir_fd, const char *name, unsigned depth)
{
	size_t len = state->path.len;
	struct stat info;

	if (strcmp(state->path.data, ".") == 0)
		len = 0;
	state->path.len = len;
	if (len > 0)
		buf_append(&state->path, "/", 1);
	buf_append(&state->path, name, strlen(name) + 1);
	/* The NUL is not part of it. */
	state->path.len--;
	if (fstatat(dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0)
		note(state, WALK_FAILED, strerrorname_np(errno));
	else if (state->path.len > WALK_PATH_MAX)
		skip(state, "path-length");
	else
		take(state, dir_fd, name, &info, depth);
}

static size_t batch_size(unsigned depth)
{
	size_t size = depth < 16 ? (size_t)BATCH_FIRST >> (depth - 1) : 0;

	return size < BATCH_LEAST ? BATCH_LEAST : size;
}

/* Back to the directory's own path, which walk_name went below. */
static void restore(struct state *state, size_t len, bool whole)
{
	buf_clear(&state->path);
	state->path.len = len;
	if (whole)
		memcpy(state->path.data, ".", 2);
	else
		state->path.data[len] = '\0';
}

static void walk_directory(struct state *state, int dir_fd, unsigned depth)
{
	bool whole = strcmp(state->path.data, ".") == 0;
	size_t len = state->path.len;
	char last[BATCH_NAME_SIZE] = "";
	struct batch batch;

	batch_init(&batch, batch_size(depth));
	do {
		if (batch_read(&batch, dir_fd, last) < 0) {
			note(state, WALK_FAILED, strerrorname_np(errno));
			break;
		}
		for (size_t i = 0; i < batch.count && going_on(state); i++) {
			walk_name(state, dir_fd, batch_name(&batch, i), depth);
			restore(state, len, whole);
		}
		if (batch.count > 0)
			memcpy(last, batch_name(&batch, batch.count - 1), sizeof(last));
	} while (batch.more && going_on(state));
	batch_release(&batch);
}

static void walk_root(struct state *state)
{
	char name[BATCH_NAME_SIZE];
	struct stat info;
	int parent_fd = open_parent(state->walk->tree_fd, state->output->path, name, sizeof(name));

	if (parent_fd < 0 || fstatat(parent_fd, name, &info, AT_SYMLINK_NOFOLLOW) < 0) {
		bool missing = errno == ENOENT;

		note(state, missing ? WALK_MISSING : WALK_FAILED,
		     missing ? "missing" : strerrorname_np(errno));
	} else {
		take(state, parent_fd, name, &info, 0);
	}
	if (parent_fd >= 0)
		(void)close(parent_fd);
}

enum fault_code walk_output(struct walk *walk, const struct collect_plan *plan, size_t index,
			    struct walk_tally *tally, struct fault *fault)
{
	struct state state = {.walk = walk,
			      .output = &plan->outputs[index],
			      .index = index,
			      .tally = tally,
			      .fault = fault};

	*tally = (struct walk_tally){.status = WALK_COLLECTED};
	/* Room for what is looked at before it is found too long. */
	buf_init(&state.path, WALK_PATH_MAX + 2 * BATCH_NAME_SIZE);
	buf_append(&state.path, state.output->path, strlen(state.output->path) + 1);
	state.path.len--;
	if (state.path.len > WALK_PATH_MAX)
		skip(&state, "path-length");
	else
		walk_root(&state);
	buf_release(&state.path);
	return state.code;
}
