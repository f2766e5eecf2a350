/* SPDX-License-Identifier: Apache-2.0 */
#ifndef UNIT_VALIDATE_RUN_H
#define UNIT_VALIDATE_RUN_H

#include <stdbool.h>
#include <stddef.h>

/* sr-validate without its descriptors: a policy in, what a ValidationResult says out. */
struct run {
	bool valid;
	char *errors;	/* a line per error: "CODE path: message" */
	char *warnings; /* the same */
	char *policy;	/* canonical normalizedPolicy, or "null" */
	char *facts;	/* canonical hostFacts */
	char *overrides;
};

/* settings ends with NULL, and may be NULL; allowlist is a file's text, or NULL. */
void run_validate(const char *policy, size_t len, const char *const settings[],
		  const char *allowlist, struct run *run);
void run_release(struct run *run);
#define RUN_CLEANUP __attribute__((cleanup(run_release)))

/* printf into new memory, the caller's to free. */
char *run_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* pattern with each # in it replaced by value, the caller's to free. */
char *run_fill(const char *pattern, const char *value);

/* The parts a policy needs beside what a test is about; each a whole line or more. */
#define RUN_HEAD      "apiVersion: policy.safe-run.dev/v1alpha1\nmetadata: {name: unit}\n"
#define RUN_COMMAND   "runtime: {command: /bin/true, args: []}\n"
#define RUN_RESOURCES "resources: {cpu: {max: 100000 100000}, memory: {max: 64Mi}}\n"
#define RUN_MOUNTS    "mounts: []\n"
#define RUN_AUDIT     "audit: {level: basic}\n"

#endif
