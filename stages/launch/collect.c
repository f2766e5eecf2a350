/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/collect.h"

#include "ipc/object.h"
#include "ipc/record.h"
#include "stages/launch/assistant.h"
#include "stages/launch/collected.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/launch.h"
#include "stages/launch/loop.h"
#include "stages/launch/machine_watch.h"
#include "stages/launch/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "launch.outputs"

/* A collection that is slower than this hangs: no disk or machine in use is. */
#define SECOND_NS	1000000000ULL
#define LEAST_SEC	60
#define MOST_SEC	3600
#define BYTES_PER_SEC	(8ULL << 20)
#define ENTRIES_PER_SEC 500

/* As root the files belong to the workload, else to us. */
static enum fault_code start_reader(struct launch *launch, int store_fd, struct fault *fault)
{
	const struct plan *plan = launch->plan;
	struct assistant_plan reader = {
		.home_fd = launch->home_fd,
		.program = "sr-collect",
		.path = "launch.collect",
		.uid = plan->rootless ? geteuid() : plan->uid,
		.gid = plan->rootless ? getegid() : plan->gid,
		.stdin_fd = ASSISTANT_STDIN_PIPE,
		.fds = {{"--tree-fd", launch->workdir_fd}, {"--store-fd", store_fd}},
		.fd_count = 2,
		.record_max = RECORD_EVENT_MAX,
		.interrupt_fd = launch->signal_fd,
	};

	return assistant_start(&launch->reader, &reader, fault);
}

static enum fault_code start_writer(struct launch *launch, int entries_fd, int outputs_fd,
				    int manifest_fd, struct fault *fault)
{
	struct assistant_plan writer = {
		.home_fd = launch->home_fd,
		.program = "sr-deposit",
		.path = "launch.deposit",
		.uid = geteuid(),
		.gid = getegid(),
		.stdin_fd = ASSISTANT_STDIN_NULL,
		.fds = {{"--entries-fd", entries_fd},
			{"--outputs-fd", outputs_fd},
			{"--manifest-fd", manifest_fd}},
		.fd_count = 3,
		.record_max = RECORD_EVENT_MAX,
		.interrupt_fd = launch->signal_fd,
	};

	return assistant_start(&launch->writer, &writer, fault);
}

/* A new directory and a new file: whatever had these names already is not ours to fill. */
static enum fault_code make_places(struct launch *launch, int *outputs_fd, int *manifest_fd,
				   struct fault *fault)
{
	if (mkdirat(launch->artifacts_fd, "outputs", 0700) == 0)
		*outputs_fd = openat(launch->artifacts_fd, "outputs",
				     O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*outputs_fd >= 0)
		*manifest_fd = openat(launch->artifacts_fd, "outputs.ndjson",
				      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*manifest_fd >= 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, PATH, "no place for the outputs");
}

/* Found now, before anything has run whose outputs nobody could collect. */
static enum fault_code check_programs(const struct launch *launch, struct fault *fault)
{
	static const char *const programs[] = {"sr-collect", "sr-deposit"};

	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
		if (faccessat(launch->home_fd, programs[i], X_OK, 0) < 0)
			return fault_set_errno(
				fault, FAULT_HOST_LACKS, errno, PATH,
				"the policy has outputs, and %s, which must lie beside "
				"sr-launch, cannot be executed",
				programs[i]);
	return FAULT_NONE;
}

enum fault_code collect_start(struct launch *launch, struct fault *fault)
{
	int outputs_fd = -1, manifest_fd = -1, pair[2] = {-1, -1};
	enum fault_code code;

	if (launch->plan->output_count == 0 || launch->artifacts_fd < 0)
		return FAULT_NONE;
	if (launch->workdir_fd < 0)
		return fault_set(fault, CODE, PATH, "init did not hand on the work directory");
	code = check_programs(launch, fault);
	if (code == FAULT_NONE)
		code = make_places(launch, &outputs_fd, &manifest_fd, fault);
	if (code == FAULT_NONE && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		code = fault_set_errno(fault, CODE, errno, PATH, "socketpair");
	if (code == FAULT_NONE)
		code = start_writer(launch, pair[1], outputs_fd, manifest_fd, fault);
	if (code == FAULT_NONE)
		code = start_reader(launch, pair[0], fault);
	descriptor_close(&pair[0]);
	descriptor_close(&pair[1]);
	descriptor_close(&outputs_fd);
	descriptor_close(&manifest_fd);
	return code;
}

static uint64_t deadline(const struct plan *plan)
{
	uint64_t seconds = LEAST_SEC;

	for (size_t i = 0; i < plan->output_count && seconds < MOST_SEC; i++)
		seconds += plan->outputs[i].max_bytes / BYTES_PER_SEC +
			   plan->outputs[i].max_files / ENTRIES_PER_SEC;
	return event_boot_ns() + (seconds < MOST_SEC ? seconds : MOST_SEC) * SECOND_NS;
}

static struct json_object *make_plan(const struct plan *plan)
{
	struct json_object *record = object_new();
	struct json_object *outputs = array_new();

	for (size_t i = 0; i < plan->output_count; i++) {
		struct json_object *output = object_new();

		object_add_integer(output, "maxBytes", (int64_t)plan->outputs[i].max_bytes);
		object_add_integer(output, "maxFiles", (int64_t)plan->outputs[i].max_files);
		object_add_string(output, "path", plan->outputs[i].path);
		array_append(outputs, output);
	}
	object_add(record, "outputs", outputs);
	object_add_string(record, "schemaVersion", "safe-run.collect/v1");
	return record;
}

/* The order both wait for. */
static void give_order(struct launch *launch)
{
	struct json_object *record OBJECT_CLEANUP = make_plan(launch->plan);

	assistant_tell(&launch->reader, record);
	descriptor_close(&launch->reader.stdin_fd);
}

static enum fault_code collect(struct launch *launch, struct collected *collected,
			       struct fault *fault)
{
	struct json_object *seen OBJECT_CLEANUP = NULL;
	struct json_object *kept OBJECT_CLEANUP = NULL;
	uint64_t until_ns = deadline(launch->plan);
	struct fault reader_fault;
	enum fault_code reader_code, code;

	/* The caller's signals come either way, and the loop that told them apart is over. */
	launch->reader.control_fd = launch->writer.control_fd = launch->control_fd;
	give_order(launch);
	reader_code = assistant_result(&launch->reader, until_ns, &seen, &reader_fault);
	code = assistant_result(&launch->writer, until_ns, &kept, fault);
	/* A store that failed is why the reader could not go on. */
	if (code == FAULT_NONE && reader_code != FAULT_NONE) {
		*fault = reader_fault;
		code = reader_code;
	}
	return code == FAULT_NONE ? collected_read(collected, launch->plan, seen, kept, fault)
				  : code;
}

enum fault_code collect_finish(struct launch *launch, struct fault *fault)
{
	struct collected collected;
	struct fault why = {.code = FAULT_NONE};
	bool captured = launch->artifacts_fd >= 0;
	enum fault_code code;

	if (launch->plan->output_count == 0)
		return FAULT_NONE;
	collected_init(&collected, launch->plan, captured);
	/* Nobody may be left who could change what is read. */
	loop_end(launch);
	if (captured && (machine_outputs(launch, &why) != FAULT_NONE ||
			 collect(launch, &collected, &why) != FAULT_NONE))
		collected_fail(&collected, launch->plan);
	code = event_emit(&launch->events, EVENT_OUTPUTS_COLLECTED, EVENT_BY_LAUNCHER,
			  collected_payload(&collected, launch->plan, captured), fault);
	if (code == FAULT_NONE && captured)
		code = collected_errors(&collected, launch->plan, &why, &launch->output_errors,
					fault);
	collected_release(&collected);
	return code;
}

void collect_stop(struct launch *launch)
{
	assistant_stop(&launch->reader);
	assistant_stop(&launch->writer);
	descriptor_close(&launch->workdir_fd);
}
