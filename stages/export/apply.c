/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/export/export.h"
#include "stages/export/file.h"
#include "stages/export/lines.h"
#include "stages/export/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE FAULT_RUN_INIT
#define PATH "export.apply"

/*
 * In a directory somebody may watch: a name of ours, hidden, and removed whatever happens. One that
 * is taken, by a copy that was killed or by a file of the output's, is not ours; the next one is.
 */
#define TEMPORARY	".safe-run-apply"
#define TEMPORARY_SIZE	(sizeof(TEMPORARY) + sizeof("~65535"))
#define TEMPORARY_TRIES UINT16_MAX

enum change { CHANGE_NONE, CHANGE_NEW, CHANGE_CONTENT, CHANGE_ERROR };

/* One tree over another; root is the output's own path. */
struct pass {
	struct export *export;
	struct lines lines;
	char root[ENTRY_PATH_SIZE];
	bool has_root;
	size_t output;
};

/* The first entry of an output is the output itself. */
static enum fault_code take_root(struct pass *pass, struct fault *fault)
{
	const struct entry *entry = &pass->lines.entry;

	if (pass->has_root && entry->output == pass->output)
		return FAULT_NONE;
	if (pass->has_root)
		return fault_set(fault, CODE, PATH,
				 "the policy has more than one output, and one directory cannot be "
				 "all of them: use --output and copy what you want");
	pass->has_root = true;
	pass->output = entry->output;
	(void)snprintf(pass->root, sizeof(pass->root), "%s", entry->path);
	return FAULT_NONE;
}

static enum change change_of(const struct pass *pass, const char *path, mode_t *mode)
{
	const struct entry *entry = &pass->lines.entry;
	int fd = place_open(pass->export->to_fd, path, O_RDONLY);
	enum change change = CHANGE_CONTENT;
	struct stat info;

	if (fd < 0)
		return errno == ENOENT ? CHANGE_NEW : CHANGE_ERROR;
	if (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode)) {
		(void)close(fd);
		errno = EEXIST;
		return CHANGE_ERROR;
	}
	*mode = info.st_mode & 0777;
	if (((info.st_mode & 0111) != 0) == entry->executable &&
	    file_is(fd, entry, pass->lines.hash))
		change = CHANGE_NONE;
	(void)close(fd);
	return change;
}

/* Read and write rights as they were; the right to execute as the new file has it. */
static mode_t mode_for(enum change change, mode_t before, bool executable)
{
	if (change == CHANGE_NEW)
		return executable ? 0777 : 0666;
	before &= 0666;
	return executable ? before | (before & 0444) >> 2 : before;
}

static int create_temporary(int parent_fd, mode_t mode, char temporary[TEMPORARY_SIZE])
{
	int fd = -1;

	for (unsigned i = 0; fd < 0 && i < TEMPORARY_TRIES; i++) {
		(void)snprintf(temporary, TEMPORARY_SIZE, i == 0 ? TEMPORARY : TEMPORARY "~%u", i);
		fd = openat(parent_fd, temporary,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (fd < 0 && errno != EEXIST)
			return -1;
	}
	return fd;
}

static int write_beside(struct pass *pass, int parent_fd, const char *name, enum change change,
			mode_t before)
{
	mode_t mode = mode_for(change, before, pass->lines.entry.executable);
	char temporary[TEMPORARY_SIZE];
	int fd = create_temporary(parent_fd, mode, temporary);
	int result =
		fd < 0 ? -1
		       : file_copy(pass->export->from_fd, &pass->lines.entry, pass->lines.hash, fd);
	int error_number;

	if (fd < 0)
		return -1;
	/* The umask is for new files alone. */
	if (result == 0 && change == CHANGE_CONTENT)
		result = fchmod(fd, mode);
	if (result == 0)
		result = fdatasync(fd);
	if (result == 0)
		result = renameat(parent_fd, temporary, parent_fd, name);
	error_number = errno;
	(void)close(fd);
	if (result < 0)
		(void)!unlinkat(parent_fd, temporary, 0);
	errno = error_number;
	return result;
}

static int write_file(struct pass *pass, const char *path)
{
	const char *name = "";
	mode_t before = 0;
	enum change change = change_of(pass, path, &before);
	int parent_fd, result, error_number;

	if (change == CHANGE_ERROR)
		return -1;
	if (change == CHANGE_NONE) {
		pass->export->unchanged++;
		return 0;
	}
	parent_fd = place_parent(pass->export->to_fd, path, &name);
	if (parent_fd < 0)
		return -1;
	result = write_beside(pass, parent_fd, name, change, before);
	error_number = errno;
	(void)close(parent_fd);
	errno = error_number;
	pass->export->files += result == 0;
	pass->export->bytes += result == 0 ? pass->lines.entry.size : 0;
	return result;
}

static int make_directory(struct pass *pass, const char *path)
{
	int fd = place_open(pass->export->to_fd, path, O_PATH | O_DIRECTORY);
	const char *name = "";
	int result;

	if (fd >= 0 || errno != ENOENT) {
		if (fd >= 0)
			(void)close(fd);
		return fd < 0 ? -1 : 0;
	}
	fd = place_parent(pass->export->to_fd, path, &name);
	if (fd < 0)
		return -1;
	result = mkdirat(fd, name, 0777);
	(void)close(fd);
	pass->export->directories += result == 0;
	return result;
}

/* Nothing is written: what would change that something runs by itself. */
static int look(struct pass *pass, const char *path)
{
	mode_t mode = 0;
	enum change change;

	if (!pass->lines.entry.stored)
		return 0;
	change = change_of(pass, path, &mode);
	if (change == CHANGE_NEW || change == CHANGE_CONTENT)
		(void)export_note(pass->export, path);
	return change == CHANGE_ERROR ? -1 : 0;
}

static int write_entry(struct pass *pass, const char *path)
{
	if (pass->lines.entry.stored)
		return write_file(pass, path);
	if (pass->lines.entry.directory)
		return path[0] == '\0' ? 0 : make_directory(pass, path);
	pass->export->skipped++;
	return 0;
}

static enum fault_code go_through(struct export *export,
				  int (*act)(struct pass *pass, const char *path),
				  struct fault *fault)
{
	struct pass pass = {.export = export};
	enum fault_code code = lines_begin(&pass.lines, export->manifest_fd, fault);
	int got = 0;

	while (code == FAULT_NONE && (got = lines_next(&pass.lines, fault)) > 0) {
		code = take_root(&pass, fault);
		if (code == FAULT_NONE && act(&pass, lines_below(&pass.lines.entry, pass.root)) < 0)
			code = fault_set_errno(fault, CODE, errno, PATH, "cannot apply %s",
					       pass.lines.entry.path);
	}
	if (got < 0)
		code = fault->code;
	lines_end(&pass.lines);
	return code;
}

enum fault_code export_apply(struct export *export, struct fault *fault)
{
	enum fault_code code = go_through(export, look, fault);

	if (code != FAULT_NONE)
		return code;
	if (export->sensitive_count > 0 && !export->allow_sensitive)
		return fault_set(fault, CODE, PATH,
				 "%llu files that something runs or obeys unasked would change, so "
				 "nothing was applied: look at them, and give --apply-sensitive",
				 (unsigned long long)export->sensitive_count);
	return go_through(export, write_entry, fault);
}
