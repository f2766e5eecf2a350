/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_VERIFICATION_H
#define CMD_VERIFICATION_H

#include "ipc/fault.h"

#include <stddef.h>

/*
 * Print a ReportVerify record (seed interface I-VF-001) for a person, on standard output: the
 * verdict and whom it trusts, every check, every reason, and what the report does not prove.
 */
enum fault_code verification_print(const char *line, size_t len, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
