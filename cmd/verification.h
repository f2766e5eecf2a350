/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_VERIFICATION_H
#define CMD_VERIFICATION_H

#include "cmd/spawn.h"
#include "ipc/fault.h"

#include <stddef.h>

/*
 * Print a ReportVerify record (seed interface I-VF-001) for a person, on standard output: the
 * verdict and whom it trusts, every check, every reason, and what the report does not prove. Of a
 * record with errors[] alone, those.
 */
enum fault_code verification_print(const char *line, size_t len, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * Start a verifier whose one record this is, print that, and wait for its end. The exit status to
 * take over from it; what kept it from answering is said on stderr.
 */
int verification_run(struct spawn *spawn, const struct spawn_home *home);

#endif
