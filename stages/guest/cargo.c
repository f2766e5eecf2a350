/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/guest/cargo.h"

#include "ipc/canon.h"
#include "ipc/field.h"
#include "ipc/object.h"
#include "ipc/unescape.h"
#include "stages/collect/path.h"
#include "stages/guest/cargo_make.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "guest.outputs"

void cargo_init(struct cargo *cargo, int tree_fd)
{
	memset(cargo, 0, offsetof(struct cargo, buffer));
	cargo->tree_fd = tree_fd;
	cargo->file_fd = -1;
}

static void close_file(struct cargo *cargo)
{
	if (cargo->file_fd >= 0)
		(void)close(cargo->file_fd);
	cargo->file_fd = -1;
	cargo->in_file = false;
}

void cargo_release(struct cargo *cargo)
{
	close_file(cargo);
}

/* No room is the host's own limit at work; anything else that cannot be made is passed over. */
static void note(struct cargo *cargo, int result)
{
	if (result >= 0)
		return;
	cargo->skipped++;
	cargo->full |= errno == ENOSPC || errno == EDQUOT;
}

static enum fault_code read_path(struct fields *fields, const char *name, char *out, size_t size,
				 struct fault *fault)
{
	const char *text = "";
	enum fault_code code = fields_string(fields, name, &text, fault);

	if (code != FAULT_NONE)
		return code;
	if (!unescape(text, out, size))
		return fault_set(fault, CODE, fields->path, "%s is no name", name);
	return FAULT_NONE;
}

static enum fault_code read_mode(struct fields *fields, unsigned *mode, struct fault *fault)
{
	const char *text = "";
	enum fault_code code = fields_string(fields, "mode", &text, fault);

	if (code != FAULT_NONE)
		return code;
	if (strlen(text) != 4 || text[0] != '0' || strspn(text, "01234567") != 4)
		return fault_set(fault, CODE, fields->path,
				 "mode must be 0 and three octal digits");
	*mode = (unsigned)(text[1] - '0') << 6 | (unsigned)(text[2] - '0') << 3 |
		(unsigned)(text[3] - '0');
	return FAULT_NONE;
}

static enum fault_code take_file(struct cargo *cargo, struct fields *fields, const char *path,
				 unsigned mode, struct fault *fault)
{
	int64_t size = 0;
	enum fault_code code = fields_integer(fields, "size", 0, INT64_MAX >> 1, &size, fault);

	if (code != FAULT_NONE)
		return code;
	cargo->file_fd =
		cargo->full ? -1 : cargo_make_file(cargo->tree_fd, path, mode, (uint64_t)size);
	note(cargo, cargo->full ? 0 : cargo->file_fd);
	cargo->in_file = true;
	cargo->size = (uint64_t)size;
	cargo->at = 0;
	return FAULT_NONE;
}

static enum fault_code take_link(struct cargo *cargo, struct fields *fields, const char *path,
				 struct fault *fault)
{
	char target[CARGO_PATH_SIZE];
	enum fault_code code = read_path(fields, "target", target, sizeof target, fault);

	if (code == FAULT_NONE && !cargo->full)
		note(cargo, cargo_make_link(cargo->tree_fd, path, target));
	return code;
}

static enum fault_code take_entry(struct cargo *cargo, struct fields *fields, const char *type,
				  struct fault *fault)
{
	char path[CARGO_PATH_SIZE];
	unsigned mode = 0;
	bool link = strcmp(type, "symlink") == 0;
	enum fault_code code = read_path(fields, "path", path, sizeof path, fault);

	if (code == FAULT_NONE && (!path_leads_down(path) || strcmp(path, ".") == 0))
		code = fault_set(fault, CODE, PATH, "a path leads out of the work directory");
	if (code == FAULT_NONE && !link)
		code = read_mode(fields, &mode, fault);
	if (code != FAULT_NONE)
		return code;
	close_file(cargo);
	cargo->entries++;
	if (link)
		return take_link(cargo, fields, path, fault);
	if (strcmp(type, "file") == 0)
		return take_file(cargo, fields, path, mode, fault);
	if (!cargo->full)
		note(cargo, strcmp(type, "directory") == 0
				    ? cargo_make_directory(cargo->tree_fd, path, mode)
				    : cargo_make_node(cargo->tree_fd, path, mode,
						      strcmp(type, "fifo") == 0));
	return FAULT_NONE;
}

/* Forward, within what the file's entry said. */
static enum fault_code take_data(struct cargo *cargo, struct fields *fields, struct fault *fault)
{
	int64_t bytes = 0, offset = 0;
	enum fault_code code = fields_integer(fields, "bytes", 1, CARGO_DATA_MAX, &bytes, fault);

	if (code == FAULT_NONE)
		code = fields_integer(fields, "offset", 0, INT64_MAX >> 1, &offset, fault);
	if (code != FAULT_NONE)
		return code;
	if (!cargo->in_file || (uint64_t)offset < cargo->at || (uint64_t)offset > cargo->size ||
	    (uint64_t)bytes > cargo->size - (uint64_t)offset)
		return fault_set(fault, CODE, PATH, "data that belongs to no place in a file");
	cargo->data_at = (uint64_t)offset;
	cargo->data_left = (size_t)bytes;
	cargo->at = (uint64_t)offset + (uint64_t)bytes;
	return FAULT_NONE;
}

static enum fault_code take_end(struct cargo *cargo, struct fields *fields, struct fault *fault)
{
	int64_t entries = 0;
	enum fault_code code =
		fields_integer(fields, "entries", 0, CANON_INTEGER_MAX, &entries, fault);

	close_file(cargo);
	if (code == FAULT_NONE && (uint64_t)entries != cargo->entries)
		code = fault_set(fault, CODE, PATH, "the number of entries is another");
	cargo->ended = code == FAULT_NONE;
	return code;
}

static bool is_entry(const char *type)
{
	static const char *const types[] = {"directory", "file", "symlink", "fifo", "socket"};

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return false;
}

static enum fault_code take_line(struct cargo *cargo, const char *line, size_t len,
				 struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct fields fields;
	const char *type = "";
	enum fault_code code = canon_parse(line, len, CODE, &record, fault);

	if (code == FAULT_NONE)
		code = fields_open(&fields, record, PATH, CODE, fault);
	if (code == FAULT_NONE)
		code = fields_string(&fields, "type", &type, fault);
	if (code != FAULT_NONE)
		return code;
	if (strcmp(type, "data") == 0)
		code = take_data(cargo, &fields, fault);
	else if (strcmp(type, "end") == 0)
		code = take_end(cargo, &fields, fault);
	else if (is_entry(type))
		code = take_entry(cargo, &fields, type, fault);
	else
		code = fault_set(fault, CODE, PATH, "\"%.40s\" is nothing we know", type);
	return code == FAULT_NONE ? fields_close(&fields, fault) : code;
}

static size_t take_bytes(struct cargo *cargo, const char *data, size_t len)
{
	size_t part = len < cargo->data_left ? len : cargo->data_left;

	if (cargo->file_fd >= 0 && !cargo->full &&
	    pwrite(cargo->file_fd, data, part, (off_t)cargo->data_at) != (ssize_t)part) {
		/* The file stays shorter than it says, which nobody could tell: so it goes. */
		cargo->full = true;
		cargo->skipped++;
		(void)!ftruncate(cargo->file_fd, 0);
	}
	cargo->data_at += part;
	cargo->data_left -= part;
	return part;
}

/* Up to the end of the line, into the buffer: *taken bytes. */
static enum fault_code take_text(struct cargo *cargo, const char *data, size_t len, size_t *taken,
				 struct fault *fault)
{
	const char *end = memchr(data, '\n', len);
	size_t part = end != NULL ? (size_t)(end - data) : len;
	enum fault_code code;

	if (part > sizeof cargo->buffer - 1 - cargo->len)
		return fault_set(fault, CODE, PATH, "a line is longer than %d bytes",
				 CARGO_LINE_MAX);
	memcpy(cargo->buffer + cargo->len, data, part);
	cargo->len += part;
	*taken = end != NULL ? part + 1 : part;
	if (end == NULL)
		return FAULT_NONE;
	cargo->buffer[cargo->len] = '\0';
	code = take_line(cargo, cargo->buffer, cargo->len, fault);
	cargo->len = 0;
	return code;
}

enum fault_code cargo_take(struct cargo *cargo, const char *data, size_t len, struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	while (code == FAULT_NONE && len > 0) {
		size_t taken = 0;

		if (cargo->ended)
			return fault_set(fault, CODE, PATH, "something behind the end");
		if (cargo->data_left > 0)
			taken = take_bytes(cargo, data, len);
		else
			code = take_text(cargo, data, len, &taken, fault);
		data += taken;
		len -= taken;
	}
	return code;
}
