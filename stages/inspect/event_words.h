/* SPDX-License-Identifier: Apache-2.0 */
#ifndef INSPECT_EVENT_WORDS_H
#define INSPECT_EVENT_WORDS_H

#include "stages/inspect/view.h"
#include "stages/inspect/words.h"

/*
 * What an event says, in a few words of at most max columns; nothing when it has nothing to say
 * beyond its type.
 */
void event_words_put(struct buf *out, enum words_target target, const struct view_event *event,
		     size_t max);

#endif
