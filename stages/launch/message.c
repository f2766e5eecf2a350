/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/message.h"

#include "ipc/object.h"
#include "stages/launch/channel.h"

#include <sys/resource.h>

struct json_object *message_new(const char *type)
{
	struct json_object *message = object_new();

	object_add_string(message, "type", type);
	return message;
}

int64_t message_us(const struct timeval *time)
{
	return (int64_t)time->tv_sec * 1000000 + time->tv_usec;
}

void message_add_usage(struct json_object *message, const struct rusage *usage)
{
	struct json_object *rusage = object_new();

	object_add_integer(rusage, "maxRssBytes", (int64_t)usage->ru_maxrss * 1024);
	object_add_integer(rusage, "systemUs", message_us(&usage->ru_stime));
	object_add_integer(rusage, "userUs", message_us(&usage->ru_utime));
	object_add(message, "rusage", rusage);
}

int message_fail(int channel_fd, const struct fault *fault, int error_number)
{
	struct json_object *message OBJECT_CLEANUP = message_new("failed");

	object_add_string(message, "code", fault_code_name(fault->code));
	object_add_integer(message, "errno", error_number);
	object_add_string(message, "message", fault->message);
	object_add_string(message, "path", fault->path);
	return channel_report(channel_fd, message);
}
