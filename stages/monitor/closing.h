/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MONITOR_CLOSING_H
#define MONITOR_CLOSING_H

#include "stages/monitor/input.h"
#include "stages/monitor/outcome.h"
#include "stages/monitor/relay.h"
#include "stages/monitor/witness.h"

struct json_object;

/*
 * The payload of the record that closes a run: a new {"cleanup","errors","outcome","output"}; the
 * caller owns it. captured is whether all of the workload's output came through here.
 */
struct json_object *closing_payload(const struct witness *witness, const struct outcome *outcome,
				    const struct relay *out, const struct relay *err,
				    const struct input *input, bool captured, int sample_errno);

#endif
