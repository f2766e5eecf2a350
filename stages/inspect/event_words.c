/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/inspect/event_words.h"

#include "stages/inspect/units.h"

#include <inttypes.h>
#include <stdio.h>

/* A sentence being written into what room is left. */
struct sentence {
	struct buf *out;
	enum words_target target;
	size_t left;
};

static void say(struct sentence *sentence, const char *text)
{
	sentence->left -= words_put_text(sentence->out, sentence->target, text, sentence->left);
}

static void say_value(struct sentence *sentence, struct span value)
{
	sentence->left -= words_put_value(sentence->out, sentence->target, value, sentence->left);
}

/* ": value" unless there is none. */
static void say_behind(struct sentence *sentence, const char *before, struct span value)
{
	if (value.len == 0 || span_null(value))
		return;
	say(sentence, before);
	say_value(sentence, value);
}

static void say_bytes(struct sentence *sentence, struct span value)
{
	char text[UNITS_SIZE] = "-";
	uint64_t bytes;

	if (view_number(value, &bytes))
		units_bytes(bytes, text);
	say(sentence, text);
}

static void say_compile(struct sentence *sentence, struct span payload)
{
	struct span summary = span_get(payload, "policySummary");
	struct span_walk walk;
	struct span error;

	if (span_walk_array(span_get(payload, "errors"), &walk) &&
	    span_next_element(&walk, &error)) {
		say(sentence, "refused: ");
		say_value(sentence, span_get(error, "message"));
		return;
	}
	say(sentence, "policy ");
	say_value(sentence, span_get(summary, "name"));
	say_behind(sentence, ", ", span_get(summary, "command"));
	say_behind(sentence, ", arguments: ", span_get(summary, "argsCount"));
}

static void say_prepared(struct sentence *sentence, struct span payload)
{
	struct span_walk walk;
	struct span clause;
	char text[64];
	unsigned total = 0, missing = 0;

	for (bool more = span_walk_array(span_get(payload, "enforcement"), &walk);
	     more && span_next_element(&walk, &clause); total++)
		missing += span_equal(span_get(clause, "enforced"), "true") ? 0 : 1;
	if (missing == 0)
		snprintf(text, sizeof(text), "all %u clauses enforced and read back", total);
	else
		snprintf(text, sizeof(text), "%u of %u clauses not enforced", missing, total);
	say(sentence, text);
}

static void say_mount(struct sentence *sentence, struct span payload)
{
	say_value(sentence, span_get(payload, "source"));
	say(sentence, " on ");
	say_value(sentence, span_get(payload, "target"));
	say_behind(sentence, ": ", span_get(payload, "reason"));
}

static void say_rule(struct sentence *sentence, struct span payload)
{
	say_behind(sentence, "", span_get(payload, "protocol"));
	say_behind(sentence, " ", span_get(payload, "host"));
	say_behind(sentence, " ", span_get(payload, "cidr"));
	say_behind(sentence, " to ", span_get(payload, "target"));
	say_behind(sentence, " at ", span_get(payload, "destination"));
	say_behind(sentence, " port ", span_get(payload, "port"));
	if (!span_says(span_get(payload, "name"), ""))
		say_behind(sentence, ", name ", span_get(payload, "name"));
	say_behind(sentence, ", allowed ", span_get(payload, "allowedHits"));
	say_behind(sentence, ", refused ", span_get(payload, "blockedHits"));
	say_behind(sentence, ": ", span_get(payload, "reason"));
}

static void say_sample(struct sentence *sentence, struct span payload)
{
	char text[UNITS_SIZE] = "-";
	uint64_t usage_us;

	if (view_number(span_get(span_get(payload, "cpu"), "usageUs"), &usage_us) &&
	    usage_us < UINT64_MAX / 1000)
		units_duration(usage_us * 1000, text);
	say(sentence, "processor ");
	say(sentence, text);
	say(sentence, ", memory ");
	say_bytes(sentence, span_get(span_get(payload, "memory"), "currentBytes"));
	say_behind(sentence, ", processes ", span_get(span_get(payload, "pids"), "current"));
}

/* Where a machine's time went, in its order. */
static void say_phases(struct sentence *sentence, struct span phases)
{
	static const struct {
		const char *name, *words;
	} steps[] = {
		{"preflightNs", "; machine: preflight "},
		{"imagesNs", ", images "},
		{"sandboxNs", ", sandbox "},
		{"vmmNs", ", VMM "},
		{"kernelNs", ", kernel "},
		{"initNs", ", init "},
		{"commandNs", ", command "},
		{"deliveryNs", ", delivery "},
		{"shutdownNs", ", shutdown "},
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		char text[UNITS_SIZE];
		struct span digits;
		uint64_t duration_ns;

		if (!span_string(span_get(phases, steps[i].name), &digits) ||
		    !span_decimal(digits, &duration_ns))
			continue;
		units_duration(duration_ns, text);
		say(sentence, steps[i].words);
		say(sentence, text);
	}
}

static void say_exited(struct sentence *sentence, struct span payload)
{
	if (span_null(span_get(payload, "signal")))
		say_behind(sentence, "status ", span_get(payload, "exitCode"));
	else
		say_behind(sentence, "killed by ", span_get(payload, "signal"));
	if (span_equal(span_get(payload, "deadline"), "true"))
		say(sentence, ", its time was over");
	say_behind(sentence, ", stopped: ", span_get(payload, "stopReason"));
	say_phases(sentence, span_get(span_get(payload, "machine"), "phases"));
}

static void say_truncated(struct sentence *sentence, struct span payload)
{
	say_value(sentence, span_get(payload, "stream"));
	say_behind(sentence, ": ", span_get(payload, "reason"));
	say(sentence, ", limit ");
	say_bytes(sentence, span_get(payload, "limitBytes"));
}

static void say_collected(struct sentence *sentence, struct span payload)
{
	say_behind(sentence, "entries ", span_get(payload, "entries"));
	say(sentence, ", ");
	say_bytes(sentence, span_get(payload, "bytes"));
	say_behind(sentence, ", ", span_get(payload, "manifestHash"));
}

static void say_killed(struct sentence *sentence, struct span payload)
{
	say_value(sentence, span_get(payload, "killedStage"));
	say_behind(sentence, " was killed by ", span_get(payload, "signal"));
	say_behind(sentence, " exited with ", span_get(payload, "status"));
}

void event_words_put(struct buf *out, enum words_target target, const struct view_event *event,
		     size_t max)
{
	struct sentence sentence = {out, target, max};
	struct span payload = event->payload;

	switch (event->type) {
	case EVENT_COMPILE:
		say_compile(&sentence, payload);
		break;
	case EVENT_RUN_PREPARED:
		say_prepared(&sentence, payload);
		break;
	case EVENT_MOUNT_VALIDATED:
	case EVENT_MOUNT_REJECTED:
	case EVENT_MOUNT_APPLIED:
		say_mount(&sentence, payload);
		break;
	case EVENT_NETWORK_PLAN_GENERATED:
		say_behind(&sentence, "rules: ", span_get(payload, "rulesTotal"));
		break;
	case EVENT_NETWORK_RULE_APPLIED:
	case EVENT_NETWORK_RULE_HIT:
	case EVENT_NETWORK_RULE_RELEASED:
	case EVENT_NETWORK_RULE_CLEANUP_FAILED:
		say_rule(&sentence, payload);
		break;
	case EVENT_VM_STARTED:
		say_value(&sentence, span_get(span_get(payload, "executable"), "path"));
		say_behind(&sentence, ", pid ", span_get(payload, "pid"));
		break;
	case EVENT_VM_FALLBACK:
		say_value(&sentence, span_get(payload, "from"));
		say_behind(&sentence, " failed, ", span_get(payload, "accel"));
		say_behind(&sentence, ": ", span_get(payload, "reason"));
		break;
	case EVENT_RESOURCE_SAMPLED:
		say_sample(&sentence, payload);
		break;
	case EVENT_OUTPUT_TRUNCATED:
		say_truncated(&sentence, payload);
		break;
	case EVENT_VM_EXITED:
		say_exited(&sentence, payload);
		break;
	case EVENT_OUTPUTS_COLLECTED:
		say_collected(&sentence, payload);
		break;
	case EVENT_RUN_CLEANED:
	case EVENT_RUN_FAILED:
		say_value(&sentence, span_get(span_get(payload, "outcome"), "summary"));
		break;
	case EVENT_STAGE_KILLED:
		say_killed(&sentence, payload);
		break;
	case EVENT_TYPE_COUNT:
		break;
	}
}
