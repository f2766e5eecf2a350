/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/publish.h"

#include "ipc/canon.h"
#include "ipc/record.h"
#include "stages/seal/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Four texts of at most an event each, and what stands between them. */
#define FRAME_MAX (5 * RECORD_EVENT_MAX)

static const char place[] = "seal.report";

static enum fault_code failed_errno(struct fault *fault, int error_number, const char *what)
{
	return fault_set_errno(fault, FAULT_EVIDENCE_REPORT, error_number, place, "%s", what);
}

struct published {
	char digest[DIGEST_TEXT_SIZE]; /* integrity.digest */
	uint8_t file[DIGEST_SIZE];     /* of all the bytes */
};

/* Everything goes out and into the digest, but the digest's own text. */
static enum fault_code put(int fd, struct digest *running, const char *data, size_t len,
			   struct fault *fault)
{
	digest_update(running, data, len);
	if (record_write_all(fd, data, len) != 0)
		return failed_errno(fault, errno, "the report cannot be written");
	return FAULT_NONE;
}

/* The stored lines as elements of an array: line feeds, which no event holds, become commas. */
static enum fault_code put_events(const struct store *store, int fd, struct digest *running,
				  struct fault *fault)
{
	struct buf room BUF_CLEANUP; /* not on the stack, whose limit is the caller's */
	uint64_t done = 0;
	char *piece;

	buf_init(&room, STORE_PIECE);
	if (!buf_reserve(&room, STORE_PIECE))
		buf_no_memory();
	piece = room.data;
	for (;;) {
		enum fault_code failed;
		size_t len;

		failed = store_read(store, done, piece, STORE_PIECE, &len, fault);
		if (failed != FAULT_NONE || len == 0)
			return failed;
		done += len;
		for (char *at = piece; (at = memchr(at, '\n', len - (size_t)(at - piece))) != NULL;)
			*at = ',';
		if (done == store->len)
			len--; /* no comma behind the last */
		failed = put(fd, running, piece, len, fault);
		if (failed != FAULT_NONE)
			return failed;
	}
}

static enum fault_code put_behind(const struct publication *publication, int fd,
				  struct digest *running, struct published *published,
				  struct fault *fault)
{
	struct buf frame BUF_CLEANUP;
	struct digest *whole;
	uint8_t value[DIGEST_SIZE];
	size_t digest_at;

	buf_init(&frame, FRAME_MAX);
	digest_at = report_behind(publication->facts, publication->chain, &frame);
	if (frame.overflowed)
		return fault_set(fault, FAULT_EVIDENCE_REPORT, place, "the report is too long");
	whole = digest_copy(running);
	digest_update(running, frame.data, frame.len);
	digest_value(running, value);
	digest_text(value, published->digest);
	digest_update(whole, frame.data, digest_at);
	digest_update(whole, published->digest, DIGEST_TEXT_SIZE - 1);
	digest_update(whole, frame.data + digest_at, frame.len - digest_at);
	digest_value(whole, published->file);
	digest_free(whole);
	if (record_write_all(fd, frame.data, digest_at) != 0 ||
	    record_write_all(fd, published->digest, DIGEST_TEXT_SIZE - 1) != 0 ||
	    record_write_all(fd, frame.data + digest_at, frame.len - digest_at) != 0)
		return failed_errno(fault, errno, "the report cannot be written");
	return FAULT_NONE;
}

static enum fault_code write_report(const struct publication *publication, int fd,
				    struct published *published, struct fault *fault)
{
	struct digest *running = digest_new();
	struct buf frame BUF_CLEANUP;
	enum fault_code failed = FAULT_NONE;

	buf_init(&frame, FRAME_MAX);
	report_before(publication->facts, &frame);
	if (frame.overflowed)
		failed = fault_set(fault, FAULT_EVIDENCE_REPORT, place, "the report is too long");
	if (failed == FAULT_NONE)
		failed = put(fd, running, frame.data, frame.len, fault);
	if (failed == FAULT_NONE)
		failed = put_events(publication->store, fd, running, fault);
	if (failed == FAULT_NONE)
		failed = put_behind(publication, fd, running, published, fault);
	digest_free(running);
	return failed;
}

enum fault_code publish_to_fd(const struct publication *publication, int fd,
			      char digest[DIGEST_TEXT_SIZE], struct fault *fault)
{
	struct published published;
	enum fault_code failed = write_report(publication, fd, &published, fault);

	if (failed == FAULT_NONE)
		memcpy(digest, published.digest, DIGEST_TEXT_SIZE);
	return failed;
}

static void put_text(struct buf *out, const char *text)
{
	canon_write_string(out, text, strlen(text));
}

/* The values of the statement, one behind the other in a buffer. */
static void state_field(const struct publication *publication, const struct published *published,
			enum statement_field field, struct buf *out)
{
	const struct chain *chain = publication->chain;
	char text[DIGEST_TEXT_SIZE];

	switch (field) {
	case STATEMENT_ARTIFACTS:
		report_value(REPORT_ARTIFACTS, publication->facts, out);
		break;
	case STATEMENT_CHAIN_HEAD:
		put_text(out, chain->last);
		break;
	case STATEMENT_EVENT_COUNT:
		buf_append_u64(out, chain->tree.count);
		break;
	case STATEMENT_EXIT_CODE:
		report_value(REPORT_EXIT_CODE, publication->facts, out);
		break;
	case STATEMENT_FINISHED_AT:
		report_value(REPORT_FINISHED_AT, publication->facts, out);
		break;
	case STATEMENT_MERKLE_ROOT:
		chain_root(chain, text);
		put_text(out, text);
		break;
	case STATEMENT_REPORT:
		put_text(out, published->digest);
		break;
	case STATEMENT_RUN_ID:
		report_value(REPORT_RUN_ID, publication->facts, out);
		break;
	case STATEMENT_STARTED_AT:
		report_value(REPORT_STARTED_AT, publication->facts, out);
		break;
	case STATEMENT_SHA256:
		digest_text(published->file, text);
		put_text(out, text + sizeof("sha256:") - 1);
		break;
	case STATEMENT_PREV: /* endorse_prepare's */
	case STATEMENT_SIGNER:
	case STATEMENT_FIELD_COUNT:
		break;
	}
}

static void endorse(const struct publication *publication, int directory_fd,
		    const struct published *published)
{
	struct statement statement;
	struct buf values BUF_CLEANUP;
	size_t ends[STATEMENT_FIELD_COUNT];
	size_t start = 0;

	buf_init(&values, STATEMENT_MAX);
	for (enum statement_field field = 0; field < STATEMENT_FIELD_COUNT; field++) {
		state_field(publication, published, field, &values);
		ends[field] = values.len;
	}
	for (enum statement_field field = 0; field < STATEMENT_FIELD_COUNT; field++) {
		statement.fields[field] = (struct span){values.data + start, ends[field] - start};
		start = ends[field];
	}
	endorse_prepare(publication->endorse, directory_fd, &statement);
}

/*
 * Events and report become durable together, before the report takes its name. Both are written
 * first and their write-back is started (sync_file_range(2), which waits for nothing and promises
 * nothing): with blocks allocated and data on its way, ext4's journal commit for the events carries
 * the report's inode too, and the second call finds little left. Measured on ext4, Linux 6.18: 0.57
 * ms instead of 0.70 for the three calls at the end of a run.
 */
static enum fault_code settle(const struct store *store, int fd, struct fault *fault)
{
	(void)sync_file_range(store->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	if (store_settle(store, fault) != FAULT_NONE)
		return fault->code;
	if (fsync(fd) != 0)
		return failed_errno(fault, errno, "the report may not survive a power cut");
	return FAULT_NONE;
}

static enum fault_code write_partial(const struct publication *publication, int directory_fd,
				     struct published *published, struct fault *fault)
{
	int fd = openat(directory_fd, PUBLISH_PARTIAL,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	enum fault_code failed;

	if (fd < 0)
		return failed_errno(fault, errno, "the report cannot be created");
	failed = write_report(publication, fd, published, fault);
	if (failed == FAULT_NONE && publication->endorse != NULL)
		endorse(publication, directory_fd, published);
	if (failed == FAULT_NONE)
		failed = settle(publication->store, fd, fault);
	if (close(fd) != 0 && failed == FAULT_NONE)
		failed = failed_errno(fault, errno, "the report cannot be closed");
	return failed;
}

enum fault_code publish_to_directory(const struct publication *publication, int directory_fd,
				     char digest[DIGEST_TEXT_SIZE], struct fault *fault)
{
	struct published published;
	enum fault_code failed = write_partial(publication, directory_fd, &published, fault);

	if (failed == FAULT_NONE) {
		memcpy(digest, published.digest, DIGEST_TEXT_SIZE);
		if (publication->endorse != NULL)
			endorse_publish(publication->endorse, directory_fd);
	}
	if (failed == FAULT_NONE && renameat2(directory_fd, PUBLISH_PARTIAL, directory_fd,
					      PUBLISH_REPORT, RENAME_NOREPLACE) != 0)
		failed = failed_errno(fault, errno, "the report cannot take its name");
	if (failed != FAULT_NONE) {
		/* Best effort: the name says it is partial, and nothing reads it. */
		(void)unlinkat(directory_fd, PUBLISH_PARTIAL, 0);
		if (publication->endorse != NULL)
			endorse_abandon(publication->endorse, directory_fd);
		return failed;
	}
	if (fsync(directory_fd) != 0) {
		failed =
			failed_errno(fault, errno, "the report's name may not survive a power cut");
		(void)unlinkat(directory_fd, PUBLISH_REPORT, 0);
		if (publication->endorse != NULL)
			endorse_abandon(publication->endorse, directory_fd);
	}
	return failed;
}
