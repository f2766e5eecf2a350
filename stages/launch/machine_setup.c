/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/canon.h"
#include "ipc/event.h"
#include "ipc/object.h"
#include "stages/launch/channel.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/enforcement.h"
#include "stages/launch/launch.h"
#include "stages/launch/machine_part.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define CODE	  FAULT_RUN_LAUNCH
#define PATH	  "launch.machine.guest"
#define LISTEN_MS 10000

enum fault_code machine_prepare(struct launch *launch, int fds[MACHINE_FD_COUNT],
				struct fault *fault)
{
	struct machine *machine = launch->machine;
	struct machine_times *times = &machine->times;
	enum fault_code code;

	times->images_from_ns = event_boot_ns();
	code = machine_mounts(launch, fault);
	times->images_ns = event_boot_ns();
	if (code == FAULT_NONE && launch->machine->tsc_khz == 0)
		launch->machine->tsc_khz = (int64_t)clock_tsc_khz(&launch->clock);
	if (code == FAULT_NONE)
		code = machine_command(launch, fault);
	if (code == FAULT_NONE && machine->can_fall_back &&
	    channel_pair(&machine->spare_fd, &fds[2]) < 0)
		code = fault_set_errno(fault, CODE, errno, "launch.channel",
				       "cannot make a socket pair");
	return code == FAULT_NONE ? machine_open_output(launch, &fds[0], &fds[1], fault) : code;
}

/* The workload's uid, which the sockets' and the outputs' directories belong to. */
static enum fault_code start_guest(struct launch *launch, struct fault *fault)
{
	struct machine *machine = launch->machine;
	const struct plan *plan = launch->plan;
	struct assistant_plan guest = {
		.home_fd = launch->home_fd,
		.program = "sr-guest",
		.path = PATH,
		.uid = plan->rootless ? geteuid() : plan->uid,
		.gid = plan->rootless ? getegid() : plan->gid,
		.stdin_fd = ASSISTANT_STDIN_PIPE,
		.words = {"--vmm", machine->firecracker.wanted ? "firecracker" : "qemu"},
		.word_count = 2,
		.record_max = RECORD_EVENT_MAX,
		.interrupt_fd = launch->signal_fd,
	};
	/* By hand the command's output goes where the launcher's messages go. */
	int err_fd = machine->stdout_fd >= 0
			     ? -1
			     : fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	const struct assistant_fd fds[] = {
		{"--place-fd", machine->sockets_fd},
		{"--tree-fd", launch->workdir_fd},
		{"--stdin-fd", machine->job.stdin_none ? -1 : machine->stdin_fd},
		{"--stdout-fd", err_fd >= 0 ? err_fd : machine->stdout_fd},
		{"--stderr-fd", err_fd >= 0 ? err_fd : machine->stderr_fd},
	};
	enum fault_code code;

	if (machine->can_fall_back)
		guest.words[guest.word_count++] = "--again";
	for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
		if (fds[i].fd >= 0)
			guest.fds[guest.fd_count++] = fds[i];
	code = assistant_start(&machine->guest, &guest, fault);
	(void)close(err_fd);
	return code;
}

enum fault_code machine_give_job(struct launch *launch, struct fault *fault)
{
	struct json_object *job OBJECT_CLEANUP = NULL;
	struct record_sink sink = {.fd = launch->machine->guest.stdin_fd, .record_fd = -1};
	enum fault_code code = machine_job(launch, &job, fault);

	return code == FAULT_NONE ? record_send(&sink, job, RECORD_BUNDLE_MAX, fault) : code;
}

/* {"type":"listening"}: from now on the VMM can connect. */
static enum fault_code await_listening(struct launch *launch, struct fault *fault)
{
	struct machine *machine = launch->machine;
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct pollfd items[] = {{.fd = machine->guest.out_fd, .events = POLLIN},
				 {.fd = launch->signal_fd, .events = POLLIN}};
	enum record_status status = RECORD_AGAIN;
	const char *line = NULL;
	size_t len = 0;

	while (status == RECORD_AGAIN) {
		int ready = poll(items, 2, LISTEN_MS);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready > 0 && items[1].revents != 0)
			return fault_set(fault, CODE, PATH, "a signal ended the run");
		if (ready <= 0)
			return fault_set(fault, CODE, PATH, "sr-guest does not listen");
		status = record_read_once(&machine->records, &line, &len, CODE, fault);
	}
	if (status == RECORD_FAULT)
		return fault->code;
	if (status != RECORD_LINE)
		return fault_set(fault, CODE, PATH,
				 "sr-guest, which must lie beside sr-launch, ended before it "
				 "listened");
	if (canon_parse(line, len, CODE, &record, fault) != FAULT_NONE)
		return fault->code;
	return strcmp(object_text(record, "type"), "listening") == 0
		       ? FAULT_NONE
		       : fault_set(fault, CODE, PATH, "sr-guest told something we do not know");
}

enum fault_code machine_listen(struct launch *launch, struct fault *fault)
{
	struct machine *machine = launch->machine;
	enum fault_code code;

	if (machine->sockets_fd < 0 || launch->workdir_fd < 0)
		return fault_set(fault, CODE, PATH, "init did not hand on the directories");
	code = start_guest(launch, fault);
	if (code != FAULT_NONE)
		return code;
	record_reader_init(&machine->records, machine->guest.out_fd, RECORD_EVENT_MAX);
	return await_listening(launch, fault);
}

enum fault_code machine_start(struct launch *launch, struct fault *fault)
{
	enum fault_code code = machine_listen(launch, fault);

	return code == FAULT_NONE ? machine_give_job(launch, fault) : code;
}

static void add_clause(struct json_object *enforcement, const char *clause, const char *mechanism,
		       uint64_t requested, uint64_t effective)
{
	enforcement_add_number(enforcement, clause, mechanism, requested, effective, object_new());
}

enum fault_code machine_confirm_program(const struct launch *launch, struct json_object *executable,
					struct fault *fault)
{
	const struct machine *machine = launch->machine;
	struct json_object *hash = NULL;

	(void)json_object_object_get_ex(executable, "sha256", &hash);
	if (json_object_is_type(hash, json_type_string) &&
	    strcmp(json_object_get_string(hash), machine->vmm_hash) == 0)
		return FAULT_NONE;
	return fault_set(fault, CODE, "launch.machine.vmm",
			 "%s is not the file it was when the run began", machine->vmm_path);
}

enum fault_code machine_confirm(struct launch *launch, struct json_object *enforcement,
				struct fault *fault)
{
	struct machine *machine = launch->machine;

	if (machine_confirm_program(launch, launch->executable, fault) != FAULT_NONE)
		return fault->code;
	add_clause(enforcement, "machine.memory", "size of the machine", machine->memory_mib << 20,
		   machine->memory_mib << 20);
	add_clause(enforcement, "machine.vcpus", "virtual processors", machine->vcpus,
		   machine->vcpus);
	return FAULT_NONE;
}
