/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/wires.h"

#include "cmd/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void wires_init(struct wires *wires)
{
	for (size_t i = 0; i < WIRE_COUNT; i++)
		wires->pipes[i].from = wires->pipes[i].into = -1;
	for (size_t i = 0; i < COPY_COUNT; i++)
		wires->copies[i] = -1;
	for (size_t i = 0; i < 3; i++)
		wires->caller[i] = -1;
}

void wires_hand_over(struct wires *wires, enum wire wire)
{
	descriptor_close(&wires->pipes[wire].from);
	descriptor_close(&wires->pipes[wire].into);
}

void wires_close(struct wires *wires)
{
	for (enum wire i = 0; i < WIRE_COUNT; i++)
		wires_hand_over(wires, i);
	for (size_t i = 0; i < COPY_COUNT; i++)
		descriptor_close(&wires->copies[i]);
	for (size_t i = 0; i < 3; i++)
		descriptor_close(&wires->caller[i]);
}

static enum fault_code pipes_open(struct wires *wires, struct fault *fault)
{
	for (size_t i = 0; i < WIRE_COUNT; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) != 0)
			return fault_set_errno(fault, FAULT_RUN_INIT, errno, "safe-run", "pipe");
		wires->pipes[i].from = ends[0];
		wires->pipes[i].into = ends[1];
	}
	for (int fd = 0; fd < 3; fd++) {
		wires->caller[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (wires->caller[fd] < 0)
			return fault_set_errno(fault, FAULT_RUN_INIT, errno, "safe-run", "dup");
	}
	return FAULT_NONE;
}

static enum fault_code copies_open(struct wires *wires, const struct rundir *rundir,
				   struct fault *fault)
{
	const struct {
		enum copy copy;
		int dir_fd;
		const char *name;
	} files[] = {
		{COPY_VALIDATE, rundir->stages_fd, "validate.json"},
		{COPY_COMPILE, rundir->stages_fd, "compile.json"},
		{COPY_LAUNCH, rundir->stages_fd, "launch.ndjson"},
		{COPY_MONITOR, rundir->stages_fd, "monitor.ndjson"},
		{COPY_STDOUT, rundir->artifacts_fd, "stdout.log"},
		{COPY_STDERR, rundir->artifacts_fd, "stderr.log"},
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		enum fault_code code = rundir_create(files[i].dir_fd, files[i].name,
						     &wires->copies[files[i].copy], fault);
		if (code != FAULT_NONE)
			return code;
	}
	return FAULT_NONE;
}

enum fault_code wires_open(struct wires *wires, const struct rundir *rundir, struct fault *fault)
{
	enum fault_code code;

	wires_init(wires);
	code = pipes_open(wires, fault);
	return code == FAULT_NONE ? copies_open(wires, rundir, fault) : code;
}

int wires_from(const struct wires *wires, enum wire wire)
{
	return wires->pipes[wire].from;
}

int wires_into(const struct wires *wires, enum wire wire)
{
	return wires->pipes[wire].into;
}

static int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

int wires_take_from(struct wires *wires, enum wire wire)
{
	return take_fd(&wires->pipes[wire].from);
}

int wires_take_into(struct wires *wires, enum wire wire)
{
	return take_fd(&wires->pipes[wire].into);
}
