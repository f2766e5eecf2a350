/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STAGE_VERIFY_TAMPER_H
#define STAGE_VERIFY_TAMPER_H

#include "tests/support/tamper.h"

#include <stddef.h>

#define VERIFY_TAMPER_COUNT(table) (sizeof(table) / sizeof((table)[0]))

/*
 * Seals the report of evidence_finished anew for each row, does to it what the row says, and
 * expects sr-verify to answer what the row expects.
 */
void verify_tampered(const struct tamper *table, size_t count);

#endif
