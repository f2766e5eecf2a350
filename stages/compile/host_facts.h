/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPILE_HOST_FACTS_H
#define COMPILE_HOST_FACTS_H

#include "ipc/fault.h"

#include <stddef.h>

struct json_object;
struct policy;

/*
 * What validate learned from the host: the directories a root is made of, and the identity of each
 * mount's source. Borrowed from the JSON value it was read from.
 */
#define HOST_FACTS_ROOT_MAX	256
#define HOST_FACTS_PREFIXES_MAX 64

struct host_facts {
	struct json_object *root;      /* array of {path,type[,target|resolved]} */
	struct json_object *mounts;    /* array of {path,type,device,inode}, one per mount */
	struct json_object *allowlist; /* {guestAllowPrefixes,hostAllowPrefixes,origin} */
	struct json_object *rootfs;    /* {path,type,device,inode,layout}; NULL: the host's */
};

/* SR-CMP-002 when a fact is missing, malformed or does not fit the policy. */
enum fault_code host_facts_read(struct json_object *value, const struct policy *policy,
				struct host_facts *facts, struct fault *fault)
	__attribute__((warn_unused_result));

/* processPlan.root.entries: a new array; what is absent on the host is left out. */
struct json_object *host_facts_root_entries(const struct host_facts *facts);

#endif
