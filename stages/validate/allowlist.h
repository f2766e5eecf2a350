/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_ALLOWLIST_H
#define VALIDATE_ALLOWLIST_H

#include "stages/validate/site.h"
#include "stages/validate/value.h"

#include <stddef.h>

struct json_object;

/*
 * Where mounts may come from and go to (safe-run-policy(5), MOUNT ALLOWLIST): prefixes, clean and
 * absolute, compared by component. What path_denied_host and path_denied_inside refuse stays
 * refused.
 */
#define ALLOWLIST_PREFIXES_MAX ((size_t)64)

enum allowlist_origin { ALLOWLIST_BUILT_IN, ALLOWLIST_FILE, ALLOWLIST_ORIGIN_COUNT };

struct allowlist {
	struct value_texts host;
	struct value_texts guest;
	enum allowlist_origin origin;
};

/* "built-in", "file". */
extern const char *const allowlist_origin_names[ALLOWLIST_ORIGIN_COUNT];

/* The built-in one. */
extern const struct allowlist allowlist_default;

/*
 * Read the text of an allowlist file. Faults are SR-POL-101 under mountAllowlist, in
 * reading->errors; then *allowlist, a file's, allows nothing. The prefixes live in
 * reading->document.
 */
void allowlist_read(const char *data, size_t len, struct reading *reading,
		    struct allowlist *allowlist);

/* "/a, /b" for messages. */
void allowlist_words(const struct value_texts *prefixes, char *out, size_t size);

/* Whether path (clean) is one of the prefixes or below one. */
bool allowlist_covers(const struct value_texts *prefixes, const char *path);

/* A list of prefixes. rule: size_t, the largest count; value: struct value_texts, cleaned. */
schema_reader allowlist_prefixes;
struct json_object *allowlist_prefixes_to_json(const struct value_texts *prefixes);

/* hostFacts.allowlist: {"guestAllowPrefixes","hostAllowPrefixes","origin"}, the caller's. */
struct json_object *allowlist_to_json(const struct allowlist *allowlist);

#endif
