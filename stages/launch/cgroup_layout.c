/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/cgroup_layout.h"

#include <stdio.h>
#include <string.h>

/* A piece of a text that outlives it. */
struct span {
	const char *data;
	size_t len;
};

const char *cgroup_hierarchy_name(enum cgroup_hierarchy hierarchy)
{
	switch (hierarchy) {
	case CGROUP_CPU:
		return "cpu";
	case CGROUP_CPUACCT:
		return "cpuacct";
	case CGROUP_FREEZER:
		return "freezer";
	case CGROUP_MEMORY:
		return "memory";
	case CGROUP_PIDS:
		return "pids";
	case CGROUP_UNIFIED:
		return "unified";
	case CGROUP_HIERARCHY_COUNT:
		break;
	}
	return "";
}

const char *cgroup_mode_name(enum cgroup_mode mode)
{
	switch (mode) {
	case CGROUP_MODE_V1:
		return "v1";
	case CGROUP_MODE_V2:
		return "v2";
	case CGROUP_MODE_HYBRID:
		return "hybrid";
	case CGROUP_MODE_NONE:
	case CGROUP_MODE_COUNT:
		break;
	}
	return "none";
}

static bool span_equals(struct span span, const char *text)
{
	return span.len == strlen(text) && memcmp(span.data, text, span.len) == 0;
}

/* Cuts the next piece up to delimiter off rest; false when nothing is left. */
static bool span_next(struct span *rest, char delimiter, struct span *piece)
{
	if (rest->data == NULL)
		return false;
	const char *end = memchr(rest->data, delimiter, rest->len);
	piece->data = rest->data;
	piece->len = end != NULL ? (size_t)(end - rest->data) : rest->len;
	rest->len -= piece->len;
	rest->data = end != NULL ? end + 1 : NULL;
	if (end != NULL)
		rest->len--;
	return true;
}

static bool list_has(struct span list, const char *name)
{
	struct span item;
	while (span_next(&list, ',', &item)) {
		if (span_equals(item, name))
			return true;
	}
	return false;
}

/* mountinfo writes space, tab, newline and backslash as \ooo (seq_path, fs/seq_file.c). */
static bool unescape(struct span span, char out[CGROUP_PATH_SIZE])
{
	enum { OCTAL_DIGITS = 3 };
	size_t len = 0;
	for (size_t i = 0; i < span.len; i++) {
		char byte = span.data[i];
		if (byte == '\\') {
			if (span.len - i <= OCTAL_DIGITS)
				return false;
			unsigned value = 0;
			for (size_t end = i + OCTAL_DIGITS; i < end; i++)
				value = value * 8 + (unsigned)(span.data[i + 1] - '0');
			byte = (char)value;
		}
		if (len + 1 >= CGROUP_PATH_SIZE)
			return false;
		out[len++] = byte;
	}
	out[len] = '\0';
	return true;
}

static bool component_valid(struct span part)
{
	if (part.len == 0 || span_equals(part, ".") || span_equals(part, ".."))
		return false;
	for (size_t i = 0; i < part.len; i++) {
		if (part.data[i] < ' ' || part.data[i] > '~')
			return false;
	}
	return true;
}

bool cgroup_path_valid(const char *path)
{
	struct span rest = {path, strlen(path)};
	struct span part;
	if (rest.len == 0 || rest.len >= CGROUP_PATH_SIZE)
		return false;
	while (span_next(&rest, '/', &part)) {
		if (!component_valid(part))
			return false;
	}
	return true;
}

bool cgroup_path_join(const char *base, const char *name, char out[CGROUP_PATH_SIZE])
{
	bool bare = strcmp(base, ".") == 0;
	int len =
		snprintf(out, CGROUP_PATH_SIZE, "%s%s%s", bare ? "" : base, bare ? "" : "/", name);
	return len > 0 && len < CGROUP_PATH_SIZE;
}

struct mount {
	char root[CGROUP_PATH_SIZE];
	char point[CGROUP_PATH_SIZE];
	bool is_v2;
	struct span options; /* of the super block: they name a version 1 mount's controllers */
};

/* One line of mountinfo: id parent dev root point options [tags...] - type source superoptions. */
static bool mount_parse(struct span line, struct mount *mount)
{
	enum { FIELD_ROOT = 3, FIELD_POINT = 4, FIELD_TAGS = 6 };
	struct span field;
	struct span root = {NULL, 0};
	struct span point = {NULL, 0};
	for (int i = 0;; i++) {
		if (!span_next(&line, ' ', &field))
			return false;
		if (i == FIELD_ROOT)
			root = field;
		else if (i == FIELD_POINT)
			point = field;
		else if (i >= FIELD_TAGS && span_equals(field, "-"))
			break;
	}
	struct span type;
	if (!span_next(&line, ' ', &type) || !span_next(&line, ' ', &field) ||
	    !span_next(&line, ' ', &mount->options))
		return false;
	mount->is_v2 = span_equals(type, "cgroup2");
	if (!mount->is_v2 && !span_equals(type, "cgroup"))
		return false;
	return unescape(root, mount->root) && unescape(point, mount->point);
}

/* What follows prefix in path when path is prefix itself or below it; NULL otherwise. */
static const char *path_below(const char *path, const char *prefix)
{
	size_t len = strcmp(prefix, "/") == 0 ? 0 : strlen(prefix);
	if (strncmp(path, prefix, len) != 0 || (path[len] != '/' && path[len] != '\0'))
		return NULL;
	return path[len] == '/' ? path + len + 1 : path + len;
}

/* Our own cgroup seen through one mount. Later mounts win: they may lie over earlier ones. */
static void place_set(struct cgroup_place *place, const struct mount *mount, const char *own)
{
	const char *point = path_below(mount->point, CGROUP_ROOT);
	const char *rest = path_below(own, mount->root);
	if (point == NULL || rest == NULL)
		return;
	struct cgroup_place found = {.visible = true};
	const char *base = *point == '\0' ? "." : point;
	bool fits = *rest == '\0' ? snprintf(found.own, sizeof(found.own), "%s", base) <
					    (int)sizeof(found.own)
				  : cgroup_path_join(base, rest, found.own);
	if (!fits || (strcmp(found.own, ".") != 0 && !cgroup_path_valid(found.own)))
		return;
	found.mount_len = *point == '\0' ? 0 : strlen(point);
	*place = found;
}

/* The line of /proc/self/cgroup (id:controllers:path) that names a hierarchy. */
static bool own_path(const char *self_cgroup, enum cgroup_hierarchy hierarchy,
		     char out[CGROUP_PATH_SIZE])
{
	static const char deleted[] = " (deleted)";
	struct span rest = {self_cgroup, strlen(self_cgroup)};
	struct span line;
	while (span_next(&rest, '\n', &line)) {
		struct span id;
		struct span controllers;
		if (!span_next(&line, ':', &id) || !span_next(&line, ':', &controllers))
			continue;
		bool match = hierarchy == CGROUP_UNIFIED
				     ? span_equals(id, "0") && controllers.len == 0
				     : list_has(controllers, cgroup_hierarchy_name(hierarchy));
		if (!match || line.data == NULL || line.len >= CGROUP_PATH_SIZE)
			continue;
		memcpy(out, line.data, line.len);
		out[line.len] = '\0';
		size_t tail = sizeof(deleted) - 1;
		return line.len < tail || strcmp(out + line.len - tail, deleted) != 0;
	}
	return false;
}

static bool mount_serves(const struct mount *mount, enum cgroup_hierarchy hierarchy)
{
	if (hierarchy == CGROUP_UNIFIED)
		return mount->is_v2;
	return !mount->is_v2 && list_has(mount->options, cgroup_hierarchy_name(hierarchy));
}

void cgroup_layout_parse(const char *mountinfo, const char *self_cgroup,
			 struct cgroup_layout *layout)
{
	char own[CGROUP_HIERARCHY_COUNT][CGROUP_PATH_SIZE];
	bool known[CGROUP_HIERARCHY_COUNT];
	memset(layout, 0, sizeof(*layout));
	for (int i = 0; i < CGROUP_HIERARCHY_COUNT; i++) {
		known[i] = own_path(self_cgroup, (enum cgroup_hierarchy)i, own[i]);
		layout->on_v1[i] = known[i] && i != CGROUP_UNIFIED;
	}
	struct span rest = {mountinfo, strlen(mountinfo)};
	struct span line;
	while (span_next(&rest, '\n', &line)) {
		struct mount mount;
		if (!mount_parse(line, &mount))
			continue;
		for (int i = 0; i < CGROUP_HIERARCHY_COUNT; i++) {
			if (known[i] && mount_serves(&mount, (enum cgroup_hierarchy)i))
				place_set(&layout->places[i], &mount, own[i]);
		}
	}
}

enum cgroup_mode cgroup_layout_mode(const struct cgroup_layout *layout)
{
	bool v1 = layout->places[CGROUP_MEMORY].visible || layout->places[CGROUP_CPU].visible ||
		  layout->places[CGROUP_PIDS].visible;
	if (!layout->places[CGROUP_UNIFIED].visible)
		return v1 ? CGROUP_MODE_V1 : CGROUP_MODE_NONE;
	return v1 ? CGROUP_MODE_HYBRID : CGROUP_MODE_V2;
}
