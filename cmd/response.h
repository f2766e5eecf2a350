/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CMD_RESPONSE_H
#define CMD_RESPONSE_H

#include "cmd/result.h"
#include "cmd/rundir.h"
#include "ipc/fault.h"

/*
 * --json: the one RunnerControl response (seed interface I-RN-001) on standard output, with the
 * verdict and the clauses not enforced as the report has them.
 */
enum fault_code response_print(const struct result *result, const struct rundir *rundir,
			       struct fault *fault) __attribute__((warn_unused_result));

/* {"errors":[{code,message,path}]} on standard output, for what no stage was asked about. */
enum fault_code response_refuse(const struct fault *reason, struct fault *fault)
	__attribute__((warn_unused_result));

/*
 * A ValidationResult (seed interface I-VA-001) that refuses, as sr-validate writes it, to fd: for
 * a policy whose bytes could not be had at all.
 */
enum fault_code response_invalid(int fd, const struct fault *reason, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
