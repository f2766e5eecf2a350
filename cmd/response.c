/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/response.h"

#include "ipc/object.h"
#include "ipc/record.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static enum fault_code send(int fd, struct json_object *value, struct fault *fault)
{
	struct record_sink sink = {.fd = fd, .record_fd = -1};

	return record_send(&sink, value, RECORD_EVENT_MAX, fault);
}

/* A file's path when it is there, null when it is not: nobody is sent to a file never made. */
static void add_artifact(struct json_object *artifacts, const char *name,
			 const struct rundir *rundir, const char *file)
{
	char path[PATH_MAX];

	if (rundir->artifacts_fd < 0 || faccessat(rundir->artifacts_fd, file, F_OK, 0) != 0) {
		object_add_null(artifacts, name);
		return;
	}
	rundir_artifact(rundir, file, path);
	object_add_escaped(artifacts, name, path, strlen(path));
}

static struct json_object *list_artifacts(const struct rundir *rundir)
{
	struct json_object *artifacts = object_new();

	if (rundir->dir_fd >= 0)
		object_add_escaped(artifacts, "dir", rundir->path, strlen(rundir->path));
	else
		object_add_null(artifacts, "dir");
	add_artifact(artifacts, "bundle", rundir, RUNDIR_BUNDLE);
	add_artifact(artifacts, "events", rundir, "events.ndjson");
	add_artifact(artifacts, "outputs", rundir, RUNDIR_OUTPUTS);
	add_artifact(artifacts, "outputsManifest", rundir, RUNDIR_MANIFEST);
	add_artifact(artifacts, "report", rundir, RUNDIR_REPORT);
	add_artifact(artifacts, "stderr", rundir, "stderr.log");
	add_artifact(artifacts, "stdout", rundir, "stdout.log");
	return artifacts;
}

enum fault_code response_print(const struct result *result, const struct rundir *rundir,
			       struct fault *fault)
{
	struct json_object *response OBJECT_CLEANUP = object_new();

	object_add(response, "artifacts", list_artifacts(rundir));
	if (result->degraded != NULL)
		object_add_shared(response, "degraded", result->degraded);
	else
		object_add(response, "degraded", array_new());
	object_add_shared(response, "errors", result->errors);
	object_add_integer(response, "exitCode", result->exit_code);
	if (result->exports != NULL)
		object_add_shared(response, "exports", result->exports);
	object_add_string(response, "runId", rundir->run_id);
	if (result->signature != NULL)
		object_add_shared(response, "signature", result->signature);
	else
		object_add_null(response, "signature");
	object_add_string(response, "state", result->state);
	if (result->verdict != NULL)
		object_add_string(response, "verdict", result->verdict);
	else
		object_add_null(response, "verdict");
	return send(STDOUT_FILENO, response, fault);
}

static struct json_object *list_of(const struct fault *reason)
{
	struct json_object *errors = array_new();

	array_append(errors, fault_to_json(reason));
	return errors;
}

enum fault_code response_refuse(const struct fault *reason, struct fault *fault)
{
	struct json_object *refusal OBJECT_CLEANUP = object_new();

	object_add(refusal, "errors", list_of(reason));
	return send(STDOUT_FILENO, refusal, fault);
}

enum fault_code response_invalid(int fd, const struct fault *reason, struct fault *fault)
{
	struct json_object *invalid OBJECT_CLEANUP = object_new();

	object_add(invalid, "errors", list_of(reason));
	object_add(invalid, "hostFacts", object_new());
	object_add_null(invalid, "normalizedPolicy");
	object_add(invalid, "overrides", array_new());
	object_add_string(invalid, "schemaVersion", "safe-run.validation/v1");
	object_add_bool(invalid, "valid", false);
	object_add(invalid, "warnings", array_new());
	return send(fd, invalid, fault);
}
