/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/forward.h"

#include "ipc/buf.h"
#include "ipc/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char place[] = "seal.forward";

static enum fault_code failed_errno(struct fault *fault, const char *what)
{
	return fault_set_errno(fault, FAULT_REPORT_FORWARD, errno, place, "%s", what);
}

static enum fault_code read_key(int fd, uint8_t key[RATCHET_KEY_SIZE + 1], struct fault *fault)
{
	size_t len = 0;

	while (len <= RATCHET_KEY_SIZE) {
		ssize_t got = read(fd, key + len, RATCHET_KEY_SIZE + 1 - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return failed_errno(fault, "the forward key cannot be read");
		if (got == 0)
			break;
		len += (size_t)got;
	}
	if (len == RATCHET_KEY_SIZE)
		return FAULT_NONE;
	return fault_set(fault, FAULT_REPORT_FORWARD, place, "a forward key has %d bytes",
			 RATCHET_KEY_SIZE);
}

enum fault_code forward_start(struct forward *forward, int key_fd, int directory_fd,
			      const char *run_id, struct fault *fault)
{
	uint8_t key[RATCHET_KEY_SIZE + 1];
	enum fault_code failed = read_key(key_fd, key, fault);

	(void)close(key_fd);
	if (failed == FAULT_NONE) {
		*forward = (struct forward){.directory_fd = directory_fd};
		snprintf(forward->run_id, sizeof(forward->run_id), "%s", run_id);
		ratchet_start(&forward->ratchet, key, run_id);
	}
	explicit_bzero(key, sizeof(key));
	return failed == FAULT_NONE ? forward_store(forward, fault) : failed;
}

void forward_take(struct forward *forward, const void *event, size_t len)
{
	ratchet_take(&forward->ratchet, event, len);
}

static void describe(const struct forward *forward, struct buf *out)
{
	char text[DIGEST_TEXT_SIZE];

	digest_text(forward->ratchet.aggregate, text);
	buf_append_text(out, "{\"aggregate\":\"");
	buf_append_text(out, text);
	buf_append_text(out, forward->closed ? "\",\"closed\":true" : "\",\"closed\":false");
	buf_append_text(out, ",\"count\":");
	buf_append_u64(out, forward->ratchet.count);
	buf_append_text(out, ",\"runId\":\"");
	buf_append_text(out, forward->run_id);
	buf_append_text(out, "\",\"schemaVersion\":\"" FORWARD_SCHEMA "\",\"settled\":");
	if (!forward->settled) {
		buf_append_text(out, "null}");
		return;
	}
	buf_append_text(out, "{\"aggregate\":\"");
	buf_append_text(out, forward->settled_aggregate);
	buf_append_text(out, "\",\"count\":");
	buf_append_u64(out, forward->settled_count);
	buf_append_text(out, "}}");
}

static enum fault_code write_partial(const struct forward *forward, const struct buf *text,
				     bool durable, struct fault *fault)
{
	enum fault_code failed = FAULT_NONE;
	int fd = openat(forward->directory_fd, FORWARD_PARTIAL,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return failed_errno(fault, "the forward seal cannot be created");
	if (record_write_all(fd, text->data, text->len) != 0)
		failed = failed_errno(fault, "the forward seal cannot be written");
	else if (durable && fsync(fd) != 0)
		failed = failed_errno(fault, "the forward seal may not survive a power cut");
	if (close(fd) != 0 && failed == FAULT_NONE)
		failed = failed_errno(fault, "the forward seal cannot be closed");
	return failed;
}

static enum fault_code replace(struct forward *forward, bool durable, struct fault *fault)
{
	struct buf text BUF_CLEANUP;
	enum fault_code failed;

	buf_init(&text, FORWARD_MAX);
	describe(forward, &text);
	failed = write_partial(forward, &text, durable, fault);
	if (failed == FAULT_NONE && renameat(forward->directory_fd, FORWARD_PARTIAL,
					     forward->directory_fd, FORWARD_FILE) != 0)
		failed = failed_errno(fault, "the forward seal cannot take its name");
	if (failed == FAULT_NONE && durable && fsync(forward->directory_fd) != 0)
		failed = failed_errno(fault, "the forward seal's name may not survive a power cut");
	if (failed != FAULT_NONE)
		(void)unlinkat(forward->directory_fd, FORWARD_PARTIAL, 0);
	forward->stored = failed == FAULT_NONE;
	forward->stored_count = forward->ratchet.count;
	return failed;
}

enum fault_code forward_store(struct forward *forward, struct fault *fault)
{
	if (forward->stored && forward->stored_count == forward->ratchet.count)
		return FAULT_NONE;
	return replace(forward, false, fault);
}

enum fault_code forward_settle(struct forward *forward, struct fault *fault)
{
	forward->settled = true;
	forward->settled_count = forward->ratchet.count;
	digest_text(forward->ratchet.aggregate, forward->settled_aggregate);
	return replace(forward, true, fault);
}

enum fault_code forward_close(struct forward *forward, struct fault *fault)
{
	ratchet_close(&forward->ratchet);
	forward->closed = true;
	return replace(forward, true, fault);
}

void forward_release(struct forward *forward)
{
	ratchet_release(&forward->ratchet);
}
