/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/inspect/archived.h"

#include "ipc/canon.h"
#include "ipc/object.h"
#include "ipc/record.h"
#include "stages/seal/digest.h"

#include <json-c/json.h>
#include <string.h>

static bool is_about(struct json_object *record, const char *digest)
{
	struct json_object *report = NULL, *hash = NULL;

	return json_object_is_type(record, json_type_object) &&
	       json_object_object_get_ex(record, "report", &report) &&
	       json_object_is_type(report, json_type_object) &&
	       json_object_object_get_ex(report, "sha256", &hash) &&
	       json_object_is_type(hash, json_type_string) &&
	       strcmp(json_object_get_string(hash), digest) == 0;
}

struct json_object *archived_read(int fd, struct span report, bool *found)
{
	struct record_reader reader;
	struct json_object *record = NULL;
	uint8_t value[DIGEST_SIZE];
	char digest[DIGEST_TEXT_SIZE];
	struct fault fault;
	const char *line;
	size_t len;

	*found = false;
	digest_bytes(report.at, report.len, value);
	digest_text(value, digest);
	record_reader_init(&reader, fd, RECORD_EVENT_MAX);
	while (!*found && record_read(&reader, &line, &len, FAULT_ARCHIVE, &fault) == RECORD_LINE) {
		object_release(&record);
		if (canon_parse(line, len, FAULT_ARCHIVE, &record, &fault) == FAULT_NONE)
			*found = is_about(record, digest);
	}
	record_reader_release(&reader);
	return record;
}

const char *archived_reason(struct json_object *record)
{
	struct json_object *errors = NULL, *message = NULL;

	if (!json_object_is_type(record, json_type_object) ||
	    !json_object_object_get_ex(record, "errors", &errors) ||
	    !json_object_is_type(errors, json_type_array) ||
	    !json_object_object_get_ex(json_object_array_get_idx(errors, 0), "message", &message))
		return NULL;
	return json_object_get_string(message);
}
