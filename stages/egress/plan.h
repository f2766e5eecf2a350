/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EGRESS_PLAN_H
#define EGRESS_PLAN_H

#include "ipc/fault.h"

#include <stddef.h>

struct book;

/* Fill book, which has room for BOOK_RULE_MAX rules, from the line of a plan (egress/book.h). */
enum fault_code plan_read(const char *line, size_t len, struct book *book, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
