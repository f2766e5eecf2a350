/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_STAGE_LAUNCH_BUNDLE_H
#define TESTS_STAGE_LAUNCH_BUNDLE_H

#include <stddef.h>

struct json_object;

/*
 * Bundles made by hand, so that sr-launch can be tested without the stages before it, and with what
 * those would never write. A policy first, then the bundle it gives on this host, then what a
 * hostile compiler would change in it. Everything here ends the test when it cannot be done.
 */

/* A small policy without limits that need a cgroup, so that it runs for everybody. */
struct json_object *launch_policy(const char *const argv[]);

/* Set a member by its path, "resources.memory.max" or "mounts[0].source"; value is JSON text.
 * NULL removes it. */
void launch_set(struct json_object *object, const char *path, const char *value);
struct json_object *launch_get(struct json_object *object, const char *path);

/* The bundle of a policy (which it keeps), with this host's root and the identity of each mount. */
struct json_object *launch_bundle(struct json_object *policy);
/* policyHash and commandHash again, after the policy inside was changed. */
void launch_rehash(struct json_object *bundle);

/* One canonical line with its LF; the caller frees it. */
char *launch_line(struct json_object *value, size_t *len);

#endif
