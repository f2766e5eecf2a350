/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sr-collect: reads what a run left in its work directory.
 *
 * PURPOSE  Walk the outputs of a policy in a fixed order, decide what may be taken, and hand each
 *          entry to sr-deposit, regular files as open descriptors.
 * READS    one CollectPlan on stdin, which comes when the workload is dead; the tree of --tree-fd.
 * WRITES   entries into the socket --store-fd; one CollectResult on stdout.
 * HOLDS    as root the workload's own uid, so that its files are readable whatever their modes;
 *          no capability.
 * FILTER   sandbox/filters/collect.filter; Landlock: read below the tree, write nowhere.
 * REFUSES  to follow a link, to open anything but files and directories, to pass a limit, and to
 *          go deeper than 64 directories. What it does not take is an entry that says so.
 * WHY NOT  in the launcher: names and modes a hostile program chose are parsed here. And not in
 *          sr-deposit: who reads this tree can write nowhere, who writes cannot look into it.
 */
#include "stages/collect/plan.h"
#include "stages/collect/walk.h"
#include "stages/stage.h"

#include "ipc/object.h"
#include "sandbox/landlock.h"

#include <fcntl.h>
#include <json-c/json.h>
#include <unistd.h>

enum option { OPTION_TREE_FD, OPTION_STORE_FD, OPTION_COUNT };

static const struct stage_option options[OPTION_COUNT] = {
	[OPTION_TREE_FD] = {.name = "tree-fd",
			    .kind = STAGE_OPTION_FD,
			    .value_name = "N",
			    .help = "the directory to collect from"},
	[OPTION_STORE_FD] = {.name = "store-fd",
			     .kind = STAGE_OPTION_FD,
			     .value_name = "N",
			     .help = "a socket, sr-deposit's other end"},
};

static enum stage_exit collect_open(struct stage_context *context)
{
	int tree_fd = context->values[OPTION_TREE_FD].fd;

	if (tree_fd < 0 || context->values[OPTION_STORE_FD].fd < 0) {
		stage_complain(context->stage, "--tree-fd and --store-fd are both needed");
		return STAGE_USAGE;
	}
	context->fd_rules[context->fd_rule_count++] = (struct sandbox_fd_rule){
		.fd = tree_fd,
		.landlock_access = SANDBOX_FS_READ_FILE | SANDBOX_FS_READ_DIR,
	};
	return STAGE_DONE;
}

static struct json_object *result_of(const struct collect_plan *plan,
				     const struct walk_tally *tallies, struct json_object *reasons)
{
	struct json_object *result = object_new();
	struct json_object *outputs = array_new();

	for (size_t i = 0; i < plan->count; i++) {
		struct json_object *output = object_new();

		object_add_integer(output, "bytes", (int64_t)tallies[i].bytes);
		object_add_integer(output, "entries", (int64_t)tallies[i].entries);
		object_add_integer(output, "files", (int64_t)tallies[i].files);
		object_add_string(output, "path", plan->outputs[i].path);
		object_add_integer(output, "refused", (int64_t)tallies[i].refused);
		object_add_string(output, "status", walk_status_name(tallies[i].status));
		array_append(outputs, output);
	}
	object_add(result, "errors", array_new());
	object_add(result, "outputs", outputs);
	object_add_shared(result, "reasons", reasons);
	object_add_string(result, "schemaVersion", "safe-run.collected/v1");
	return result;
}

static enum stage_exit tell(struct stage_context *context, struct json_object *result,
			    enum stage_exit status)
{
	struct json_object *owned OBJECT_CLEANUP = result;
	struct fault fault;

	if (record_send(&context->out, owned, RECORD_EVENT_MAX, &fault) == FAULT_NONE)
		return status;
	stage_complain(context->stage, "%s", fault.message);
	return STAGE_FAILED;
}

static enum stage_exit refuse(struct stage_context *context, const struct fault *fault)
{
	struct json_object *result = object_new();
	struct json_object *errors = array_new();

	array_append(errors, fault_to_json(fault));
	object_add(result, "errors", errors);
	return tell(context, result, STAGE_REFUSED);
}

static enum stage_exit collect_run(struct stage_context *context)
{
	struct json_object *reasons OBJECT_CLEANUP = array_new();
	struct walk walk = {.tree_fd = context->values[OPTION_TREE_FD].fd,
			    .sink = {.fd = context->values[OPTION_STORE_FD].fd},
			    .reasons = reasons};
	struct walk_tally tallies[COLLECT_OUTPUT_MAX];
	struct collect_plan plan;
	struct fault fault;
	enum stage_exit status;
	enum fault_code code = collect_plan_read(STDIN_FILENO, &plan, &fault);

	for (size_t i = 0; code == FAULT_NONE && i < plan.count; i++)
		code = walk_output(&walk, &plan, i, &tallies[i], &fault);
	if (code == FAULT_NONE)
		code = entry_settle(&walk.sink, &fault);
	status = code == FAULT_NONE ? tell(context, result_of(&plan, tallies, reasons), STAGE_DONE)
				    : refuse(context, &fault);
	collect_plan_release(&plan);
	return status;
}

int main(int argc, char **argv)
{
	static const struct stage stage = {
		.name = "sr-collect",
		.summary = "read the outputs of a run",
		.profile = &sandbox_profile_collect,
		.options = options,
		.option_count = OPTION_COUNT,
		.survives_keyboard = true,
		.open = collect_open,
		.run = collect_run,
	};

	return stage_main(&stage, NULL, argc, argv);
}
