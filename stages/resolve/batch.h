/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RESOLVE_BATCH_H
#define RESOLVE_BATCH_H

#include "ipc/fault.h"
#include "stages/resolve/request.h"
#include "stages/resolve/resolv_conf.h"

struct json_object;

#define BATCH_MAX 32 /* questions that wait for an answer at one time */

/*
 * Resolve every host of the request. A new array of {"addresses":[...],"host","ttl"} in the
 * request's order, addresses ascending. What could not be resolved is in faults, and then no answer
 * is worth anything.
 */
struct json_object *batch_resolve(const struct request *request, const struct resolv_conf *conf,
				  struct fault_list *faults);

#endif
