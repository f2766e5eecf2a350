/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/facts.h"

#include "ipc/canon.h"
#include "ipc/record.h"
#include "stages/seal/degraded.h"
#include "stages/seal/outputs.h"
#include "stages/seal/payload.h"

#include <inttypes.h>
#include <string.h>

#define NS_PER_MS 1000000

void facts_init(struct facts *facts)
{
	*facts = (struct facts){
		.cpu_usage_us = FACTS_UNKNOWN,
		.memory_peak_bytes = FACTS_UNKNOWN,
		.pids_peak = FACTS_UNKNOWN,
		.wall_ms = FACTS_UNKNOWN,
	};
	buf_init(&facts->artifacts, RECORD_EVENT_MAX);
	buf_init(&facts->policy_summary, RECORD_EVENT_MAX);
	buf_init(&facts->enforcement, RECORD_EVENT_MAX);
	buf_init(&facts->executable, RECORD_EVENT_MAX);
	buf_init(&facts->outputs, RECORD_EVENT_MAX);
	/* Room for the eventCount that seal adds to an event that was as long as one may be. */
	buf_init(&facts->closing, RECORD_EVENT_MAX + 64);
	buf_init(&facts->mount_reasons, FACTS_REASONS_MAX);
}

void facts_release(struct facts *facts)
{
	buf_release(&facts->artifacts);
	buf_release(&facts->policy_summary);
	buf_release(&facts->enforcement);
	buf_release(&facts->executable);
	buf_release(&facts->outputs);
	buf_release(&facts->closing);
	buf_release(&facts->mount_reasons);
}

/*
 * Prepared, started, sampled, exited. sr-monitor stops sampling when it reads vm.exited, before it
 * writes anything else, and the launcher's last sample stands in front of it.
 */
static enum fault_code life_order(const struct facts *facts, const struct head *event,
				  enum fault_code code, struct fault *fault)
{
	if (event->type == EVENT_VM_STARTED && !facts->prepared)
		return fault_set(fault, code, "type", "nothing starts before run.prepared");
	if ((event->type == EVENT_RUN_PREPARED && facts->prepared) ||
	    (event->type == EVENT_VM_STARTED && facts->started) ||
	    (event->type == EVENT_VM_EXITED && facts->ending.exited))
		return fault_set(fault, code, "type", "a run has only one %s event",
				 event_type_name(event->type));
	if (event->type == EVENT_OUTPUTS_COLLECTED &&
	    (!facts->ending.exited || facts->outputs.len > 0))
		return fault_set(fault, code, "type",
				 "outputs are collected once, behind vm.exited");
	if (event->type == EVENT_VM_EXITED && !facts->started &&
	    span_kind(span_get(event->payload, "setup")) != SPAN_OBJECT)
		return fault_set(fault, code, "type", "nothing exits that never started");
	if (event->type == EVENT_VM_FALLBACK && (!facts->started || facts->fell_back))
		return fault_set(fault, code, "type",
				 "a machine falls back once, behind vm.started");
	if (facts->ending.exited &&
	    (event->type == EVENT_VM_FALLBACK || event->type == EVENT_RESOURCE_SAMPLED ||
	     event->type == EVENT_VM_STARTED || event->type == EVENT_RUN_PREPARED))
		return fault_set(fault, code, "type", "no %s stands behind vm.exited",
				 event_type_name(event->type));
	return FAULT_NONE;
}

enum fault_code facts_order(const struct facts *facts, const struct head *event,
			    enum fault_code code, struct fault *fault)
{
	if (facts->closed)
		return fault_set(fault, code, "", "an event stands behind the closing one");
	if (event->seq != facts->count)
		return fault_set(fault, code, "seq", "%" PRIu64 " where %" PRIu64 " must follow",
				 event->seq, facts->count);
	if (facts->count > 0 && !span_equal(event->run_id, facts->run_id))
		return fault_set(fault, code, "runId", "%.*s, but the run is %s",
				 (int)event->run_id.len, event->run_id.at, facts->run_id);
	if (event->boot_ns < facts->boot_ns)
		return fault_set(fault, code, "payload.bootNs",
				 "time goes back, from %" PRIu64 " to %" PRIu64, facts->boot_ns,
				 event->boot_ns);
	if ((event->type == EVENT_COMPILE) != (facts->count == 0))
		return fault_set(fault, code, "type",
				 facts->count == 0 ? "the first event must be compile"
						   : "only the first event may be compile");
	return life_order(facts, event, code, fault);
}

/*
 * The counters of one group: where each goes, or NULL for those a report derives nothing from.
 * Names in order of how often they stand there.
 */
struct counter {
	struct span name;
	int64_t *out;
};

#define COUNTER(text, out)                                                                         \
	{                                                                                          \
		{(text), sizeof(text) - 1}, (out)                                                  \
	}

static bool read_group(struct span group, const struct counter *counters, size_t count)
{
	struct span_walk walk;
	struct span key, value;
	int64_t number;

	if (!span_walk_object(group, &walk))
		return false;
	while (span_next_member(&walk, &key, &value)) {
		size_t i = 0;

		while (i < count && !span_same(key, counters[i].name))
			i++;
		if (i == count || !span_integer(value, &number) || number < 0)
			return false;
		if (counters[i].out != NULL)
			*counters[i].out = number;
	}
	return true;
}

static bool read_cpu(struct span group, struct facts_sample *sample)
{
	const struct counter counters[] = {
		COUNTER("usageUs", &sample->cpu_usage_us),
		COUNTER("userUs", NULL),
		COUNTER("systemUs", NULL),
		COUNTER("throttledUs", NULL),
		COUNTER("nrThrottled", NULL),
	};

	return read_group(group, counters, sizeof(counters) / sizeof(counters[0]));
}

static bool read_memory(struct span group, struct facts_sample *sample)
{
	const struct counter counters[] = {
		COUNTER("currentBytes", &sample->memory_current_bytes),
		COUNTER("peakBytes", &sample->memory_peak_bytes),
		COUNTER("oomKills", NULL),
	};

	return read_group(group, counters, sizeof(counters) / sizeof(counters[0]));
}

static bool read_pids(struct span group, struct facts_sample *sample)
{
	const struct counter counters[] = {
		COUNTER("current", &sample->pids_current),
		COUNTER("peak", &sample->pids_peak),
		COUNTER("maxHits", NULL),
	};

	return read_group(group, counters, sizeof(counters) / sizeof(counters[0]));
}

static bool read_member(struct span key, struct span value, struct facts_sample *sample)
{
	uint64_t number;

	if (span_equal(key, "cpu"))
		return read_cpu(value, sample);
	if (span_equal(key, "memory"))
		return read_memory(value, sample);
	if (span_equal(key, "pids"))
		return read_pids(value, sample);
	if (span_equal(key, "sample"))
		return span_says(value, "periodic") || span_says(value, "first") ||
		       span_says(value, "last");
	if (span_equal(key, "launcherBootNs"))
		return span_string(value, &value) && span_decimal(value, &number);
	return span_equal(key, "bootNs") || span_equal(key, "observedBy"); /* head_scan read them */
}

/* Nearly every event is a sample: its members are those the first walk kept, and no table is
 * needed.
 */
static enum fault_code read_sample(const struct head *event, enum fault_code code,
				   struct facts_sample *sample, struct fault *fault)
{
	bool named = false, good = event->member_count <= HEAD_MEMBERS_MAX;

	*sample = (struct facts_sample){FACTS_UNKNOWN, FACTS_UNKNOWN, FACTS_UNKNOWN, FACTS_UNKNOWN,
					FACTS_UNKNOWN};
	for (size_t i = 0; good && i < event->member_count; i++) {
		good = read_member(event->members[i].key, event->members[i].value, sample);
		named = named || span_equal(event->members[i].key, "sample");
	}
	if (!good || !named)
		return fault_set(fault, code, "payload", "not a resource sample: %.*s",
				 event->payload.len < 200 ? (int)event->payload.len : 200,
				 event->payload.at);
	return FAULT_NONE;
}

static bool fits(const struct buf *buf, size_t len)
{
	return len < buf->max_len - buf->len;
}

/* What was started must be what was prepared, where both events name it. */
static enum fault_code check_started(const struct facts *facts, const struct head *event,
				     enum fault_code code, struct fault *fault)
{
	static const struct {
		const char *name, *prepared_name, *path;
	} pairs[] = {
		{"hash", "sha256", "payload.executable.hash"},
		{"path", "path", "payload.executable.path"},
		{"sha256", "sha256", "payload.executable.sha256"},
	};
	struct span started = span_get(event->payload, "executable");
	struct span prepared = {.at = "", .len = facts->executable.len};

	if (prepared.len > 0)
		prepared.at = facts->executable.data;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct span one = span_get(started, pairs[i].name);
		struct span other = span_get(prepared, pairs[i].prepared_name);

		if (span_kind(one) == SPAN_STRING && span_kind(other) == SPAN_STRING &&
		    (one.len != other.len || memcmp(one.at, other.at, one.len) != 0))
			return fault_set(fault, code, pairs[i].path, "run.prepared says %.*s",
					 other.len < 200 ? (int)other.len : 200, other.at);
	}
	return FAULT_NONE;
}

enum fault_code facts_admit(const struct facts *facts, const struct head *event,
			    enum fault_code code, struct facts_sample *sample, struct fault *fault)
{
	enum fault_code failed = facts_order(facts, event, code, fault);

	if (failed != FAULT_NONE)
		return failed;
	if (event->type == EVENT_RESOURCE_SAMPLED)
		return read_sample(event, code, sample, fault);
	failed = payload_check(event, code, fault);
	if (failed != FAULT_NONE)
		return failed;
	if (event->type == EVENT_COMPILE)
		return payload_check_hashes(event, code, fault);
	if (event->type == EVENT_RUN_PREPARED)
		return degraded_check(event, code, fault);
	if (event->type == EVENT_VM_STARTED)
		return check_started(facts, event, code, fault);
	if (event->type == EVENT_MOUNT_REJECTED &&
	    !fits(&facts->mount_reasons, span_get(event->payload, "reason").len))
		return fault_set(fault, code, "payload.reason", "too many mounts were rejected");
	if (event->type == EVENT_OUTPUTS_COLLECTED)
		return outputs_check(event->payload, code, fault);
	if (event->type == EVENT_RUN_CLEANED && facts->outputs_incomplete)
		return fault_set(fault, code, "type",
				 "run.cleaned closes no run whose outputs were not collected");
	if (event_type_closes(event->type))
		return ending_check_closing(&facts->ending, event, code, fault);
	return FAULT_NONE;
}

static void keep(struct buf *buf, struct span text)
{
	buf_clear(buf);
	buf_append(buf, text.at, text.len);
}

static void raise_to(int64_t *highest, int64_t value)
{
	if (value > *highest)
		*highest = value;
}

static void take_sample(struct facts *facts, const struct facts_sample *sample)
{
	facts->samples++;
	raise_to(&facts->cpu_usage_us, sample->cpu_usage_us);
	raise_to(&facts->memory_peak_bytes, sample->memory_current_bytes);
	raise_to(&facts->memory_peak_bytes, sample->memory_peak_bytes);
	raise_to(&facts->pids_peak, sample->pids_current);
	raise_to(&facts->pids_peak, sample->pids_peak);
}

static void take_exit(struct facts *facts, struct span payload)
{
	struct span wall = {.at = "", .len = 0};
	uint64_t wall_ns;

	ending_take_exited(&facts->ending, payload);
	if (span_string(span_get(payload, "wallNs"), &wall) && span_decimal(wall, &wall_ns))
		facts->wall_ms = (int64_t)(wall_ns / NS_PER_MS);
}

static void take_reason(struct facts *facts, struct span reason)
{
	if (facts->mount_reasons.len > 0)
		buf_append(&facts->mount_reasons, ",", 1);
	buf_append(&facts->mount_reasons, reason.at, reason.len);
}

/* A bit for each mount of a policy, which has 64 at most; 0 for what is no index of one. */
static uint64_t mount_bit(struct span payload)
{
	int64_t index;

	if (!span_integer(span_get(payload, "index"), &index) || index < 0 || index > 63)
		return 0;
	return UINT64_C(1) << index;
}

static void take_validated(struct facts *facts, struct span payload)
{
	facts->mounts_validated++;
	facts->mounts_accepted |= mount_bit(payload);
}

/* What was found right and then could not be mounted, or was taken back, was not accepted. */
static void take_rejected(struct facts *facts, struct span payload)
{
	uint64_t bit = mount_bit(payload);

	facts->mounts_rejected++;
	if ((facts->mounts_accepted & bit) != 0)
		facts->mounts_validated--;
	facts->mounts_accepted &= ~bit;
	take_reason(facts, span_get(payload, "reason"));
}

static void take_closing(struct facts *facts, const struct head *event)
{
	facts->closed = true;
	keep(&facts->closing, event->payload);
	(void)span_copy(event->timestamp, facts->finished_at, sizeof(facts->finished_at));
}

/* A report's numbers end where JSON's do. */
static void take_hits(struct span payload, const char *name, uint64_t *sum)
{
	int64_t count;

	if (!span_integer(span_get(payload, name), &count) || count < 0)
		return;
	*sum += (uint64_t)count;
	if (*sum > CANON_INTEGER_MAX)
		*sum = CANON_INTEGER_MAX;
}

static void take_payload(struct facts *facts, const struct head *event,
			 const struct facts_sample *sample)
{
	struct span payload = event->payload;

	switch (event->type) {
	case EVENT_COMPILE:
		keep(&facts->artifacts, span_get(payload, "artifacts"));
		keep(&facts->policy_summary, span_get(payload, "policySummary"));
		break;
	case EVENT_RUN_PREPARED:
		facts->prepared = true;
		keep(&facts->enforcement, span_get(payload, "enforcement"));
		keep(&facts->executable, span_get(payload, "executable"));
		break;
	case EVENT_MOUNT_VALIDATED:
		take_validated(facts, payload);
		break;
	case EVENT_MOUNT_REJECTED:
		take_rejected(facts, payload);
		break;
	case EVENT_NETWORK_RULE_APPLIED:
		facts->rules_applied++;
		break;
	case EVENT_NETWORK_RULE_HIT:
		take_hits(payload, "allowedHits", &facts->hits_allowed);
		take_hits(payload, "blockedHits", &facts->hits_blocked);
		break;
	case EVENT_RESOURCE_SAMPLED:
		take_sample(facts, sample);
		break;
	case EVENT_VM_STARTED:
		facts->started = true;
		break;
	case EVENT_VM_FALLBACK:
		facts->fell_back = true;
		break;
	case EVENT_OUTPUT_TRUNCATED:
		ending_take_truncated(&facts->ending, payload);
		break;
	case EVENT_VM_EXITED:
		take_exit(facts, payload);
		break;
	case EVENT_OUTPUTS_COLLECTED:
		outputs_value(payload, &facts->outputs);
		facts->outputs_incomplete = outputs_incomplete(payload);
		break;
	case EVENT_RUN_CLEANED:
	case EVENT_RUN_FAILED:
		take_closing(facts, event);
		break;
	case EVENT_MOUNT_APPLIED:
	case EVENT_NETWORK_PLAN_GENERATED:
	case EVENT_NETWORK_RULE_RELEASED:
	case EVENT_NETWORK_RULE_CLEANUP_FAILED:
	case EVENT_STAGE_KILLED:
	case EVENT_TYPE_COUNT:
		break;
	}
}

void facts_take(struct facts *facts, const struct head *event, const struct facts_sample *sample)
{
	if (facts->count == 0) {
		(void)span_copy(event->run_id, facts->run_id, sizeof(facts->run_id));
		(void)span_copy(event->timestamp, facts->started_at, sizeof(facts->started_at));
	}
	facts->boot_ns = event->boot_ns;
	take_payload(facts, event, sample);
	facts->count++;
}

void facts_skip(struct facts *facts, const struct head *event)
{
	facts->boot_ns = event->boot_ns;
	facts->count = event->seq + 1;
	if (facts->run_id[0] == '\0')
		(void)span_copy(event->run_id, facts->run_id, sizeof(facts->run_id));
	if (event_type_closes(event->type))
		facts->closed = true;
}
