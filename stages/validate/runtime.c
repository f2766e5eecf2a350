/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/runtime.h"

#include "stages/validate/facts_replay.h"
#include "stages/validate/path.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *const runtime_isolation_names[RUNTIME_ISOLATION_COUNT] = {
	[RUNTIME_PROCESS] = "process",
	[RUNTIME_MICROVM] = "microvm",
};

const char *const runtime_seccomp_names[RUNTIME_SECCOMP_COUNT] = {
	[RUNTIME_STRICT] = "strict",
	[RUNTIME_STANDARD] = "standard",
	[RUNTIME_STANDARD_NET] = "standard-net",
};

const char *const runtime_stdin_names[RUNTIME_STDIN_COUNT] = {
	[RUNTIME_STDIN_INHERIT] = "inherit",
	[RUNTIME_STDIN_NONE] = "none",
};

/* A bare name is looked up in the sandbox's PATH, by the launcher, where it will run. */
static bool bare_name(const char *text)
{
	return text[0] != '\0' && strchr(text, '/') == NULL && strcmp(text, ".") != 0 &&
	       strcmp(text, "..") != 0 && strlen(text) <= PATH_NAME_MAX;
}

static void read_command(const struct site *site, const void *rule, void *value)
{
	const char *text = value_text(site);
	char clean[PATH_TEXT_MAX + 1];
	enum path_fault fault;

	(void)rule;
	if (text == NULL)
		return;
	if (bare_name(text)) {
		/* As a path it holds to the same rules for characters. */
		clean[0] = '/';
		memcpy(clean + 1, text, strlen(text) + 1);
		if (path_check(clean) == PATH_OK) {
			*(const char **)value = text;
			return;
		}
	}
	fault = path_clean(text, clean);
	if (fault == PATH_RELATIVE)
		site_refuse(site, site->code,
			    "the command '" SITE_TEXT
			    "' is neither an absolute path nor a bare name; "
			    "write where it is inside the sandbox, /usr/bin/...",
			    text);
	else if (fault != PATH_OK)
		site_refuse(site, site->code, "the command '" SITE_TEXT "' %s", text,
			    fault == PATH_EMPTY ? "is empty; write the program to run"
						: path_fault_words(fault));
	else if (path_denied_host(clean) != NULL)
		site_refuse(site, site->code,
			    "the command '" SITE_TEXT "' is in %s, where links lead out of the "
			    "sandbox and nothing is run; name the program itself",
			    text, path_denied_host(clean));
	else if (strcmp(clean, "/") == 0 || text[strlen(text) - 1] == '/')
		site_refuse(site, site->code,
			    "the command '" SITE_TEXT "' names a directory; name the program",
			    text);
	else
		*(const char **)value =
			document_copy(site->reading->document, clean, strlen(clean));
}

static void read_workdir(const struct site *site, const void *rule, void *value)
{
	const char *text = value_text(site);
	char clean[PATH_TEXT_MAX + 1];
	enum path_fault fault;

	(void)rule;
	if (text == NULL)
		return;
	fault = path_clean(text, clean);
	if (fault != PATH_OK)
		site_refuse(site, site->code, "the workdir '" SITE_TEXT "' %s", text,
			    path_fault_words(fault));
	else if (path_denied_inside(clean) != NULL)
		site_refuse(site, site->code,
			    "the workdir '" SITE_TEXT "' is %s or below it, part of the sandbox "
			    "itself; /work and /tmp are good places",
			    text, path_denied_inside(clean));
	else
		*(const char **)value =
			document_copy(site->reading->document, clean, strlen(clean));
}

static void refuse_rootfs(const struct site *site, const char *text, int error,
			  const struct resolve_facts *facts)
{
	if (error != 0)
		site_refuse(site, site->code, "the rootfs '" SITE_TEXT "': %s", text,
			    error == ELOOP ? "a loop of links, or a link of /proc"
					   : strerror(error));
	else if (strcmp(facts->path, "/") == 0)
		site_refuse(site, site->code,
			    "the rootfs '" SITE_TEXT "' is the whole host; leave rootfs out to use "
			    "the host's programs and nothing else of it",
			    text);
	else if (path_denied_host(facts->path) != NULL)
		site_refuse(site, site->code, "the rootfs '" SITE_TEXT "' is in %s; no root is",
			    text, path_denied_host(facts->path));
	else
		site_refuse(site, site->code,
			    "the rootfs '" SITE_TEXT "' is neither a directory nor a regular file",
			    text);
}

static void read_rootfs(const struct site *site, const void *rule, void *value)
{
	const char *text = value_text(site);
	struct resolve_facts *facts;
	char clean[PATH_TEXT_MAX + 1];
	enum path_fault fault;
	int error = 0;

	(void)rule;
	if (text == NULL)
		return;
	fault = path_check(text);
	if (fault != PATH_OK) {
		site_refuse(site, site->code, "the rootfs '" SITE_TEXT "' %s", text,
			    path_fault_words(fault));
		return;
	}
	facts = document_alloc(site->reading->document, sizeof(*facts));
	facts->path = clean;
	if (path_clean(text, clean) != PATH_OK || path_denied_host(clean) == NULL)
		error = facts_ask(site->reading->document, text, facts);
	if (error != 0 || strcmp(facts->path, "/") == 0 || path_denied_host(facts->path) != NULL ||
	    (facts->type != RESOLVE_DIRECTORY && facts->type != RESOLVE_FILE))
		refuse_rootfs(site, text, error, facts);
	else
		*(const struct resolve_facts **)value = facts;
}

bool runtime_env_name(const char *name)
{
	static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
					 "0123456789";
	const size_t len = strspn(name, characters);

	return len > 0 && len <= 255 && name[len] == '\0' && !isdigit((unsigned char)name[0]);
}

static void read_variable(const struct site *site, const struct node *node,
			  struct runtime_variable *variable)
{
	struct site member = site_member(site, node->key->text, node);

	if (!runtime_env_name(node->key->text)) {
		member = *site;
		member.node = node->key;
		site_refuse(&member, site->code,
			    "'%.64s' is no variable name: letters, digits and _, no digit first",
			    node->key->text);
		return;
	}
	variable->name = node->key->text;
	variable->value = value_text(&member);
}

static void check_text_total(const struct site *site, const char *what, size_t total, size_t max)
{
	if (total > max)
		site_refuse(site, site->code,
			    "%s take %zu bytes with a NUL behind each, at most %zu are accepted; "
			    "put the data in a file or on standard input",
			    what, total, max);
}

static void read_env(const struct site *site, const void *rule, void *value)
{
	struct runtime *runtime = value;
	size_t total = 0;
	size_t i = 0;

	(void)rule;
	if (site->node->kind != NODE_MAPPING) {
		site_refuse(site, site->code,
			    "a mapping (NAME: value) belongs here; {} is the empty one");
		return;
	}
	if (site->node->count > RUNTIME_ENV_MAX) {
		site_refuse(site, site->code, "%zu variables, at most %zu are accepted",
			    site->node->count, RUNTIME_ENV_MAX);
		return;
	}
	runtime->env_count = site->node->count;
	runtime->env =
		document_alloc(site->reading->document, runtime->env_count * sizeof(*runtime->env));
	for (const struct node *node = site->node->first; node != NULL; node = node->next, i++) {
		read_variable(site, node, &runtime->env[i]);
		total += node->key->len + 1 + node->len + 1;
	}
	check_text_total(site, "the variables", total, RUNTIME_TEXT_MAX);
}

size_t runtime_args_text(const struct runtime *runtime)
{
	size_t total = runtime->command != NULL ? strlen(runtime->command) + 1 : 0;

	for (size_t i = 0; i < runtime->args.count; i++)
		if (runtime->args.items[i] != NULL)
			total += strlen(runtime->args.items[i]) + 1;
	return total;
}

static void check_args(const struct site *site, void *base)
{
	const struct runtime *runtime = base;
	const struct node *list = node_member(site->node, "args");
	struct site args = site_member(site, "args", list);
	const struct node *node = list != NULL ? list->first : NULL;

	args.code = FAULT_POLICY_FORMAT;
	for (size_t i = 0; node != NULL && i < runtime->args.count; i++, node = node->next) {
		struct site arg = site_item(&args, i, node);
		size_t len = runtime->args.items[i] != NULL ? strlen(runtime->args.items[i]) : 0;

		if (len >= RUNTIME_STRING_MAX)
			site_refuse(&arg, FAULT_POLICY_FORMAT,
				    "%zu bytes; execve(2) takes %zu in one argument "
				    "(MAX_ARG_STRLEN less the NUL); put the data in a file or on "
				    "standard input",
				    len, RUNTIME_STRING_MAX - 1);
	}
	check_text_total(&args, "command and args", runtime_args_text(runtime),
			 RUNTIME_ARGS_TEXT_MAX);
}

static const size_t args_max = RUNTIME_ARGS_MAX;
static const struct value_range timeouts = {
	.min = 1, .max = 604800, .words = "1 second to 604800 (a week)"};
static const struct value_choice isolations = {runtime_isolation_names, RUNTIME_ISOLATION_COUNT};
static const struct value_choice seccomps = {runtime_seccomp_names, RUNTIME_SECCOMP_COUNT};
static const struct value_choice stdins = {runtime_stdin_names, RUNTIME_STDIN_COUNT};

static const struct schema_field fields[] = {
	{.name = "command",
	 .required = true,
	 .example = "command: /usr/bin/env",
	 .offset = offsetof(struct runtime, command),
	 .read = read_command},
	{.name = "args",
	 .required = true,
	 .example = "args: []",
	 .offset = offsetof(struct runtime, args),
	 .read = value_texts,
	 .rule = &args_max},
	{.name = "env", .example = "env: {}", .read = read_env},
	{.name = "workdir",
	 .example = "workdir: /work",
	 .offset = offsetof(struct runtime, workdir),
	 .read = read_workdir},
	{.name = "timeoutSec",
	 .example = "timeoutSec: 300",
	 .offset = offsetof(struct runtime, timeout_sec),
	 .read = value_number,
	 .rule = &timeouts},
	{.name = "isolation",
	 .example = "isolation: process",
	 .offset = offsetof(struct runtime, isolation),
	 .read = value_choice,
	 .rule = &isolations},
	{.name = "rootfs",
	 .nullable = true,
	 .example = "rootfs: /srv/root",
	 .offset = offsetof(struct runtime, rootfs),
	 .read = read_rootfs},
	{.name = "seccomp",
	 .example = "seccomp: standard",
	 .offset = offsetof(struct runtime, seccomp),
	 .read = value_choice,
	 .rule = &seccomps},
	{.name = "stdin",
	 .example = "stdin: none",
	 .offset = offsetof(struct runtime, stdin_mode),
	 .read = value_choice,
	 .rule = &stdins},
};

const struct schema runtime_schema = {
	.fields = fields,
	.count = COUNT(fields),
	.finish = check_args,
};
