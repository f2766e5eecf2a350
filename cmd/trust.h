/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_TRUST_H
#define CMD_TRUST_H

#include "ipc/fault.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct json_object;

/*
 * Trust directories (safe-run-key(1)): whose signatures a verifier believes. One file a key,
 * <keyid>.json, as stages/verify/keyring.h says.
 */
#define TRUST_DIRECTORY_ROOT "/etc/safe-run/trust.d"
#define TRUST_DIRECTORIES    2

struct trust_directories {
	char paths[TRUST_DIRECTORIES][PATH_MAX];
	size_t count;
};

/*
 * Those there are by default: TRUST_DIRECTORY_ROOT and $XDG_CONFIG_HOME/safe-run/trust.d. One that
 * cannot be looked at counts, so that who reads it refuses.
 */
void trust_find(struct trust_directories *found);

/*
 * Where a key is trusted or revoked: given, or the default of who asks. Made when it is not there,
 * and locked until fd is closed.
 */
enum fault_code trust_open(const char *given, int *fd, struct fault *fault)
	__attribute__((warn_unused_result));

/* Replace or make the entry of that key, at once and on the disk. */
enum fault_code trust_write(int directory_fd, const char *keyid, struct json_object *entry,
			    struct fault *fault) __attribute__((warn_unused_result));

/* An entry as it is; *entry is the caller's. */
enum fault_code trust_read(int directory_fd, const char *keyid, struct json_object **entry,
			   struct fault *fault) __attribute__((warn_unused_result));

/* A time: RFC 3339 UTC as in reports, or a date, which is its first moment. */
bool trust_time(const char *text, char out[sizeof("2026-01-01T00:00:00.000000000Z")]);

#endif
