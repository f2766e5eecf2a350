/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SANDBOX_FILTERFILE_H
#define SANDBOX_FILTERFILE_H

#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>

/* Reading .filter files: the grammar is at the top of filtergen.c. Build time only. */
enum filter_action {
	FILTER_ALLOW,
	FILTER_KILL,
	FILTER_ENOSYS,
	FILTER_EPERM,
	FILTER_EACCES,
	FILTER_EAFNOSUPPORT,
	FILTER_IGNORE,
};

#define FILTER_ARGUMENTS 6
#define FILTER_RULES_MAX 2048
#define FILTER_PATHS_MAX 32
#define FILTER_PATH_SIZE 512

struct filter_rule {
	enum filter_action action;
	int number;
	unsigned condition_count;
	struct scmp_arg_cmp conditions[FILTER_ARGUMENTS];
	const char *path; /* where it was written; points into the file's paths */
	unsigned line;
};

struct filter_file {
	enum filter_action fallback;
	struct filter_rule rules[FILTER_RULES_MAX];
	size_t rule_count;
	char paths[FILTER_PATHS_MAX][FILTER_PATH_SIZE]; /* FILE and what it includes */
	size_t path_count;
	bool adding; /* filter_file_add is at work */
	char error[FILTER_PATH_SIZE + 256];
};

/* false: file->error says where and why. */
bool filter_file_read(struct filter_file *file, const char *path)
	__attribute__((warn_unused_result));

/*
 * The lines of path that allow, behind those of a file already read, but for calls which that one
 * answers in another way.
 */
bool filter_file_add(struct filter_file *file, const char *path)
	__attribute__((warn_unused_result));

#endif
