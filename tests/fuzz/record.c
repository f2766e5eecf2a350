/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record reader: the one-pass check and parse-and-rewrite must give the same answer on any
 * bytes, and what parses must survive the event and validation readers.
 */
#include "ipc/canon.h"
#include "ipc/event.h"
#include "stages/compile/bundle.h"

#include <json-c/json.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void compile(const char *line, size_t len)
{
	struct fault fault = {.code = FAULT_NONE};
	struct json_object *bundle;
	struct buf out;

	(void)!bundle_compile(line, len, &fault, &bundle);
	/* Whatever came in, what goes out is canonical. */
	buf_init(&out, (size_t)16 << 20);
	if (canon_write(bundle, &out, FAULT_COMPILE_MAPPING, &fault) != FAULT_NONE ||
	    !canon_check(out.data, out.len, NULL))
		abort();
	buf_release(&out);
	json_object_put(bundle);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* A copy of exactly this size: the sanitizer sees one byte too far. */
	char *line = malloc(len > 0 ? len : 1);
	struct json_object *value;
	struct event event;
	struct fault fault;
	size_t offset;
	bool checked;

	if (line == NULL)
		abort();
	memcpy(line, data, len);
	checked = canon_check(line, len, &offset);
	if (offset > len || (checked && offset != len))
		abort();
	if (checked !=
	    (canon_parse(line, len, FAULT_COMPILE_MAPPING, &value, &fault) == FAULT_NONE))
		abort();
	json_object_put(value);
	if (event_parse(line, len, FAULT_EVIDENCE_EVENT, &event, &fault) == FAULT_NONE)
		event_release(&event);
	compile(line, len);
	free(line);
	return 0;
}
