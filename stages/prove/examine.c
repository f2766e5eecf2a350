/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/prove/examine.h"

#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/verify/check.h"
#include "stages/verify/hash_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct checklist_item items[EXAMINE_CHECK_COUNT] = {
	[EXAMINE_CANONICAL] = {"canonical", FAULT_REPORT_CANONICAL},
	[EXAMINE_SCHEMA] = {"schema", FAULT_REPORT_SCHEMA},
	[EXAMINE_EVENT] = {"event", FAULT_REPORT_CHAIN},
	[EXAMINE_INCLUSION] = {"inclusion", FAULT_REPORT_CHAIN},
	[EXAMINE_SIZE] = {"size", FAULT_REPORT_CHAIN},
	[EXAMINE_ROOT] = {"root", FAULT_REPORT_CHAIN},
	[EXAMINE_REPORT] = {"report", FAULT_REPORT_HASH},
	[EXAMINE_SIGNATURE] = {"signature", FAULT_REPORT_SIGNATURE},
};

void examine_init(struct examination *examination)
{
	*examination = (struct examination){.readable = false};
	checklist_init(&examination->list, items, EXAMINE_CHECK_COUNT);
	for (size_t i = EXAMINE_CANONICAL; i <= EXAMINE_SIZE; i++)
		checklist_ask(&examination->list, i);
}

/* Records how a check came out. */
static void settle(struct examination *examination, enum examine_check check, enum fault_code code,
		   const struct fault *fault)
{
	if (code == FAULT_NONE)
		checklist_pass(&examination->list, check);
	else
		checklist_refuse(&examination->list, check, fault);
}

void examine_proof(struct examination *examination, struct span text)
{
	struct checklist *list = &examination->list;
	struct proof *proof = &examination->proof;
	struct fault fault;
	size_t offset = 0;

	if (!canon_check(text.at, text.len, &offset)) {
		checklist_refuse_at(list, EXAMINE_CANONICAL, "",
				    "not canonical JSON at byte %zu of %zu", offset, text.len);
		return;
	}
	checklist_pass(list, EXAMINE_CANONICAL);
	examination->readable = proof_read(text, proof, &fault) == FAULT_NONE;
	settle(examination, EXAMINE_SCHEMA, examination->readable ? FAULT_NONE : fault.code,
	       &fault);
	if (!examination->readable)
		return;
	settle(examination, EXAMINE_EVENT,
	       proof_check_event(proof, &proof->subject, proof->index, &examination->event, &fault),
	       &fault);
	settle(examination, EXAMINE_INCLUSION, proof_check_path(proof, &fault), &fault);
	settle(examination, EXAMINE_SIZE, proof_check_size(proof, &fault), &fault);
}

static bool root_read(const char *text, inclusion_hash root)
{
	char prefixed[DIGEST_TEXT_SIZE];

	if (strlen(text) == 2 * (size_t)DIGEST_SIZE) {
		snprintf(prefixed, sizeof(prefixed), "sha256:%s", text);
		text = prefixed;
	}
	return hash_text_read((struct span){text, strlen(text)}, root);
}

void examine_root(struct examination *examination, const char *root)
{
	inclusion_hash expected;

	checklist_ask(&examination->list, EXAMINE_ROOT);
	if (!root_read(root, expected))
		checklist_refuse_at(&examination->list, EXAMINE_ROOT, "root",
				    "the root given is not 64 lower-case hexadecimal digits");
	else if (!examination->readable)
		return;
	else if (memcmp(expected, examination->proof.root, DIGEST_SIZE) != 0)
		checklist_refuse_at(&examination->list, EXAMINE_ROOT, "root",
				    "the proof leads to another root than the one given");
	else
		checklist_pass(&examination->list, EXAMINE_ROOT);
}

static bool find_event(struct span report, uint64_t index, struct span *event, uint64_t *count)
{
	struct span_walk walk;
	struct span element;
	bool found = false;

	*count = 0;
	if (!span_walk_array(span_get(report, "events"), &walk))
		return false;
	while (span_next_element(&walk, &element)) {
		if (*count == index) {
			*event = element;
			found = true;
		}
		++*count;
	}
	return found;
}

static const char *difference(const struct proof *proof, struct span report)
{
	struct span integrity = span_get(report, "integrity");
	struct span text, event;
	inclusion_hash root;
	uint64_t count;

	if (!span_string(span_get(report, "runId"), &text) || !span_same(text, proof->run_id))
		return "the proof is about another run";
	if (!span_string(span_get(integrity, "digest"), &text) || !span_same(text, proof->digest))
		return "the proof is about another report of this run";
	if (!span_string(span_get(integrity, "merkleRoot"), &text) || !hash_text_read(text, root) ||
	    memcmp(root, proof->root, DIGEST_SIZE) != 0)
		return "the report has another root";
	if (!find_event(report, proof->index, &event, &count))
		return "the report has no such event";
	if (count != proof->size)
		return "the report has another number of events";
	return span_same(event, proof->subject.event) ? NULL : "the report has another event there";
}

void examine_report(struct examination *examination, struct span report)
{
	struct verdict verdict = {0};
	const char *differs;

	checklist_ask(&examination->list, EXAMINE_REPORT);
	check_report(report, &verdict);
	for (size_t i = 0; i < verdict.faults.count; i++)
		checklist_refuse(&examination->list, EXAMINE_REPORT, &verdict.faults.items[i]);
	if (!verdict_valid(&verdict) || !examination->readable)
		return;
	differs = difference(&examination->proof, report);
	if (differs != NULL)
		checklist_refuse_at(&examination->list, EXAMINE_REPORT, "report", "%s", differs);
	else
		checklist_pass(&examination->list, EXAMINE_REPORT);
}

/* Who stands behind the root. */
static const char *trust_of(const struct examination *examination)
{
	if (!checklist_valid(&examination->list))
		return "none";
	if (checklist_passed(&examination->list, EXAMINE_SIGNATURE))
		return "signed";
	if (checklist_passed(&examination->list, EXAMINE_ROOT))
		return "root";
	return "self";
}

static struct json_object *limits_of(const struct examination *examination)
{
	const struct checklist *list = &examination->list;
	struct json_object *limits = array_new();
	bool signed_root = checklist_passed(list, EXAMINE_SIGNATURE);

	if (!signed_root && !checklist_passed(list, EXAMINE_ROOT))
		array_append_string(limits,
				    "that the root is any run's: whoever makes up events can make "
				    "up a tree over them; give --bundle and --key, or --root");
	if (!signed_root)
		array_append_string(limits, "who made the report: no signature was looked at");
	if (!checklist_passed(list, EXAMINE_REPORT))
		array_append_string(limits, "anything about the run's other events but the last, "
					    "which says how many there are");
	array_append_string(limits,
			    "that the host's kernel, clocks and safe-run itself told the truth");
	array_append_string(limits, "what an event marked observedBy guest or workload claims");
	return limits;
}

static void describe_event(const struct examination *examination, struct json_object *answer)
{
	const struct proof *proof = &examination->proof;
	char root[DIGEST_TEXT_SIZE], run_id[RUNID_SIZE];
	struct json_object *event;

	if (!examination->readable)
		return;
	digest_text(proof->root, root);
	object_add_string(answer, "root", root);
	object_add_decimal(answer, "size", proof->size);
	if (span_copy(proof->run_id, run_id, sizeof(run_id)))
		object_add_string(answer, "runId", run_id);
	if (!checklist_passed(&examination->list, EXAMINE_EVENT))
		return;
	event = object_new();
	object_add_decimal(event, "seq", examination->event.seq);
	object_add_escaped(event, "stage", examination->event.stage.at,
			   examination->event.stage.len);
	object_add_escaped(event, "timestamp", examination->event.timestamp.at,
			   examination->event.timestamp.len);
	object_add_string(event, "type", event_type_name(examination->event.type));
	object_add(answer, "event", event);
}

struct json_object *examine_answer(const struct examination *examination)
{
	struct json_object *answer = object_new();

	checklist_describe(&examination->list, answer);
	describe_event(examination, answer);
	object_add(answer, "doesNotProve", limits_of(examination));
	object_add_string(answer, "trust", trust_of(examination));
	if (examination->signer[0] != '\0')
		object_add_string(answer, "keyid", examination->signer);
	return answer;
}
