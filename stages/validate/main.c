/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-validate: is this policy one, and what exactly does it say?
 *
 * PURPOSE  Turns the policy a person wrote, YAML or JSON, into a normalised one, or into all the
 *          reasons why not; and asks the host where the paths in it lead.
 * READS    The policy from standard input, 1 MiB at most; the settings on --set-fd; with
 *          --mount-allowlist or SAFE_RUN_MOUNT_ALLOWLIST one file, opened before confinement. Of
 *          the host: which paths exist, never what is in them. With --host-facts-fd an earlier
 *          answer of its own, 16 MiB at most, and nothing of the host. With --host-policy, as the
 *          launcher's assistant: the host's ceiling from standard input, and nothing else.
 * WRITES   One ValidationResult record, or HostPolicy, to standard output and --record-fd.
 * HOLDS    Nothing. No capability, no descriptor beyond those.
 * FILTER   Memory, read, write, exit; openat2 and openat for O_PATH only, readlinkat, stat,
 *          close. Landlock gives it no right to read, write or list any file.
 * REFUSES  A policy that is not well-formed or says something unknown, double, out of range or
 *          contradictory; a mount from outside the allowlist or into the sandbox's own parts; a
 *          network rule that is not exactly one destination.
 * WHY NOT  Not in the front-end: the YAML parser is the largest piece of code that meets input
 *          first, and what it can be made to do ends here. Not in compile: compile asks nobody
 *          anything, so that it can be repeated; the host's answers are in this stage's record.
 */
#include "ipc/object.h"
#include "sandbox/sandbox.h"
#include "stages/stage.h"
#include "stages/validate/default_policy.h"
#include "stages/validate/facts_replay.h"
#include "stages/validate/host_policy.h"
#include "stages/validate/input.h"
#include "stages/validate/settings.h"
#include "stages/validate/validate.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum option_index {
	OPTION_SET,
	OPTION_SET_FD,
	OPTION_MOUNT_ALLOWLIST,
	OPTION_DEFAULT_POLICY,
	OPTION_HOST_POLICY,
	OPTION_HOST_FACTS_FD,
	OPTION_COUNT
};

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_SET] = {.name = "set",
			.kind = STAGE_OPTION_LIST,
			.value_name = "FIELD=JSON",
			.help = "set a field before validating, as resources.memory.max=\"1Gi\""},
	[OPTION_SET_FD] = {.name = "set-fd",
			   .kind = STAGE_OPTION_FD,
			   .value_name = "N",
			   .help = "more of --set, on descriptor N, each with a NUL behind it"},
	[OPTION_MOUNT_ALLOWLIST] = {.name = "mount-allowlist",
				    .kind = STAGE_OPTION_TEXT,
				    .value_name = "FILE",
				    .help = "where mounts may come from and go to"},
	[OPTION_DEFAULT_POLICY] = {.name = "default-policy",
				   .kind = STAGE_OPTION_FLAG,
				   .help = "use the built-in policy instead of standard input"},
	[OPTION_HOST_POLICY] = {.name = "host-policy",
				.kind = STAGE_OPTION_FLAG,
				.help = "standard input is the host's ceiling, not a policy"},
	[OPTION_HOST_FACTS_FD] =
		{.name = "host-facts-fd",
		 .kind = STAGE_OPTION_FD,
		 .value_name = "N",
		 .help = "N holds an earlier answer: use its settings, its allowlist "
			 "and what its host said, and do not ask this host"},
};

#define ALLOWLIST_VARIABLE "SAFE_RUN_MOUNT_ALLOWLIST"

struct state {
	const char *allowlist; /* the file's name; NULL: the built-in one */
	int allowlist_fd;      /* -1: not given, or the fault says why not */
	struct fault allowlist_fault;
};

/* O_NONBLOCK: a FIFO would wait for a writer; it is refused a line later. */
static int open_regular(const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

/* Another text altogether: nothing that is about policies goes with it. */
static enum stage_exit open_host_policy(const struct stage_context *context)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (i != OPTION_HOST_POLICY && context->values[i].given) {
			stage_complain(context->stage, "--host-policy and --%s exclude each other",
				       options[i].name);
			return STAGE_USAGE;
		}
	return STAGE_DONE;
}

/* A replay takes all of it from the record, so nothing else may say otherwise. */
static enum stage_exit open_replay(const struct stage_context *context)
{
	if (context->values[OPTION_SET].given || context->values[OPTION_SET_FD].given ||
	    context->values[OPTION_MOUNT_ALLOWLIST].given) {
		stage_complain(context->stage,
			       "--host-facts-fd holds the settings and the allowlist already");
		return STAGE_USAGE;
	}
	return STAGE_DONE;
}

static enum stage_exit validate_open(struct stage_context *context)
{
	const struct stage_value *value = &context->values[OPTION_MOUNT_ALLOWLIST];
	struct state *state = context->state;

	if (context->values[OPTION_HOST_POLICY].given)
		return open_host_policy(context);
	if (context->values[OPTION_HOST_FACTS_FD].given) {
		state->allowlist = NULL;
		return open_replay(context);
	}
	if (value->given)
		state->allowlist = value->text;
	if (state->allowlist == NULL)
		return STAGE_DONE;
	state->allowlist_fd = open_regular(state->allowlist);
	if (state->allowlist_fd < 0 && errno == EINVAL)
		fault_set(&state->allowlist_fault, FAULT_MOUNT_SOURCE, "mountAllowlist",
			  "the mount allowlist '%.200s' is not a regular file", state->allowlist);
	else if (state->allowlist_fd < 0)
		fault_set_errno(&state->allowlist_fault, FAULT_MOUNT_SOURCE, errno,
				"mountAllowlist", "cannot open the mount allowlist '%.200s'",
				state->allowlist);
	return STAGE_DONE;
}

static void read_text(int fd, struct buf *buf, struct validate_text *text)
{
	if (input_read(fd, buf, &text->fault) != FAULT_NONE)
		return;
	text->data = buf->data;
	text->len = buf->len;
}

static void read_allowlist(const struct state *state, struct buf *buf, struct validate_text *text)
{
	text->fault = state->allowlist_fault;
	if (state->allowlist_fd < 0)
		return;
	read_text(state->allowlist_fd, buf, text);
	if (text->fault.code != FAULT_NONE)
		fault_set(&text->fault, FAULT_MOUNT_SOURCE, "mountAllowlist",
			  "the mount allowlist cannot be read: it is longer than 1 MiB, or its "
			  "disk fails");
}

/* The whole of an earlier ValidationResult; *fault says why not. */
static struct json_object *read_record(int fd, struct settings *settings, struct fault *fault)
{
	struct record_reader reader;
	struct json_object *record = NULL;
	const char *line;
	size_t len;

	record_reader_init(&reader, fd, RECORD_BUNDLE_MAX);
	if (record_read(&reader, &line, &len, FAULT_REPORT_SCHEMA, fault) != RECORD_LINE)
		fault_set(fault, FAULT_REPORT_SCHEMA, "hostFacts",
			  "there is no whole record of the host's answers");
	else if (facts_replay_read(line, len, &record, fault) == FAULT_NONE &&
		 facts_replay_settings(record, settings, fault) != FAULT_NONE)
		object_release(&record);
	record_reader_release(&reader);
	return record;
}

static struct json_object *refused(const struct fault *fault)
{
	struct json_object *result = object_new();
	struct json_object *errors = array_new();

	array_append(errors, fault_to_json(fault));
	object_add(result, "errors", errors);
	object_add_bool(result, "valid", false);
	return result;
}

static struct json_object *check_policy(const struct stage_context *context, bool *valid)
{
	const struct stage_value *set = &context->values[OPTION_SET];
	const int set_fd = context->values[OPTION_SET_FD].fd;
	const int facts_fd = context->values[OPTION_HOST_FACTS_FD].fd;
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct buf policy_buf BUF_CLEANUP = {0};
	struct buf allowlist_buf BUF_CLEANUP = {0};
	const struct state *state = context->state;
	struct validate_text allowlist = {0};
	struct validate_request request = {
		.policy = {.data = (const char *)default_policy, .len = sizeof(default_policy)},
	};
	struct settings settings SETTINGS_CLEANUP;
	struct fault fault;

	if (state->allowlist != NULL) {
		read_allowlist(state, &allowlist_buf, &allowlist);
		request.allowlist = &allowlist;
	}
	if (!context->values[OPTION_DEFAULT_POLICY].given)
		read_text(STDIN_FILENO, &policy_buf, &request.policy);
	settings_init(&settings, set->list, set->list_count);
	/* A policy without what was to be changed in it is not the one that was asked for. */
	if (set_fd >= 0 && settings_read(&settings, set_fd, &fault) != FAULT_NONE)
		request.policy.fault = fault;
	if (facts_fd >= 0)
		record = read_record(facts_fd, &settings, &fault);
	if (facts_fd >= 0 && record == NULL)
		return refused(&fault);
	request.record = record;
	request.settings = settings.items;
	request.setting_count = settings.count;
	return validate_request(&request, valid);
}

static struct json_object *check_host_policy(bool *valid)
{
	struct buf buf BUF_CLEANUP = {0};
	struct validate_text text = {0};

	read_text(STDIN_FILENO, &buf, &text);
	return host_policy_read(&text, valid);
}

static enum stage_exit validate_run(struct stage_context *context)
{
	bool valid = false;
	struct json_object *result OBJECT_CLEANUP = context->values[OPTION_HOST_POLICY].given
							    ? check_host_policy(&valid)
							    : check_policy(context, &valid);
	struct fault fault;

	if (record_send(&context->out, result, RECORD_BUNDLE_MAX, &fault) != FAULT_NONE) {
		stage_complain(context->stage, "%s", fault.message);
		return STAGE_FAILED;
	}
	stage_end_output(context);
	return valid ? STAGE_DONE : STAGE_REFUSED;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-validate",
		.summary = "policy on standard input, ValidationResult on standard output",
		.profile = &sandbox_profile_validate,
		.ends_output = true,
		.options = options,
		.option_count = OPTION_COUNT,
		.open = validate_open,
		.run = validate_run,
	};
	/* Before the skeleton empties the environment. Unset and empty are the same. */
	const char *allowlist = getenv(ALLOWLIST_VARIABLE);
	struct state state = {.allowlist_fd = -1};

	if (allowlist != NULL && allowlist[0] != '\0')
		state.allowlist = allowlist;
	return stage_main(&stage, &state, argc, argv);
}
