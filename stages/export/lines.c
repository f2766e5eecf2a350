/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/export/lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CODE	 FAULT_RUN_INIT
#define LINE_MAX ((size_t)64 << 10)

enum fault_code lines_begin(struct lines *lines, int fd, struct fault *fault)
{
	lines->entry = (struct entry){.fd = -1};
	record_reader_init(&lines->reader, fd, LINE_MAX);
	if (lseek(fd, 0, SEEK_SET) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, "export.manifest", "cannot read the manifest");
}

int lines_next(struct lines *lines, struct fault *fault)
{
	const char *line;
	size_t len;

	entry_release(&lines->entry);
	switch (record_read(&lines->reader, &line, &len, CODE, fault)) {
	case RECORD_LINE:
		return entry_parse(line, len, &lines->entry, lines->hash, fault) == FAULT_NONE ? 1
											       : -1;
	case RECORD_END:
		return 0;
	case RECORD_AGAIN:
	case RECORD_FAULT:
		break;
	}
	return -1;
}

void lines_end(struct lines *lines)
{
	entry_release(&lines->entry);
	record_reader_release(&lines->reader);
}

const char *lines_below(const struct entry *entry, const char *root)
{
	size_t len = strlen(root);
	const char *slash;

	if (strcmp(root, ".") == 0)
		return strcmp(entry->path, ".") == 0 ? "" : entry->path;
	if (strncmp(entry->path, root, len) == 0 && entry->path[len] == '/')
		return entry->path + len + 1;
	if (entry->directory)
		return "";
	slash = strrchr(entry->path, '/');
	return slash != NULL ? slash + 1 : entry->path;
}
