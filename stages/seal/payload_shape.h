/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SEAL_PAYLOAD_SHAPE_H
#define SEAL_PAYLOAD_SHAPE_H

#include "ipc/event.h"
#include "stages/seal/shape.h"

/*
 * What the payload of each event type holds: the fields sr-launch, sr-monitor and sr-seal write,
 * and no others. A field nobody writes proves nothing, and would be covered by every hash. NULL for
 * resource.sampled, which facts_admit reads by itself.
 */
const struct shape *payload_shape(enum event_type type);

#endif
