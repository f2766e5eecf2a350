/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/machine/machine.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static struct json_object *member(struct json_object *value, const char *path)
{
	char part[64];

	while (value != NULL && *path != '\0') {
		size_t len = strcspn(path, ".");
		struct json_object *next = NULL;

		snprintf(part, sizeof part, "%.*s", (int)len, path);
		if (!json_object_is_type(value, json_type_object) ||
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
