/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_MESSAGE_H
#define LAUNCH_MESSAGE_H

#include "ipc/fault.h"

struct json_object;

/*
 * What children tell the launcher (stages/launch/channel.h), one object each:
 *   {"type":"mount",...}   share.h        {"type":"built","shared"}   init: the root is made
 *   {"type":"confined","executable","landlock","namespaces"}, {"type":"ready","probes"},
 *   {"type":"exec","errno"}   the workload's process, see workload.h
 *   {"type":"failed","code","message","path","errno"}
 *   {"type":"exit","status","rusage":{...}}   init: how the workload ended (wait status)
 */
struct json_object *message_new(const char *type);

/* 0, or -1 with errno. error_number 0: the fault is not a failed exec. */
int message_fail(int channel_fd, const struct fault *fault, int error_number)
	__attribute__((warn_unused_result));

#endif
