/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/archive_query.h"

#include "ipc/canon.h"
#include "ipc/object.h"
#include "ipc/record.h"
#include "ipc/runid.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <unistd.h>

/* Starts it with its standard output on a pipe; *fd is the other end. */
static enum fault_code start(struct spawn *spawn, const struct spawn_home *home,
			     struct process *process, int *fd, struct fault *fault)
{
	enum fault_code code;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0)
		return fault_set_errno(fault, FAULT_RUN_INIT, errno, "safe-run", "pipe");
	spawn->stdout_fd = ends[1];
	code = spawn_start(spawn, home, process, fault);
	close(ends[1]);
	if (code == FAULT_NONE)
		*fd = ends[0];
	else
		close(ends[0]);
	return code;
}

/* "" when the answer names none. */
static void read_run_id(int fd, char run_id[RUNID_SIZE])
{
	struct json_object *answer OBJECT_CLEANUP = NULL;
	struct json_object *name = NULL;
	struct record_reader reader;
	struct fault fault;
	const char *line;
	size_t len;

	run_id[0] = '\0';
	record_reader_init(&reader, fd, RECORD_EVENT_MAX);
	if (record_read(&reader, &line, &len, FAULT_REPORT_SCHEMA, &fault) == RECORD_LINE &&
	    canon_parse(line, len, FAULT_REPORT_SCHEMA, &answer, &fault) == FAULT_NONE &&
	    json_object_object_get_ex(answer, "runId", &name) &&
	    json_object_is_type(name, json_type_string) &&
	    runid_valid(json_object_get_string(name)))
		snprintf(run_id, RUNID_SIZE, "%s", json_object_get_string(name));
	record_reader_release(&reader);
}

static enum fault_code ask_run_id(const char *report, const struct spawn_home *home,
				  char run_id[RUNID_SIZE], struct fault *fault)
{
	struct process verify = PROCESS_NONE;
	struct spawn spawn;
	int fd;

	spawn_begin(&spawn, "sr-verify", STDIN_FILENO, -1);
	spawn_flag(&spawn, "--");
	spawn_flag(&spawn, report);
	if (start(&spawn, home, &verify, &fd, fault) != FAULT_NONE)
		return fault->code;
	read_run_id(fd, run_id);
	close(fd);
	(void)process_reap(&verify);
	return FAULT_NONE;
}

enum fault_code archive_query(const char *archive_dir, const char *report,
			      const struct spawn_home *home, struct process *archive, int *fd,
			      struct fault *fault)
{
	char run_id[RUNID_SIZE];
	struct spawn spawn;

	*fd = -1;
	if (ask_run_id(report, home, run_id, fault) != FAULT_NONE)
		return fault->code;
	if (run_id[0] == '\0') {
		*fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		return *fd >= 0 ? FAULT_NONE
				: fault_set_errno(fault, FAULT_RUN_INIT, errno, "safe-run",
						  "/dev/null");
	}
	spawn_begin(&spawn, "sr-archive", STDIN_FILENO, -1);
	spawn_text(&spawn, "--archive", archive_dir);
	spawn_flag(&spawn, "show");
	spawn_flag(&spawn, run_id);
	return start(&spawn, home, archive, fd, fault);
}
