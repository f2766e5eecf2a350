/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_POLICY_H
#define VALIDATE_POLICY_H

#include "stages/validate/network.h"
#include "stages/validate/runtime.h"
#include "stages/validate/schema.h"
#include "stages/validate/value.h"

/*
 * PolicySpec, policy.safe-run.dev/v1alpha1 (seed interface I-PL-001; safe-run-policy(5)): the
 * table of all its fields, and what they are read into.
 */
#define POLICY_API_VERSION "policy.safe-run.dev/v1alpha1"

enum policy_audit { POLICY_AUDIT_BASIC, POLICY_AUDIT_FULL, POLICY_AUDIT_COUNT };

struct policy {
	const char *name;
	struct runtime runtime;
	struct value_cpu cpu;
	struct value_limit memory;
	struct value_limit pids;
	struct value_limit disk;
	struct value_limit output;
	struct network network;
	struct schema_items mounts;  /* of struct mount */
	struct schema_items outputs; /* of struct output */
	unsigned audit;		     /* enum policy_audit */
};

extern const char *const policy_audit_names[POLICY_AUDIT_COUNT];

/* Reads into struct policy. */
extern const struct schema policy_schema;

/*
 * Read the document under reading->document->root: defaults, fields, and what holds between them.
 * The policy is whole only when reading->errors is empty afterwards.
 */
void policy_read(struct reading *reading, struct policy *policy);

#endif
