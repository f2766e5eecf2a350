/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/compare/difference.h"

#include "ipc/canon.h"
#include "ipc/field.h"

#include <stdio.h>
#include <string.h>

struct pair {
	struct span recorded, replayed;
};

/* A level of the walk down to the field; CANON_DEPTH_MAX bounds it. */
struct level {
	struct pair values;
	char path[FAULT_PATH_SIZE];
};

static bool equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static void append_name(const char *path, struct span key, char *out)
{
	char name[64];
	size_t len = key.len < sizeof(name) - 1 ? key.len : sizeof(name) - 1;

	memcpy(name, key.at, len);
	name[len] = '\0';
	field_path_name(out, FAULT_PATH_SIZE, path, name);
}

static int order(struct span a, struct span b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int answer = memcmp(a.at, b.at, len);

	return answer != 0 ? answer : (a.len > b.len) - (a.len < b.len);
}

struct member {
	struct span key, value;
	bool there;
};

static void next_member(struct span_walk *walk, struct member *member)
{
	member->there = span_next_member(walk, &member->key, &member->value);
}

/* The first member that differs, or is on one side only; canonical members are sorted. */
static bool descend_object(const struct level *level, struct level *next)
{
	struct span_walk recorded, replayed;
	struct member a, b;

	if (!span_walk_object(level->values.recorded, &recorded) ||
	    !span_walk_object(level->values.replayed, &replayed))
		return false;
	next_member(&recorded, &a);
	next_member(&replayed, &b);
	while (a.there && b.there && order(a.key, b.key) == 0 && equal(a.value, b.value)) {
		next_member(&recorded, &a);
		next_member(&replayed, &b);
	}
	if (!a.there && !b.there)
		return false;
	next->values = (struct pair){.recorded = {0}, .replayed = {0}};
	if (a.there && (!b.there || order(a.key, b.key) <= 0))
		next->values.recorded = a.value;
	if (b.there && (!a.there || order(b.key, a.key) <= 0))
		next->values.replayed = b.value;
	append_name(level->path, next->values.recorded.len > 0 ? a.key : b.key, next->path);
	return true;
}

static bool descend_array(const struct level *level, struct level *next)
{
	struct span_walk recorded, replayed;
	bool a = true, b = true;
	size_t index = 0;

	if (!span_walk_array(level->values.recorded, &recorded) ||
	    !span_walk_array(level->values.replayed, &replayed))
		return false;
	for (;; index++) {
		next->values = (struct pair){.recorded = {0}, .replayed = {0}};
		a = span_next_element(&recorded, &next->values.recorded);
		b = span_next_element(&replayed, &next->values.replayed);
		if ((!a && !b) || !equal(next->values.recorded, next->values.replayed))
			break;
	}
	field_path_index(next->path, sizeof(next->path), level->path, index);
	return a || b;
}

bool difference_of_values(struct span recorded, struct span replayed, const char *path,
			  struct difference *difference)
{
	struct level level = {.values = {recorded, replayed}};
	struct level next;

	snprintf(level.path, sizeof(level.path), "%s", path);
	if (equal(recorded, replayed))
		return false;
	while (level.values.recorded.len > 0 && level.values.replayed.len > 0 &&
	       (descend_object(&level, &next) || descend_array(&level, &next)))
		level = next;
	difference->recorded = level.values.recorded;
	difference->replayed = level.values.replayed;
	snprintf(difference->path, sizeof(difference->path), "%s", level.path);
	return true;
}

/* The line that begins at start, without its LF. */
static struct span line_at(struct span text, size_t start)
{
	struct span rest = {text.at + start, text.len - start};
	const char *end = rest.len > 0 ? memchr(rest.at, '\n', rest.len) : NULL;

	return (struct span){rest.at, end != NULL ? (size_t)(end - rest.at) : rest.len};
}

static size_t common_length(struct span a, struct span b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	size_t i = 0;

	while (i < len && a.at[i] == b.at[i])
		i++;
	return i;
}

void difference_find(struct span recorded, struct span replayed, struct difference *difference)
{
	size_t start = 0, lines = 0;
	char path[FAULT_PATH_SIZE] = "";
	struct span a, b;

	*difference = (struct difference){.same = equal(recorded, replayed)};
	if (difference->same)
		return;
	difference->offset = common_length(recorded, replayed);
	for (size_t i = 0; i < difference->offset; i++)
		if (recorded.at[i] == '\n') {
			start = i + 1;
			lines++;
		}
	a = line_at(recorded, start);
	b = line_at(replayed, start);
	if (lines > 0)
		field_path_index(path, sizeof(path), "line", lines);
	if (canon_check(a.at, a.len, NULL) && canon_check(b.at, b.len, NULL))
		(void)difference_of_values(a, b, path, difference);
}
