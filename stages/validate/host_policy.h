/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VALIDATE_HOST_POLICY_H
#define VALIDATE_HOST_POLICY_H

#include "stages/validate/validate.h"

#include <stdbool.h>
#include <stddef.h>

struct json_object;

/*
 * The host's ceiling, safe-run.host/v1 (safe-run-host(5)): a person's YAML to one HostPolicy
 * record, {"errors","hostPolicy","schemaVersion"}, the caller's to release. hostPolicy has every
 * member, null where the file sets no ceiling, or is null when there are errors. Those are
 * SR-OPS-001 with paths below launch.host: the launcher is who refuses a run for them.
 */
struct json_object *host_policy_read(const struct validate_text *text, bool *valid);

#endif
