/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/jail/command.h"

#include "stages/jail/base.h"
#include "stages/jail/netspace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "launch.jailer"

__attribute__((format(printf, 2, 3))) static void add(struct command *command, const char *format,
						      ...)
{
	size_t room = sizeof command->text - command->used;
	char *at = command->text + command->used;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(at, room, format, args);
	va_end(args);
	/* Full stays full: command_make looks at the end. */
	if (len < 0 || (size_t)len >= room || command->count + 1 >= COMMAND_WORDS) {
		command->used = sizeof command->text;
		return;
	}
	command->argv[command->count++] = at;
	command->used += (size_t)len + 1;
}

static void add_option(struct command *command, const char *option, const char *value)
{
	add(command, "%s", option);
	add(command, "%s", value);
}

static void add_cgroup(struct command *command, const struct request *request)
{
	if (request->cgroup_version == 0)
		return;
	add(command, "--cgroup-version");
	add(command, "%" PRId64, request->cgroup_version);
	add_option(command, "--parent-cgroup", request->cgroup_parent);
	for (size_t i = 0; i < request->setting_count; i++) {
		add(command, "--cgroup");
		add(command, "%s=%s", request->settings[i].file, request->settings[i].value);
	}
}

static void add_netns(struct command *command, const struct request *request, bool network)
{
	if (!network)
		return;
	add(command, "--netns");
	add(command, NETSPACE_PATH, request->id);
}

enum fault_code command_make(struct command *command, const struct request *request,
			     const struct place *place, bool network, struct fault *fault)
{
	command->count = command->used = 0;
	add(command, "jailer");
	add_option(command, "--id", request->id);
	add_option(command, "--exec-file", request->firecracker.source);
	add(command, "--uid");
	add(command, "%u", place->uid);
	add(command, "--gid");
	add(command, "%u", place->uid);
	add_option(command, "--chroot-base-dir", JAIL_BASE);
	add_netns(command, request, network);
	add_cgroup(command, request);
	add(command, "--resource-limit");
	add(command, "fsize=%" PRId64, request->fsize);
	add(command, "--resource-limit");
	add(command, "no-file=%" PRId64, request->no_file);
	add(command, "--new-pid-ns");
	add(command, "--");
	if (!place->restores)
		add_option(command, "--config-file", "/" PLACE_CONFIG);
	add_option(command, "--api-sock", "/" PLACE_SOCKETS "/api.sock");
	if (command->used >= sizeof command->text)
		return fault_set(fault, CODE, PATH, "its command line has no room");
	command->argv[command->count] = NULL;
	return FAULT_NONE;
}
