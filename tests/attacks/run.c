/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/attacks/run.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_TEXT 4096

static const char policy_text[] =
	"{\"apiVersion\":\"policy.safe-run.dev/v1alpha1\",\"audit\":{\"level\":\"basic\"},"
	"\"metadata\":{\"name\":\"attack\"},\"mounts\":[],\"network\":{\"mode\":\"none\"},"
	"\"resources\":{\"cpu\":{\"max\":\"100000 100000\"},\"disk\":{\"max\":\"16Mi\"},"
	"\"memory\":{\"max\":\"128Mi\"},\"output\":{\"max\":\"1Mi\"},\"pids\":{\"max\":64}},"
	"\"runtime\":{\"args\":[],\"command\":\"/bin/true\",\"stdin\":\"none\",\"timeoutSec\":60}}";

static struct json_object *member(struct json_object *value, const char *name, size_t len)
{
	char key[128];
	struct json_object *found = NULL;

	cr_assert_lt(len, sizeof key);
	memcpy(key, name, len);
	key[len] = '\0';
	if (json_object_is_type(value, json_type_array))
		return json_object_array_get_idx(value, strtoul(key, NULL, 10));
	json_object_object_get_ex(value, key, &found);
	return found;
}

/* "a.b.0.c" from value down. */
static struct json_object *value_at(struct json_object *value, const char *name)
{
	while (value && *name) {
		size_t len = strcspn(name, ".");

		value = member(value, name, len);
		name += len + (name[len] == '.');
	}
	return value;
}

static char *inside_source(void)
{
	char *source = realpath(child_path("../tests/attack"), NULL);

	cr_assert_not_null(source, "the attack programs are not built");
	return source;
}

void attack_open(struct attack *attack, const char *const argv[])
{
	char mounts[PATH_TEXT + 128], path[PATH_TEXT], list[256];

	*attack = (struct attack){.dir = child_make_dir("attack"), .source = inside_source()};
	attack->policy = json_tokener_parse(policy_text);
	cr_assert_not_null(attack->policy);
	snprintf(mounts, sizeof mounts,
		 "[{\"noexec\":false,\"read_only\":true,\"source\":\"%s\",\"target\":"
		 "\"" ATTACK_INSIDE "\"}]",
		 attack->source);
	attack_set(attack, "mounts", mounts);
	attack_command(attack, argv);
	snprintf(path, sizeof path, "%s/allow.json", attack->dir);
	snprintf(list, sizeof list,
		 "{\"guestAllowPrefixes\":[\"/\"],\"hostAllowPrefixes\":[\"/\"],"
		 "\"schemaVersion\":\"safe-run.mount-allowlist/v1\"}");
	child_write_file(path, list, strlen(list));
}

static void forget_run(struct attack *attack)
{
	child_release(&attack->result);
	json_object_put(attack->report);
	free(attack->report_path);
	attack->report = NULL;
	attack->report_path = NULL;
}

void attack_close(struct attack *attack)
{
	forget_run(attack);
	json_object_put(attack->policy);
	child_remove_dir(attack->dir);
	free(attack->dir);
	free(attack->source);
}

void attack_set(struct attack *attack, const char *name, const char *json)
{
	const char *last = strrchr(name, '.');
	char parent[128] = "";
	struct json_object *value = json_tokener_parse(json);
	struct json_object *holder;

	cr_assert(value || !strcmp(json, "null"), "not JSON: %s", json);
	if (last)
		snprintf(parent, sizeof parent, "%.*s", (int)(last - name), name);
	holder = value_at(attack->policy, parent);
	cr_assert_not_null(holder, "no %s in the policy", parent);
	json_object_object_add(holder, last ? last + 1 : name, value);
}

void attack_unset(struct attack *attack, const char *name)
{
	json_object_object_del(attack->policy, name);
}

void attack_command(struct attack *attack, const char *const argv[])
{
	struct json_object *args = json_object_new_array();
	struct json_object *runtime = value_at(attack->policy, "runtime");

	for (size_t i = 1; argv[i]; i++)
		json_object_array_add(args, json_object_new_string(argv[i]));
	json_object_object_add(runtime, "args", args);
	json_object_object_add(runtime, "command", json_object_new_string(argv[0]));
}

/* The one run directory below dir/runs whose name is not in it yet under a known report. */
static void find_report(struct attack *attack)
{
	char runs[PATH_TEXT];
	char newest[NAME_MAX + 1] = "";
	struct dirent *entry;
	DIR *dir;

	snprintf(runs, sizeof runs, "%s/runs", attack->dir);
	dir = opendir(runs);
	while (dir && (entry = readdir(dir))) {
		if (!strncmp(entry->d_name, "sr-", 3)) {
			cr_assert(newest[0] == '\0', "two run directories in %s", runs);
			snprintf(newest, sizeof newest, "%s", entry->d_name);
		}
	}
	if (dir)
		closedir(dir);
	if (newest[0])
		cr_assert_gt(asprintf(&attack->report_path, "%s/%s/artifacts/run_report.json", runs,
				      newest),
			     0);
}

static void verify_report(const struct attack *attack)
{
	const char *argv[] = {"sr-verify", attack->report_path, NULL};
	struct child_result result;

	child_run(argv, NULL, 0, NULL, &result);
	cr_assert_eq(result.status, 0, "the report does not verify: %s%s", result.out, result.err);
	child_release(&result);
}

static void load_report(struct attack *attack)
{
	char *text;

	find_report(attack);
	cr_assert_not_null(attack->report_path, "no run directory; status %d, stderr: %s",
			   attack->result.status, attack->result.err);
	text = child_read_file(attack->report_path, NULL);
	cr_assert_not_null(text, "no report; status %d, stderr: %s", attack->result.status,
			   attack->result.err);
	attack->report = json_tokener_parse(text);
	cr_assert_not_null(attack->report);
	free(text);
	verify_report(attack);
}

static void write_policy(const struct attack *attack, const char *path)
{
	const char *text = json_object_to_json_string_ext(
		attack->policy, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	child_write_file(path, text, strlen(text));
}

static void add_argument(char *argv[ATTACK_ARGV_MAX], size_t *count, const char *prefix,
			 const char *text)
{
	cr_assert_lt(*count, ATTACK_ARGV_MAX - 1);
	cr_assert_gt(asprintf(&argv[(*count)++], "%s%s", prefix, text), 0);
	argv[*count] = NULL;
}

void attack_prepare(struct attack *attack, char *argv[ATTACK_ARGV_MAX])
{
	char policy[PATH_TEXT], allow[PATH_TEXT], runs[PATH_TEXT];
	size_t count = 0;

	forget_run(attack);
	snprintf(policy, sizeof policy, "%s/policy.json", attack->dir);
	snprintf(runs, sizeof runs, "%s/runs", attack->dir);
	snprintf(allow, sizeof allow, "%s/allow.json", attack->dir);
	/* One run directory at a time, so that the report found is this run's. */
	if (access(runs, F_OK) == 0)
		child_remove_dir(runs);
	cr_assert_eq(mkdir(runs, 0700), 0);
	write_policy(attack, policy);
	for (size_t i = 0; i < ATTACK_WRAPPER_MAX && attack->wrapper[i]; i++)
		add_argument(argv, &count, "",
			     i ? attack->wrapper[i] : attack_program(attack->wrapper[i]));
	add_argument(argv, &count, "", child_path("safe-run"));
	add_argument(argv, &count, "run", "");
	add_argument(argv, &count, "--policy=", policy);
	add_argument(argv, &count, "--mount-allowlist=", allow);
	add_argument(argv, &count, "--workdir=", runs);
	if (attack->option)
		add_argument(argv, &count, "", attack->option);
}

void attack_load(struct attack *attack)
{
	load_report(attack);
}

void attack_run(struct attack *attack)
{
	char *argv[ATTACK_ARGV_MAX];

	attack_prepare(attack, argv);
	child_run((const char *const *)argv, NULL, 0, &attack->child, &attack->result);
	for (size_t i = 0; argv[i]; i++)
		free(argv[i]);
	load_report(attack);
}

const char *attack_text(const struct attack *attack, const char *name)
{
	struct json_object *value = value_at(attack->report, name);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

long long attack_number(const struct attack *attack, const char *name)
{
	struct json_object *value = value_at(attack->report, name);

	return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;
}

const char *attack_event(const struct attack *attack, const char *type, const char *name)
{
	struct json_object *events = value_at(attack->report, "events");

	for (size_t i = json_object_array_length(events); i-- > 0;) {
		struct json_object *event = json_object_array_get_idx(events, i);
		struct json_object *value = value_at(event, "type");

		if (!value || strcmp(json_object_get_string(value), type) != 0)
			continue;
		value = value_at(event, name);
		return value ? json_object_get_string(value) : "";
	}
	return "";
}

long long attack_effective(const struct attack *attack, const char *clause)
{
	struct json_object *all = value_at(attack->report, "enforcement");

	for (size_t i = 0; all && i < json_object_array_length(all); i++) {
		struct json_object *item = json_object_array_get_idx(all, i);
		struct json_object *name = value_at(item, "clause");
		struct json_object *effective = value_at(item, "effective");

		if (name && !strcmp(json_object_get_string(name), clause) &&
		    json_object_is_type(effective, json_type_int))
			return json_object_get_int64(effective);
	}
	return -1;
}

size_t attack_events(const struct attack *attack)
{
	return json_object_array_length(value_at(attack->report, "events"));
}

const char *attack_errors(const struct attack *attack)
{
	static char codes[1024];
	struct json_object *errors = value_at(attack->report, "errors");
	size_t used = 0;

	codes[0] = '\0';
	for (size_t i = 0; errors && i < json_object_array_length(errors); i++) {
		struct json_object *code = value_at(json_object_array_get_idx(errors, i), "code");

		if (used < sizeof codes)
			used += (size_t)snprintf(codes + used, sizeof codes - used, "%s%s",
						 used ? " " : "", json_object_get_string(code));
	}
	return codes;
}

void attack_expect_finished(const struct attack *attack)
{
	cr_expect_str_eq(attack_text(attack, "outcome.cause"), "exit", "%s; stderr: %s",
			 attack_text(attack, "outcome.summary"), attack->result.err);
	cr_expect_str_neq(attack_event(attack, "compile", "seq"), "");
	cr_expect_str_neq(attack_event(attack, "vm.started", "seq"), "");
	cr_expect_str_neq(attack_event(attack, "vm.exited", "seq"), "");
}

void attack_expect_refused(const struct attack *attack, const char *code)
{
	cr_expect_eq(attack->result.status, 125, "status %d; stderr: %s", attack->result.status,
		     attack->result.err);
	cr_expect_not_null(strstr(attack_errors(attack), code), "errors: %s; stderr: %s",
			   attack_errors(attack), attack->result.err);
	cr_expect_str_neq(attack_event(attack, "run.failed", "seq"), "");
	cr_expect_str_eq(attack_event(attack, "vm.started", "seq"), "");
}
