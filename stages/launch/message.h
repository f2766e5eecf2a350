/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_MESSAGE_H
#define LAUNCH_MESSAGE_H

#include "ipc/fault.h"

#include <stdint.h>

struct json_object;
struct rusage;
struct timeval;

/*
 * What children tell the launcher (stages/launch/channel.h), one object each:
 *   {"type":"mount",...}   share.h        {"type":"built","shared"}   init: the root is made
 *   {"type":"confined","executable","landlock","namespaces"}, {"type":"ready","probes"},
 *   {"type":"exec","errno"}   the workload's process, see workload.h
 *   {"type":"failed","code","message","path","errno"}
 *   {"type":"exit","status","rusage":{...}}   init: how the workload ended (wait status)
 */
struct json_object *message_new(const char *type);

/* "rusage":{"maxRssBytes","systemUs","userUs"}, of getrusage(2) or wait4(2). */
void message_add_usage(struct json_object *message, const struct rusage *usage);
int64_t message_us(const struct timeval *time);

/* 0, or -1 with errno. error_number 0: the fault is not a failed exec. */
int message_fail(int channel_fd, const struct fault *fault, int error_number)
	__attribute__((warn_unused_result));

#endif
