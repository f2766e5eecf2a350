/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SUPPORT_SHELF_H
#define SUPPORT_SHELF_H

#include "ipc/buf.h"
#include "tests/support/child.h"

#include <stddef.h>

/*
 * An archive of a test's own in a fresh directory, with the keys that go with it. Every function
 * ends the test when something cannot be done.
 */
struct shelf {
	char *directory; /* holds the archive "a" and the key files */
	char archive[600], key[600], public_key[600], other_key[600], other_public[600];
	char seal_key[600];
};

void shelf_open(struct shelf *shelf);
void shelf_close(struct shelf *shelf);

/* Path of a file in the archive; static buffer per call of 4. */
const char *shelf_path(const struct shelf *shelf, const char *name);

/* The report of run number n of count events, as sr-seal would write it. */
void shelf_report(unsigned int number, size_t count, struct buf *report);

/*
 * program (sr-archive, or one built for the tests) adds a report that sr-verify has looked at, with
 * env as its environment (NULL: the test's own). retention may be NULL.
 */
void shelf_add(const struct shelf *shelf, const char *program, const char *const *env,
	       const struct buf *report, const char *retention, struct child_result *result);
/* Adds the reports of the runs first to first + count - 1; all must be taken. */
void shelf_fill(const struct shelf *shelf, unsigned int first, unsigned int count);

/* sr-archive --archive, then words up to NULL. */
void shelf_run(const struct shelf *shelf, const char *const words[], struct child_result *result);

/* Its verify with the archive's key; since may be NULL. The caller releases the result. */
void shelf_verify(const struct shelf *shelf, const char *since, struct child_result *result);

#endif
