/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COMPARE_ANSWER_H
#define COMPARE_ANSWER_H

#include "stages/compare/difference.h"

struct json_object;

/*
 * sr-compare's record, safe-run.comparison/v1: {"differences":[{"offset","path","recorded",
 * "replayed"}],"errors":[],"recordedBytes","replayedBytes","result","schemaVersion"}. Values are
 * cut to ANSWER_VALUE_MAX bytes.
 */
#define ANSWER_VALUE_MAX ((size_t)300)

struct answer {
	struct json_object *differences, *errors;
	size_t recorded_len, replayed_len;
};

void answer_init(struct answer *answer);
/* offset is left out (null) where fields are compared and not bytes. */
void answer_add(struct answer *answer, const struct difference *difference, bool has_offset);
/* Why there is nothing to compare, or no running again. */
void answer_refuse(struct answer *answer, const char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The record, the caller's; releases the answer. same: nothing differs and nothing was refused. */
struct json_object *answer_finish(struct answer *answer, bool *same);

#endif
