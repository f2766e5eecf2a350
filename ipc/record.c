/* SPDX-License-Identifier: Apache-2.0 */
#include "ipc/record.h"

#include "ipc/canon.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define READ_CHUNK ((size_t)64 << 10) /* what a pipe holds by default (pipe(7)) */

/* One pass over the bytes there are, or one read(2). */
enum progress { PROGRESS_LINE, PROGRESS_MORE, PROGRESS_END, PROGRESS_AGAIN, PROGRESS_FAULT };

void record_reader_init(struct record_reader *reader, int fd, size_t line_max)
{
	*reader = (struct record_reader){.fd = fd, .line_max = line_max};
	buf_init(&reader->buf, line_max + 1);
}

void record_reader_release(struct record_reader *reader)
{
	buf_release(&reader->buf);
}

static bool next_line(struct record_reader *reader, const char **line, size_t *len)
{
	struct buf *buf = &reader->buf;
	const char *end;

	if (reader->scanned == buf->len)
		return false;
	end = memchr(buf->data + reader->scanned, '\n', buf->len - reader->scanned);
	if (end == NULL) {
		reader->scanned = buf->len;
		return false;
	}
	*line = buf->data + reader->start;
	*len = (size_t)(end - *line);
	reader->start += *len + 1;
	reader->scanned = reader->start;
	return true;
}

/* Bring the unfinished line to the front and make room; false when it fills the whole cap. */
static bool make_room(struct record_reader *reader)
{
	struct buf *buf = &reader->buf;
	size_t left;

	if (reader->start > 0) {
		memmove(buf->data, buf->data + reader->start, buf->len - reader->start);
		buf->len -= reader->start;
		reader->scanned -= reader->start;
		reader->start = 0;
	}
	left = buf->max_len - buf->len;
	if (left == 0)
		return false;
	if (buf->capacity > buf->len)
		return true;
	return buf_reserve(buf, left < READ_CHUNK ? left : READ_CHUNK);
}

static enum progress read_more(struct record_reader *reader, enum fault_code code,
			       struct fault *fault)
{
	struct buf *buf = &reader->buf;
	ssize_t got;

	if (!make_room(reader)) {
		fault_set(fault, code, "", "a record is longer than %zu bytes", reader->line_max);
		return PROGRESS_FAULT;
	}
	got = read(reader->fd, buf->data + buf->len, buf->capacity - buf->len);
	if (got < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return errno == EAGAIN ? PROGRESS_AGAIN : PROGRESS_MORE;
		fault_set_errno(fault, code, errno, "", "cannot read a record");
		return PROGRESS_FAULT;
	}
	buf->len += (size_t)got;
	if (got > 0)
		return PROGRESS_MORE;
	reader->at_eof = true;
	if (buf->len == reader->start)
		return PROGRESS_END;
	fault_set(fault, code, "", "the input ends inside a record (%zu bytes without a line feed)",
		  buf->len - reader->start);
	return PROGRESS_FAULT;
}

static enum progress advance(struct record_reader *reader, const char **line, size_t *len,
			     enum fault_code code, struct fault *fault)
{
	if (next_line(reader, line, len))
		return PROGRESS_LINE;
	if (reader->at_eof && reader->buf.len == reader->start)
		return PROGRESS_END;
	return read_more(reader, code, fault);
}

static enum record_status status_of(enum progress progress)
{
	switch (progress) {
	case PROGRESS_LINE:
		return RECORD_LINE;
	case PROGRESS_END:
		return RECORD_END;
	case PROGRESS_MORE:
	case PROGRESS_AGAIN:
		return RECORD_AGAIN;
	case PROGRESS_FAULT:
		break;
	}
	return RECORD_FAULT;
}

enum record_status record_read(struct record_reader *reader, const char **line, size_t *len,
			       enum fault_code code, struct fault *fault)
{
	enum progress progress;

	do
		progress = advance(reader, line, len, code, fault);
	while (progress == PROGRESS_MORE);
	return status_of(progress);
}

enum record_status record_read_once(struct record_reader *reader, const char **line, size_t *len,
				    enum fault_code code, struct fault *fault)
{
	enum progress progress = advance(reader, line, len, code, fault);

	if (progress == PROGRESS_MORE && next_line(reader, line, len))
		progress = PROGRESS_LINE;
	return status_of(progress);
}

int record_write_all(int fd, const void *data, size_t len)
{
	const char *rest = data;

	while (len > 0) {
		ssize_t put = write(fd, rest, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		rest += put;
		len -= (size_t)put;
	}
	return 0;
}

enum fault_code record_send_lines(const struct record_sink *sink, const char *data, size_t len,
				  struct fault *fault)
{
	if (record_write_all(sink->fd, data, len) != 0)
		return fault_set_errno(fault, FAULT_EVIDENCE_EVENT, errno, "",
				       "cannot write a record to the next stage");
	if (sink->record_fd != -1 && record_write_all(sink->record_fd, data, len) != 0)
		return fault_set_errno(fault, FAULT_EVIDENCE_EVENT, errno, "",
				       "cannot write a record to the run directory");
	return FAULT_NONE;
}

enum fault_code record_format(struct json_object *value, struct buf *line, struct fault *fault)
{
	enum fault_code code;

	if (!json_object_is_type(value, json_type_object))
		return fault_set(fault, FAULT_EVIDENCE_EVENT, "", "a record must be an object");
	code = canon_write(value, line, FAULT_EVIDENCE_EVENT, fault);
	if (code != FAULT_NONE)
		return code;
	line->max_len++; /* the cap is without the LF */
	buf_append(line, "\n", 1);
	return FAULT_NONE;
}

enum fault_code record_send(const struct record_sink *sink, struct json_object *value,
			    size_t line_max, struct fault *fault)
{
	struct buf line BUF_CLEANUP;
	enum fault_code code;

	buf_init(&line, line_max);
	code = record_format(value, &line, fault);
	return code == FAULT_NONE ? record_send_lines(sink, line.data, line.len, fault) : code;
}

enum fault_code record_send_line(const struct record_sink *sink, const char *line, size_t len,
				 struct fault *fault)
{
	char whole[PIPE_BUF]; /* one write(2) for what is short, which is nearly everything */
	enum fault_code code;

	if (len < sizeof(whole)) {
		memcpy(whole, line, len);
		whole[len] = '\n';
		return record_send_lines(sink, whole, len + 1, fault);
	}
	code = record_send_lines(sink, line, len, fault);
	return code != FAULT_NONE ? code : record_send_lines(sink, "\n", 1, fault);
}
