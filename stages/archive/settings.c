/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/settings.h"

#include "ipc/canon.h"
#include "stages/archive/file.h"
#include "stages/archive/leaf.h"
#include "stages/seal/shape.h"

#include <string.h>

#define SETTINGS_LEN_MAX 4096

static const struct shape_field fields[] = {
	SHAPE_FIELD("origin", SHAPE_STRING),
	SHAPE_FIELD("schemaVersion", SHAPE_STRING),
};
static const struct shape settings_shape = {fields, 2, SHAPE_CLOSED};

enum fault_code settings_read(struct span text, struct settings *settings, struct fault *fault)
{
	struct span origin;
	enum fault_code code;

	if (!canon_check(text.at, text.len, NULL) || span_kind(text) != SPAN_OBJECT)
		return fault_set(fault, FAULT_ARCHIVE, SETTINGS_FILE, "not a canonical object");
	code = shape_check(&settings_shape, text, SETTINGS_FILE, FAULT_ARCHIVE, fault);
	if (code != FAULT_NONE)
		return code;
	if (!span_says(span_get(text, "schemaVersion"), LEAF_SCHEMA))
		return fault_set(fault, FAULT_ARCHIVE, SETTINGS_FILE,
				 "only " LEAF_SCHEMA " is known here");
	if (!span_string(span_get(text, "origin"), &origin) ||
	    memchr(origin.at, '\\', origin.len) != NULL ||
	    !span_copy(origin, settings->origin, sizeof(settings->origin)) ||
	    !note_origin_valid(settings->origin))
		return fault_set(fault, FAULT_ARCHIVE, SETTINGS_FILE, "the origin is not a name");
	return FAULT_NONE;
}

enum fault_code settings_load(int archive_fd, struct settings *settings, bool *known,
			      struct fault *fault)
{
	struct buf text BUF_CLEANUP;
	enum fault_code code;

	buf_init(&text, SETTINGS_LEN_MAX);
	code = file_load(archive_fd, SETTINGS_FILE, &text, known, fault);
	if (code != FAULT_NONE || !*known)
		return code;
	return settings_read((struct span){text.data, text.len}, settings, fault);
}

enum fault_code settings_store(int archive_fd, const struct settings *settings, struct fault *fault)
{
	struct buf text BUF_CLEANUP;

	buf_init(&text, SETTINGS_LEN_MAX);
	buf_append_text(&text, "{\"origin\":");
	canon_write_string(&text, settings->origin, strlen(settings->origin));
	buf_append_text(&text, ",\"schemaVersion\":\"" LEAF_SCHEMA "\"}");
	return file_replace(archive_fd, SETTINGS_FILE, (struct span){text.data, text.len}, fault);
}
