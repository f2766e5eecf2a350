/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/payload_shape.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CLOSED(array)                                                                              \
	{                                                                                          \
		.fields = (array), .field_count = COUNT(array), .openness = SHAPE_CLOSED           \
	}

#define HASH_OR_NULL	(SHAPE_HASH | SHAPE_NULL)
#define STRING_OR_NULL	(SHAPE_STRING | SHAPE_NULL)
#define OBJECT_OR_NULL	(SHAPE_OBJECT | SHAPE_NULL)
#define INTEGER_OR_NULL (SHAPE_INTEGER | SHAPE_NULL)
#define STRING_MAYBE	(SHAPE_STRING | SHAPE_OPTIONAL)
#define INTEGER_MAYBE	(SHAPE_INTEGER | SHAPE_OPTIONAL)
#define BOOL_MAYBE	(SHAPE_BOOL | SHAPE_OPTIONAL)
#define LIMIT		(SHAPE_INTEGER | SHAPE_STRING) /* "max", or a number */

/* In every payload. sr-monitor adds the second when the record's own time would have gone back. */
#define BOOT_NS		 SHAPE_FIELD("bootNs", SHAPE_DECIMAL)
#define LAUNCHER_BOOT_NS SHAPE_FIELD("launcherBootNs", SHAPE_DECIMAL | SHAPE_OPTIONAL)
#define OBSERVED_BY	 SHAPE_FIELD("observedBy", SHAPE_STRING)

static const struct shape_field error_fields[] = {
	SHAPE_FIELD("code", SHAPE_STRING),
	SHAPE_FIELD("message", SHAPE_STRING),
	SHAPE_FIELD("path", SHAPE_STRING),
};
static const struct shape error_shape = CLOSED(error_fields);

static const struct shape_field artifacts_fields[] = {
	SHAPE_FIELD("commandHash", HASH_OR_NULL),
	SHAPE_FIELD("initramfsHash", HASH_OR_NULL | SHAPE_OPTIONAL),
	SHAPE_FIELD("kernelHash", HASH_OR_NULL),
	SHAPE_FIELD("policyHash", HASH_OR_NULL),
	SHAPE_FIELD("rootfsHash", HASH_OR_NULL),
	SHAPE_FIELD("vmmHash", HASH_OR_NULL | SHAPE_OPTIONAL),
};
static const struct shape artifacts_shape = CLOSED(artifacts_fields);

static const struct shape_field summary_fields[] = {
	SHAPE_FIELD("args", SHAPE_ARRAY | SHAPE_OPTIONAL),
	SHAPE_FIELD("argsCount", SHAPE_INTEGER),
	SHAPE_FIELD("auditLevel", SHAPE_STRING),
	SHAPE_FIELD("command", SHAPE_STRING),
	SHAPE_FIELD("cpuMax", SHAPE_STRING),
	SHAPE_FIELD("diskMax", LIMIT),
	SHAPE_FIELD("isolation", SHAPE_STRING),
	SHAPE_FIELD("memoryMax", LIMIT),
	SHAPE_FIELD("mounts", SHAPE_INTEGER),
	SHAPE_FIELD("name", SHAPE_STRING),
	SHAPE_FIELD("networkMode", SHAPE_STRING),
	SHAPE_FIELD("outputMax", LIMIT),
	SHAPE_FIELD("outputs", INTEGER_MAYBE),
	SHAPE_FIELD("pidsMax", LIMIT),
	SHAPE_FIELD("seccomp", SHAPE_STRING),
	SHAPE_FIELD("timeoutSec", SHAPE_INTEGER),
};
static const struct shape summary_shape = CLOSED(summary_fields);

static const struct shape_field version_fields[] = {SHAPE_FIELD("version", SHAPE_STRING)};
static const struct shape version_shape = CLOSED(version_fields);

static const struct shape_field host_fields[] = {
	SHAPE_FIELD("hash", SHAPE_HASH),
	SHAPE_FIELD("path", SHAPE_STRING),
};
static const struct shape host_shape = CLOSED(host_fields);

/* The insides of kernel and root are covered by hashes of their own. */
static const struct shape_field compile_fields[] = {
	SHAPE_NESTED("artifacts", SHAPE_OBJECT, artifacts_shape),
	BOOT_NS,
	SHAPE_FIELD("challenge", STRING_MAYBE),
	SHAPE_NESTED("errors", SHAPE_ARRAY, error_shape),
	SHAPE_NESTED("host", OBJECT_OR_NULL | SHAPE_OPTIONAL, host_shape),
	SHAPE_FIELD("kernel", OBJECT_OR_NULL),
	LAUNCHER_BOOT_NS,
	SHAPE_FIELD("mode", STRING_MAYBE),
	SHAPE_FIELD("nonce", SHAPE_STRING),
	OBSERVED_BY,
	SHAPE_NESTED("policySummary", OBJECT_OR_NULL, summary_shape),
	SHAPE_FIELD("root", OBJECT_OR_NULL),
	SHAPE_NESTED("safeRun", SHAPE_OBJECT, version_shape),
};

static const struct shape_field cgroup_fields[] = {
	SHAPE_FIELD("mode", SHAPE_STRING),
	SHAPE_FIELD("paths", SHAPE_OBJECT),
};
static const struct shape cgroup_shape = CLOSED(cgroup_fields);

static const struct shape_field clause_fields[] = {
	SHAPE_FIELD("clause", SHAPE_STRING),	SHAPE_FIELD("effective", LIMIT),
	SHAPE_FIELD("enforced", SHAPE_BOOL),	SHAPE_FIELD("evidence", SHAPE_OBJECT),
	SHAPE_FIELD("mechanism", SHAPE_STRING), SHAPE_FIELD("reason", STRING_MAYBE),
	SHAPE_FIELD("requested", LIMIT),
};
static const struct shape clause_shape = CLOSED(clause_fields);

static const struct shape_field interpreter_fields[] = {
	SHAPE_FIELD("path", SHAPE_STRING),
	SHAPE_FIELD("sha256", SHAPE_HASH),
};
static const struct shape interpreter_shape = CLOSED(interpreter_fields);
static const struct shape_field file_fields[] = {
	SHAPE_NESTED("interpreter", OBJECT_OR_NULL | SHAPE_OPTIONAL, interpreter_shape),
	SHAPE_FIELD("path", SHAPE_STRING),
	SHAPE_FIELD("sha256", SHAPE_HASH),
};
static const struct shape file_shape = CLOSED(file_fields);

static const struct shape_field prepared_fields[] = {
	SHAPE_FIELD("bestEffort", SHAPE_BOOL),
	BOOT_NS,
	SHAPE_NESTED("cgroup", SHAPE_OBJECT, cgroup_shape),
	SHAPE_FIELD("degraded", SHAPE_ARRAY | SHAPE_OPTIONAL),
	SHAPE_NESTED("enforcement", SHAPE_ARRAY, clause_shape),
	SHAPE_NESTED("executable", OBJECT_OR_NULL | SHAPE_OPTIONAL, file_shape),
	LAUNCHER_BOOT_NS,
	OBSERVED_BY,
	SHAPE_FIELD("verdict", STRING_MAYBE),
};

static const struct shape_field mount_fields[] = {
	BOOT_NS,
	SHAPE_FIELD("index", SHAPE_INTEGER),
	LAUNCHER_BOOT_NS,
	OBSERVED_BY,
	SHAPE_FIELD("reason", STRING_OR_NULL | SHAPE_OPTIONAL),
	SHAPE_FIELD("source", SHAPE_STRING),
	SHAPE_FIELD("target", SHAPE_STRING),
};
static const struct shape_field rejected_fields[] = {
	BOOT_NS,
	SHAPE_FIELD("index", SHAPE_INTEGER),
	LAUNCHER_BOOT_NS,
	OBSERVED_BY,
	SHAPE_FIELD("reason", SHAPE_STRING),
	SHAPE_FIELD("source", SHAPE_STRING),
	SHAPE_FIELD("target", SHAPE_STRING),
};

/* A rule as the plan of the network has it: the policy's, and what its host resolved to. */
static const struct shape_field planned_fields[] = {
	SHAPE_FIELD("addresses", SHAPE_ARRAY), SHAPE_FIELD("cidr", STRING_MAYBE),
	SHAPE_FIELD("host", STRING_MAYBE),     SHAPE_FIELD("index", SHAPE_INTEGER),
	SHAPE_FIELD("match", STRING_MAYBE),    SHAPE_FIELD("port", SHAPE_INTEGER),
	SHAPE_FIELD("protocol", SHAPE_STRING),
};
static const struct shape planned_shape = CLOSED(planned_fields);
static const struct shape_field plan_fields[] = {
	BOOT_NS,
	LAUNCHER_BOOT_NS,
	SHAPE_FIELD("mode", STRING_MAYBE),
	OBSERVED_BY,
	SHAPE_NESTED("rules", SHAPE_ARRAY | SHAPE_OPTIONAL, planned_shape),
	SHAPE_FIELD("rulesTotal", INTEGER_MAYBE),
	SHAPE_FIELD("table", STRING_MAYBE),
	SHAPE_FIELD("tap", STRING_MAYBE),
};
static const struct shape_field rule_fields[] = {
	BOOT_NS,
	SHAPE_FIELD("cidr", STRING_MAYBE),
	SHAPE_FIELD("host", STRING_MAYBE),
	SHAPE_FIELD("index", INTEGER_MAYBE),
	LAUNCHER_BOOT_NS,
	SHAPE_FIELD("match", STRING_MAYBE),
	OBSERVED_BY,
	SHAPE_FIELD("port", INTEGER_MAYBE),
	SHAPE_FIELD("protocol", STRING_MAYBE),
	SHAPE_FIELD("reason", STRING_MAYBE),
};
/* One rule's counters, or with index null those of a destination no rule opened. */
static const struct shape_field hit_fields[] = {
	SHAPE_FIELD("allowedHits", SHAPE_INTEGER),
	SHAPE_FIELD("blockedHits", SHAPE_INTEGER),
	BOOT_NS,
	SHAPE_FIELD("bytesIn", INTEGER_MAYBE),
	SHAPE_FIELD("bytesOut", INTEGER_MAYBE),
	SHAPE_FIELD("chain", SHAPE_STRING),
	SHAPE_FIELD("destination", STRING_MAYBE),
	SHAPE_FIELD("index", INTEGER_OR_NULL),
	LAUNCHER_BOOT_NS,
	SHAPE_FIELD("name", STRING_MAYBE),
	OBSERVED_BY,
	SHAPE_FIELD("port", SHAPE_INTEGER),
	SHAPE_FIELD("protocol", SHAPE_STRING),
	SHAPE_FIELD("reason", STRING_MAYBE),
	SHAPE_FIELD("table", SHAPE_STRING),
	SHAPE_FIELD("tap", SHAPE_STRING),
	SHAPE_FIELD("target", SHAPE_STRING),
};

static const struct shape_field program_fields[] = {
	SHAPE_FIELD("hash", STRING_MAYBE),
	SHAPE_FIELD("path", SHAPE_STRING),
	SHAPE_FIELD("sha256", SHAPE_HASH | SHAPE_OPTIONAL),
};
static const struct shape program_shape = CLOSED(program_fields);
/* A microVM: what it was started as, and how it went down. */
static const struct shape_field machine_fields[] = {
	SHAPE_FIELD("accel", SHAPE_STRING),
	SHAPE_FIELD("accelReason", SHAPE_STRING),
	SHAPE_FIELD("commandLineHash", SHAPE_HASH),
	SHAPE_FIELD("kernelRelease", SHAPE_STRING),
	SHAPE_FIELD("memoryBytes", SHAPE_INTEGER),
	SHAPE_FIELD("mounts", SHAPE_ARRAY),
	SHAPE_FIELD("snapshot", STRING_MAYBE),
	SHAPE_FIELD("snapshotKey", SHAPE_HASH | SHAPE_OPTIONAL),
	SHAPE_FIELD("vcpus", SHAPE_INTEGER),
	SHAPE_FIELD("vmm", SHAPE_STRING),
	SHAPE_FIELD("vmmVersion", SHAPE_STRING),
};
static const struct shape machine_shape = CLOSED(machine_fields);
static const struct shape_field console_fields[] = {
	SHAPE_FIELD("bytes", SHAPE_INTEGER),
	SHAPE_FIELD("keptBytes", SHAPE_INTEGER),
};
static const struct shape console_shape = CLOSED(console_fields);
static const struct shape_field vmm_fields[] = {
	SHAPE_FIELD("exitCode", INTEGER_OR_NULL),
	SHAPE_FIELD("signal", STRING_OR_NULL),
};
static const struct shape vmm_shape = CLOSED(vmm_fields);
/* The guest's own words; kernelMs and initMs where it came so far. */
static const struct shape_field guest_fields[] = {
	SHAPE_FIELD("bootMs", INTEGER_OR_NULL),	  SHAPE_FIELD("initMs", INTEGER_OR_NULL),
	SHAPE_FIELD("kernelMs", INTEGER_OR_NULL), OBSERVED_BY,
	SHAPE_FIELD("release", SHAPE_STRING),	  SHAPE_FIELD("version", SHAPE_STRING),
};
static const struct shape guest_shape = CLOSED(guest_fields);
#define SPAN(name) SHAPE_FIELD(name, SHAPE_DECIMAL | SHAPE_NULL)
static const struct shape_field phase_fields[] = {
	SPAN("commandNs"), SPAN("deliveryNs"), SPAN("imagesNs"),
	SPAN("initNs"),	   SPAN("kernelNs"),   SPAN("preflightNs"),
	SPAN("sandboxNs"), SPAN("shutdownNs"), SPAN("vmmNs"),
};
static const struct shape phase_shape = CLOSED(phase_fields);
/* What is optional is younger than the first microVMs' reports. */
static const struct shape_field machine_end_fields[] = {
	SHAPE_FIELD("bootNs", SHAPE_DECIMAL | SHAPE_NULL),
	SHAPE_NESTED("console", SHAPE_OBJECT, console_shape),
	SHAPE_NESTED("guest", OBJECT_OR_NULL | SHAPE_OPTIONAL, guest_shape),
	SHAPE_FIELD("guestTold", SHAPE_BOOL),
	SHAPE_FIELD("messages", SHAPE_STRING),
	SHAPE_NESTED("phases", SHAPE_OBJECT | SHAPE_OPTIONAL, phase_shape),
	SHAPE_FIELD("shutdown", SHAPE_STRING),
	SHAPE_NESTED("violations", SHAPE_ARRAY | SHAPE_OPTIONAL, error_shape),
	SHAPE_NESTED("vmm", SHAPE_OBJECT, vmm_shape),
};
static const struct shape machine_end_shape = CLOSED(machine_end_fields);
static const struct shape_field started_fields[] = {
	BOOT_NS,
	SHAPE_NESTED("executable", SHAPE_OBJECT, program_shape),
	SHAPE_FIELD("isolation", SHAPE_STRING),
	LAUNCHER_BOOT_NS,
	SHAPE_NESTED("machine", SHAPE_OBJECT | SHAPE_OPTIONAL, machine_shape),
	OBSERVED_BY,
	SHAPE_FIELD("pid", SHAPE_INTEGER),
};

/* What ended before the guest said a word, and what runs in its place. */
static const struct shape_field fallback_fields[] = {
	SHAPE_FIELD("accel", SHAPE_STRING),
	BOOT_NS,
	SHAPE_FIELD("commandLineHash", SHAPE_HASH),
	SHAPE_FIELD("from", SHAPE_STRING),
	LAUNCHER_BOOT_NS,
	OBSERVED_BY,
	SHAPE_FIELD("reason", SHAPE_STRING),
	SHAPE_NESTED("vmm", SHAPE_OBJECT, vmm_shape),
};

static const struct shape_field truncated_fields[] = {
	BOOT_NS,
	SHAPE_FIELD("limitBytes", INTEGER_OR_NULL),
	OBSERVED_BY,
	SHAPE_FIELD("reason", SHAPE_STRING),
	SHAPE_FIELD("stream", SHAPE_STRING),
};

static const struct shape_field rusage_fields[] = {
	SHAPE_FIELD("maxRssBytes", SHAPE_INTEGER),
	SHAPE_FIELD("systemUs", SHAPE_INTEGER),
	SHAPE_FIELD("userUs", SHAPE_INTEGER),
};
static const struct shape rusage_shape = CLOSED(rusage_fields);
static const struct shape_field exited_fields[] = {
	BOOT_NS,
	SHAPE_FIELD("coreDumped", SHAPE_BOOL),
	SHAPE_FIELD("deadline", SHAPE_BOOL),
	SHAPE_FIELD("exitCode", INTEGER_OR_NULL),
	SHAPE_FIELD("forwarded", SHAPE_ARRAY),
	LAUNCHER_BOOT_NS,
	SHAPE_NESTED("machine", SHAPE_OBJECT | SHAPE_OPTIONAL, machine_end_shape),
	OBSERVED_BY,
	SHAPE_FIELD("oomKills", SHAPE_INTEGER),
	SHAPE_FIELD("pidsMaxHits", SHAPE_INTEGER),
	SHAPE_NESTED("rusage", SHAPE_OBJECT, rusage_shape),
	SHAPE_FIELD("setup", OBJECT_OR_NULL),
	SHAPE_FIELD("signal", STRING_OR_NULL),
	SHAPE_FIELD("signalNumber", INTEGER_OR_NULL),
	SHAPE_FIELD("stopReason", STRING_OR_NULL),
	SHAPE_FIELD("syscall", STRING_MAYBE),
	SHAPE_FIELD("wallNs", SHAPE_DECIMAL),
};

/* One of the policy's outputs, and what of it was not taken. */
static const struct shape_field taken_fields[] = {
	SHAPE_FIELD("bytes", SHAPE_INTEGER),   SHAPE_FIELD("entries", SHAPE_INTEGER),
	SHAPE_FIELD("files", SHAPE_INTEGER),   SHAPE_FIELD("path", SHAPE_STRING),
	SHAPE_FIELD("refused", SHAPE_INTEGER), SHAPE_FIELD("status", SHAPE_STRING),
};
static const struct shape taken_shape = CLOSED(taken_fields);
static const struct shape_field reason_fields[] = {
	SHAPE_FIELD("output", SHAPE_INTEGER),
	SHAPE_FIELD("path", SHAPE_STRING),
	SHAPE_FIELD("reason", SHAPE_STRING),
};
static const struct shape reason_shape = CLOSED(reason_fields);
static const struct shape_field collected_fields[] = {
	BOOT_NS,
	SHAPE_FIELD("bytes", SHAPE_INTEGER),
	SHAPE_FIELD("captured", SHAPE_BOOL),
	SHAPE_FIELD("entries", SHAPE_INTEGER),
	SHAPE_FIELD("files", SHAPE_INTEGER),
	LAUNCHER_BOOT_NS,
	SHAPE_FIELD("manifestHash", HASH_OR_NULL),
	OBSERVED_BY,
	SHAPE_NESTED("outputs", SHAPE_ARRAY, taken_shape),
	SHAPE_NESTED("reasons", SHAPE_ARRAY, reason_shape),
};

static const struct shape_field killed_fields[] = {
	BOOT_NS,
	SHAPE_FIELD("killedStage", SHAPE_STRING),
	OBSERVED_BY,
	SHAPE_FIELD("signal", STRING_OR_NULL),
	SHAPE_FIELD("signalNumber", INTEGER_OR_NULL),
	SHAPE_FIELD("status", INTEGER_OR_NULL),
};

static const struct shape_field cleanup_fields[] = {
	SHAPE_FIELD("detail", SHAPE_STRING),
	SHAPE_FIELD("ok", SHAPE_BOOL),
	SHAPE_FIELD("step", SHAPE_STRING),
};
static const struct shape cleanup_shape = CLOSED(cleanup_fields);

/* The monitor's, and what sr-seal concludes when it closes a stream itself. */
static const struct shape_field evidence_fields[] = {
	SHAPE_FIELD("acceptedEvents", INTEGER_MAYBE),
	SHAPE_FIELD("closingWithheld", BOOL_MAYBE),
	SHAPE_FIELD("deadline", BOOL_MAYBE),
	SHAPE_FIELD("execErrno", STRING_MAYBE),
	SHAPE_NESTED("lost", SHAPE_OBJECT | SHAPE_OPTIONAL, error_shape),
	SHAPE_FIELD("oomKills", INTEGER_MAYBE),
	SHAPE_FIELD("outputLeftOpen", BOOL_MAYBE),
	SHAPE_FIELD("outputMax", INTEGER_MAYBE),
	SHAPE_FIELD("pidsMaxHits", INTEGER_MAYBE),
	SHAPE_FIELD("refusedRecord", SHAPE_HASH | SHAPE_OPTIONAL),
	SHAPE_FIELD("samplingFailed", STRING_MAYBE),
	SHAPE_FIELD("signalNumber", INTEGER_MAYBE),
	SHAPE_FIELD("step", STRING_MAYBE),
	SHAPE_FIELD("syscall", STRING_MAYBE),
	SHAPE_FIELD("workloadExitCode", INTEGER_MAYBE),
};
static const struct shape evidence_shape = CLOSED(evidence_fields);

static const struct shape_field outcome_fields[] = {
	SHAPE_FIELD("cause", SHAPE_STRING),
	SHAPE_NESTED("evidence", SHAPE_OBJECT, evidence_shape),
	SHAPE_FIELD("exitCode", SHAPE_INTEGER),
	SHAPE_FIELD("signal", STRING_OR_NULL),
	SHAPE_FIELD("state", SHAPE_STRING),
	SHAPE_FIELD("summary", SHAPE_STRING),
};
static const struct shape outcome_shape = CLOSED(outcome_fields);

static const struct shape_field relayed_fields[] = {
	SHAPE_FIELD("bytes", SHAPE_INTEGER),
	SHAPE_FIELD("loggedBytes", SHAPE_INTEGER),
	SHAPE_FIELD("sha256", SHAPE_HASH),
	SHAPE_FIELD("truncated", SHAPE_BOOL),
};
static const struct shape relayed_shape = CLOSED(relayed_fields);
static const struct shape_field input_fields[] = {
	SHAPE_FIELD("bytes", SHAPE_INTEGER),
	SHAPE_FIELD("sha256", SHAPE_HASH),
};
static const struct shape input_shape = CLOSED(input_fields);
static const struct shape_field output_fields[] = {
	SHAPE_FIELD("captured", SHAPE_BOOL),
	SHAPE_NESTED("stderr", OBJECT_OR_NULL, relayed_shape),
	SHAPE_NESTED("stdin", OBJECT_OR_NULL, input_shape),
	SHAPE_NESTED("stdout", OBJECT_OR_NULL, relayed_shape),
};
static const struct shape output_shape = CLOSED(output_fields);

static const struct shape_field closing_fields[] = {
	BOOT_NS,
	SHAPE_NESTED("cleanup", SHAPE_ARRAY, cleanup_shape),
	SHAPE_NESTED("errors", SHAPE_ARRAY, error_shape),
	SHAPE_FIELD("eventCount", INTEGER_MAYBE),
	OBSERVED_BY,
	SHAPE_NESTED("outcome", SHAPE_OBJECT, outcome_shape),
	SHAPE_NESTED("output", SHAPE_OBJECT, output_shape),
};

static const struct shape payload_shapes[EVENT_TYPE_COUNT] = {
	[EVENT_COMPILE] = CLOSED(compile_fields),
	[EVENT_RUN_PREPARED] = CLOSED(prepared_fields),
	[EVENT_MOUNT_VALIDATED] = CLOSED(mount_fields),
	[EVENT_MOUNT_REJECTED] = CLOSED(rejected_fields),
	[EVENT_MOUNT_APPLIED] = CLOSED(mount_fields),
	[EVENT_NETWORK_PLAN_GENERATED] = CLOSED(plan_fields),
	[EVENT_NETWORK_RULE_APPLIED] = CLOSED(rule_fields),
	[EVENT_NETWORK_RULE_HIT] = CLOSED(hit_fields),
	[EVENT_NETWORK_RULE_RELEASED] = CLOSED(rule_fields),
	[EVENT_NETWORK_RULE_CLEANUP_FAILED] = CLOSED(rule_fields),
	[EVENT_VM_STARTED] = CLOSED(started_fields),
	[EVENT_OUTPUT_TRUNCATED] = CLOSED(truncated_fields),
	[EVENT_VM_EXITED] = CLOSED(exited_fields),
	[EVENT_OUTPUTS_COLLECTED] = CLOSED(collected_fields),
	[EVENT_RUN_CLEANED] = CLOSED(closing_fields),
	[EVENT_RUN_FAILED] = CLOSED(closing_fields),
	[EVENT_STAGE_KILLED] = CLOSED(killed_fields),
	[EVENT_VM_FALLBACK] = CLOSED(fallback_fields),
};

const struct shape *payload_shape(enum event_type type)
{
	const struct shape *shape = &payload_shapes[type];

	return shape->field_count > 0 ? shape : NULL;
}
