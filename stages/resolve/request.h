/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RESOLVE_REQUEST_H
#define RESOLVE_REQUEST_H

#include "ipc/fault.h"
#include "stages/resolve/reach.h"

#include <stddef.h>
#include <stdint.h>

struct json_object;

/*
 * What sr-resolve is asked, one record:
 *
 *   {"cidrs":["10.0.0.0/8"],"hosts":["a.example"],"schemaVersion":"safe-run.resolve/v1",
 *    "timeoutMs":5000}
 *
 * hosts: full names in lower case, each once, no wildcard. cidrs: the networks the policy lists,
 * which names may lead to whatever they are (stages/resolve/reach.h). timeoutMs is for all of them.
 */
#define REQUEST_HOST_MAX    1024
#define REQUEST_TIMEOUT_MAX 60000

struct request {
	struct json_object *record;
	const char *hosts[REQUEST_HOST_MAX]; /* borrowed from record */
	size_t host_count;
	int64_t timeout_ms;
	struct reach reach;
};

/* Read it from fd. *request is valid in every case and belongs to request_release. */
enum fault_code request_read(int fd, struct request *request, struct fault *fault)
	__attribute__((warn_unused_result));
void request_release(struct request *request);

#endif
