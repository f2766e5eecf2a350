/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/cgroup_read.h"

#include "ipc/canon.h"
#include "ipc/object.h"
#include "stages/launch/cgroup_file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum file {
	FILE_V1_USAGE,
	FILE_V1_USER,
	FILE_V1_SYSTEM,
	FILE_V1_THROTTLE,
	FILE_V1_MEMORY,
	FILE_V1_MEMORY_PEAK,
	FILE_V1_OOM,
	FILE_V1_PIDS,
	FILE_V1_PIDS_PEAK,
	FILE_V1_PIDS_EVENTS,
	FILE_V2_CPU,
	FILE_V2_MEMORY,
	FILE_V2_MEMORY_PEAK, /* Linux 5.19 */
	FILE_V2_MEMORY_EVENTS,
	FILE_V2_PIDS,
	FILE_V2_PIDS_PEAK, /* Linux 6.6; on version 1 too */
	FILE_V2_PIDS_EVENTS,
	FILE_COUNT
};
_Static_assert(FILE_COUNT <= CGROUP_READ_FILE_MAX, "a reader holds every file");

static const struct {
	enum cgroup_hierarchy hierarchy;
	const char *name;
} files[FILE_COUNT] = {
	[FILE_V1_USAGE] = {CGROUP_CPUACCT, "cpuacct.usage"},
	[FILE_V1_USER] = {CGROUP_CPUACCT, "cpuacct.usage_user"},
	[FILE_V1_SYSTEM] = {CGROUP_CPUACCT, "cpuacct.usage_sys"},
	[FILE_V1_THROTTLE] = {CGROUP_CPU, "cpu.stat"},
	[FILE_V1_MEMORY] = {CGROUP_MEMORY, "memory.usage_in_bytes"},
	[FILE_V1_MEMORY_PEAK] = {CGROUP_MEMORY, "memory.max_usage_in_bytes"},
	[FILE_V1_OOM] = {CGROUP_MEMORY, "memory.oom_control"},
	[FILE_V1_PIDS] = {CGROUP_PIDS, "pids.current"},
	[FILE_V1_PIDS_PEAK] = {CGROUP_PIDS, "pids.peak"},
	[FILE_V1_PIDS_EVENTS] = {CGROUP_PIDS, "pids.events"},
	[FILE_V2_CPU] = {CGROUP_UNIFIED, "cpu.stat"},
	[FILE_V2_MEMORY] = {CGROUP_UNIFIED, "memory.current"},
	[FILE_V2_MEMORY_PEAK] = {CGROUP_UNIFIED, "memory.peak"},
	[FILE_V2_MEMORY_EVENTS] = {CGROUP_UNIFIED, "memory.events"},
	[FILE_V2_PIDS] = {CGROUP_UNIFIED, "pids.current"},
	[FILE_V2_PIDS_PEAK] = {CGROUP_UNIFIED, "pids.peak"},
	[FILE_V2_PIDS_EVENTS] = {CGROUP_UNIFIED, "pids.events"},
};

/* Where each counter is found; version 1 counts in nanoseconds what we tell in microseconds. */
static const struct {
	enum file file;
	const char *key; /* NULL: the file is one number */
	uint64_t divisor;
	enum cgroup_counter counter;
} sources[] = {
	{FILE_V1_USAGE, NULL, 1000, CGROUP_CPU_USAGE_US},
	{FILE_V1_USER, NULL, 1000, CGROUP_CPU_USER_US},
	{FILE_V1_SYSTEM, NULL, 1000, CGROUP_CPU_SYSTEM_US},
	{FILE_V1_THROTTLE, "throttled_time", 1000, CGROUP_CPU_THROTTLED_US},
	{FILE_V1_THROTTLE, "nr_throttled", 1, CGROUP_CPU_THROTTLED_COUNT},
	{FILE_V1_MEMORY, NULL, 1, CGROUP_MEMORY_CURRENT},
	{FILE_V1_MEMORY_PEAK, NULL, 1, CGROUP_MEMORY_PEAK},
	{FILE_V1_OOM, "oom_kill", 1, CGROUP_MEMORY_OOM_KILLS},
	{FILE_V1_PIDS, NULL, 1, CGROUP_PIDS_CURRENT},
	{FILE_V1_PIDS_PEAK, NULL, 1, CGROUP_PIDS_PEAK},
	{FILE_V1_PIDS_EVENTS, "max", 1, CGROUP_PIDS_MAX_HITS},
	{FILE_V2_CPU, "usage_usec", 1, CGROUP_CPU_USAGE_US},
	{FILE_V2_CPU, "user_usec", 1, CGROUP_CPU_USER_US},
	{FILE_V2_CPU, "system_usec", 1, CGROUP_CPU_SYSTEM_US},
	{FILE_V2_CPU, "throttled_usec", 1, CGROUP_CPU_THROTTLED_US},
	{FILE_V2_CPU, "nr_throttled", 1, CGROUP_CPU_THROTTLED_COUNT},
	{FILE_V2_MEMORY, NULL, 1, CGROUP_MEMORY_CURRENT},
	{FILE_V2_MEMORY_PEAK, NULL, 1, CGROUP_MEMORY_PEAK},
	{FILE_V2_MEMORY_EVENTS, "oom_kill", 1, CGROUP_MEMORY_OOM_KILLS},
	{FILE_V2_PIDS, NULL, 1, CGROUP_PIDS_CURRENT},
	{FILE_V2_PIDS_PEAK, NULL, 1, CGROUP_PIDS_PEAK},
	{FILE_V2_PIDS_EVENTS, "max", 1, CGROUP_PIDS_MAX_HITS},
};

static bool decimal_parse(const char *text, uint64_t *value)
{
	uint64_t number = 0;
	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (__builtin_mul_overflow(number, 10U, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*text - '0'), &number))
			return false;
	}
	*value = number;
	return *text == '\0' || *text == '\n';
}

bool cgroup_number_parse(const char *text, const char *key, uint64_t *value)
{
	if (key == NULL)
		return decimal_parse(text, value);
	size_t len = strlen(key);
	for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (strncmp(line, key, len) == 0 && line[len] == ' ')
			return decimal_parse(line + len + 1, value);
	}
	return false;
}

void cgroup_reader_init(struct cgroup_reader *reader)
{
	for (size_t i = 0; i < CGROUP_READ_FILE_MAX; i++)
		reader->file_fd[i] = -1;
}

void cgroup_reader_open(struct cgroup_reader *reader, const int dir_fd[CGROUP_HIERARCHY_COUNT])
{
	cgroup_reader_init(reader);
	for (size_t i = 0; i < FILE_COUNT; i++) {
		int dir = dir_fd[files[i].hierarchy];
		if (dir >= 0)
			reader->file_fd[i] = cgroup_file_open(dir, files[i].name, O_RDONLY);
	}
}

void cgroup_reader_close(struct cgroup_reader *reader)
{
	for (size_t i = 0; i < CGROUP_READ_FILE_MAX; i++) {
		if (reader->file_fd[i] >= 0)
			(void)close(reader->file_fd[i]);
	}
	cgroup_reader_init(reader);
}

void cgroup_reader_read(const struct cgroup_reader *reader, struct cgroup_counters *counters)
{
	char text[1024]; /* cpu.stat, the longest, is under 400 bytes */
	memset(counters, 0, sizeof(*counters));
	enum file loaded = FILE_COUNT;
	for (size_t i = 0; i < COUNT_OF(sources); i++) {
		enum file file = sources[i].file;
		enum cgroup_counter counter = sources[i].counter;
		uint64_t value = 0;
		if (reader->file_fd[file] < 0 || counters->present[counter])
			continue;
		if (loaded != file &&
		    cgroup_file_read_fd(reader->file_fd[file], text, sizeof(text)) != 0)
			continue;
		loaded = file;
		if (!cgroup_number_parse(text, sources[i].key, &value))
			continue;
		counters->values[counter] = value / sources[i].divisor;
		counters->present[counter] = true;
	}
}

void cgroup_counters_to_json(const struct cgroup_counters *counters, struct json_object *payload)
{
	static const struct {
		const char *group, *name;
	} names[CGROUP_COUNTER_COUNT] = {
		[CGROUP_CPU_USAGE_US] = {"cpu", "usageUs"},
		[CGROUP_CPU_USER_US] = {"cpu", "userUs"},
		[CGROUP_CPU_SYSTEM_US] = {"cpu", "systemUs"},
		[CGROUP_CPU_THROTTLED_US] = {"cpu", "throttledUs"},
		[CGROUP_CPU_THROTTLED_COUNT] = {"cpu", "nrThrottled"},
		[CGROUP_MEMORY_CURRENT] = {"memory", "currentBytes"},
		[CGROUP_MEMORY_PEAK] = {"memory", "peakBytes"},
		[CGROUP_MEMORY_OOM_KILLS] = {"memory", "oomKills"},
		[CGROUP_PIDS_CURRENT] = {"pids", "current"},
		[CGROUP_PIDS_PEAK] = {"pids", "peak"},
		[CGROUP_PIDS_MAX_HITS] = {"pids", "maxHits"},
	};
	struct json_object *group = NULL;
	for (size_t i = 0; i < CGROUP_COUNTER_COUNT; i++) {
		if (i == 0 || strcmp(names[i].group, names[i - 1].group) != 0) {
			group = object_new();
			object_add(payload, names[i].group, group);
		}
		uint64_t value = counters->values[i];
		if (counters->present[i])
			object_add_integer(
				group, names[i].name,
				(int64_t)(value > CANON_INTEGER_MAX ? CANON_INTEGER_MAX : value));
	}
}
