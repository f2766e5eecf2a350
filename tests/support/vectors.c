/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/vectors.h"

#include "tests/support/child.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *find_root(void)
{
	const char *named = getenv("SAFE_RUN_VECTORS");
	char self[PATH_MAX], *root, *slash;
	ssize_t len;

	if (named != NULL)
		return strdup(named);
	if (access("tests/vectors", X_OK) == 0)
		return strdup("tests/vectors");
	/* <source>/build/tests/<this test> */
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	cr_assert_gt(len, 0);
	self[len] = '\0';
	for (int i = 0; i < 3; i++)
		if ((slash = strrchr(self, '/')) != NULL)
			*slash = '\0';
	cr_assert_geq(asprintf(&root, "%s/tests/vectors", self), 0);
	return root;
}

char *vectors_path(const char *path)
{
	char *root = find_root(), *whole;

	cr_assert_geq(asprintf(&whole, "%s/%s", root, path), 0);
	free(root);
	return whole;
}

static int is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void load_one(struct vector *vector, const char *directory, const char *file)
{
	char *path, *dot;

	cr_assert_geq(asprintf(&path, "%s/%s", directory, file), 0);
	vector->data = child_read_file(path, &vector->len);
	cr_assert_not_null(vector->data, "cannot read %s", path);
	vector->name = strdup(file);
	dot = strrchr(vector->name, '.');
	if (dot != NULL)
		*dot = '\0';
	free(path);
}

void vectors_load(const char *set, struct vector_set *out)
{
	char *directory = vectors_path(set);
	struct dirent **entries;
	int count = scandir(directory, &entries, is_file, alphasort);

	cr_assert_gt(count, 0, "no vectors in %s", directory);
	out->count = (size_t)count;
	out->items = calloc(out->count, sizeof(*out->items));
	for (int i = 0; i < count; i++) {
		load_one(&out->items[i], directory, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	free(directory);
}

void vectors_release(struct vector_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		free(set->items[i].name);
		free(set->items[i].data);
	}
	free(set->items);
}
