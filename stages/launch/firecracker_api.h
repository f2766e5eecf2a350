/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_FIRECRACKER_API_H
#define LAUNCH_FIRECRACKER_API_H

#include "ipc/fault.h"

struct json_object;
struct launch;

/*
 * Firecracker's API, while its guest has nothing in it but what it was started from: the launcher says
 * what it wants, and of the answer looks at the status alone. body is taken over.
 */
enum fault_code firecracker_call(const struct launch *launch, const char *method, const char *path,
				 struct json_object *body, struct fault *fault)
	__attribute__((warn_unused_result));

/* Until its socket is there. */
enum fault_code firecracker_await_api(const struct launch *launch, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
