/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/archive/ledger.h"

#include "ipc/record.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PIECE		((size_t)256 << 10)
#define LEDGER_LINE_MAX ((size_t)64 << 10)

static enum fault_code failed(const struct ledger *ledger, int error_number, const char *what,
			      struct fault *fault)
{
	return fault_set_errno(fault, FAULT_ARCHIVE, error_number, ledger->name, "%s", what);
}

static int open_flags(enum ledger_use use)
{
	switch (use) {
	case LEDGER_READ:
		return O_RDONLY;
	case LEDGER_WRITE:
		return O_RDWR | O_APPEND;
	case LEDGER_CREATE:
		break;
	}
	return O_RDWR | O_APPEND | O_CREAT;
}

enum fault_code ledger_open(struct ledger *ledger, int directory_fd, const char *name,
			    enum ledger_use use, struct fault *fault)
{
	int flags = open_flags(use) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	int error;

	*ledger = (struct ledger){.name = name};
	ledger->fd = openat(directory_fd, name, flags, 0600);
	error = errno;
	if (ledger->fd >= 0)
		return ledger_measure(ledger, fault);
	if (error == ENOENT)
		return FAULT_NONE;
	failed(ledger, error, "cannot be opened", fault);
	errno = error;
	return fault->code;
}

void ledger_close(struct ledger *ledger)
{
	if (ledger->fd >= 0)
		close(ledger->fd);
	ledger->fd = -1;
}

static ssize_t read_at(const struct ledger *ledger, char *out, size_t size, uint64_t offset)
{
	ssize_t got;

	do
		got = pread(ledger->fd, out, size, (off_t)offset);
	while (got < 0 && errno == EINTR);
	return got;
}

/* From the end backwards to the last LF: one small read when nothing is torn. */
enum fault_code ledger_measure(struct ledger *ledger, struct fault *fault)
{
	off_t end = lseek(ledger->fd, 0, SEEK_END);
	char piece[4096];
	uint64_t from;

	if (end < 0)
		return failed(ledger, errno, "cannot be measured", fault);
	ledger->len = (uint64_t)end;
	for (;;) {
		size_t size = ledger->len < sizeof(piece) ? (size_t)ledger->len : sizeof(piece);
		ssize_t got;
		const char *last;

		from = ledger->len - size;
		if (size == 0)
			break;
		got = read_at(ledger, piece, size, from);
		if (got < 0 || (size_t)got != size)
			return failed(ledger, got < 0 ? errno : EIO, "cannot be read", fault);
		last = memrchr(piece, '\n', size);
		if (last != NULL) {
			ledger->len = from + (uint64_t)(last - piece) + 1;
			break;
		}
		ledger->len = from;
	}
	ledger->torn = (uint64_t)end - ledger->len;
	return FAULT_NONE;
}

enum fault_code ledger_repair(struct ledger *ledger, struct fault *fault)
{
	if (ledger->torn == 0)
		return FAULT_NONE;
	if (ftruncate(ledger->fd, (off_t)ledger->len) != 0 || fsync(ledger->fd) != 0)
		return failed(ledger, errno, "the torn end of a line cannot be cut off", fault);
	ledger->torn = 0;
	return FAULT_NONE;
}

enum fault_code ledger_append(struct ledger *ledger, struct span line, struct fault *fault)
{
	struct buf text BUF_CLEANUP;
	ssize_t put;

	buf_init(&text, LEDGER_LINE_MAX);
	buf_append(&text, line.at, line.len);
	buf_append(&text, "\n", 1);
	if (text.overflowed || memchr(line.at, '\n', line.len) != NULL)
		return fault_set(fault, FAULT_ARCHIVE, ledger->name, "a line is too long");
	do
		put = write(ledger->fd, text.data, text.len);
	while (put < 0 && errno == EINTR);
	if (put == (ssize_t)text.len && fdatasync(ledger->fd) == 0) {
		ledger->len += text.len;
		return FAULT_NONE;
	}
	failed(ledger, put >= 0 && put != (ssize_t)text.len ? ENOSPC : errno,
	       "the line cannot be written", fault);
	/* Half a line is no line; if even this fails, the next writer cuts it off. */
	ledger->torn = put > 0 ? (uint64_t)put : 0;
	if (ftruncate(ledger->fd, (off_t)ledger->len) == 0)
		ledger->torn = 0;
	return fault->code;
}

void ledger_walk_init(struct ledger_walk *walk, const struct ledger *ledger, uint64_t offset)
{
	*walk = (struct ledger_walk){.ledger = ledger, .offset = offset, .read = offset};
	buf_init(&walk->buf, PIECE + LEDGER_LINE_MAX);
}

void ledger_walk_release(struct ledger_walk *walk)
{
	buf_release(&walk->buf);
}

/* Moves what is left to the front and reads on behind it; false at the end or on a fault. */
static bool refill(struct ledger_walk *walk, struct fault *fault)
{
	struct buf *buf = &walk->buf;
	uint64_t unread = walk->ledger->len - walk->read;
	size_t kept = buf->len - walk->at;
	ssize_t got;

	if (unread == 0)
		return false;
	if (kept >= LEDGER_LINE_MAX) {
		fault_set(fault, FAULT_ARCHIVE, walk->ledger->name, "a line is too long");
		return false;
	}
	if (kept > 0)
		memmove(buf->data, buf->data + walk->at, kept);
	buf->len = kept;
	walk->at = 0;
	if (!buf_reserve(buf, PIECE))
		buf_no_memory();
	got = read_at(walk->ledger, buf->data + kept, unread < PIECE ? (size_t)unread : PIECE,
		      walk->read);
	if (got <= 0) {
		failed(walk->ledger, got < 0 ? errno : EIO, "cannot be read", fault);
		return false;
	}
	buf->len += (size_t)got;
	walk->read += (uint64_t)got;
	return true;
}

bool ledger_next(struct ledger_walk *walk, struct span *line, uint64_t *offset, struct fault *fault)
{
	const char *end;

	fault->code = FAULT_NONE;
	for (;;) {
		const char *start = walk->buf.data + walk->at;

		end = walk->buf.len == walk->at ? NULL
						: memchr(start, '\n', walk->buf.len - walk->at);
		if (end != NULL) {
			*line = (struct span){start, (size_t)(end - start)};
			break;
		}
		if (!refill(walk, fault))
			return false;
	}
	*offset = walk->offset;
	walk->at += line->len + 1;
	walk->offset += line->len + 1;
	return true;
}
