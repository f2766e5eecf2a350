/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VERIFY_CHECKLIST_H
#define VERIFY_CHECKLIST_H

#include "ipc/fault.h"

#include <stdbool.h>
#include <stddef.h>

struct json_object;

/*
 * What a set of checks found: each is run that can be, and every reason is kept (of many the first
 * few, and how many more). A check that nobody asked for is not in the answer; one that was asked
 * for and could not be run counts as not passed.
 */
#define CHECKLIST_MAX	      16
#define CHECKLIST_REASONS_MAX 4 /* kept for each check */

struct checklist_item {
	const char *name;
	enum fault_code code; /* of its reasons */
};

enum checklist_state {
	CHECKLIST_NOT_ASKED,
	CHECKLIST_NOT_RUN,
	CHECKLIST_PASSED,
	CHECKLIST_REFUSED,
};

struct checklist {
	const struct checklist_item *items;
	size_t count;
	enum checklist_state states[CHECKLIST_MAX];
	size_t reason_counts[CHECKLIST_MAX];
	struct fault_list faults;
};

/* items is borrowed. Nothing is asked for yet. */
void checklist_init(struct checklist *list, const struct checklist_item *items, size_t count);
void checklist_ask(struct checklist *list, size_t check);
void checklist_pass(struct checklist *list, size_t check);
/* A reason against a check, which may have passed before; both give it the check's code. */
void checklist_refuse(struct checklist *list, size_t check, const struct fault *fault);
void checklist_refuse_at(struct checklist *list, size_t check, const char *path, const char *format,
			 ...) __attribute__((format(printf, 4, 5)));

bool checklist_passed(const struct checklist *list, size_t check);
/* All that was asked for has passed. */
bool checklist_valid(const struct checklist *list);

/* Adds checks, errors, result ("valid" or "invalid") and valid to the answer. */
void checklist_describe(const struct checklist *list, struct json_object *answer);

#endif
