/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ARCHIVE_SETTINGS_H
#define ARCHIVE_SETTINGS_H

#include "ipc/fault.h"
#include "stages/archive/note.h"
#include "stages/seal/span.h"

#include <stdbool.h>

/*
 * archive.json: {"origin":"...","schemaVersion":"safe-run.archive/v1"}, canonical, written once. A
 * directory that holds it is an archive; origin is the name its checkpoints carry for ever.
 */
#define SETTINGS_FILE "archive.json"

struct settings {
	char origin[NOTE_ORIGIN_SIZE];
};

/* Read archive.json of a directory; known is false when there is none. */
enum fault_code settings_load(int archive_fd, struct settings *settings, bool *known,
			      struct fault *fault) __attribute__((warn_unused_result));
enum fault_code settings_store(int archive_fd, const struct settings *settings, struct fault *fault)
	__attribute__((warn_unused_result));

/* The same for text. */
enum fault_code settings_read(struct span text, struct settings *settings, struct fault *fault)
	__attribute__((warn_unused_result));

#endif
