/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tamper.h"

#include "tests/support/evidence.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* The nth event of a report: its bytes. */
char *tamper_find_event(const struct buf *report, int nth, size_t *len)
{
	char *at = memmem(report->data, report->len, "\"events\":[", 10), *end;

	cr_assert_not_null(at);
	at += 10;
	for (int i = 0;; i++) {
		end = memmem(at, (size_t)(report->data + report->len - at), "\"type\":\"", 8);
		cr_assert_not_null(end);
		end = strchr(end, '}') + 1;
		if (i == nth)
			break;
		at = end + 1;
	}
	*len = (size_t)(end - at);
	return at;
}

static void put_bytes(struct buf *report, size_t at, size_t removed, const char *put, size_t len)
{
	struct buf out;

	buf_init(&out, EVIDENCE_MAX);
	buf_append(&out, report->data, at);
	buf_append(&out, put, len);
	buf_append(&out, report->data + at + removed, report->len - at - removed);
	buf_release(report);
	*report = out;
	buf_append(report, "", 1); /* a NUL behind, for strchr; not part of it */
	report->len--;
}

static void replace_event(struct buf *report, const char *operation, int nth)
{
	size_t len, next_len;
	char *event = tamper_find_event(report, nth, &len), *copy = strndup(event, len), *next;
	size_t at = (size_t)(event - report->data);

	if (strcmp(operation, "delete") == 0 && nth == 11) {
		put_bytes(report, at - 1, len + 1, "", 0);
	} else if (strcmp(operation, "delete") == 0) {
		put_bytes(report, at, len + 1, "", 0);
	} else if (strcmp(operation, "duplicate") == 0) {
		put_bytes(report, at, 0, ",", 1);
		put_bytes(report, at, 0, copy, len);
	} else { /* swap */
		next = tamper_find_event(report, nth + 1, &next_len);
		next = strndup(next, next_len);
		put_bytes(report, at, len + 1 + next_len, next, next_len);
		put_bytes(report, at + next_len, 0, ",", 1);
		put_bytes(report, at + next_len + 1, 0, copy, len);
		free(next);
	}
	free(copy);
}

/* Change the first hex digit behind name, from offset on. */
void tamper_spoil(struct buf *report, size_t offset, const char *name)
{
	char *at = memmem(report->data + offset, report->len - offset, name, strlen(name));

	cr_assert_not_null(at);
	at = strstr(at, "sha256:") + strlen("sha256:");
	*at = *at == '0' ? '1' : '0';
}

static void clear_events(struct buf *report)
{
	size_t len;
	char *first = tamper_find_event(report, 0, &len), *last;
	size_t at = (size_t)(first - report->data);

	last = tamper_find_event(report, 11, &len);
	put_bytes(report, at, (size_t)(last + len - first), "", 0);
}

static void operate(struct buf *report, const struct tamper_step *step)
{
	const char *operation = step->replace;
	char *at = memmem(report->data, report->len, "\"digest\":\"sha256:", 17);
	char byte = (char)step->nth;
	size_t len;

	if (strcmp(operation, "append") == 0)
		put_bytes(report, report->len, 0, &byte, 1);
	else if (strcmp(operation, "clear") == 0)
		clear_events(report);
	else if (strcmp(operation, "spoil hashSelf") == 0)
		tamper_spoil(report,
			     (size_t)(tamper_find_event(report, step->nth, &len) - report->data),
			     "\"hashSelf\"");
	else if (strcmp(operation, "spoil hashPrev") == 0)
		tamper_spoil(report,
			     (size_t)(tamper_find_event(report, step->nth, &len) - report->data),
			     "\"hashPrev\"");
	else if (strcmp(operation, "spoil chainHead") == 0)
		tamper_spoil(report, 0, "\"chainHead\"");
	else if (strcmp(operation, "empty digest") == 0)
		put_bytes(report, (size_t)(at + 10 - report->data), 71, "", 0);
	else if (strcmp(operation, "capital digest") == 0)
		put_bytes(report, (size_t)(at + 17 - report->data), 64,
			  "ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789", 64);
	else if (strcmp(operation, "drop merkleRoot") == 0)
		put_bytes(report, (size_t)(strstr(at, ",\"merkleRoot\"") - report->data), 87, "",
			  0);
	else if (strcmp(operation, "shorten merkleRoot") == 0)
		put_bytes(report, (size_t)(strstr(at, ",\"merkleRoot\"") - report->data) + 85, 1,
			  "", 0);
	else
		replace_event(report, operation, step->nth);
}

void tamper_with(struct buf *report, const struct tamper *tamper)
{
	for (size_t i = 0; i < TAMPER_STEPS_MAX; i++) {
		const struct tamper_step *step = &tamper->steps[i];

		if (step->find != NULL)
			evidence_replace(report, step->find, step->replace, step->nth);
		else if (step->replace != NULL)
			operate(report, step);
		buf_append(report, "", 1);
		report->len--;
	}
	if (tamper->recompute == TAMPER_ALL)
		evidence_rehash(report);
	else if (tamper->recompute == TAMPER_DIGEST)
		evidence_redigest(report);
}
