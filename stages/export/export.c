/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/export/export.h"

#include "ipc/object.h"
#include "stages/export/file.h"
#include "stages/export/lines.h"
#include "stages/export/place.h"
#include "stages/export/sensitive.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE FAULT_RUN_INIT
#define PATH "export.output"

bool export_note(struct export *export, const char *path)
{
	const char *reason = sensitive_reason(path);
	struct json_object *object;

	if (reason == NULL)
		return false;
	export->sensitive_count++;
	if (json_object_array_length(export->sensitive) == EXPORT_SENSITIVE_MAX)
		return true;
	object = object_new();
	object_add_escaped(object, "path", path, strlen(path));
	object_add_string(object, "reason", reason);
	array_append(export->sensitive, object);
	return true;
}

/* A file that could not be finished goes again: it has a name it does not deserve. */
static int copy_new(struct export *export, const struct lines *lines, int parent_fd,
		    const char *name)
{
	int fd = openat(parent_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			lines->entry.executable ? 0777 : 0666);
	int result = fd < 0 ? -1 : file_copy(export->from_fd, &lines->entry, lines->hash, fd);
	int error_number = errno;

	if (fd >= 0 && close(fd) < 0 && result == 0) {
		result = -1;
		error_number = errno;
	}
	if (fd >= 0 && result < 0)
		(void)!unlinkat(parent_fd, name, 0);
	errno = error_number;
	return result;
}

static int copy_entry(struct export *export, const struct lines *lines)
{
	const struct entry *entry = &lines->entry;
	const char *name = "";
	int parent_fd, result, error_number;

	if (!entry->directory && !entry->stored) {
		export->skipped++;
		return 0;
	}
	if (strcmp(entry->path, ".") == 0)
		return 0;
	parent_fd = place_parent(export->to_fd, entry->path, &name);
	if (parent_fd < 0)
		return -1;
	result = entry->directory ? mkdirat(parent_fd, name, 0777)
				  : copy_new(export, lines, parent_fd, name);
	error_number = errno;
	(void)close(parent_fd);
	errno = error_number;
	if (result < 0)
		return -1;
	export->directories += entry->directory;
	export->files += entry->stored;
	export->bytes += entry->stored ? entry->size : 0;
	if (entry->stored)
		(void)export_note(export, entry->path);
	return 0;
}

enum fault_code export_copy(struct export *export, struct fault *fault)
{
	struct lines lines;
	enum fault_code code = lines_begin(&lines, export->manifest_fd, fault);
	int got = 0;

	while (code == FAULT_NONE && (got = lines_next(&lines, fault)) > 0)
		if (copy_entry(export, &lines) < 0)
			code = fault_set_errno(fault, CODE, errno, PATH, "cannot write %s",
					       lines.entry.path);
	if (got < 0)
		code = fault->code;
	lines_end(&lines);
	return code;
}
