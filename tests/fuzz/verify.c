/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The verifier on any bytes: as they are, as the events of a killed run, and, so that the fuzzer
 * gets past the hashes, as a stream that is sealed first. A report sealed here must verify; one
 * byte changed in it must not.
 */
#include "stages/seal/publish.h"
#include "stages/seal/stream.h"
#include "stages/verify/check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int memory_with(const void *data, size_t len)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	return fd;
}

static bool valid(const char *data, size_t len)
{
	struct verdict verdict = {0};

	check_report((struct span){data, len}, &verdict);
	if (verdict_valid(&verdict) != (verdict.faults.count == 0))
		abort();
	return verdict_valid(&verdict);
}

/* All readers of an event, on every line there is. */
static void compare_readers(const char *data, size_t len)
{
	struct fault fault;
	struct event event;
	struct head head, scanned;
	bool parsed = event_parse(data, len, FAULT_EVIDENCE_EVENT, &event, &fault) == FAULT_NONE;

	if (parsed != (head_read(data, len, HEAD_TRAVELLING, FAULT_EVIDENCE_EVENT, &head, &fault) ==
		       FAULT_NONE))
		abort();
	if (!parsed)
		return;
	event_release(&event);
	if (head_scan((struct span){data, len}, HEAD_TRAVELLING, FAULT_EVIDENCE_EVENT, &scanned,
		      &fault) != FAULT_NONE ||
	    scanned.member_count != head.member_count || scanned.depth != head.depth)
		abort();
	for (size_t i = 0; i < head.member_count && i < HEAD_MEMBERS_MAX; i++)
		if (memcmp(&scanned.members[i], &head.members[i], sizeof(head.members[i])) != 0)
			abort();
}

static void check_sealed(int report_fd, const uint8_t *data, size_t len)
{
	off_t size = lseek(report_fd, 0, SEEK_END);
	char *report = malloc((size_t)size);
	size_t at;

	if (report == NULL || pread(report_fd, report, (size_t)size, 0) != size)
		abort();
	if (!valid(report, (size_t)size))
		abort();
	at = len > 1 ? ((size_t)data[0] << 8 | data[1]) % (size_t)size : 0;
	report[at] ^= (char)(len > 2 && data[2] != 0 ? data[2] : 1);
	if (valid(report, (size_t)size))
		abort();
	free(report);
}

static void seal(const uint8_t *data, size_t len)
{
	int store_fd = memory_with("", 0), report_fd = memory_with("", 0);
	struct stream stream = {0};
	struct publication publication = {&stream.facts, &stream.chain, &stream.store, NULL};
	char digest[DIGEST_TEXT_SIZE];
	struct fault fault;

	stream_init(&stream, store_fd, false);
	memcpy(stream.run_id, "sr-1", 5);
	memset(stream.nonce, '0', sizeof(stream.nonce) - 1);
	if (stream_seal(&stream, memory_with(data, len), -1, &fault) != FAULT_NONE ||
	    publish_to_fd(&publication, report_fd, digest, &fault) != FAULT_NONE)
		abort();
	check_sealed(report_fd, data, len);
	stream_release(&stream);
	close(store_fd);
	close(report_fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct verdict verdict = {0};
	/* A copy of exactly this size: the sanitizer sees one byte too far. */
	char *text = malloc(len > 0 ? len : 1);

	if (text == NULL)
		abort();
	memcpy(text, data, len);
	(void)valid(text, len);
	check_event_lines((struct span){text, len}, &verdict);
	compare_readers(text, len);
	free(text);
	seal(data, len);
	return 0;
}
