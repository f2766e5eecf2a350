/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/compare/again.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static bool same(struct span a, struct span b)
{
	return a.len == b.len && a.len > 0 && memcmp(a.at, b.at, a.len) == 0;
}

static struct span artifact(struct span report, const char *name)
{
	return span_get(span_get(report, "artifacts"), name);
}

static void check_is_of(struct span bundle, struct span report, struct answer *answer)
{
	static const char *const hashes[] = {"policyHash", "commandHash"};

	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
		if (!same(span_get(bundle, hashes[i]), artifact(report, hashes[i])))
			answer_refuse(answer, hashes[i],
				      "the plan is not the one the report is about");
}

static void check_mounts(struct span bundle, struct answer *answer)
{
	struct span_walk walk;
	struct span mount;

	if (span_walk_array(span_get(bundle, "mountPlan"), &walk) &&
	    span_next_element(&walk, &mount))
		answer_refuse(answer, "mounts[0].source",
			      "a mount is recorded by device and inode, not by a digest of what is "
			      "below it, so nobody can say that the run would be given the same");
}

static void check_stdin(struct span bundle, struct span report, struct answer *answer)
{
	struct span given = span_get(span_get(report, "output"), "stdin");
	int64_t bytes = -1;

	if (span_says(span_get(span_get(bundle, "processPlan"), "stdin"), "none"))
		return;
	if (!span_integer(span_get(given, "bytes"), &bytes) || bytes != 0)
		answer_refuse(answer, "runtime.stdin",
			      "the command was given bytes on standard input, of which the record "
			      "has the digest alone; runs with stdin: none can be carried out "
			      "again");
}

void again_check_inputs(struct span bundle, struct span report, struct answer *answer)
{
	if (span_kind(span_get(bundle, "processPlan")) != SPAN_OBJECT) {
		answer_refuse(answer, "processPlan", "the policy was refused: nothing was run");
		return;
	}
	if (span_null(artifact(report, "executableHash")))
		answer_refuse(answer, "artifacts.executableHash",
			      "nothing was executed: there is nothing to compare with");
	check_is_of(bundle, report, answer);
	if (!span_null(span_get(bundle, "networkPlan")))
		answer_refuse(answer, "network.mode",
			      "the run had a network, whose answers are not in the record; only "
			      "mode: none can be carried out again");
	check_mounts(bundle, answer);
	check_stdin(bundle, report, answer);
}

/* The root as event 0 has it. */
static struct span root_of(struct span report)
{
	struct span_walk walk;
	struct span event = {.at = "", .len = 0};

	if (span_walk_array(span_get(report, "events"), &walk))
		(void)span_next_element(&walk, &event);
	return span_get(span_get(event, "payload"), "root");
}

static int shown(struct span value)
{
	return value.len < 120 ? (int)value.len : 120;
}

static void tell_root(struct span recorded, struct span replayed, struct answer *answer)
{
	struct difference difference = {.same = false};

	if (!difference_of_values(root_of(recorded), root_of(replayed), "root", &difference)) {
		answer_refuse(answer, "artifacts.rootfsHash", "today's root is another one");
		return;
	}
	answer_refuse(answer, "artifacts.rootfsHash",
		      "today's root is another one: %s was %.*s and is %.*s", difference.path,
		      shown(difference.recorded), difference.recorded.at,
		      shown(difference.replayed), difference.replayed.at);
}

/* What was executed then was not this time: the reason says more than the hashes do. */
static bool check_executed(struct span replayed, struct answer *answer)
{
	struct span summary = span_get(span_get(replayed, "outcome"), "summary");
	struct span executed = artifact(replayed, "executableHash");

	if (executed.len > 0 && !span_null(executed))
		return true;
	answer_refuse(answer, "outcome.summary", "nothing was executed this time: it %.*s",
		      (int)(summary.len < ANSWER_VALUE_MAX ? summary.len : ANSWER_VALUE_MAX),
		      summary.at);
	return false;
}

static bool check_given(struct span recorded, struct span replayed, struct answer *answer)
{
	static const char *const names[] = {"policyHash", "commandHash", "executableHash",
					    "interpreterHash"};
	bool given = true;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!same(artifact(recorded, names[i]), artifact(replayed, names[i]))) {
			answer_refuse(answer, names[i],
				      "not what the recorded run had: it was %.*s and is %.*s",
				      shown(artifact(recorded, names[i])),
				      artifact(recorded, names[i]).at,
				      shown(artifact(replayed, names[i])),
				      artifact(replayed, names[i]).at);
			given = false;
		}
	if (!same(artifact(recorded, "rootfsHash"), artifact(replayed, "rootfsHash"))) {
		tell_root(recorded, replayed, answer);
		given = false;
	}
	return given;
}

/* At most three names deep. */
struct field {
	const char *names[3];
	const char *path;
};

static struct span field_of(struct span report, const struct field *field)
{
	struct span value = report;

	for (size_t i = 0; i < sizeof(field->names) / sizeof(field->names[0]); i++)
		if (field->names[i] != NULL)
			value = span_get(value, field->names[i]);
	return value;
}

void again_compare(struct span recorded, struct span replayed, struct answer *answer)
{
	static const struct field fields[] = {
		{{"exitCode"}, "exitCode"},
		{{"state"}, "state"},
		{{"outcome", "cause"}, "outcome.cause"},
		{{"outcome", "signal"}, "outcome.signal"},
		{{"output", "stdout", "sha256"}, "output.stdout.sha256"},
		{{"output", "stderr", "sha256"}, "output.stderr.sha256"},
		{{"outputs", "manifestHash"}, "outputs.manifestHash"},
	};

	if (!check_executed(replayed, answer) || !check_given(recorded, replayed, answer))
		return;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct difference difference = {.same = false};

		if (difference_of_values(field_of(recorded, &fields[i]),
					 field_of(replayed, &fields[i]), fields[i].path,
					 &difference))
			answer_add(answer, &difference, false);
	}
}
