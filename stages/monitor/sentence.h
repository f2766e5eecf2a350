/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_SENTENCE_H
#define MONITOR_SENTENCE_H

#include "stages/monitor/outcome.h"

#include <stddef.h>

/*
 * Fills the outcome's summary and error, whose cause and exit code are decided: one sentence a
 * person understands, to follow the command's name ("exited with status 3"), and the error with
 * the policy field that mends it. Pure.
 */
void sentence_write(const struct outcome_facts *facts, struct outcome *outcome);

/* "512 B", "256.0 MiB": the largest unit of 1024 that leaves at least 1. */
#define SENTENCE_SIZE_SIZE 32
void sentence_size(uint64_t bytes, char out[SENTENCE_SIZE_SIZE]);

#endif
