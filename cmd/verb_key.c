/* SPDX-License-Identifier: Apache-2.0 */
/* safe-run key VERB: keys that sign, and whose signatures are believed. */
#include "cmd/key.h"
#include "cmd/option.h"
#include "cmd/verb.h"
#include "ipc/canon.h"
#include "ipc/field.h"
#include "ipc/object.h"
#include "ipc/record.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *name;
	const char *synopsis;
	const char *summary;
	int (*main)(char **argv);
} verbs[] = {
	{"generate", KEY_GENERATE_SYNOPSIS, "make a key: FILE, and FILE.pub", key_generate},
	{"trust", KEY_TRUST_SYNOPSIS, "believe signatures of the key in PUB", key_trust},
	{"revoke", KEY_REVOKE_SYNOPSIS, "believe none of that key's any more", key_revoke},
	{"list", KEY_LIST_SYNOPSIS, "the keys that are trusted", key_list},
};

#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

int key_complain(const struct fault *fault)
{
	fprintf(stderr, "safe-run: %s %s: %s\n", fault_code_name(fault->code), fault->path,
		fault->message);
	return VERB_REFUSED;
}

const char *key_text(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, name, &value) ||
	    !json_object_is_type(value, json_type_string))
		return "";
	return json_object_get_string(value);
}

void key_spawn_begin(struct spawn *spawn)
{
	spawn_begin(spawn, "sr-key", STDIN_FILENO, -1);
}

static enum fault_code read_answer(int fd, struct json_object **answer, struct fault *fault)
{
	struct record_reader reader;
	struct json_object *errors;
	struct fields fields, first;
	const char *line, *message;
	size_t len;
	enum fault_code code;

	record_reader_init(&reader, fd, RECORD_EVENT_MAX);
	if (record_read(&reader, &line, &len, FAULT_REPORT_SIGNATURE, fault) == RECORD_LINE)
		code = canon_parse(line, len, FAULT_REPORT_SIGNATURE, answer, fault);
	else
		code = fault_set(fault, FAULT_REPORT_SIGNATURE, "key", "sr-key gave no answer");
	record_reader_release(&reader);
	if (code != FAULT_NONE ||
	    fields_open(&fields, *answer, "key", FAULT_REPORT_SIGNATURE, fault) != FAULT_NONE)
		return fault->code;
	if (!fields_has(&fields, "errors"))
		return FAULT_NONE;
	if (fields_array(&fields, "errors", FAULT_ARRAY_MAX, &errors, fault) != FAULT_NONE ||
	    fields_open(&first, json_object_array_get_idx(errors, 0), "key", FAULT_REPORT_SIGNATURE,
			fault) != FAULT_NONE ||
	    fields_string(&first, "message", &message, fault) != FAULT_NONE)
		return fault->code;
	return fault_set(fault, FAULT_REPORT_SIGNATURE, "key", "%s", message);
}

enum fault_code key_ask(struct spawn *spawn, struct json_object **answer, struct fault *fault)
{
	struct process process = PROCESS_NONE;
	struct spawn_home home;
	int ends[2];
	enum fault_code code = spawn_find_home(&home, fault);

	if (code != FAULT_NONE)
		return code;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return fault_set_errno(fault, FAULT_RUN_INIT, errno, "safe-run", "pipe");
	spawn->stdout_fd = ends[1];
	code = spawn_start(spawn, &home, &process, fault);
	close(ends[1]);
	if (code == FAULT_NONE) {
		code = read_answer(ends[0], answer, fault);
		(void)process_reap(&process);
	}
	close(ends[0]);
	return code;
}

static void print_verbs(FILE *stream)
{
	fputs("usage: safe-run key VERB [ARGUMENT]...\n\n", stream);
	for (size_t i = 0; i < VERB_COUNT; i++)
		fprintf(stream, "  %s %s\n            %s\n", verbs[i].name, verbs[i].synopsis,
			verbs[i].summary);
}

int verb_key(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	struct fault unknown;

	for (size_t i = 0; i < VERB_COUNT; i++)
		if (strcmp(name, verbs[i].name) == 0)
			return verbs[i].main(argv + 1);
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		print_verbs(stdout);
		return fflush(stdout) == 0 ? VERB_DONE : VERB_FAILED;
	}
	if (*name != '\0') {
		fault_set(&unknown, FAULT_RUN_INIT, "", "there is no key '%s'", name);
		fprintf(stderr, "safe-run: %s\n", unknown.message);
	}
	print_verbs(stderr);
	return VERB_USAGE;
}
