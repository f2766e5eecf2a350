/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/outputs.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The first is the good one; the second is a run by hand, where there is no place for files. */
static const char *const statuses[] = {"collected", "not-captured", "missing",
				       "refused",   "limit",	    "failed"};
static const char *const counters[] = {"bytes", "entries", "files"};

static size_t status_of(struct span output)
{
	size_t status = 0;

	while (status < COUNT(statuses) && !span_says(span_get(output, "status"), statuses[status]))
		status++;
	return status;
}

static enum fault_code check_sums(struct span payload, enum fault_code code, struct fault *fault)
{
	int64_t sums[COUNT(counters)] = {0};
	struct span_walk walk;
	struct span output;
	int64_t number = 0;

	if (!span_walk_array(span_get(payload, "outputs"), &walk))
		return fault_set(fault, code, "payload.outputs", "an array must stand here");
	while (span_next_element(&walk, &output)) {
		if (status_of(output) == COUNT(statuses))
			return fault_set(fault, code, "payload.outputs", "there is no such status");
		for (size_t i = 0; i < COUNT(counters); i++)
			if (!span_integer(span_get(output, counters[i]), &number) ||
			    __builtin_add_overflow(sums[i], number, &sums[i]))
				return fault_set(fault, code, "payload.outputs",
						 "%s is out of range", counters[i]);
	}
	for (size_t i = 0; i < COUNT(counters); i++)
		if (!span_integer(span_get(payload, counters[i]), &number) || number != sums[i])
			return fault_set(fault, code, "payload",
					 "%s is not the sum of the outputs', %" PRId64, counters[i],
					 sums[i]);
	return FAULT_NONE;
}

enum fault_code outputs_check(struct span payload, enum fault_code code, struct fault *fault)
{
	bool captured = span_equal(span_get(payload, "captured"), "true");
	int64_t entries = 0;
	enum fault_code failed = check_sums(payload, code, fault);

	if (failed != FAULT_NONE)
		return failed;
	(void)span_integer(span_get(payload, "entries"), &entries);
	if (entries > 0 && (!captured || span_null(span_get(payload, "manifestHash"))))
		return fault_set(fault, code, "payload.manifestHash",
				 "entries that are in no manifest");
	return FAULT_NONE;
}

void outputs_value(struct span payload, struct buf *out)
{
	static const char *const names[] = {"bytes",	    "captured", "entries", "files",
					    "manifestHash", "outputs",	"reasons"};

	for (size_t i = 0; i < COUNT(names); i++) {
		struct span value = span_get(payload, names[i]);

		buf_append_text(out, i == 0 ? "{\"" : ",\"");
		buf_append_text(out, names[i]);
		buf_append_text(out, "\":");
		buf_append(out, value.at, value.len);
	}
	buf_append_text(out, "}");
}

bool outputs_incomplete(struct span payload)
{
	struct span_walk walk;
	struct span output;

	if (!span_walk_array(span_get(payload, "outputs"), &walk))
		return true;
	while (span_next_element(&walk, &output))
		if (status_of(output) > 1)
			return true;
	return false;
}
