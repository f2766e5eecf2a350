/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/record.h"

#include "ipc/object.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* A file with this content, read from its start: an input of any size without a second process. */
static int input_of(const void *data, size_t len)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	cr_assert_eq(record_write_all(fd, data, len), 0);
	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static const struct {
	const char *input;
	const char *lines[4];
	enum record_status last;
} streams[] = {
	{"", {NULL}, RECORD_END},
	{"a\n", {"a"}, RECORD_END},
	{"a\nbb\n\n", {"a", "bb", ""}, RECORD_END},
	{"a\nbb", {"a"}, RECORD_FAULT},
	{"a", {NULL}, RECORD_FAULT},
	{"12345678\n1\n", {"12345678", "1"}, RECORD_END},
	{"123456789\n1\n", {NULL}, RECORD_FAULT},
	{"1\n123456789", {"1"}, RECORD_FAULT},
	{"1234567890123456789", {NULL}, RECORD_FAULT},
};

Test(ipc_record, splits_lines_and_caps_them)
{
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
		int fd = input_of(streams[i].input, strlen(streams[i].input));
		struct record_reader reader;
		struct fault fault = {0};
		enum record_status status;
		const char *line;
		size_t len, count = 0;

		record_reader_init(&reader, fd, 8);
		while ((status = record_read(&reader, &line, &len, FAULT_RUN_LAUNCH, &fault)) ==
		       RECORD_LINE) {
			const char *expected = streams[i].lines[count++];

			cr_assert_not_null(expected, "a line too many in case %zu", i);
			cr_expect_eq(len, strlen(expected));
			cr_expect_eq(memcmp(line, expected, len), 0);
		}
		cr_expect_null(streams[i].lines[count]);
		cr_expect_eq(status, streams[i].last, "case %zu", i);
		cr_expect_eq(fault.code, status == RECORD_FAULT ? FAULT_RUN_LAUNCH : FAULT_NONE);
		cr_expect_eq(record_read(&reader, &line, &len, FAULT_RUN_LAUNCH, &fault), status,
			     "the end stays the end");
		cr_expect_leq(reader.buf.capacity, 9);
		record_reader_release(&reader);
		close(fd);
	}
}

static void expect_line_len(size_t len, bool accepted)
{
	char *data = malloc(len + 1);
	struct record_reader reader;
	struct fault fault;
	const char *line;
	size_t got;
	int fd;

	memset(data, 'x', len);
	data[len] = '\n';
	fd = input_of(data, len + 1);
	record_reader_init(&reader, fd, RECORD_EVENT_MAX);
	cr_expect_eq(record_read(&reader, &line, &got, FAULT_RUN_LAUNCH, &fault),
		     accepted ? RECORD_LINE : RECORD_FAULT, "%zu bytes", len);
	cr_expect(!accepted || got == len);
	cr_expect_leq(reader.buf.capacity, RECORD_EVENT_MAX + 1);
	record_reader_release(&reader);
	close(fd);
	free(data);
}

Test(ipc_record, an_event_has_at_most_one_mebibyte)
{
	expect_line_len(RECORD_EVENT_MAX - 1, true);
	expect_line_len(RECORD_EVENT_MAX, true);
	expect_line_len(RECORD_EVENT_MAX + 1, false);
}

/* Lines of every length across the places where the buffer moves and grows. */
Test(ipc_record, keeps_lines_whole_across_reads)
{
	struct buf data;
	struct record_reader reader;
	struct fault fault;
	const char *line;
	size_t len;
	int fd;

	buf_init(&data, 1 << 24);
	for (size_t i = 0; i < 3000; i++) {
		for (size_t j = 0; j < i; j++)
			buf_append(&data, &"0123456789"[(i + j) % 10], 1);
		buf_append(&data, "\n", 1);
	}
	fd = input_of(data.data, data.len);
	record_reader_init(&reader, fd, 4096);
	for (size_t i = 0; i < 3000; i++) {
		cr_assert_eq(record_read(&reader, &line, &len, FAULT_RUN_LAUNCH, &fault),
			     RECORD_LINE);
		cr_assert_eq(len, i);
		for (size_t j = 0; j < i; j++)
			cr_assert_eq(line[j], (char)('0' + (i + j) % 10));
	}
	cr_expect_eq(record_read(&reader, &line, &len, FAULT_RUN_LAUNCH, &fault), RECORD_END);
	record_reader_release(&reader);
	buf_release(&data);
	close(fd);
}

Test(ipc_record, read_once_reads_at_most_once)
{
	struct record_reader reader;
	struct fault fault;
	const char *line;
	size_t len;
	int ends[2];

	cr_assert_eq(pipe(ends), 0); /* blocking: a second read would hang */
	record_reader_init(&reader, ends[0], 100);
	cr_assert_eq(write(ends[1], "ab", 2), 2);
	cr_expect_eq(record_read_once(&reader, &line, &len, FAULT_RUN_INIT, &fault), RECORD_AGAIN);
	cr_assert_eq(write(ends[1], "c\nd\ne", 5), 5);
	cr_expect_eq(record_read_once(&reader, &line, &len, FAULT_RUN_INIT, &fault), RECORD_LINE);
	cr_expect_eq(len, 3);
	cr_expect_eq(memcmp(line, "abc", 3), 0);
	cr_expect_eq(record_read_once(&reader, &line, &len, FAULT_RUN_INIT, &fault), RECORD_LINE);
	cr_expect_eq(line[0], 'd');
	close(ends[1]);
	cr_expect_eq(record_read_once(&reader, &line, &len, FAULT_RUN_INIT, &fault), RECORD_FAULT);
	record_reader_release(&reader);
	close(ends[0]);
}

Test(ipc_record, a_descriptor_that_does_not_block_says_again)
{
	struct record_reader reader;
	struct fault fault;
	const char *line;
	size_t len;
	int ends[2];

	cr_assert_eq(pipe2(ends, O_NONBLOCK), 0);
	record_reader_init(&reader, ends[0], 100);
	cr_expect_eq(record_read(&reader, &line, &len, FAULT_RUN_INIT, &fault), RECORD_AGAIN);
	cr_assert_eq(write(ends[1], "x\n", 2), 2);
	cr_expect_eq(record_read(&reader, &line, &len, FAULT_RUN_INIT, &fault), RECORD_LINE);
	cr_expect_eq(record_read(&reader, &line, &len, FAULT_RUN_INIT, &fault), RECORD_AGAIN);
	record_reader_release(&reader);
	close(ends[0]);
	close(ends[1]);
}

Test(ipc_record, a_directory_is_a_read_error)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);
	struct record_reader reader;
	struct fault fault;
	const char *line;
	size_t len;

	record_reader_init(&reader, fd, 100);
	cr_expect_eq(record_read(&reader, &line, &len, FAULT_RUN_INIT, &fault), RECORD_FAULT);
	cr_expect(strstr(fault.message, "directory") != NULL);
	record_reader_release(&reader);
	close(fd);
}

static void expect_content(int fd, const char *expected)
{
	char content[8192];
	ssize_t len;

	cr_assert_eq(lseek(fd, 0, SEEK_SET), 0);
	len = read(fd, content, sizeof(content));
	cr_expect_eq((size_t)len, strlen(expected));
	cr_expect_eq(memcmp(content, expected, strlen(expected)), 0);
}

Test(ipc_record, sends_the_same_bytes_to_both)
{
	struct record_sink sink = {.fd = input_of("", 0), .record_fd = input_of("", 0)};
	struct json_object *object = object_new();
	struct fault fault;

	object_add_integer(object, "b", 1);
	object_add_string(object, "a", "x\n");
	cr_expect_eq(record_send(&sink, object, 100, &fault), FAULT_NONE);
	cr_expect_eq(record_send_line(&sink, "{}", 2, &fault), FAULT_NONE);
	expect_content(sink.fd, "{\"a\":\"x\\n\",\"b\":1}\n{}\n");
	expect_content(sink.record_fd, "{\"a\":\"x\\n\",\"b\":1}\n{}\n");
	object_release(&object);
	close(sink.fd);
	close(sink.record_fd);
}

Test(ipc_record, sends_long_lines_whole)
{
	static char line[5000], expected[5002];

	memset(line, 'y', sizeof(line));
	for (size_t len = 4094; len <= 4098; len++) {
		struct record_sink sink = {.fd = input_of("", 0), .record_fd = -1};
		struct fault fault;

		memset(expected, 'y', len);
		memcpy(expected + len, "\n", 2);
		cr_expect_eq(record_send_line(&sink, line, len, &fault), FAULT_NONE);
		expect_content(sink.fd, expected);
		close(sink.fd);
	}
}

Test(ipc_record, a_record_is_an_object_within_its_cap)
{
	struct record_sink sink = {.fd = input_of("", 0), .record_fd = -1};
	struct json_object *array = array_new(), *object = object_new();
	struct fault fault;

	cr_expect_eq(record_send(&sink, array, 100, &fault), FAULT_EVIDENCE_EVENT);
	cr_expect_eq(record_send(&sink, NULL, 100, &fault), FAULT_EVIDENCE_EVENT);
	object_add_string(object, "k", "v"); /* nine bytes */
	for (size_t cap = 8; cap <= 10; cap++)
		cr_expect_eq(record_send(&sink, object, cap, &fault),
			     cap >= 9 ? FAULT_NONE : FAULT_EVIDENCE_EVENT, "cap %zu", cap);
	expect_content(sink.fd, "{\"k\":\"v\"}\n{\"k\":\"v\"}\n");
	object_release(&array);
	object_release(&object);
	close(sink.fd);
}

Test(ipc_record, a_broken_pipe_or_copy_is_a_fault)
{
	struct json_object *object = object_new();
	struct record_sink sink = {.record_fd = -1};
	struct fault fault;
	int ends[2];

	sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
	cr_assert_eq(pipe(ends), 0);
	close(ends[0]);
	sink.fd = ends[1];
	cr_expect_eq(record_send(&sink, object, 100, &fault), FAULT_EVIDENCE_EVENT);
	cr_expect(strstr(fault.message, "next stage") != NULL);
	sink = (struct record_sink){.fd = input_of("", 0), .record_fd = ends[1]};
	cr_expect_eq(record_send(&sink, object, 100, &fault), FAULT_EVIDENCE_EVENT);
	cr_expect(strstr(fault.message, "run directory") != NULL);
	sink = (struct record_sink){.fd = open("/dev/full", O_WRONLY), .record_fd = -1};
	cr_expect_eq(record_send(&sink, object, 100, &fault), FAULT_EVIDENCE_EVENT);
	object_release(&object);
	close(ends[1]);
}
