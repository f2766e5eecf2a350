/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/loop.h"

#include "ipc/canon.h"
#include "ipc/field.h"
#include "ipc/object.h"
#include "ipc/record.h"
#include "sandbox/caps.h"
#include "sandbox/sandbox.h"
#include "stages/launch/channel.h"
#include "stages/launch/machine_watch.h"
#include "stages/launch/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/capability.h>
#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CODE	    FAULT_RUN_LAUNCH
#define KEPT	    (1ULL << CAP_KILL | 1ULL << CAP_DAC_OVERRIDE)
#define CONTROL_MAX 256 /* a record on the control descriptor */

enum source {
	SOURCE_INIT,
	SOURCE_PIDFD,
	SOURCE_DEADLINE,
	SOURCE_CONTROL,
	SOURCE_SIGNAL,
	SOURCE_OUTPUT,
	SOURCE_NETWORK,
	SOURCE_MACHINE = SOURCE_NETWORK + NETWORK_SOURCE_COUNT,
	SOURCE_COUNT = SOURCE_MACHINE + MACHINE_SOURCE_COUNT
};

struct loop {
	struct launch *launch;
	struct pollfd items[SOURCE_COUNT];
	struct record_reader control;
	int deadline_fd;
	bool ended;
	struct fault *fault; /* of the network: what ended the run */
	enum fault_code code;
};

enum fault_code loop_tighten(struct fault *fault)
{
	/*
	 * As root only, where two are needed: init has the workload's uid (CAP_KILL), and the
	 * cgroup file systems' own directories are writable for nobody (mode 0555, so removing the
	 * run's takes CAP_DAC_OVERRIDE). What they could reach is bounded by the filter below: no
	 * mount, no namespace, no new process, no change of any file's owner or mode.
	 */
	if (caps_set(caps_permitted() & KEPT) < 0)
		return fault_set_errno(fault, CODE, errno, "launch.tighten",
				       "cannot give up the launcher's capabilities");
	if (sandbox_filter_install(&sandbox_filter_launch_parent) < 0)
		return fault_set_errno(fault, CODE, errno, "launch.tighten",
				       "cannot install the launcher's last filter");
	return FAULT_NONE;
}

/* CLOCK_BOOTTIME: neither setting the wall clock nor suspending the machine moves the deadline. */
static int set_deadline(int fd, const struct launch *launch)
{
	uint64_t end_ns = launch->started_ns + launch->plan->timeout_s * 1000000000ULL;
	struct itimerspec when = {.it_value = {.tv_sec = (time_t)(end_ns / 1000000000),
					       .tv_nsec = (long)(end_ns % 1000000000)}};

	return timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static int open_deadline(const struct launch *launch)
{
	int fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd >= 0 && set_deadline(fd, launch) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static int64_t number_in(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	(void)json_object_object_get_ex(object, name, &value);
	return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : 0;
}

/* init's last message. */
static void take_exit(struct launch *launch, struct json_object *message)
{
	struct json_object *rusage = NULL;

	if (!json_object_object_get_ex(message, "rusage", &rusage))
		return;
	launch->end.known = true;
	launch->end.wait_status = (int)number_in(message, "status");
	launch->end.max_rss_bytes = number_in(rusage, "maxRssBytes");
	launch->end.system_us = number_in(rusage, "systemUs");
	launch->end.user_us = number_in(rusage, "userUs");
}

/* A machine's deadline is its command's, which begins and ends when the guest says so. */
static void take_news(struct loop *loop, enum machine_news news)
{
	struct pollfd *deadline = &loop->items[SOURCE_DEADLINE];

	switch (news) {
	case MACHINE_STARTED:
		deadline->fd =
			set_deadline(loop->deadline_fd, loop->launch) < 0 ? -1 : loop->deadline_fd;
		loop->ended = deadline->fd < 0;
		break;
	case MACHINE_EXITED:
		deadline->fd = -1;
		break;
	case MACHINE_OVER:
		loop->ended = true;
		break;
	case MACHINE_NOTHING:
		break;
	}
}

static void on_init(struct loop *loop)
{
	struct json_object *message OBJECT_CLEANUP = NULL;

	if (loop->launch->machine != NULL) {
		int got = channel_receive(loop->launch->init_fd, 0, &message, NULL);
		struct json_object *type = NULL;

		(void)json_object_object_get_ex(message, "type", &type);
		if (got > 0 && json_object_is_type(type, json_type_string) &&
		    strcmp(json_object_get_string(type), "ended") == 0) {
			take_news(loop, machine_first_ended(loop->launch, message));
			return;
		}
		loop->items[SOURCE_INIT].fd = loop->items[SOURCE_PIDFD].fd = -1;
		take_news(loop, machine_vmm_ended(loop->launch, got > 0 ? message : NULL));
		return;
	}
	/* End of file without a message: init was killed, and everything with it. */
	if (channel_receive(loop->launch->init_fd, 0, &message, NULL) > 0)
		take_exit(loop->launch, message);
	loop->ended = true;
}

static void forward(struct loop *loop, int number)
{
	struct launch *launch = loop->launch;

	if (number < 1 || number >= _NSIG)
		return;
	(void)sigaddset(&launch->forwarded, number);
	if (launch->machine != NULL) {
		machine_signal(launch, number);
		return;
	}
	/* init that is gone has nobody to forward to; its end is seen in the next round. */
	(void)!channel_tell_signal(launch->init_fd, number);
}

static void on_signal(struct loop *loop)
{
	struct signalfd_siginfo info;

	if (read(loop->launch->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
		forward(loop, (int)info.ssi_signo);
}

/* {"signal":N} or {"stop":"output"}; anything else is from nobody we know, and ignored. */
static void on_record(struct loop *loop, const char *line, size_t len)
{
	struct json_object *record OBJECT_CLEANUP = NULL;
	struct fields fields;
	struct fault fault;
	const char *reason = "";
	int64_t number = 0;

	if (canon_parse(line, len, CODE, &record, &fault) != FAULT_NONE ||
	    fields_open(&fields, record, "", CODE, &fault) != FAULT_NONE)
		return;
	if (fields_has(&fields, "signal")) {
		if (fields_integer(&fields, "signal", 1, _NSIG - 1, &number, &fault) ==
			    FAULT_NONE &&
		    fields_close(&fields, &fault) == FAULT_NONE)
			forward(loop, (int)number);
		return;
	}
	if (fields_string(&fields, "stop", &reason, &fault) != FAULT_NONE ||
	    fields_close(&fields, &fault) != FAULT_NONE || strcmp(reason, "output") != 0)
		return;
	loop->launch->end.stop = LAUNCH_STOP_OUTPUT;
	loop->ended = true;
}

static void on_control(struct loop *loop)
{
	struct fault fault;
	const char *line;
	size_t len;
	enum record_status status = record_read_once(&loop->control, &line, &len, CODE, &fault);

	while (status == RECORD_LINE && !loop->ended) {
		on_record(loop, line, len);
		/* Lines already here; no second read, which could block. */
		if (memchr(loop->control.buf.data + loop->control.start, '\n',
			   loop->control.buf.len - loop->control.start) == NULL)
			break;
		status = record_read_once(&loop->control, &line, &len, CODE, &fault);
	}
	/* All writers are gone, or one writes garbage: nobody to listen to any more. */
	if (status == RECORD_END || status == RECORD_FAULT)
		loop->items[SOURCE_CONTROL].fd = -1;
}

static void dispatch(struct loop *loop)
{
	struct pollfd *items = loop->items;

	/* A workload that ended at its deadline ended by itself: its own end goes first. */
	if (items[SOURCE_INIT].revents != 0 || items[SOURCE_PIDFD].revents != 0)
		on_init(loop);
	if (!loop->ended && loop->launch->machine != NULL)
		take_news(loop, machine_watch(loop->launch, &items[SOURCE_MACHINE]));
	if (!loop->ended && items[SOURCE_DEADLINE].fd >= 0 && items[SOURCE_DEADLINE].revents != 0)
		loop->launch->end.deadline = loop->ended = true;
	if (!loop->ended) {
		loop->code = network_check(loop->launch, &items[SOURCE_NETWORK], loop->fault);
		loop->ended = loop->code != FAULT_NONE;
		if (loop->ended)
			loop->launch->end.stop = LAUNCH_STOP_NETWORK;
	}
	if (!loop->ended && items[SOURCE_OUTPUT].revents != 0) {
		loop->launch->end.stop = LAUNCH_STOP_MONITOR;
		loop->ended = true;
	}
	if (!loop->ended && items[SOURCE_CONTROL].revents != 0)
		on_control(loop);
	if (!loop->ended && items[SOURCE_SIGNAL].revents != 0)
		on_signal(loop);
}

/* A forwarded signal that the workload died of is why it ended. */
static void note_interruption(struct launch *launch)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

	if (!launch->end.known || !WIFSIGNALED(launch->end.wait_status))
		return;
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		if (WTERMSIG(launch->end.wait_status) == numbers[i] &&
		    sigismember(&launch->forwarded, numbers[i]) == 1)
			launch->end.stop = LAUNCH_STOP_INTERRUPTED;
}

enum fault_code loop_run(struct launch *launch, struct fault *fault)
{
	int deadline_fd = open_deadline(launch);
	struct loop loop = {
		.launch = launch,
		.fault = fault,
		.deadline_fd = deadline_fd,
		.items =
			{
				[SOURCE_INIT] = {.fd = launch->init_fd, .events = POLLIN},
				[SOURCE_PIDFD] = {.fd = launch->pidfd, .events = POLLIN},
				[SOURCE_DEADLINE] = {.fd = deadline_fd, .events = POLLIN},
				[SOURCE_CONTROL] = {.fd = launch->control_fd, .events = POLLIN},
				[SOURCE_SIGNAL] = {.fd = launch->signal_fd, .events = POLLIN},
				/* No events asked: POLLERR and POLLHUP come by themselves. */
				[SOURCE_OUTPUT] = {.fd = launch->events.sink.fd},
			},
	};

	if (deadline_fd < 0)
		return fault_set_errno(fault, CODE, errno, "launch.deadline",
				       "cannot set the deadline");
	if (machine_watch_open(launch, fault) != FAULT_NONE) {
		(void)close(deadline_fd);
		return fault->code;
	}
	if (launch->machine != NULL)
		loop.items[SOURCE_DEADLINE].fd = -1; /* the boot has a time of its own */
	network_watch(launch, &loop.items[SOURCE_NETWORK]);
	machine_watch_items(launch, &loop.items[SOURCE_MACHINE]);
	record_reader_init(&loop.control, launch->control_fd, CONTROL_MAX);
	while (!loop.ended) {
		if (poll(loop.items, SOURCE_COUNT, -1) < 0 && errno != EINTR)
			break;
		dispatch(&loop);
	}
	if (launch->ended_ns == 0)
		launch->ended_ns = event_boot_ns();
	record_reader_release(&loop.control);
	(void)close(deadline_fd);
	note_interruption(launch);
	return loop.code;
}
