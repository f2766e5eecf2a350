/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/event.h"
#include "ipc/object.h"
#include "ipc/record.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/launch.h"
#include "stages/launch/machine_part.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CODE FAULT_RUN_LAUNCH
#define PATH "launch.machine.console"

#define CONSOLE_MAX ((uint64_t)256 << 10) /* kept; the rest is counted and dropped (VM3) */
#define BLOCK_SIZE  16384

static int open_pipe(int *ours, int *theirs)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	*ours = ends[0];
	*theirs = ends[1];
	return fcntl(*ours, F_SETFL, O_NONBLOCK);
}

enum fault_code machine_open_output(struct launch *launch, int *out_fd, int *err_fd,
				    struct fault *fault)
{
	struct machine *machine = launch->machine;

	if (open_pipe(&machine->console_fd, out_fd) < 0 || open_pipe(&machine->log_fd, err_fd) < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot make a pipe");
	if (launch->artifacts_fd < 0)
		return FAULT_NONE;
	machine->console_file_fd =
		openat(launch->artifacts_fd, "console.log",
		       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (machine->console_file_fd >= 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, PATH, "cannot make the console's log");
}

/* The last bytes, for the sentence about a guest that broke. */
static void keep_tail(struct machine *machine, const char *data, size_t len)
{
	size_t room = sizeof machine->console_tail - 1;

	if (len >= room) {
		memcpy(machine->console_tail, data + len - room, room);
		machine->console_tail_len = room;
	} else {
		size_t kept = machine->console_tail_len;

		if (kept > room - len) {
			memmove(machine->console_tail, machine->console_tail + kept - (room - len),
				room - len);
			kept = room - len;
		}
		memcpy(machine->console_tail + kept, data, len);
		machine->console_tail_len = kept + len;
	}
	machine->console_tail[machine->console_tail_len] = '\0';
}

/* A kernel that gives up says so in one line, with much behind it. */
static void look_for_panic(struct machine *machine, const char *data, size_t len)
{
	static const char mark[] = "Kernel panic";
	const char *at = memmem(data, len, mark, sizeof mark - 1);
	size_t size = 0;

	if (at == NULL || machine->panic[0] != '\0')
		return;
	while (size < sizeof machine->panic - 1 && at + size < data + len && at[size] != '\r' &&
	       at[size] != '\n')
		size++;
	memcpy(machine->panic, at, size);
}

static void keep_file(struct machine *machine, const char *data, size_t len)
{
	uint64_t room = CONSOLE_MAX - machine->console_kept;

	if (len > room)
		len = (size_t)room;
	if (len == 0 || machine->console_file_fd < 0)
		return;
	/* A disk that is full costs the log, and the count says so. */
	if (record_write_all(machine->console_file_fd, data, len) == 0)
		machine->console_kept += len;
	else
		descriptor_close(&machine->console_file_fd);
}

/* A flood is stopped at its bound, and the record says so (VM3). A stream that has no reader any more
 * ends the run by itself, which the loop sees. */
static void tell_truncated(struct launch *launch)
{
	struct machine *machine = launch->machine;
	struct json_object *payload;
	struct fault ignored;

	if (machine->console_told || machine->console_bytes <= machine->console_kept ||
	    launch->artifacts_fd < 0)
		return;
	machine->console_told = true;
	payload = object_new();
	object_add_integer(payload, "limitBytes", (int64_t)CONSOLE_MAX);
	object_add_string(payload, "reason", machine->console_file_fd < 0 ? "file" : "limit");
	object_add_string(payload, "stream", "console");
	(void)!event_emit(&launch->events, EVENT_OUTPUT_TRUNCATED, EVENT_BY_LAUNCHER, payload,
			  &ignored);
}

void machine_read_console(struct launch *launch)
{
	struct machine *machine = launch->machine;
	char block[BLOCK_SIZE];
	ssize_t len = read(machine->console_fd, block, sizeof block);

	if (len > 0) {
		machine->console_bytes += (uint64_t)len;
		keep_tail(machine, block, (size_t)len);
		/* It may have come in pieces, which the tail puts together. */
		look_for_panic(machine, block, (size_t)len);
		look_for_panic(machine, machine->console_tail, machine->console_tail_len);
		keep_file(machine, block, (size_t)len);
		tell_truncated(launch);
	} else if (len == 0 || (errno != EAGAIN && errno != EINTR)) {
		descriptor_close(&machine->console_fd);
	}
}

/* What the VMM says on its stderr: its first words are the ones that matter. */
void machine_read_log(struct machine *machine)
{
	char block[BLOCK_SIZE];
	ssize_t len = read(machine->log_fd, block, sizeof block);
	size_t room = sizeof machine->log - 1 - machine->log_len;

	if (len > 0) {
		if ((size_t)len < room)
			room = (size_t)len;
		memcpy(machine->log + machine->log_len, block, room);
		machine->log_len += room;
		machine->log[machine->log_len] = '\0';
	} else if (len == 0 || (errno != EAGAIN && errno != EINTR)) {
		descriptor_close(&machine->log_fd);
	}
}
