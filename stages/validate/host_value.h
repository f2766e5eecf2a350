/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_HOST_VALUE_H
#define VALIDATE_HOST_VALUE_H

#include "stages/validate/value.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

/* What a host policy's fields hold, each with whether the file has it, and their readers. */
#define HOST_RANGES_MAX ((size_t)256) /* of uids, of gids */

struct host_range {
	int64_t first, last;
};

struct host_ranges {
	struct host_range *items;
	size_t count;
	bool given;
};

struct host_choices {
	unsigned bits;
	bool given;
};

struct host_prefixes {
	struct value_texts texts;
	bool given;
};

struct host_callers {
	struct host_ranges uids, gids;
	bool given;
};

struct host_policy {
	struct host_callers callers;
	struct host_choices isolation;
	struct host_choices rootfs;
	struct host_choices network;
	struct host_prefixes host, guest;
	struct host_prefixes rootfs_host;
	struct value_cpu cpu;
	struct value_limit memory, pids, disk, output, timeout_sec;
};

/* What a list may name. */
struct host_set {
	const char *const *names;
	unsigned count;
	const char *always; /* must be among them; NULL: none need be */
};

extern const struct host_set host_isolations, host_rootfs_kinds, host_network_modes;

/* rule: struct host_set; value: struct host_choices, a bit for each name. */
schema_reader host_choices;
/* value: struct host_ranges, of numbers as 1000 and 1000-1999. */
schema_reader host_ranges;
/* rule: size_t, the largest count; value: struct host_prefixes. */
schema_reader host_prefixes;

/* hostPolicy of the record, the caller's. */
struct json_object *host_record(const struct host_policy *policy);

#endif
