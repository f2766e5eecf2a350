/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/guest/control.h"

#include "ipc/canon.h"
#include "ipc/field.h"
#include "ipc/object.h"

#include <json-c/json.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define CODE	   FAULT_RUN_LAUNCH
#define PATH	   "guest.control"
#define TEXT_MAX   128 /* of a kernel's release and version, uname(2) */
#define STATUS_MAX 255
#define ERRNO_MAX  4095

void control_init(struct control *control)
{
	*control = (struct control){.phase = CONTROL_SILENT};
}

void control_release(struct control *control)
{
	object_release(&control->guest);
	object_release(&control->setup);
	object_release(&control->exit);
	object_release(&control->rusage);
}

/* A string of the guest's, cut; canon_parse has seen that it is valid UTF-8. */
static enum fault_code add_text(struct fields *fields, const char *name, struct json_object *out,
				struct fault *fault)
{
	const char *text = "";
	enum fault_code code = fields_string(fields, name, &text, fault);

	if (code == FAULT_NONE && strlen(text) > TEXT_MAX)
		code = fault_set(fault, CODE, fields->path, "%s is longer than %d bytes", name,
				 TEXT_MAX);
	if (code == FAULT_NONE)
		object_add_string(out, name, text);
	return code;
}

static enum fault_code add_number(struct fields *fields, const char *name, int64_t max,
				  struct json_object *out, struct fault *fault)
{
	int64_t value = 0;
	enum fault_code code = fields_integer(fields, name, 0, max, &value, fault);

	if (code == FAULT_NONE)
		object_add_integer(out, name, value);
	return code;
}

/* A clock in there, which goes on from the last time it told. */
static enum fault_code add_time(struct control *control, struct fields *fields, const char *name,
				struct fault *fault)
{
	int64_t value = 0;
	enum fault_code code = fields_integer(fields, name, 0, CANON_INTEGER_MAX, &value, fault);

	if (code == FAULT_NONE && value < control->last_ms)
		code = fault_set(fault, CODE, PATH, "%s lies before the last time it told", name);
	if (code != FAULT_NONE)
		return code;
	control->last_ms = value;
	object_add_integer(control->guest, name, value);
	return FAULT_NONE;
}

/* kernelMs, when its pid 1 began, is younger than the artifacts somebody may still have. */
static enum fault_code take_hello(struct control *control, struct fields *fields,
				  struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	control->guest = object_new();
	if (fields_has(fields, "kernelMs"))
		code = add_time(control, fields, "kernelMs", fault);
	if (code == FAULT_NONE)
		code = add_time(control, fields, "bootMs", fault);
	if (code == FAULT_NONE)
		code = add_text(fields, "release", control->guest, fault);
	if (code == FAULT_NONE)
		code = add_text(fields, "version", control->guest, fault);
	control->phase = CONTROL_HELLO;
	return code;
}

static enum fault_code take_started(struct control *control, struct fields *fields,
				    struct fault *fault)
{
	control->phase = CONTROL_STARTED;
	return add_time(control, fields, "initMs", fault);
}

static enum fault_code take_failed(struct control *control, struct fields *fields,
				   struct fault *fault)
{
	struct fields setup;
	const char *code_name = "", *path = "", *message = "";
	int64_t error_number = 0;
	struct fault told;
	enum fault_code code = fields_enter(fields, "setup", &setup, fault);

	if (code == FAULT_NONE)
		code = fields_string(&setup, "code", &code_name, fault);
	if (code == FAULT_NONE)
		code = fields_string(&setup, "path", &path, fault);
	if (code == FAULT_NONE)
		code = fields_string(&setup, "message", &message, fault);
	if (code == FAULT_NONE)
		code = fields_integer(&setup, "errno", 0, ERRNO_MAX, &error_number, fault);
	if (code == FAULT_NONE)
		code = fields_close(&setup, fault);
	if (code == FAULT_NONE && fault_code_parse(code_name) == FAULT_NONE)
		code = fault_set(fault, CODE, setup.path, "is no code of ours");
	if (code != FAULT_NONE)
		return code;
	/* Through a fault: cut to its sizes, control bytes escaped. */
	(void)fault_set(&told, fault_code_parse(code_name), path, "%s", message);
	control->setup = fault_to_json(&told);
	object_add_integer(control->setup, "errno", error_number);
	control->phase = CONTROL_FAILED;
	return FAULT_NONE;
}

/* A status or a signal, never both, never neither. */
static enum fault_code take_exit(struct control *control, struct fields *fields,
				 struct fault *fault)
{
	struct fields exit;
	bool core = false, by_signal;
	int64_t value = 0;
	enum fault_code code = fields_enter(fields, "exit", &exit, fault);

	if (code != FAULT_NONE)
		return code;
	control->exit = object_new();
	by_signal = fields_null(&exit, "exitCode");
	if (by_signal)
		code = fields_integer(&exit, "signalNumber", 1, _NSIG - 1, &value, fault);
	else
		code = fields_integer(&exit, "exitCode", 0, STATUS_MAX, &value, fault);
	if (code == FAULT_NONE && !by_signal && !fields_null(&exit, "signalNumber"))
		code = fault_set(fault, CODE, exit.path, "has a status and a signal");
	if (code == FAULT_NONE)
		code = fields_bool(&exit, "coreDumped", &core, fault);
	if (code == FAULT_NONE)
		code = fields_close(&exit, fault);
	object_add_bool(control->exit, "coreDumped", core && by_signal);
	object_add_integer(control->exit, by_signal ? "signalNumber" : "exitCode", value);
	object_add_null(control->exit, by_signal ? "exitCode" : "signalNumber");
	return code;
}

static enum fault_code take_rusage(struct control *control, struct fields *fields,
				   struct fault *fault)
{
	static const char *const names[] = {"maxRssBytes", "systemUs", "userUs"};
	struct fields rusage;
	enum fault_code code = fields_enter(fields, "rusage", &rusage, fault);

	control->rusage = object_new();
	for (size_t i = 0; code == FAULT_NONE && i < sizeof names / sizeof names[0]; i++)
		code = add_number(&rusage, names[i], CANON_INTEGER_MAX, control->rusage, fault);
	return code == FAULT_NONE ? fields_close(&rusage, fault) : code;
}

static enum fault_code take_count(struct fields *fields, const char *name, uint64_t *out,
				  struct fault *fault)
{
	int64_t value = 0;
	enum fault_code code = fields_integer(fields, name, 0, CANON_INTEGER_MAX, &value, fault);

	*out = (uint64_t)value;
	return code;
}

static enum fault_code take_exited(struct control *control, struct fields *fields,
				   struct fault *fault)
{
	enum fault_code code = take_exit(control, fields, fault);

	if (code == FAULT_NONE)
		code = take_rusage(control, fields, fault);
	if (code == FAULT_NONE)
		code = fields_integer(fields, "oomKills", 0, CANON_INTEGER_MAX, &control->oom_kills,
				      fault);
	if (code == FAULT_NONE)
		code = fields_integer(fields, "pidsMaxHits", 0, CANON_INTEGER_MAX,
				      &control->pids_refused, fault);
	if (code == FAULT_NONE)
		code = take_count(fields, "stdoutBytes", &control->stdout_bytes, fault);
	if (code == FAULT_NONE)
		code = take_count(fields, "stderrBytes", &control->stderr_bytes, fault);
	control->phase = CONTROL_EXITED;
	return code;
}

static enum fault_code take_done(struct control *control, struct fields *fields,
				 struct fault *fault)
{
	control->phase = CONTROL_DONE;
	return fields_integer(fields, "entries", 0, CANON_INTEGER_MAX, &control->entries, fault);
}

static const struct {
	const char *type;
	enum control_phase after;
	enum fault_code (*take)(struct control *control, struct fields *fields,
				struct fault *fault);
} lines[] = {
	{"hello", CONTROL_SILENT, take_hello},	  {"started", CONTROL_HELLO, take_started},
	{"exited", CONTROL_STARTED, take_exited}, {"done", CONTROL_EXITED, take_done},
	{"failed", CONTROL_SILENT, take_failed},  {"failed", CONTROL_HELLO, take_failed},
	{"failed", CONTROL_STARTED, take_failed}, {"failed", CONTROL_EXITED, take_failed},
};

static enum fault_code take(struct control *control, struct fields *fields, struct fault *fault)
{
	const char *type = "";
	enum fault_code code = fields_string(fields, "type", &type, fault);

	for (size_t i = 0; code == FAULT_NONE && i < sizeof lines / sizeof lines[0]; i++) {
		if (strcmp(lines[i].type, type) != 0 || lines[i].after != control->phase)
			continue;
		code = lines[i].take(control, fields, fault);
		return code == FAULT_NONE ? fields_close(fields, fault) : code;
	}
	return code == FAULT_NONE
		       ? fault_set(fault, CODE, PATH, "\"%.40s\" has no place here", type)
		       : code;
}

/* What a line that is refused had of an end is no end: it was not told in full. */
static void forget(struct control *control)
{
	if (control->phase == CONTROL_EXITED) {
		object_release(&control->exit);
		object_release(&control->rusage);
		control->oom_kills = control->pids_refused = 0;
	}
	control->phase = CONTROL_BROKEN;
}

enum fault_code control_line(struct control *control, const char *line, size_t len,
			     struct fault *fault)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct fields fields;
	enum control_phase before = control->phase;
	enum fault_code code = canon_parse(line, len, CODE, &record, fault);

	if (code == FAULT_NONE)
		code = fields_open(&fields, record, PATH, CODE, fault);
	if (code == FAULT_NONE)
		code = take(control, &fields, fault);
	if (code != FAULT_NONE && control->phase != before)
		forget(control);
	else if (code != FAULT_NONE)
		control->phase = CONTROL_BROKEN;
	return code;
}
