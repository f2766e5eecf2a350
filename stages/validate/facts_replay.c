/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/validate/facts_replay.h"

#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/validate/path.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#define FIELD	    "hostFacts"
#define ERRNO_LIMIT 134 /* EHWPOISON is 133 (Linux 6.18) */

static struct json_object *member(struct json_object *object, const char *name, enum json_type type)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, name, &value) || !json_object_is_type(value, type))
		return NULL;
	return value;
}

static const char *text_of(struct json_object *object, const char *name)
{
	struct json_object *value = member(object, name, json_type_string);

	return value != NULL ? json_object_get_string(value) : NULL;
}

static size_t count_of(struct json_object *array)
{
	return array != NULL ? json_object_array_length(array) : 0;
}

enum fault_code facts_replay_read(const char *data, size_t len, struct json_object **record,
				  struct fault *fault)
{
	*record = NULL;
	if (len > 0 && data[len - 1] == '\n')
		len--;
	if (canon_parse(data, len, FAULT_REPORT_SCHEMA, record, fault) != FAULT_NONE)
		return fault_set(fault, FAULT_REPORT_SCHEMA, FIELD,
				 "the record of the host's answers is not canonical JSON");
	if (member(*record, FIELD, json_type_object) != NULL &&
	    member(*record, "overrides", json_type_array) != NULL)
		return FAULT_NONE;
	json_object_put(*record);
	*record = NULL;
	return fault_set(fault, FAULT_REPORT_SCHEMA, FIELD,
			 "the record holds no hostFacts and overrides: it is no ValidationResult");
}

enum fault_code facts_replay_settings(struct json_object *record, struct settings *settings,
				      struct fault *fault)
{
	struct json_object *overrides = member(record, "overrides", json_type_array);

	for (size_t i = 0; i < count_of(overrides); i++) {
		struct json_object *override = json_object_array_get_idx(overrides, i);
		struct json_object *value = NULL;
		const char *field = text_of(override, "field");

		if (field == NULL || !json_object_object_get_ex(override, "value", &value))
			return fault_set(fault, FAULT_REPORT_SCHEMA, "overrides",
					 "override %zu has no field and value", i);
		buf_append_text(&settings->text, field);
		buf_append_text(&settings->text, "=");
		if (canon_write(value, &settings->text, FAULT_REPORT_SCHEMA, fault) != FAULT_NONE)
			return fault->code;
		buf_append(&settings->text, "", 1);
	}
	return settings_split(settings, fault);
}

static struct value_texts read_prefixes(struct json_object *list, const char *name,
					struct document *document)
{
	struct json_object *array = member(list, name, json_type_array);
	size_t count = count_of(array);
	struct value_texts texts = {0};
	const char **items;

	if (count > ALLOWLIST_PREFIXES_MAX)
		return texts;
	items = document_alloc(document, count * sizeof(*items));
	for (size_t i = 0; i < count; i++) {
		struct json_object *item = json_object_array_get_idx(array, i);

		if (!json_object_is_type(item, json_type_string))
			return texts;
		items[i] = json_object_get_string(item);
	}
	return (struct value_texts){items, count};
}

/* "mountAllowlist", "mountAllowlist.hostAllowPrefixes[0]": what only the file could say. */
static void repeat_file_errors(struct facts_source *source)
{
	static const char path_start[] = "mountAllowlist";
	struct json_object *errors = member(source->record, "errors", json_type_array);

	for (size_t i = 0; i < count_of(errors); i++) {
		struct json_object *error = json_object_array_get_idx(errors, i);
		const char *path = text_of(error, "path");
		const char *code = text_of(error, "code");
		const char *message = text_of(error, "message");
		struct fault fault = {.code = FAULT_NONE};

		if (path == NULL || code == NULL || message == NULL ||
		    strncmp(path, path_start, strlen(path_start)) != 0)
			continue;
		fault_set(&fault, fault_code_parse(code), path, "%s", message);
		if (fault.code != FAULT_NONE)
			fault_list_add(source->errors, &fault);
	}
}

void facts_replay_allowlist(struct facts_source *source, struct document *document,
			    struct allowlist *allowlist)
{
	struct json_object *facts = member(source->record, FIELD, json_type_object);
	struct json_object *list = member(facts, "allowlist", json_type_object);
	const char *origin = text_of(list, "origin");
	struct fault fault;

	*allowlist = (struct allowlist){
		.host = read_prefixes(list, "hostAllowPrefixes", document),
		.guest = read_prefixes(list, "guestAllowPrefixes", document),
		.origin = ALLOWLIST_ORIGIN_COUNT,
	};
	for (unsigned i = 0; origin != NULL && i < ALLOWLIST_ORIGIN_COUNT; i++)
		if (strcmp(origin, allowlist_origin_names[i]) == 0)
			allowlist->origin = i;
	if (allowlist->origin == ALLOWLIST_FILE)
		repeat_file_errors(source);
	if (allowlist->origin != ALLOWLIST_ORIGIN_COUNT)
		return;
	allowlist->origin = ALLOWLIST_BUILT_IN;
	fault_set(&fault, FAULT_REPORT_SCHEMA, FIELD ".allowlist",
		  "the record does not say which allowlist was used");
	fault_list_add(source->errors, &fault);
}

static void tell_missing(struct facts_source *source, const char *path)
{
	struct fault fault;

	fault_set(&fault, FAULT_REPORT_SCHEMA, FIELD, "the record has no answer about '%.200s'",
		  path);
	fault_list_add(source->errors, &fault);
}

struct json_object *facts_replay_root(struct facts_source *source, const char *path)
{
	struct json_object *facts = member(source->record, FIELD, json_type_object);
	struct json_object *root = member(facts, "root", json_type_array);
	struct json_object *silent;

	for (size_t i = 0; i < count_of(root); i++) {
		struct json_object *entry = json_object_array_get_idx(root, i);
		const char *name = text_of(entry, "path");

		if (name != NULL && strcmp(name, path) == 0)
			return json_object_get(entry);
	}
	tell_missing(source, path);
	silent = object_new();
	object_add_string(silent, "path", path);
	object_add_string(silent, "type", "absent");
	return silent;
}

void facts_source_init(struct facts_source *source, struct json_object *record,
		       struct fault_list *errors)
{
	*source = (struct facts_source){
		.record = record,
		.asked = array_new(),
		.errors = errors,
	};
}

void facts_source_release(struct facts_source *source)
{
	object_release(&source->asked);
}

static int error_number(const char *name)
{
	for (int number = 1; number < ERRNO_LIMIT; number++) {
		const char *known = strerrorname_np(number);

		if (known != NULL && strcmp(known, name) == 0)
			return number;
	}
	return 0;
}

static bool read_number(struct json_object *entry, const char *name, uint64_t *out)
{
	const char *text = text_of(entry, name);
	char *end = NULL;

	if (text == NULL || *text < '0' || *text > '9')
		return false;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0';
}

static bool read_type(struct json_object *entry, enum resolve_type *out)
{
	const char *text = text_of(entry, "type");

	for (enum resolve_type type = RESOLVE_DIRECTORY; type <= RESOLVE_OTHER; type++)
		if (text != NULL && strcmp(text, resolve_type_name(type)) == 0) {
			*out = type;
			return true;
		}
	return false;
}

/* 0, the errno that was recorded, or ENODATA for an entry that is no answer. */
static int read_answer(struct json_object *entry, struct document *document,
		       struct resolve_facts *facts)
{
	const char *error = text_of(entry, "error");
	const char *resolved = text_of(entry, "resolved");
	int number = error != NULL ? error_number(error) : 0;

	if (error != NULL)
		return number > 0 ? number : ENODATA;
	if (resolved == NULL || path_check(resolved) != PATH_OK ||
	    !read_type(entry, &facts->type) || !read_number(entry, "device", &facts->device) ||
	    !read_number(entry, "inode", &facts->inode))
		return ENODATA;
	facts->path = document_copy(document, resolved, strlen(resolved));
	return 0;
}

/* The same path may be asked for again, and the host may have changed its answer: in order. */
static int answer_again(struct facts_source *source, struct document *document, const char *path,
			struct resolve_facts *facts)
{
	struct json_object *recorded = member(source->record, FIELD, json_type_object);
	struct json_object *asked = member(recorded, "asked", json_type_array);
	size_t next = json_object_array_length(source->asked);
	struct json_object *entry =
		next < count_of(asked) ? json_object_array_get_idx(asked, next) : NULL;
	const char *name = text_of(entry, "path");
	int error = name != NULL && strcmp(name, path) == 0 ? read_answer(entry, document, facts)
							    : ENODATA;

	if (error == ENODATA)
		tell_missing(source, path);
	return error;
}

static void note(struct facts_source *source, const char *path, int error,
		 const struct resolve_facts *facts)
{
	struct json_object *entry = object_new();

	object_add_string(entry, "path", path);
	if (error != 0) {
		const char *name = strerrorname_np(error);

		object_add_string(entry, "error", name != NULL ? name : "EIO");
	} else {
		object_add_string(entry, "resolved", facts->path);
		object_add_string(entry, "type", resolve_type_name(facts->type));
		object_add_decimal(entry, "device", facts->device);
		object_add_decimal(entry, "inode", facts->inode);
	}
	array_append(source->asked, entry);
}

int facts_ask(struct document *document, const char *path, struct resolve_facts *facts)
{
	struct facts_source *source = document->facts;
	int error;

	if (source == NULL)
		return resolve_path(path, document, facts);
	error = source->record != NULL ? answer_again(source, document, path, facts)
				       : resolve_path(path, document, facts);
	note(source, path, error, facts);
	return error;
}
