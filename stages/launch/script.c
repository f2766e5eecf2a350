/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/script.h"

#include <string.h>

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

enum script_kind script_parse(const char *head, size_t len, char interpreter[PLAN_PATH_MAX],
			      char argument[SCRIPT_ARGUMENT_SIZE])
{
	const char *end = head + len;
	const char *newline, *name, *rest;

	interpreter[0] = argument[0] = '\0';
	if (len < 2 || head[0] != '#' || head[1] != '!')
		return SCRIPT_NO;
	newline = memchr(head, '\n', len);
	if (newline != NULL)
		end = newline;
	while (end > head && is_blank(end[-1]))
		end--;
	for (name = head + 2; name < end && is_blank(*name); name++)
		continue;
	for (rest = name; rest < end && !is_blank(*rest) && *rest != '\0'; rest++)
		continue;
	/* A path that runs to the end of the buffer may be cut: the kernel refuses it. */
	if (rest == name || (rest == end && newline == NULL && len == SCRIPT_HEAD_SIZE))
		return SCRIPT_BAD;
	memcpy(interpreter, name, (size_t)(rest - name));
	interpreter[rest - name] = '\0';
	while (rest < end && is_blank(*rest))
		rest++;
	memcpy(argument, rest, (size_t)(end - rest));
	argument[end - rest] = '\0';
	return SCRIPT_YES;
}

static bool below(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	return strncmp(path, directory, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

bool script_stays(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->mount_count; i++)
		if (below(path, plan->mounts[i].target))
			return false;
	for (size_t i = 0; i < plan->entry_count; i++)
		if (plan->entries[i].link_target == NULL && below(path, plan->entries[i].path))
			return true;
	/* Nobody writes to the store; a directory of the policy's may be somebody's workshop. */
	return (plan->root.kind == PLAN_ROOT_IMAGE || plan->root.kind == PLAN_ROOT_OCI) &&
	       !below(path, "/tmp") && !below(path, "/dev") && !below(path, plan->cwd);
}
