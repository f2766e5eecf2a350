/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LAUNCH_CGROUP_READ_H
#define LAUNCH_CGROUP_READ_H

#include "stages/launch/cgroup_layout.h"

#include <stdbool.h>
#include <stdint.h>

struct json_object;

/*
 * Reading a cgroup's counters; nothing here can change one. Shared by the launcher and the monitor.
 * The files are opened once, and read again at offset 0 for each sample.
 */
enum cgroup_counter {
	CGROUP_CPU_USAGE_US,
	CGROUP_CPU_USER_US,
	CGROUP_CPU_SYSTEM_US,
	CGROUP_CPU_THROTTLED_US,
	CGROUP_CPU_THROTTLED_COUNT,
	CGROUP_MEMORY_CURRENT, /* bytes */
	CGROUP_MEMORY_PEAK,
	CGROUP_MEMORY_OOM_KILLS,
	CGROUP_PIDS_CURRENT,
	CGROUP_PIDS_PEAK,
	CGROUP_PIDS_MAX_HITS, /* forks refused */
	CGROUP_COUNTER_COUNT
};

#define CGROUP_READ_FILE_MAX 17

struct cgroup_reader {
	int file_fd[CGROUP_READ_FILE_MAX]; /* -1: this host or hierarchy has no such file */
};

struct cgroup_counters {
	uint64_t values[CGROUP_COUNTER_COUNT];
	bool present[CGROUP_COUNTER_COUNT];
};

/* No file open; cgroup_reader_close is right on it. */
void cgroup_reader_init(struct cgroup_reader *reader);

/*
 * Open the counter files of the cgroup directories given (-1: none in that hierarchy), which stay
 * the caller's and may be closed afterwards.
 */
void cgroup_reader_open(struct cgroup_reader *reader, const int dir_fd[CGROUP_HIERARCHY_COUNT]);
void cgroup_reader_close(struct cgroup_reader *reader);

/* A file that is missing or says nothing we know leaves its counters not present. */
void cgroup_reader_read(const struct cgroup_reader *reader, struct cgroup_counters *counters);

/* Add "cpu", "memory" and "pids" objects with the counters present to a sample's payload. */
void cgroup_counters_to_json(const struct cgroup_counters *counters, struct json_object *payload);

/*
 * The number behind "key " at the start of a line of text ("oom_kill 3"), or the whole text when
 * key is NULL. False when there is none, or it is not a decimal below 2^64.
 */
bool cgroup_number_parse(const char *text, const char *key, uint64_t *value)
	__attribute__((warn_unused_result));

#endif
