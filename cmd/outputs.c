/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/outputs.h"

#include "cmd/descriptor.h"
#include "ipc/canon.h"
#include "ipc/object.h"
#include "ipc/record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CODE	       FAULT_RUN_INIT
#define OPEN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* 1, 0, or -1 with errno. */
static int is_empty(int dir_fd)
{
	int fd = openat(dir_fd, ".", OPEN_DIRECTORY);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	errno = 0;
	do
		entry = readdir(dir);
	while (entry != NULL &&
	       (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
	closedir(dir);
	return entry != NULL ? 0 : errno == 0 ? 1 : -1;
}

static enum fault_code open_output(const char *path, int *fd, struct fault *fault)
{
	int empty;

	if (mkdir(path, 0777) != 0 && errno != EEXIST)
		return fault_set_errno(fault, CODE, errno, "output", "cannot make '%s'", path);
	*fd = open(path, OPEN_DIRECTORY);
	empty = *fd < 0 ? -1 : is_empty(*fd);
	if (empty < 0)
		return fault_set_errno(fault, CODE, errno, "output", "cannot use '%s'", path);
	if (empty == 0)
		return fault_set(
			fault, CODE, "output",
			"'%s' is not empty, and nothing that exists is overwritten; name a "
			"new directory",
			path);
	return FAULT_NONE;
}

enum fault_code outputs_open(struct outputs *outputs, const struct run_options *options,
			     struct fault *fault)
{
	if (options->output != NULL &&
	    open_output(options->output, &outputs->output_fd, fault) != FAULT_NONE)
		return fault->code;
	if (options->diff == NULL)
		return FAULT_NONE;
	outputs->base_fd = open(options->diff, OPEN_DIRECTORY);
	if (outputs->base_fd < 0)
		return fault_set_errno(fault, CODE, errno, "diff", "cannot open '%s'",
				       options->diff);
	return FAULT_NONE;
}

void outputs_close(struct outputs *outputs)
{
	descriptor_close(&outputs->output_fd);
	descriptor_close(&outputs->base_fd);
}

/* What both stages read. */
struct sources {
	int manifest_fd, from_fd, null_fd;
};

static enum fault_code open_sources(struct sources *sources, const struct rundir *rundir,
				    struct fault *fault)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;

	sources->manifest_fd = openat(rundir->artifacts_fd, RUNDIR_MANIFEST, flags);
	sources->from_fd = openat(rundir->artifacts_fd, RUNDIR_OUTPUTS, flags | O_DIRECTORY);
	sources->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (sources->manifest_fd >= 0 && sources->from_fd >= 0 && sources->null_fd >= 0)
		return FAULT_NONE;
	if (errno == ENOENT)
		return fault_set(fault, CODE, "outputs",
				 "there are no outputs: the policy names none, or the run did not "
				 "come that far");
	return fault_set_errno(fault, CODE, errno, "outputs", "cannot open the outputs");
}

static void close_sources(struct sources *sources)
{
	descriptor_close(&sources->manifest_fd);
	descriptor_close(&sources->from_fd);
	descriptor_close(&sources->null_fd);
}

static int64_t number_of(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	(void)json_object_object_get_ex(object, name, &value);
	return json_object_get_int64(value);
}

static struct json_object *list_of(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	(void)json_object_object_get_ex(object, name, &value);
	return json_object_is_type(value, json_type_array) ? value : NULL;
}

/* A stage's one record; errors[] in it are the fault. */
static enum fault_code read_record(int fd, const char *name, struct json_object **record,
				   struct fault *fault)
{
	struct json_object *errors;
	struct record_reader reader;
	const char *line;
	size_t len;
	enum fault_code code = FAULT_NONE;

	record_reader_init(&reader, fd, RECORD_EVENT_MAX);
	if (record_read(&reader, &line, &len, CODE, fault) != RECORD_LINE)
		code = fault_set(fault, CODE, name, "%s gave no answer", name);
	else
		code = canon_parse(line, len, CODE, record, fault);
	record_reader_release(&reader);
	errors = code == FAULT_NONE ? list_of(*record, "errors") : NULL;
	if (errors != NULL && json_object_array_length(errors) > 0) {
		struct json_object *first = json_object_array_get_idx(errors, 0);

		code = fault_set(fault, CODE, object_text(first, "path"), "%s",
				 object_text(first, "message"));
	}
	return code;
}

static enum fault_code run_stage(struct spawn *spawn, const struct spawn_home *home,
				 struct json_object **record, struct fault *fault)
{
	struct process process = PROCESS_NONE;
	enum fault_code code;
	char said[128];
	int answer[2];

	if (pipe2(answer, O_CLOEXEC) != 0)
		return fault_set_errno(fault, CODE, errno, "safe-run", "pipe");
	spawn->stdout_fd = answer[1];
	code = spawn_start(spawn, home, &process, fault);
	close(answer[1]);
	if (code == FAULT_NONE) {
		code = read_record(answer[0], spawn->args[0], record, fault);
		struct process_end end = process_reap(&process);

		if (end.signalled || end.number > 1) {
			process_describe(spawn->args[0], &end, said, sizeof(said));
			code = fault_set(fault, CODE, spawn->args[0], "%s", said);
		}
	}
	close(answer[0]);
	return code;
}

/* Made from a stranger's names: escaped once more, as a fault's message is. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	char text[FAULT_MESSAGE_SIZE];
	struct fault escaped;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fault_set(&escaped, CODE, "", "%s", text);
	fprintf(stderr, "safe-run: %s\n", escaped.message);
}

/* Whatever --quiet says: this is what nobody should take over unseen. */
static void warn_sensitive(struct json_object *record)
{
	struct json_object *list = list_of(record, "sensitive");
	size_t count = list != NULL ? json_object_array_length(list) : 0;
	int64_t all = number_of(record, "sensitiveCount");

	for (size_t i = 0; i < count; i++) {
		struct json_object *item = json_object_array_get_idx(list, i);

		say("sensitive: %s: %s", object_text(item, "path"), object_text(item, "reason"));
	}
	if (all > (int64_t)count)
		say("sensitive: and %" PRId64 " more, not listed", all - (int64_t)count);
}

static void report(struct result *result, const char *name, struct json_object *record,
		   enum fault_code code, const struct fault *fault, bool json)
{
	if (result->exports == NULL)
		result->exports = object_new();
	if (!json && record != NULL)
		warn_sensitive(record);
	if (record != NULL)
		object_add_shared(result->exports, name, record);
	else
		object_add_null(result->exports, name);
	if (code == FAULT_NONE)
		return;
	if (result->exit_code == 0)
		result_blame(result, fault);
	else
		array_append(result->errors, fault_to_json(fault));
}

static void begin(struct spawn *spawn, const char *name, const struct sources *sources)
{
	spawn_begin(spawn, name, sources->null_fd, -1);
	spawn_fd(spawn, "--manifest-fd", sources->manifest_fd);
	spawn_fd(spawn, "--from-fd", sources->from_fd);
}

static void export_to(int to_fd, const struct run_options *options, bool apply,
		      const struct spawn_home *home, const struct sources *sources,
		      struct result *result)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	mode_t mask = umask(0);
	struct spawn spawn;
	struct fault fault;
	char number[16];
	enum fault_code code;

	umask(mask);
	snprintf(number, sizeof(number), "%u", (unsigned)mask & 0777);
	begin(&spawn, "sr-export", sources);
	spawn_fd(&spawn, "--to-fd", to_fd);
	spawn_text(&spawn, "--umask", number);
	if (apply)
		spawn_flag(&spawn, "--apply");
	if (apply && options->apply_sensitive)
		spawn_flag(&spawn, "--allow-sensitive");
	code = run_stage(&spawn, home, &record, &fault);
	if (code == FAULT_NONE && !options->json && !options->quiet)
		say("%s: %" PRId64 " files written, %" PRId64 " unchanged, %" PRId64
		    " links and special files left out",
		    apply ? "apply" : "output", number_of(record, "files"),
		    number_of(record, "unchanged"), number_of(record, "skipped"));
	report(result, apply ? "apply" : "output", record, code, &fault, options->json);
}

static void show_diff(int base_fd, const struct run_options *options, const struct spawn_home *home,
		      const struct sources *sources, struct result *result)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	int out_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	struct spawn spawn;
	struct fault fault;
	enum fault_code code;

	begin(&spawn, "sr-diff", sources);
	spawn_fd(&spawn, "--base-fd", base_fd);
	spawn_fd(&spawn, "--diff-fd", out_fd);
	if (isatty(STDOUT_FILENO))
		spawn_flag(&spawn, "--visible");
	code = run_stage(&spawn, home, &record, &fault);
	descriptor_close(&out_fd);
	report(result, "diff", record, code, &fault, options->json);
}

void outputs_bring(const struct outputs *outputs, const struct run_options *options,
		   const struct spawn_home *home, const struct rundir *rundir,
		   struct result *result)
{
	struct sources sources = {-1, -1, -1};
	bool finished = strcmp(result->state, "finished") == 0;
	struct fault fault;

	if (outputs->output_fd < 0 && outputs->base_fd < 0)
		return;
	if (open_sources(&sources, rundir, &fault) != FAULT_NONE) {
		close_sources(&sources);
		report(result, "outputs", NULL, fault.code, &fault, options->json);
		return;
	}
	if (outputs->output_fd >= 0)
		export_to(outputs->output_fd, options, false, home, &sources, result);
	if (outputs->base_fd >= 0 && !options->json)
		show_diff(outputs->base_fd, options, home, &sources, result);
	if (options->apply && finished) {
		export_to(outputs->base_fd, options, true, home, &sources, result);
	} else if (options->apply) {
		fault_set(&fault, CODE, "apply", "the run did not finish, so nothing was applied");
		report(result, "apply", NULL, fault.code, &fault, options->json);
	}
	close_sources(&sources);
}
