/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/run_record.h"

#include "cmd/descriptor.h"
#include "cmd/policy_input.h"
#include "ipc/record.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
/* O_NONBLOCK: a FIFO would wait for a writer; it is refused a line later. */
#define FILE_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define REPORT_MAX ((off_t)64 << 20) /* as sr-verify's */

enum place { PLACE_TOP, PLACE_STAGES, PLACE_ARTIFACTS };

static const struct {
	const char *name; /* as messages have it */
	const char *base;
	enum place place;
	off_t max;
} files[RECORD_FILE_COUNT] = {
	[RECORD_POLICY] = {"policy.yaml", "policy.yaml", PLACE_TOP, POLICY_INPUT_MAX + 1},
	[RECORD_VALIDATE] = {"stages/validate.json", "validate.json", PLACE_STAGES,
			     RECORD_BUNDLE_MAX + 1},
	[RECORD_COMPILE] = {"stages/compile.json", "compile.json", PLACE_STAGES,
			    RECORD_BUNDLE_MAX + 1},
	[RECORD_MONITOR] = {"stages/monitor.ndjson", "monitor.ndjson", PLACE_STAGES, REPORT_MAX},
	[RECORD_REPORT] = {"artifacts/run_report.json", "run_report.json", PLACE_ARTIFACTS,
			   REPORT_MAX},
	[RECORD_EVENTS] = {"artifacts/events.ndjson", "events.ndjson", PLACE_ARTIFACTS, REPORT_MAX},
};

const char *run_record_name(enum record_file file)
{
	return files[file].name;
}

static int place_fd(const struct run_record *record, enum place place)
{
	switch (place) {
	case PLACE_TOP:
		return record->dir_fd;
	case PLACE_STAGES:
		return record->stages_fd;
	case PLACE_ARTIFACTS:
		return record->artifacts_fd;
	}
	__builtin_unreachable();
}

static enum fault_code open_below(int dir_fd, const char *name, int *fd, struct fault *fault)
{
	*fd = openat(dir_fd, name, DIRECTORY_FLAGS);
	if (*fd >= 0 || errno == ENOENT)
		return FAULT_NONE;
	return fault_set_errno(fault, FAULT_REPORT_SCHEMA, errno, name,
			       "%s of the run directory cannot be opened; links are not followed",
			       name);
}

enum fault_code run_record_open(struct run_record *record, const char *path, struct fault *fault)
{
	*record = (struct run_record)RUN_RECORD_NONE;
	record->dir_fd = open(path, DIRECTORY_FLAGS);
	if (record->dir_fd < 0)
		return fault_set_errno(fault, FAULT_REPORT_SCHEMA, errno, "run",
				       "the run directory '%.200s' cannot be opened; links are not "
				       "followed",
				       path);
	if (open_below(record->dir_fd, "stages", &record->stages_fd, fault) != FAULT_NONE)
		return fault->code;
	return open_below(record->dir_fd, "artifacts", &record->artifacts_fd, fault);
}

static enum fault_code refuse(enum record_file file, const char *why, struct fault *fault)
{
	return fault_set(fault, FAULT_REPORT_SCHEMA, files[file].name, "%s %s", files[file].name,
			 why);
}

static enum fault_code check(enum record_file file, int *fd, struct fault *fault)
{
	struct stat status;
	const char *why = NULL;

	if (fstat(*fd, &status) != 0)
		why = "cannot be looked at";
	else if (!S_ISREG(status.st_mode))
		why = "is not a regular file";
	else if (status.st_size > files[file].max)
		why = "is larger than any run leaves it";
	if (why == NULL && status.st_size > 0)
		return FAULT_NONE;
	close(*fd);
	*fd = -1;
	return why == NULL ? FAULT_NONE : refuse(file, why, fault);
}

enum fault_code run_record_file(const struct run_record *record, enum record_file file, int *fd,
				struct fault *fault)
{
	int dir_fd = place_fd(record, files[file].place);

	*fd = -1;
	if (dir_fd < 0)
		return FAULT_NONE;
	*fd = openat(dir_fd, files[file].base, FILE_FLAGS);
	if (*fd >= 0)
		return check(file, fd, fault);
	if (errno == ENOENT)
		return FAULT_NONE;
	return fault_set_errno(fault, FAULT_REPORT_SCHEMA, errno, files[file].name,
			       "%s cannot be opened; links are not followed", files[file].name);
}

void run_record_close(struct run_record *record)
{
	descriptor_close(&record->dir_fd);
	descriptor_close(&record->stages_fd);
	descriptor_close(&record->artifacts_fd);
}
