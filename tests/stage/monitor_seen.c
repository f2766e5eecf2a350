/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/stage/monitor_seen.h"

#include "ipc/canon.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct json_object *seen_member(struct json_object *record, const char *path)
{
	char copy[128];
	char *rest = NULL;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	for (char *name = strtok_r(copy, ".", &rest); name != NULL;
	     name = strtok_r(NULL, ".", &rest)) {
		struct json_object *next = NULL;

		if (!json_object_object_get_ex(record, name, &next))
			return NULL;
		record = next;
	}
	return record;
}

struct json_object *seen_parse(const char *line)
{
	struct json_object *record = NULL;
	struct fault fault;
	const char *end = strchr(line, '\n');

	cr_assert_not_null(end, "no record");
	cr_assert_eq(canon_parse(line, (size_t)(end - line), FAULT_RUN_LAUNCH, &record, &fault),
		     FAULT_NONE, "%s: %s", fault.path, fault.message);
	return record;
}

void seen_text(struct json_object *record, const char *path, const char *text)
{
	struct json_object *value = seen_member(record, path);

	cr_expect_not_null(value, "%s is missing", path);
	cr_expect_str_eq(value != NULL ? json_object_get_string(value) : "", text, "%s", path);
}

void seen_count(struct json_object *record, const char *path, int64_t count)
{
	struct json_object *value = seen_member(record, path);

	cr_expect_not_null(value, "%s is missing", path);
	cr_expect_eq(json_object_get_int64(value), count, "%s is %lld", path,
		     (long long)json_object_get_int64(value));
}

void seen_flag(struct json_object *record, const char *path, bool set)
{
	struct json_object *value = seen_member(record, path);

	cr_expect_not_null(value, "%s is missing", path);
	cr_expect_eq(json_object_get_boolean(value) != 0, set, "%s", path);
}

void seen_hash(const void *data, size_t len, char out[DIGEST_TEXT_SIZE])
{
	uint8_t value[DIGEST_SIZE];

	cr_assert_eq(digest_prewarm(), 0);
	digest_bytes(data, len, value);
	digest_text(value, out);
}

char *seen_data(size_t len)
{
	char *data = malloc(len + 1);

	cr_assert_not_null(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i * 31 + i / 253);
	return data;
}

off_t seen_size(int fd)
{
	struct stat info;

	cr_assert_eq(fstat(fd, &info), 0);
	return info.st_size;
}

void seen_write(int fd, const char *data, size_t len)
{
	pid_t pid = fork();

	if (pid == 0) {
		while (len > 0) {
			ssize_t put = write(fd, data, len);

			if (put <= 0)
				_exit(errno == EPIPE ? 13 : 1);
			data += put;
			len -= (size_t)put;
		}
		_exit(0);
	}
	cr_assert_gt(pid, 0);
}

int seen_reap(void)
{
	int status = 0;

	cr_assert_gt(wait(&status), 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
