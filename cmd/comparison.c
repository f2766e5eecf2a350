/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/comparison.h"

#include "cmd/verb.h"
#include "ipc/canon.h"
#include "ipc/object.h"
#include "ipc/record.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct pipe_ends {
	int from, into;
};

static enum fault_code open_pipe(struct pipe_ends *ends, struct fault *fault)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return fault_set_errno(fault, FAULT_RUN_INIT, errno, "safe-run", "pipe");
	*ends = (struct pipe_ends){fds[0], fds[1]};
	return FAULT_NONE;
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static enum fault_code read_answer(int fd, struct json_object **answer, struct fault *fault)
{
	struct record_reader reader;
	struct fault ignored;
	enum fault_code code;
	const char *line;
	size_t len;

	record_reader_init(&reader, fd, RECORD_EVENT_MAX);
	if (record_read(&reader, &line, &len, FAULT_RUN_INIT, &ignored) == RECORD_LINE)
		code = canon_parse(line, len, FAULT_RUN_INIT, answer, fault);
	else
		code = fault_set(fault, FAULT_RUN_INIT, "replay", "sr-compare gave no answer");
	record_reader_release(&reader);
	return code;
}

/*
 * The producer may refuse, its input being a stranger's; but a stage that a signal ended, as its
 * filter's would, says nothing about the record. sr-compare stops reading where its limit is, and
 * whoever writes to it then is told by EPIPE, not by a signal.
 */
static enum fault_code reap(struct process *process, struct fault *fault)
{
	const char *name = process->name;
	struct process_end end;
	char said[128];

	if (!process_runs(process))
		return FAULT_NONE;
	end = process_reap(process);
	if (!end.signalled)
		return FAULT_NONE;
	process_describe(name, &end, said, sizeof(said));
	return fault_set(fault, FAULT_RUN_INIT, name, "%s", said);
}

static enum fault_code start_compare(const struct comparison *comparison,
				     const struct spawn_home *home, int from_fd, int into_fd,
				     struct process *process, struct fault *fault)
{
	struct spawn spawn;

	spawn_begin(&spawn, "sr-compare", from_fd, into_fd);
	spawn_text(&spawn, "--mode", comparison->mode);
	spawn_fd(&spawn, "--recorded-fd", comparison->recorded_fd);
	return spawn_start(&spawn, home, process, fault);
}

enum fault_code comparison_run(const struct comparison *comparison, const struct spawn_home *home,
			       struct json_object **answer, struct fault *fault)
{
	struct process producer = PROCESS_NONE, compare = PROCESS_NONE;
	struct pipe_ends work = {-1, -1}, told = {-1, -1};
	struct fault later = {.code = FAULT_NONE};
	enum fault_code code = open_pipe(&told, fault);

	*answer = NULL;
	if (code == FAULT_NONE && comparison->producer != NULL)
		code = open_pipe(&work, fault);
	if (code == FAULT_NONE && comparison->producer != NULL) {
		comparison->producer->stdout_fd = work.into;
		code = spawn_start(comparison->producer, home, &producer, fault);
	}
	close_end(&work.into);
	if (code == FAULT_NONE)
		code = start_compare(comparison, home,
				     comparison->producer != NULL ? work.from
								  : comparison->replayed_fd,
				     told.into, &compare, fault);
	close_end(&work.from);
	close_end(&told.into);
	if (code == FAULT_NONE)
		code = read_answer(told.from, answer, fault);
	close_end(&told.from);
	if (reap(&producer, &later) != FAULT_NONE || reap(&compare, &later) != FAULT_NONE) {
		*fault = later;
		code = later.code;
		object_release(answer);
	}
	return code;
}

const char *comparison_result(struct json_object *answer)
{
	struct json_object *result = NULL;

	if (!json_object_object_get_ex(answer, "result", &result) ||
	    !json_object_is_type(result, json_type_string))
		return "refused";
	return json_object_get_string(result);
}
