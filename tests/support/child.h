/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_CHILD_H
#define SUPPORT_CHILD_H

#include <stddef.h>
#include <sys/types.h>

/* Running our executables from tests: whole input in, whole output out, never a hang. */
struct child_result {
	int status; /* as the shell sees it: exit status, or 128 + signal */
	int wait_status;
	char *out; /* NUL-terminated, owned by the result */
	size_t out_len;
	char *err;
	size_t err_len;
	long max_rss_kib;
};

struct child_options {
	const char *const *env; /* NULL: the test's own */
	const char *cwd;	/* NULL: the test's own */
	unsigned timeout_ms;	/* 0: CHILD_TIMEOUT_MS */
	size_t chunk_len;	/* 0: write the input at once; else in pieces of this many bytes */
	int keep_fds[8]; /* descriptors the child inherits under the same number; 0-terminated */
};

#define CHILD_TIMEOUT_MS 60000

/*
 * Run argv (argv[0] a path; a name without '/' is looked up in the build's bin directory), feed it
 * input, collect stdout and stderr. Ends the test when the child outlives its time.
 */
void child_run(const char *const argv[], const void *input, size_t input_len,
	       const struct child_options *options, struct child_result *result);
void child_release(struct child_result *result);

/* "<build>/bin/<name>": from SAFE_RUN_BIN, else beside the running test. Static buffer per call
 * of 4. */
const char *child_path(const char *name);

/* "<build>/tests/<name>": a program built for the tests, beside the running one. As child_path. */
const char *child_helper(const char *name);

/* A fresh directory under TMPDIR or /tmp, mode 0700; the caller frees the path and removes it. */
char *child_make_dir(const char *stem);
void child_remove_dir(const char *path);

/* A whole file, NUL-terminated; the caller frees it. NULL with errno when it cannot be read. */
char *child_read_file(const char *path, size_t *len);
void child_write_file(const char *path, const void *data, size_t len);

#endif
