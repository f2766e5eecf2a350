/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/lineage.h"

#include "ipc/buf.h"
#include "ipc/canon.h"
#include "ipc/record.h"
#include "stages/seal/shape.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static const char place[] = "seal.chain";

static const struct shape_field fields[] = {
	SHAPE_FIELD("bundleDigest", SHAPE_HASH),
	SHAPE_FIELD("runId", SHAPE_STRING),
};
static const struct shape line_shape = {fields, sizeof(fields) / sizeof(fields[0]), SHAPE_CLOSED};

static enum fault_code failed_errno(struct fault *fault, const char *what)
{
	return fault_set_errno(fault, FAULT_REPORT_SIGNATURE, errno, place, "%s", what);
}

static enum fault_code read_line(struct span line, struct lineage_entry *entry, struct fault *fault)
{
	struct span digest, run_id;

	if (!canon_check(line.at, line.len, NULL) ||
	    shape_check(&line_shape, line, place, FAULT_REPORT_SIGNATURE, fault) != FAULT_NONE ||
	    !span_string(span_get(line, "bundleDigest"), &digest) ||
	    !span_copy(digest, entry->bundle_digest, sizeof(entry->bundle_digest)) ||
	    !span_string(span_get(line, "runId"), &run_id) ||
	    !span_copy(run_id, entry->run_id, sizeof(entry->run_id)) || !runid_valid(entry->run_id))
		return fault_set(fault, FAULT_REPORT_SIGNATURE, place,
				 "chain.ndjson ends in a line that is none of seal's: somebody "
				 "changed it; move it away, and the next run starts a new chain");
	return FAULT_NONE;
}

/* What lies behind the last line feed, if anything, was cut short by a crash. */
static enum fault_code take_tail(int fd, char *text, size_t len, off_t offset,
				 struct lineage_entry *last, bool *known, struct fault *fault)
{
	char *end = memrchr(text, '\n', len);
	char *start;
	size_t whole = end == NULL ? 0 : (size_t)(end - text) + 1;

	if (end == NULL && offset > 0)
		return fault_set(fault, FAULT_REPORT_SIGNATURE, place,
				 "chain.ndjson does not end in lines of seal's; move it away");
	if (whole < len && ftruncate(fd, offset + (off_t)whole) != 0)
		return failed_errno(fault, "a line cut short cannot be taken away");
	*known = end != NULL;
	if (end == NULL)
		return FAULT_NONE;
	start = memrchr(text, '\n', (size_t)(end - text));
	start = start == NULL ? text : start + 1;
	return read_line((struct span){start, (size_t)(end - start)}, last, fault);
}

enum fault_code lineage_lock(int fd, struct lineage_entry *last, bool *known, struct fault *fault)
{
	char tail[4 * LINEAGE_LINE_MAX];
	struct stat status;
	off_t offset;
	ssize_t got;

	while (flock(fd, LOCK_EX) != 0)
		if (errno != EINTR)
			return failed_errno(fault, "the chain of runs cannot be locked");
	if (fstat(fd, &status) != 0)
		return failed_errno(fault, "the chain of runs cannot be read");
	offset = status.st_size > (off_t)sizeof(tail) ? status.st_size - (off_t)sizeof(tail) : 0;
	got = pread(fd, tail, sizeof(tail), offset);
	if (got < 0)
		return failed_errno(fault, "the chain of runs cannot be read");
	return take_tail(fd, tail, (size_t)got, offset, last, known, fault);
}

enum fault_code lineage_append(int fd, const struct lineage_entry *entry, int64_t *start,
			       struct fault *fault)
{
	struct buf line BUF_CLEANUP;
	struct stat status;

	buf_init(&line, LINEAGE_LINE_MAX);
	buf_append_text(&line, "{\"bundleDigest\":\"");
	buf_append_text(&line, entry->bundle_digest);
	buf_append_text(&line, "\",\"runId\":\"");
	buf_append_text(&line, entry->run_id);
	buf_append_text(&line, "\"}\n");
	if (line.overflowed)
		return fault_set(fault, FAULT_REPORT_SIGNATURE, place, "the line is too long");
	if (fstat(fd, &status) != 0)
		return failed_errno(fault, "the chain of runs cannot be continued");
	*start = status.st_size;
	if (record_write_all(fd, line.data, line.len) != 0)
		return failed_errno(fault, "the chain of runs cannot be continued");
	(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* as in publish.c */
	return FAULT_NONE;
}

enum fault_code lineage_settle(int fd, struct fault *fault)
{
	if (fdatasync(fd) != 0)
		return failed_errno(fault, "the chain of runs may not survive a power cut");
	return FAULT_NONE;
}

void lineage_retract(int fd, int64_t start)
{
	/* A line that stays shows as a run whose bundle is missing. */
	(void)!ftruncate(fd, start);
}

void lineage_unlock(int fd)
{
	(void)flock(fd, LOCK_UN); /* closing it does the same */
}
