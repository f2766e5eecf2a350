/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/resolve/request.h"

#include "ipc/canon.h"
#include "ipc/field.h"
#include "ipc/object.h"
#include "ipc/record.h"
#include "stages/resolve/lookup.h"

#include <json-c/json.h>
#include <string.h>

#define CODE FAULT_RUN_NETWORK

/* What goes into a question is what a host name is made of: nothing else leaves. */
static bool is_host(const char *text)
{
	uint8_t wire[DNS_NAME_WIRE_MAX];

	return text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.")] == '\0' &&
	       dns_name_write(text, wire) != 0;
}

static enum fault_code read_hosts(struct fields *fields, struct request *request,
				  struct fault *fault)
{
	struct json_object *list = NULL;
	enum fault_code code = fields_array(fields, "hosts", REQUEST_HOST_MAX, &list, fault);

	if (code != FAULT_NONE)
		return code;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);

		if (!json_object_is_type(item, json_type_string) ||
		    !is_host(json_object_get_string(item)))
			return fault_set(fault, CODE, "hosts", "entry %zu is not a host name", i);
		request->hosts[request->host_count++] = json_object_get_string(item);
	}
	return FAULT_NONE;
}

static enum fault_code read_fields(struct request *request, struct fault *fault)
{
	struct fields fields;
	enum fault_code code = fields_open(&fields, request->record, "", CODE, fault);

	if (code == FAULT_NONE)
		code = fields_literal(&fields, "schemaVersion", "safe-run.resolve/v1", fault);
	if (code == FAULT_NONE)
		code = fields_integer(&fields, "timeoutMs", 1, REQUEST_TIMEOUT_MAX,
				      &request->timeout_ms, fault);
	if (code == FAULT_NONE)
		code = read_hosts(&fields, request, fault);
	if (code == FAULT_NONE)
		code = reach_read(&fields, &request->reach, fault);
	return code == FAULT_NONE ? fields_close(&fields, fault) : code;
}

enum fault_code request_read(int fd, struct request *request, struct fault *fault)
{
	struct record_reader reader;
	const char *line;
	size_t len;
	enum fault_code code = FAULT_NONE;

	request->record = NULL;
	request->host_count = request->reach.cidr_count = 0;
	record_reader_init(&reader, fd, RECORD_EVENT_MAX);
	switch (record_read(&reader, &line, &len, CODE, fault)) {
	case RECORD_LINE:
		code = canon_parse(line, len, CODE, &request->record, fault);
		break;
	case RECORD_END:
	case RECORD_AGAIN:
		code = fault_set(fault, CODE, LOOKUP_PATH, "nobody said what to resolve");
		break;
	case RECORD_FAULT:
		code = fault->code;
		break;
	}
	record_reader_release(&reader);
	return code == FAULT_NONE ? read_fields(request, fault) : code;
}

void request_release(struct request *request)
{
	object_release(&request->record);
}
