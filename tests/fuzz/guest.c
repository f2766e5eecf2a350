/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's control stream: any bytes, cut into lines. It goes forward or breaks, breaks once and
 * for all, and an end that is told is whole.
 */
#include "stages/guest/control.h"

#include <json-c/json.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(int holds)
{
	if (!holds)
		abort();
}

static struct json_object *member(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	require(json_object_object_get_ex(object, name, &value));
	return value;
}

static void look_at_end(const struct control *control)
{
	struct json_object *code, *signal;

	require((control->exit == NULL) == (control->rusage == NULL));
	require(control->oom_kills >= 0 && control->pids_refused >= 0 && control->entries >= 0);
	if (control->exit == NULL)
		return;
	code = member(control->exit, "exitCode");
	signal = member(control->exit, "signalNumber");
	require((code == NULL) != (signal == NULL));
	require(json_object_get_int64(code) >= 0 && json_object_get_int64(code) <= 255);
	require(json_object_get_int64(signal) >= 0 && json_object_get_int64(signal) <= 64);
	require(json_object_object_length(control->rusage) == 3);
}

static void take_line(struct control *control, const char *text, size_t len)
{
	/* Of exactly this size: the sanitizer sees one byte too far. */
	char *line = malloc(len > 0 ? len : 1);
	enum control_phase before = control->phase;
	struct fault fault;

	memcpy(line, text, len);
	if (control_line(control, line, len, &fault) == FAULT_NONE)
		require(control->phase > before && before != CONTROL_DONE &&
			before != CONTROL_FAILED && before != CONTROL_BROKEN);
	else
		require(control->phase == CONTROL_BROKEN && fault.message[0] != '\0');
	free(line);
	look_at_end(control);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *rest = (const char *)data, *end;
	struct control control;

	control_init(&control);
	while (len > 0 && (end = memchr(rest, '\n', len)) != NULL) {
		take_line(&control, rest, (size_t)(end - rest));
		len -= (size_t)(end - rest) + 1;
		rest = end + 1;
	}
	control_release(&control);
	return 0;
}
