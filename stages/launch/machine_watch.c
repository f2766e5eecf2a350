/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/machine_watch.h"

#include "ipc/canon.h"
#include "ipc/event.h"
#include "ipc/object.h"
#include "stages/launch/descriptor.h"
#include "stages/launch/launch.h"
#include "stages/launch/machine_part.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define CODE	    FAULT_RUN_LAUNCH
#define PATH	    "launch.machine.guest"
#define BOOT_S	    120 /* under TCG, on a machine that others use too; 3 s when it is idle */
#define DELIVER_S   60	/* between the command's end and the last of what it wrote and left */
#define BYTES_PER_S ((uint64_t)1 << 20)
#define SHUTDOWN_S  5
#define BROKEN_S    1 /* for its VMM's end, when the guest has said all it ever will, and not enough */

/* From now; 0 is never. */
static int set_timer(struct machine *machine, time_t seconds)
{
	struct itimerspec when = {.it_value = {.tv_sec = seconds}};

	return timerfd_settime(machine->timer_fd, 0, &when, NULL);
}

enum fault_code machine_watch_open(struct launch *launch, struct fault *fault)
{
	struct machine *machine = launch->machine;

	if (machine == NULL)
		return FAULT_NONE;
	machine->exec_ns = launch->started_ns;
	machine->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (machine->timer_fd >= 0 && set_timer(machine, BOOT_S) == 0)
		return FAULT_NONE;
	return fault_set_errno(fault, CODE, errno, PATH, "cannot set the boot's timer");
}

void machine_watch_items(const struct launch *launch, struct pollfd items[MACHINE_SOURCE_COUNT])
{
	const struct machine *machine = launch->machine;

	for (size_t i = 0; i < MACHINE_SOURCE_COUNT; i++)
		items[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	if (machine == NULL)
		return;
	items[MACHINE_SOURCE_GUEST].fd = machine->guest.out_fd;
	items[MACHINE_SOURCE_TIMER].fd = machine->timer_fd;
	items[MACHINE_SOURCE_CONSOLE].fd = machine->console_fd;
	items[MACHINE_SOURCE_LOG].fd = machine->log_fd;
}

static const char *type_of(struct json_object *record)
{
	struct json_object *type = NULL;

	if (json_object_is_type(record, json_type_object))
		(void)json_object_object_get_ex(record, "type", &type);
	return json_object_is_type(type, json_type_string) ? json_object_get_string(type) : "";
}

static enum machine_news on_started(struct launch *launch)
{
	struct machine *machine = launch->machine;
	struct fault ignored;

	if (machine->phase != MACHINE_BOOTS)
		return MACHINE_NOTHING;
	machine->phase = MACHINE_RUNS;
	machine->boot_ns = event_boot_ns();
	launch->started_ns = machine->boot_ns;
	(void)!set_timer(machine, 0);
	/* A stream without a reader ends the run by itself, which the loop sees. */
	(void)!machine_mounts_applied(launch, &ignored);
	return MACHINE_STARTED;
}

/* Its outputs come through an emulated port, and whoever reads its output may be slow. */
static time_t delivery_s(const struct plan *plan)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < plan->output_count && bytes < plan->disk_max; i++)
		bytes += plan->outputs[i].max_bytes;
	if (bytes > plan->disk_max)
		bytes = plan->disk_max;
	return DELIVER_S + (time_t)(bytes / BYTES_PER_S);
}

static enum machine_news on_exited(struct launch *launch)
{
	struct machine *machine = launch->machine;

	if (machine->phase == MACHINE_SHUTS_DOWN || machine->phase == MACHINE_ENDED)
		return MACHINE_NOTHING;
	machine->phase = MACHINE_SHUTS_DOWN;
	machine->exited = true;
	launch->ended_ns = machine->times.exited_ns = event_boot_ns();
	(void)!set_timer(machine, delivery_s(launch->plan));
	return MACHINE_EXITED;
}

/* Everything is said; what may still be missing is the VMM's end. */
static enum machine_news on_final(struct launch *launch, struct json_object *record)
{
	struct machine *machine = launch->machine;

	if (machine->final == NULL) {
		machine->final = json_object_get(record);
		machine->times.final_ns = event_boot_ns();
	}
	machine->phase = MACHINE_SHUTS_DOWN;
	(void)!set_timer(machine, machine_told(launch) ? SHUTDOWN_S : BROKEN_S);
	return machine->vmm_known ? MACHINE_OVER : MACHINE_EXITED;
}

static enum machine_news on_record(struct launch *launch, const char *line, size_t len)
{
	struct machine *machine = launch->machine;
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct fault fault;

	if (canon_parse(line, len, CODE, &record, &fault) != FAULT_NONE) {
		machine->broken = true;
		return MACHINE_OVER;
	}
	if (strcmp(type_of(record), "connected") == 0)
		machine->times.connected_ns = event_boot_ns();
	if (strcmp(type_of(record), "hello") == 0) {
		machine->times.hello_ns = event_boot_ns();
		return machine_heard(launch);
	}
	if (strcmp(type_of(record), "again") == 0)
		return machine_fall_back(launch);
	if (strcmp(type_of(record), "started") == 0)
		return on_started(launch);
	if (strcmp(type_of(record), "exited") == 0)
		return on_exited(launch);
	if (strcmp(type_of(record), "final") == 0)
		return on_final(launch, record);
	return MACHINE_NOTHING; /* a kind of record that was added later */
}

/* A line may be waiting that poll(2) knows nothing of. */
static bool line_waiting(const struct record_reader *reader)
{
	size_t len = reader->buf.len - reader->start;

	return len > 0 && memchr(reader->buf.data + reader->start, '\n', len) != NULL;
}

static enum machine_news on_guest(struct launch *launch)
{
	struct machine *machine = launch->machine;
	enum machine_news news = MACHINE_NOTHING;

	do {
		const char *line = NULL;
		size_t len = 0;
		struct fault fault;
		enum record_status status =
			record_read_once(&machine->records, &line, &len, CODE, &fault);
		enum machine_news now = MACHINE_NOTHING;

		if (status == RECORD_LINE)
			now = on_record(launch, line, len);
		if (status == RECORD_END || status == RECORD_FAULT) {
			descriptor_close(&machine->guest.out_fd);
			machine->broken |= machine->final == NULL;
			now = machine->vmm_known || machine->broken ? MACHINE_OVER : now;
		}
		if (now > news)
			news = now;
	} while (machine->guest.out_fd >= 0 && news != MACHINE_OVER &&
		 line_waiting(&machine->records));
	return news;
}

static enum machine_news on_timer(struct machine *machine)
{
	if (machine->phase == MACHINE_BOOTS)
		machine->boot_late = true;
	else if (!machine->vmm_known)
		machine->late = true;
	return MACHINE_OVER;
}

enum machine_news machine_watch(struct launch *launch, struct pollfd items[MACHINE_SOURCE_COUNT])
{
	struct machine *machine = launch->machine;
	enum machine_news news = MACHINE_NOTHING;

	if (items[MACHINE_SOURCE_CONSOLE].revents != 0)
		machine_read_console(launch);
	if (items[MACHINE_SOURCE_LOG].revents != 0)
		machine_read_log(machine);
	if (items[MACHINE_SOURCE_GUEST].revents != 0)
		news = on_guest(launch);
	if (news == MACHINE_NOTHING && items[MACHINE_SOURCE_TIMER].revents != 0)
		news = on_timer(machine);
	machine_watch_items(launch, items);
	return news;
}

static int64_t number_in(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	(void)json_object_object_get_ex(object, name, &value);
	return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : 0;
}

void machine_vmm_status(struct machine *machine, struct json_object *message)
{
	/* Who waited beside it ends behind it, and is no VMM. */
	if (machine->vmm_known)
		return;
	machine->vmm_known = true;
	machine->times.vmm_ended_ns = event_boot_ns();
	machine->vmm_status = message != NULL ? (int)number_in(message, "status") : SIGKILL;
}

enum machine_news machine_vmm_ended(struct launch *launch, struct json_object *message)
{
	machine_vmm_status(launch->machine, message);
	return machine_vmm_gone(launch);
}

enum machine_news machine_boots_again(struct launch *launch)
{
	(void)!set_timer(launch->machine, BOOT_S);
	return MACHINE_NOTHING;
}

enum machine_news machine_vmm_gone(struct launch *launch)
{
	struct machine *machine = launch->machine;

	/* sr-guest sees the same, and has its last record to write. */
	descriptor_close(&machine->guest.stdin_fd);
	if (machine->final != NULL || machine->guest.out_fd < 0)
		return MACHINE_OVER;
	machine->phase = MACHINE_SHUTS_DOWN;
	(void)!set_timer(machine, SHUTDOWN_S);
	return MACHINE_EXITED;
}

void machine_signal(struct launch *launch, int number)
{
	struct assistant *guest = &launch->machine->guest;
	struct json_object *record OBJECT_CLEANUP = object_new();

	if (guest->stdin_fd < 0)
		return;
	object_add_integer(record, "signal", number);
	assistant_tell(guest, record);
}
