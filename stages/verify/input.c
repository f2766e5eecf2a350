/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/verify/input.h"

#include "ipc/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

static const char report_name[] = "run_report.json";
static const char events_name[] = "events.ndjson";
static const char artifacts_name[] = "artifacts";

static void refuse(struct input *input, enum input_kind kind, const char *why, struct fault *fault)
{
	if (input->fd >= 0)
		close(input->fd);
	input->fd = -1;
	input->kind = kind;
	fault_set(fault, FAULT_REPORT_SCHEMA, "report", "%s", why);
}

static void refuse_errno(struct input *input, int error_number, struct fault *fault)
{
	/* ELOOP: O_NOFOLLOW met a link. ENXIO: a socket. */
	bool alien = error_number == ELOOP || error_number == ENXIO;

	refuse(input, alien ? INPUT_ALIEN : INPUT_FAILED, "", fault);
	fault_set_errno(fault, FAULT_REPORT_SCHEMA, error_number, "report", "%s",
			alien ? "a link or socket is not followed, name the report itself"
			      : "the report cannot be read");
}

/* In an artifacts directory, which it closes: the report, else the events a killed run left. */
static void open_artifacts(struct input *input, int directory_fd, struct fault *fault)
{
	int error_number;

	input->kind = INPUT_REPORT;
	input->fd = openat(directory_fd, report_name, FLAGS);
	if (input->fd < 0 && errno == ENOENT) {
		input->kind = INPUT_EVENTS;
		input->fd = openat(directory_fd, events_name, FLAGS);
	}
	error_number = errno;
	close(directory_fd);
	if (input->fd < 0 && error_number == ENOENT)
		refuse(input, INPUT_ALIEN, "the directory holds neither a report nor events",
		       fault);
	else if (input->fd < 0)
		refuse_errno(input, error_number, fault);
}

static void open_directory(struct input *input, struct fault *fault)
{
	int artifacts_fd = openat(input->fd, artifacts_name, FLAGS | O_DIRECTORY);
	int directory_fd = input->fd;

	if (artifacts_fd < 0 && errno != ENOENT) {
		refuse_errno(input, errno, fault);
		return;
	}
	input->fd = -1;
	if (artifacts_fd >= 0) {
		close(directory_fd);
		directory_fd = artifacts_fd;
	}
	open_artifacts(input, directory_fd, fault);
}

static void look(struct input *input, struct fault *fault)
{
	struct stat status;

	if (fstat(input->fd, &status) != 0)
		refuse_errno(input, errno, fault);
	else if (!S_ISREG(status.st_mode))
		refuse(input, INPUT_ALIEN, "not a regular file", fault);
	else if (status.st_size > (off_t)INPUT_LEN_MAX)
		refuse(input, INPUT_ALIEN, "longer than the 64 MiB a report may have", fault);
	else
		input->len = (size_t)status.st_size;
}

void input_take(struct input *input, int fd, struct fault *fault)
{
	*input = (struct input){.fd = fd};
	look(input, fault);
}

void input_open(struct input *input, const char *path, struct fault *fault)
{
	struct stat status;

	*input = (struct input){.fd = open(path, FLAGS)};
	if (input->fd < 0) {
		refuse_errno(input, errno, fault);
		return;
	}
	if (fstat(input->fd, &status) == 0 && S_ISDIR(status.st_mode)) {
		open_directory(input, fault);
		if (input->fd < 0)
			return;
	}
	look(input, fault);
}

void input_read(struct input *input, struct fault *fault)
{
	size_t expected = input->len, capacity = expected + 1;

	/* One byte more than it had: a file that grows meanwhile shows itself. */
	input->len = 0;
	input->data = malloc(capacity);
	if (input->data == NULL)
		buf_no_memory();
	while (input->len < capacity) {
		ssize_t got = read(input->fd, input->data + input->len, capacity - input->len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			refuse_errno(input, errno, fault);
			return;
		}
		if (got == 0)
			break;
		input->len += (size_t)got;
	}
	if (input->len != expected)
		refuse(input, INPUT_ALIEN, "the file changed its length while it was read", fault);
}

void input_release(struct input *input)
{
	if (input->fd >= 0)
		close(input->fd);
	free(input->data);
	*input = (struct input){.fd = -1};
}
