/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_STAGE_MONITOR_WATCH_H
#define TESTS_STAGE_MONITOR_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * sr-monitor, with the test in the place of everybody around it: launcher, workload, caller,
 * sealer. Everything waits for something to happen, for at most WATCH_MS, and ends the test after
 * that.
 */
#define WATCH_MS  30000
#define WATCH_RUN "sr-20260101-000000-0123abcd"

enum watch_part {
	WATCH_OUT = 1,	    /* workload's stdout */
	WATCH_ERR = 2,	    /* workload's stderr */
	WATCH_IN = 4,	    /* workload's stdin */
	WATCH_COPY_OUT = 8, /* caller's stdout, a pipe */
	WATCH_COPY_IN = 16, /* caller's stdin, a pipe */
	WATCH_LOGS = 32,    /* both logs, as files */
	WATCH_CONTROL = 64,
	WATCH_PTY = 128,     /* a pseudo-terminal for the workload */
	WATCH_BAD_LOG = 256, /* a log for stdout that cannot be written */
};

struct watch {
	pid_t pid;
	int events_fd; /* we write the launcher's records */
	int records_fd;
	int out_fd; /* we are the workload */
	int err_fd;
	int in_fd;
	int terminal_fd; /* the workload's side */
	int copy_out_fd; /* we are the caller */
	int copy_in_fd;
	int control_fd; /* we read what the launcher would */
	int out_log_fd;
	int err_log_fd;
	unsigned seq;
	char *text; /* all the records read */
	size_t text_len;
	int status; /* as the shell sees it, once it has ended */
};

void watch_start(struct watch *watch, unsigned parts, const char *const extra[]);

/* Send one record of the launcher's. members: more payload members, each as "x":1, with its comma.
 */
void watch_send(struct watch *watch, const char *type, const char *before, const char *after);
/* compile with this outputMax, run.prepared without a cgroup, vm.started. */
void watch_begin(struct watch *watch, unsigned long long output_max);
/* vm.exited with status 0, run.cleaned, end of file. */
void watch_end(struct watch *watch);

/* Read records until one holds text; the record. */
const char *watch_await(struct watch *watch, const char *text);
/* Close all that is left on our side, read to the end, reap; the last record. */
const char *watch_finish(struct watch *watch);
/* Wait for its end, for WATCH_MS like everything else. */
void watch_reap(struct watch *watch, int *status);
void watch_release(struct watch *watch);

/* Read exactly len bytes, or what there is before end of file; how many. */
size_t watch_read(int fd, void *data, size_t len);
void watch_write(int fd, const void *data, size_t len);
void watch_close(int *fd);
/* Sleeping in poll(2), not running: seen so many times in a row. */
bool watch_sleeps(const struct watch *watch);
/* Peak memory so far, in KiB. */
long watch_peak_kib(const struct watch *watch);

#endif
