/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/stage/launch_bundle.h"

#include "ipc/canon.h"
#include "ipc/event.h"
#include "ipc/object.h"
#include "ipc/record.h"
#include "stages/seal/digest.h"

#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct json_object *parse(const char *text)
{
	struct json_object *value = json_tokener_parse(text);

	cr_assert(value != NULL || strcmp(text, "null") == 0, "not JSON: %s", text);
	return value;
}

/* The next step of path: a member's name in name, or an index (name empty). */
static const char *next_step(const char *path, char *name, size_t size, size_t *index)
{
	size_t len;

	if (*path == '[') {
		char *end;

		name[0] = '\0';
		*index = strtoul(path + 1, &end, 10);
		cr_assert_eq(*end, ']');
		path = end + 1;
	} else {
		len = strcspn(path, ".[");
		cr_assert(len > 0 && len < size, "%s", path);
		memcpy(name, path, len);
		name[len] = '\0';
		path += len;
	}
	return *path == '.' ? path + 1 : path;
}

static struct json_object *step_into(struct json_object *object, const char *name, size_t index)
{
	return name[0] == '\0' ? json_object_array_get_idx(object, index)
			       : json_object_object_get(object, name);
}

struct json_object *launch_get(struct json_object *object, const char *path)
{
	char name[64];
	size_t index = 0;

	while (*path != '\0' && object != NULL) {
		path = next_step(path, name, sizeof name, &index);
		object = step_into(object, name, index);
	}
	return object;
}

void launch_set(struct json_object *object, const char *path, const char *value)
{
	char name[64];
	size_t index = 0;

	path = next_step(path, name, sizeof name, &index);
	while (*path != '\0') {
		object = step_into(object, name, index);
		cr_assert_not_null(object, "no %s", name);
		path = next_step(path, name, sizeof name, &index);
	}
	if (value == NULL)
		json_object_object_del(object, name);
	else if (name[0] == '\0')
		json_object_array_put_idx(object, index, parse(value));
	else
		json_object_object_add(object, name, parse(value));
}

struct json_object *launch_policy(const char *const argv[])
{
	struct json_object *policy = parse(
		"{\"apiVersion\":\"policy.safe-run.dev/v1alpha1\",\"audit\":{\"level\":\"basic\"},"
		"\"metadata\":{\"name\":\"launch\"},\"mounts\":[],"
		"\"network\":{\"egress\":[],\"mode\":\"none\"},"
		"\"outputs\":[],\"resources\":{\"cpu\":{\"max\":\"max "
		"100000\"},\"disk\":{\"max\":1048576},"
		"\"memory\":{\"max\":\"max\"},\"output\":{\"max\":1048576},"
		"\"pids\":{\"max\":\"max\"}},"
		"\"runtime\":{\"args\":[],\"command\":\"\",\"env\":{},\"isolation\":\"process\","
		"\"rootfs\":null,\"seccomp\":\"standard\",\"stdin\":\"inherit\","
		"\"timeoutSec\":20,\"workdir\":\"/work\"}}");
	struct json_object *args = launch_get(policy, "runtime.args");

	json_object_object_add(launch_get(policy, "runtime"), "command",
			       json_object_new_string(argv[0]));
	for (size_t i = 1; argv[i] != NULL; i++)
		array_append_string(args, argv[i]);
	return policy;
}

static void add_entry(struct json_object *entries, const char *path)
{
	struct json_object *entry;
	struct stat info;
	char target[4096];
	ssize_t len;

	if (lstat(path, &info) < 0)
		return;
	entry = object_new();
	object_add_string(entry, "path", path);
	if (S_ISLNK(info.st_mode)) {
		len = readlink(path, target, sizeof target - 1);
		cr_assert_gt(len, 0);
		target[len] = '\0';
		object_add_string(entry, "target", target);
	}
	object_add_string(entry, "type", S_ISLNK(info.st_mode) ? "symlink" : "bind");
	array_append(entries, entry);
}

static struct json_object *make_root(void)
{
	static const char *const paths[] = {"/usr",   "/bin",	"/sbin",	   "/lib",
					    "/lib32", "/lib64", "/etc/ld.so.cache"};
	struct json_object *root = object_new();
	struct json_object *entries = array_new();

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		add_entry(entries, paths[i]);
	object_add(root, "entries", entries);
	object_add_string(root, "kind", "host");
	object_add_null(root, "path");
	return root;
}

static struct json_object *make_facts(struct json_object *mounts)
{
	struct json_object *facts = array_new();

	for (size_t i = 0; i < json_object_array_length(mounts); i++) {
		struct json_object *source =
			json_object_object_get(json_object_array_get_idx(mounts, i), "source");
		const char *path = json_object_get_string(source);
		struct json_object *fact = object_new();
		struct stat info;

		cr_assert_eq(stat(path, &info), 0, "%s", path);
		object_add_decimal(fact, "device", info.st_dev);
		object_add_decimal(fact, "inode", info.st_ino);
		object_add_string(fact, "path", path);
		object_add_string(fact, "type", S_ISDIR(info.st_mode) ? "directory" : "file");
		array_append(facts, fact);
	}
	return facts;
}

static struct json_object *make_env(struct json_object *policy)
{
	struct json_object *env = array_new();
	char home[4200];

	(void)snprintf(home, sizeof home, "HOME=%s",
		       json_object_get_string(launch_get(policy, "runtime.workdir")));
	array_append_string(env, home);
	array_append_string(env, "LANG=C.UTF-8");
	array_append_string(env, "PATH=/usr/bin:/bin");
	return env;
}

static struct json_object *make_process(struct json_object *policy)
{
	static const struct {
		const char *name, *from;
	} copies[] = {{"cwd", "runtime.workdir"},	 {"seccomp", "runtime.seccomp"},
		      {"stdin", "runtime.stdin"},	 {"timeoutSec", "runtime.timeoutSec"},
		      {"diskMax", "resources.disk.max"}, {"outputMax", "resources.output.max"}};
	struct json_object *process = object_new();
	struct json_object *argv = array_new();
	struct json_object *args = launch_get(policy, "runtime.args");

	array_append(argv, json_object_get(launch_get(policy, "runtime.command")));
	for (size_t i = 0; i < json_object_array_length(args); i++)
		array_append(argv, json_object_get(json_object_array_get_idx(args, i)));
	object_add(process, "argv", argv);
	for (size_t i = 0; i < sizeof copies / sizeof *copies; i++)
		object_add_shared(process, copies[i].name, launch_get(policy, copies[i].from));
	object_add(process, "env", make_env(policy));
	object_add_string(process, "hostname", "safe-run");
	object_add(process, "limits",
		   parse("{\"core\":1,\"memlock\":65536,\"msgqueue\":0,\"nofile\":4096}"));
	object_add(process, "mountAllowlist",
		   parse("{\"guestAllowPrefixes\":[\"/\"],\"hostAllowPrefixes\":[\"/\"],"
			 "\"origin\":\"file\"}"));
	object_add(process, "mountFacts", make_facts(launch_get(policy, "mounts")));
	object_add_shared(process, "outputs", launch_get(policy, "outputs"));
	object_add(process, "root", make_root());
	return process;
}

static struct json_object *make_cgroup(struct json_object *policy)
{
	struct json_object *plan = parse("{\"cpu\":{},\"memory\":{\"swapMax\":0},\"pids\":{}}");

	object_add_shared(launch_get(plan, "cpu"), "max", launch_get(policy, "resources.cpu.max"));
	object_add_shared(launch_get(plan, "memory"), "max",
			  launch_get(policy, "resources.memory.max"));
	object_add_shared(launch_get(plan, "pids"), "max",
			  launch_get(policy, "resources.pids.max"));
	return plan;
}

void launch_rehash(struct json_object *bundle)
{
	struct json_object *policy = launch_get(bundle, "policy");
	struct json_object *command OBJECT_CLEANUP = object_new();
	char text[DIGEST_TEXT_SIZE];

	object_add_shared(command, "args", launch_get(policy, "runtime.args"));
	object_add_shared(command, "command", launch_get(policy, "runtime.command"));
	cr_assert(digest_json(policy, text));
	object_add_string(bundle, "policyHash", text);
	cr_assert(digest_json(command, text));
	object_add_string(bundle, "commandHash", text);
}

struct json_object *launch_bundle(struct json_object *policy)
{
	struct json_object *bundle = object_new();
	struct json_object *evidence = object_new();
	struct json_object *events = array_new();

	for (size_t i = 0; i < EVENT_PLANNED_COUNT; i++)
		array_append_string(events, event_type_name((enum event_type)i));
	object_add(evidence, "events", events);
	object_add_shared(evidence, "level", launch_get(policy, "audit.level"));
	object_add(bundle, "cgroupPlan", make_cgroup(policy));
	object_add(bundle, "errors", array_new());
	object_add(bundle, "evidencePlan", evidence);
	object_add(bundle, "firecrackerConfig", object_new());
	object_add(bundle, "jailerPlan", object_new());
	object_add_shared(bundle, "mountPlan", launch_get(policy, "mounts"));
	object_add_null(bundle, "networkPlan");
	object_add_shared(bundle, "policy", policy);
	object_add(bundle, "processPlan", make_process(policy));
	object_add_string(bundle, "schemaVersion", "safe-run.bundle/v1");
	launch_rehash(bundle);
	return bundle;
}

char *launch_line(struct json_object *value, size_t *len)
{
	struct buf text;
	struct fault fault;

	buf_init(&text, RECORD_BUNDLE_MAX + 4096);
	cr_assert_eq(canon_write(value, &text, FAULT_RUN_LAUNCH, &fault), FAULT_NONE, "%s: %s",
		     fault.path, fault.message);
	buf_append(&text, "\n", 2);
	*len = text.len - 1;
	return text.data;
}
