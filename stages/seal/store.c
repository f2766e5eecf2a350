/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/seal/store.h"

#include "ipc/record.h"

#include <errno.h>
#include <unistd.h>

static const char place[] = "seal.events";

void store_init(struct store *store, int fd, bool durable)
{
	*store = (struct store){.fd = fd, .durable = durable};
	/* A piece that is nearly full, and the longest event behind it with its hashes. */
	buf_init(&store->pending, STORE_PIECE + 2 * RECORD_EVENT_MAX);
}

void store_release(struct store *store)
{
	buf_release(&store->pending);
}

enum fault_code store_end_line(struct store *store, struct fault *fault)
{
	buf_append(&store->pending, "\n", 1);
	if (store->pending.overflowed)
		return fault_set(fault, FAULT_EVIDENCE_EVENT, place, "an event is too long");
	return store->pending.len < STORE_PIECE ? FAULT_NONE : store_flush(store, fault);
}

enum fault_code store_flush(struct store *store, struct fault *fault)
{
	if (store->pending.len == 0)
		return FAULT_NONE;
	if (record_write_all(store->fd, store->pending.data, store->pending.len) != 0)
		return fault_set_errno(fault, FAULT_EVIDENCE_EVENT, errno, place,
				       "the events cannot be written");
	store->len += store->pending.len;
	buf_clear(&store->pending);
	return FAULT_NONE;
}

enum fault_code store_settle(const struct store *store, struct fault *fault)
{
	if (store->durable && fdatasync(store->fd) != 0)
		return fault_set_errno(fault, FAULT_EVIDENCE_EVENT, errno, place,
				       "the events may not survive a power cut");
	return FAULT_NONE;
}

enum fault_code store_sync(struct store *store, struct fault *fault)
{
	enum fault_code failed = store_flush(store, fault);

	return failed == FAULT_NONE ? store_settle(store, fault) : failed;
}

enum fault_code store_read(const struct store *store, uint64_t offset, char *out, size_t size,
			   size_t *len, struct fault *fault)
{
	uint64_t left = store->len - offset;
	ssize_t got;

	*len = 0;
	if (left == 0)
		return FAULT_NONE;
	do
		got = pread(store->fd, out, left < size ? (size_t)left : size, (off_t)offset);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return fault_set_errno(fault, FAULT_EVIDENCE_EVENT, errno, place,
				       "the events cannot be read back");
	if (got == 0)
		return fault_set(fault, FAULT_EVIDENCE_EVENT, place,
				 "somebody cut the events short while they were being sealed");
	*len = (size_t)got;
	return FAULT_NONE;
}
