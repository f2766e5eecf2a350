/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/notice.h"

#include "ipc/canon.h"
#include "ipc/field.h"
#include "ipc/object.h"
#include "ipc/record.h"

#include <stdio.h>
#include <string.h>

static enum fault_code read_number(struct fields *fields, const char *name, int64_t max, int *out,
				   struct fault *fault)
{
	enum fault_code failed = FAULT_NONE;
	int64_t number = 0;

	if (!fields_null(fields, name))
		failed = fields_integer(fields, name, 0, max, &number, fault);
	*out = (int)number;
	return failed;
}

static enum fault_code read_death(const char *line, size_t len, struct closing_death *death,
				  struct fault *fault)
{
	const enum fault_code code = FAULT_EVIDENCE_EVENT;
	struct json_object *notice OBJECT_CLEANUP = NULL;
	struct fields fields;
	const char *stage = "";
	enum fault_code failed = canon_parse(line, len, code, &notice, fault);

	*death = (struct closing_death){0};
	if (failed == FAULT_NONE)
		failed = fields_open(&fields, notice, "seal.notice", code, fault);
	if (failed == FAULT_NONE)
		failed = fields_string(&fields, "stage", &stage, fault);
	if (failed == FAULT_NONE)
		failed = read_number(&fields, "signal", 64, &death->signal, fault);
	if (failed == FAULT_NONE)
		failed = read_number(&fields, "status", 255, &death->status, fault);
	if (failed == FAULT_NONE)
		failed = fields_close(&fields, fault);
	if (failed == FAULT_NONE && strlen(stage) >= sizeof(death->stage))
		failed = fault_set(fault, code, "seal.notice.stage", "there is no such stage");
	if (failed == FAULT_NONE)
		snprintf(death->stage, sizeof(death->stage), "%s", stage);
	return failed;
}

void notice_read_all(int fd, struct closing_loss *loss, struct fault *fault)
{
	struct record_reader reader;
	enum record_status status = RECORD_AGAIN;
	const char *line;
	size_t len;

	record_reader_init(&reader, fd, RECORD_EVENT_MAX);
	while (loss->notices == NULL && status != RECORD_END) {
		status = record_read(&reader, &line, &len, FAULT_EVIDENCE_EVENT, fault);
		if (status == RECORD_FAULT)
			loss->notices = fault;
		if (status != RECORD_LINE)
			continue;
		if (loss->death_count == CLOSING_DEATHS_MAX) {
			fault_set(fault, FAULT_EVIDENCE_EVENT, "seal.notice",
				  "more than %d stages ended", CLOSING_DEATHS_MAX);
			loss->notices = fault;
		} else if (read_death(line, len, &loss->deaths[loss->death_count], fault) ==
			   FAULT_NONE) {
			loss->death_count++;
		} else {
			loss->notices = fault;
		}
	}
	record_reader_release(&reader);
}
