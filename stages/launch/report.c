/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/report.h"

#include "ipc/object.h"
#include "stages/launch/machine_watch.h"
#include "stages/launch/message.h"
#include "stages/launch/plan.h"
#include "stages/launch/summary.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>

#define NONCE_SIZE 16

/* The hash of value, or null when there is none. */
static void add_hash_of(struct json_object *object, const char *name, struct json_object *value)
{
	char text[DIGEST_TEXT_SIZE];

	if (value != NULL && digest_json(value, text))
		object_add_string(object, name, text);
	else
		object_add_null(object, name);
}

static void add_hash(struct json_object *object, const char *name, const char *text)
{
	if (text[0] != '\0')
		object_add_string(object, name, text);
	else
		object_add_null(object, name);
}

static enum fault_code add_nonce(struct json_object *payload, struct fault *fault)
{
	uint8_t bytes[NONCE_SIZE];
	char text[2 * NONCE_SIZE + 1];

	if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
		return fault_set_errno(fault, FAULT_RUN_LAUNCH, errno, "launch.nonce",
				       "cannot get random bytes");
	for (size_t i = 0; i < sizeof bytes; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	object_add_string(payload, "nonce", text);
	return FAULT_NONE;
}

static struct json_object *errors_of(const struct launch *launch, const struct fault *failure)
{
	struct json_object *list;

	if (launch->bundle.errors != NULL)
		return json_object_get(launch->bundle.errors);
	list = array_new();
	if (failure != NULL)
		array_append(list, fault_to_json(failure));
	if (launch->output_errors != NULL)
		for (size_t i = 0; i < json_object_array_length(launch->output_errors); i++)
			array_append(list, json_object_get(json_object_array_get_idx(
						   launch->output_errors, i)));
	return list;
}

static void add_artifacts(const struct launch *launch, struct json_object *payload)
{
	struct json_object *artifacts = object_new();

	add_hash(artifacts, "commandHash", launch->bundle.command_hash);
	/* A machine's are those of the files themselves. */
	if (object_member(launch->kernel, "hash") != NULL)
		object_add_shared(artifacts, "kernelHash", object_member(launch->kernel, "hash"));
	else
		add_hash_of(artifacts, "kernelHash", launch->kernel);
	if (launch->machine != NULL) {
		add_hash(artifacts, "initramfsHash", launch->machine->initramfs.hash);
		add_hash(artifacts, "vmmHash", launch->machine->vmm_hash);
	}
	add_hash(artifacts, "policyHash", launch->bundle.policy_hash);
	/* A root of the policy's own has a hash of what is in it. */
	if (object_member(launch->root_identity, "hash") != NULL)
		object_add_shared(artifacts, "rootfsHash",
				  object_member(launch->root_identity, "hash"));
	else
		add_hash_of(artifacts, "rootfsHash", launch->root_identity);
	object_add(payload, "artifacts", artifacts);
}

enum fault_code report_compile(struct launch *launch, const struct fault *failure,
			       struct fault *fault)
{
	struct json_object *payload = object_new();
	struct json_object *version = object_new();

	add_artifacts(launch, payload);
	if (launch->challenge != NULL)
		object_add_escaped(payload, "challenge", launch->challenge,
				   strlen(launch->challenge));
	object_add(payload, "errors", errors_of(launch, failure));
	object_add(payload, "host", ceiling_describe(&launch->ceiling));
	object_add(payload, "kernel", json_object_get(launch->kernel));
	object_add_string(payload, "mode", launch->plan->rootless ? "rootless" : "root");
	if (add_nonce(payload, fault) != FAULT_NONE) {
		json_object_put(payload);
		json_object_put(version);
		return fault->code;
	}
	object_add(payload, "policySummary", summary_make(launch->bundle.policy));
	object_add(payload, "root", json_object_get(launch->root_identity));
	object_add_string(version, "version", SAFE_RUN_VERSION);
	object_add(payload, "safeRun", version);
	return event_emit(&launch->events, EVENT_COMPILE, EVENT_BY_LAUNCHER, payload, fault);
}

enum fault_code report_mount(struct launch *launch, struct json_object *message,
			     struct fault *fault)
{
	static const struct {
		const char *state;
		enum event_type type;
	} states[] = {{"validated", EVENT_MOUNT_VALIDATED},
		      {"applied", EVENT_MOUNT_APPLIED},
		      {"rejected", EVENT_MOUNT_REJECTED}};
	int64_t index = json_object_get_int64(object_member(message, "index"));
	const char *state = json_object_get_string(object_member(message, "state"));
	struct json_object *reason = object_member(message, "reason");

	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
		struct json_object *payload;
		const struct plan_mount *mount;

		if (state == NULL || strcmp(state, states[i].state) != 0 || index < 0 ||
		    (size_t)index >= launch->plan->mount_count)
			continue;
		mount = &launch->plan->mounts[index];
		payload = object_new();
		object_add_integer(payload, "index", index);
		object_add_string(payload, "source", mount->source);
		object_add_string(payload, "target", mount->target);
		if (reason != NULL)
			object_add_shared(payload, "reason", reason);
		return event_emit(&launch->events, states[i].type, EVENT_BY_LAUNCHER, payload,
				  fault);
	}
	return fault_set(fault, FAULT_RUN_LAUNCH, "launch.init", "told something we do not know");
}

/* One verdict over all entries; what is not enforced is listed. */
static void add_verdict(struct json_object *payload, struct json_object *enforcement)
{
	struct json_object *degraded = array_new();
	size_t count = json_object_array_length(enforcement);

	for (size_t i = 0; i < count; i++) {
		struct json_object *entry = json_object_array_get_idx(enforcement, i);

		if (!json_object_get_boolean(object_member(entry, "enforced")))
			array_append(degraded, json_object_get(object_member(entry, "clause")));
	}
	object_add_string(payload, "verdict",
			  json_object_array_length(degraded) == 0 ? "enforced" : "degraded");
	object_add(payload, "degraded", degraded);
}

enum fault_code report_prepared(struct launch *launch, struct json_object *enforcement,
				struct fault *fault)
{
	struct json_object *payload = object_new();

	object_add_bool(payload, "bestEffort", launch->best_effort);
	object_add(payload, "cgroup", cgroup_paths(&launch->cgroup));
	add_verdict(payload, enforcement);
	object_add(payload, "enforcement", enforcement);
	object_add_shared(payload, "executable", launch->executable);
	return event_emit(&launch->events, EVENT_RUN_PREPARED, EVENT_BY_LAUNCHER, payload, fault);
}

enum fault_code report_started(struct launch *launch, struct fault *fault)
{
	struct json_object *payload = object_new();
	struct json_object *executable = object_new();

	object_add_shared(executable, "hash", object_member(launch->executable, "sha256"));
	object_add_shared(executable, "path", object_member(launch->executable, "path"));
	/* The name run.prepared has for it; hash is the older one. */
	object_add_shared(executable, "sha256", object_member(launch->executable, "sha256"));
	object_add(payload, "executable", executable);
	object_add_string(payload, "isolation", launch->machine != NULL ? "microvm" : "process");
	if (launch->machine != NULL)
		object_add(payload, "machine", machine_describe_start(launch));
	object_add_integer(payload, "pid", launch->workload_pid);
	/* The first sample comes at once. */
	return event_hold(&launch->events, EVENT_VM_STARTED, EVENT_BY_LAUNCHER, payload, fault);
}

enum fault_code report_sample(struct launch *launch, const char *name, struct fault *fault)
{
	struct json_object *payload = object_new();
	bool last = strcmp(name, "last") == 0;

	cgroup_sample(&launch->cgroup, payload);
	object_add_string(payload, "sample", name);
	/* vm.exited comes at once behind the last one. */
	return last ? event_hold(&launch->events, EVENT_RESOURCE_SAMPLED, EVENT_BY_LAUNCHER,
				 payload, fault)
		    : event_emit(&launch->events, EVENT_RESOURCE_SAMPLED, EVENT_BY_LAUNCHER,
				 payload, fault);
}

void report_signal_name(int number, char *out, size_t size)
{
	const char *name = sigabbrev_np(number);

	if (name != NULL)
		(void)snprintf(out, size, "SIG%s", name);
	else
		(void)snprintf(out, size, "SIG%d", number);
}

static void add_signals(struct json_object *payload, const sigset_t *signals)
{
	struct json_object *list = array_new();
	char name[24];

	for (int number = 1; number < _NSIG; number++) {
		if (sigismember(signals, number) != 1)
			continue;
		report_signal_name(number, name, sizeof name);
		array_append_string(list, name);
	}
	object_add(payload, "forwarded", list);
}

static void add_stop(struct json_object *payload, enum launch_stop stop)
{
	switch (stop) {
	case LAUNCH_STOP_NONE:
		object_add_null(payload, "stopReason");
		return;
	case LAUNCH_STOP_OUTPUT:
		object_add_string(payload, "stopReason", "output");
		return;
	case LAUNCH_STOP_INTERRUPTED:
		object_add_string(payload, "stopReason", "interrupted");
		return;
	case LAUNCH_STOP_MONITOR:
		object_add_string(payload, "stopReason", "monitor");
		return;
	case LAUNCH_STOP_NETWORK:
		object_add_string(payload, "stopReason", "network");
		return;
	case LAUNCH_STOP_GUEST:
		object_add_string(payload, "stopReason", "guest");
		return;
	}
}

static void add_status(struct json_object *payload, int status)
{
	bool signaled = WIFSIGNALED(status);
	char name[24];

	object_add_bool(payload, "coreDumped", signaled && WCOREDUMP(status));
	if (signaled) {
		report_signal_name(WTERMSIG(status), name, sizeof name);
		object_add_null(payload, "exitCode");
		object_add_string(payload, "signal", name);
		object_add_integer(payload, "signalNumber", WTERMSIG(status));
		return;
	}
	object_add_integer(payload, "exitCode", WEXITSTATUS(status));
	object_add_null(payload, "signal");
	object_add_null(payload, "signalNumber");
}

enum fault_code report_exited(struct launch *launch, struct fault *fault)
{
	struct json_object *payload = object_new();
	struct json_object *rusage = object_new();
	struct json_object *setup = machine_describe_setup(launch);
	/* The guest's own word, which nobody else can confirm. */
	bool told = machine_told(launch);
	struct cgroup_counters counters;

	cgroup_counters(&launch->cgroup, &counters);
	if (launch->machine != NULL)
		object_add(payload, "machine", machine_describe_end(launch));
	object_add_bool(payload, "deadline", launch->end.deadline);
	add_signals(payload, &launch->forwarded);
	object_add_integer(payload, "oomKills",
			   (int64_t)counters.values[CGROUP_MEMORY_OOM_KILLS] +
				   launch->end.guest_oom_kills);
	object_add_integer(payload, "pidsMaxHits",
			   (int64_t)counters.values[CGROUP_PIDS_MAX_HITS] +
				   launch->end.guest_pids_hits);
	object_add_integer(rusage, "maxRssBytes", launch->end.max_rss_bytes);
	object_add_integer(rusage, "systemUs", launch->end.system_us);
	object_add_integer(rusage, "userUs", launch->end.user_us);
	object_add(payload, "rusage", rusage);
	if (setup != NULL)
		object_add(payload, "setup", setup);
	else
		object_add_null(payload, "setup");
	add_status(payload, launch->end.wait_status);
	add_stop(payload, launch->end.stop);
	object_add_decimal(payload, "wallNs", launch->ended_ns - launch->started_ns);
	return event_emit(&launch->events, EVENT_VM_EXITED,
			  told ? EVENT_BY_GUEST : EVENT_BY_LAUNCHER, payload, fault);
}

enum fault_code report_closing(struct launch *launch, const struct fault *failure,
			       struct fault *fault)
{
	struct json_object *payload = object_new();

	object_add_shared(payload, "cleanup", launch->cleanup);
	if (failure == NULL)
		return event_emit(&launch->events, EVENT_RUN_CLEANED, EVENT_BY_LAUNCHER, payload,
				  fault);
	object_add(payload, "errors", errors_of(launch, failure));
	if (launch->exec_errno != 0) {
		const char *name = strerrorname_np(launch->exec_errno);

		object_add_string(payload, "execErrno", name != NULL ? name : "unknown");
	}
	object_add_string(payload, "step", failure->path);
	return event_emit(&launch->events, EVENT_RUN_FAILED, EVENT_BY_LAUNCHER, payload, fault);
}
