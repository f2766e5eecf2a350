/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/machine/machine.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define OPTIONS_MAX 24

void machine_run(struct run *run, const char *guest, const char *const options[],
		 const char *const command[], const void *input, size_t input_len)
{
	const char *all[OPTIONS_MAX] = {"--isolation", "microvm", "--timeout",	"50",
					"--memory",    "128Mi",	  "--artifacts"};
	char path[4096];
	size_t count = 7;

	snprintf(path, sizeof path, "%s", child_helper("artifacts"));
	snprintf(path + strlen(path), sizeof path - strlen(path), "/%s", guest);
	all[count++] = realpath(path, NULL);
	cr_assert_not_null(all[count - 1], "%s is missing", path);
	for (size_t i = 0; options != NULL && options[i] != NULL; i++)
		all[count++] = options[i];
	all[count] = NULL;
	run_start(run, all, command, input, input_len);
}

char *machine_copy_artifacts(bool twice)
{
	static const char *const names[] = {"bzImage", "initramfs.img", "rootfs.erofs",
					    "manifest.json"};
	char *dir = child_make_dir("machine-copy");
	char from[4096], to[4096];

	cr_assert_eq(chmod(dir, 0755), 0);
	for (size_t i = 0; i < 2 * sizeof names / sizeof *names; i++) {
		size_t len;
		char *bytes;

		if (i % 2 != 0 && !twice)
			continue;
		snprintf(from, sizeof from, "%s/good/%s", child_helper("artifacts"), names[i / 2]);
		snprintf(to, sizeof to, "%s/%s%s", dir, i % 2 ? "copy-of-" : "", names[i / 2]);
		bytes = child_read_file(from, &len);
		cr_assert_not_null(bytes);
		child_write_file(to, bytes, len);
		cr_assert_eq(chmod(to, 0644), 0);
		free(bytes);
	}
	return dir;
}

void machine_order(const char *dir, const char *orders)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/standin", dir);
	child_write_file(path, orders, strlen(orders));
}

void machine_run_standin(struct run *run, const char *dir, const char *const options[],
			 const char *const command[])
{
	const char *all[OPTIONS_MAX] = {"--isolation", "microvm", "--timeout",	 "50",
					"--memory",    "128Mi",	  "--artifacts", dir};
	char program[4096];
	const char **argv;
	size_t count = 8;

	for (size_t i = 0; options != NULL && options[i] != NULL; i++)
		all[count++] = options[i];
	all[count] = NULL;
	*run = (struct run){.base = child_make_dir("machine-standin")};
	argv = run_argv(run->base, all, command);
	snprintf(program, sizeof program, "%s/safe-run", child_helper("standin"));
	argv[0] = program;
	child_run(argv, "", 0, NULL, &run->child);
	run_collect(run);
}

static struct json_object *member(struct json_object *value, const char *path)
{
	char part[64];

	while (value != NULL && *path != '\0') {
		size_t len = strcspn(path, ".");
		struct json_object *next = NULL;

		snprintf(part, sizeof part, "%.*s", (int)len, path);
		if (json_object_is_type(value, json_type_array))
			next = json_object_array_get_idx(value, strtoul(part, NULL, 10));
		else if (!json_object_is_type(value, json_type_object) ||
			 !json_object_object_get_ex(value, part, &next))
			return NULL;
		value = next;
		path += len + (path[len] == '.');
	}
	return value;
}

static struct json_object *find(const struct run *run, const char *type, const char *path)
{
	struct json_object *events = run_member(run, "events");

	for (size_t i = 0; events != NULL && i < json_object_array_length(events); i++) {
		struct json_object *event = json_object_array_get_idx(events, i);
		struct json_object *name = member(event, "type");

		if (name != NULL && strcmp(json_object_get_string(name), type) == 0)
			return member(member(event, "payload"), path);
	}
	return NULL;
}

const char *machine_text(const struct run *run, const char *type, const char *path)
{
	struct json_object *value = find(run, type, path);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

int64_t machine_number(const struct run *run, const char *type, const char *path)
{
	struct json_object *value = find(run, type, path);

	return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;
}
