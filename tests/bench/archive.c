/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive DIR COUNT BYTES: an archive of COUNT leaves in an empty directory, each with a body of
 * BYTES bytes of its own. Unsigned and without an index: safe-run archive checkpoint --key does
 * both.
 */
#include "stages/archive/body.h"
#include "stages/archive/leaf.h"
#include "stages/archive/settings.h"

#include "ipc/record.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES_MAX ((size_t)1 << 20)

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void put_body(int bodies_fd, char *bytes, size_t len, uint64_t number,
		     struct leaf_body *body)
{
	char name[BODY_NAME_SIZE];
	int fd;

	memcpy(bytes, &number, sizeof(number));
	digest_bytes(bytes, len, body->hash);
	body->len = len;
	body_name(body->hash, name);
	fd = openat(bodies_fd, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || record_write_all(fd, bytes, len) != 0 || close(fd) != 0)
		fail(name);
}

static void put_leaf(uint64_t number, const struct leaf_body *body, struct buf *out)
{
	struct leaf leaf = {
		.retention = "forever",
		.report = *body,
		.started_at = "2026-01-01T00:00:00.000000000Z",
		.stored_at = "2026-01-01T00:00:00.000000000Z",
		.verified_at = "2026-01-01T00:00:00.000000000Z",
		.state = "finished",
		.algorithm = "SHA-256",
		.result = "valid",
		.trust = "self",
	};

	snprintf(leaf.run_id, sizeof(leaf.run_id), "sr-20260101-000000-%08" PRIx64, number);
	digest_text(body->hash, leaf.report_digest);
	leaf_identify(&leaf);
	leaf_write(&leaf, out);
	buf_append_text(out, "\n");
}

static void fill(int directory_fd, uint64_t count, size_t len)
{
	int bodies_fd = openat(directory_fd, BODY_DIRECTORY, O_RDONLY | O_DIRECTORY);
	int leaves_fd = openat(directory_fd, "leaves.jsonl", O_WRONLY | O_CREAT | O_EXCL, 0600);
	char *bytes = calloc(1, len);
	struct buf lines;

	if (bodies_fd < 0 || leaves_fd < 0 || bytes == NULL)
		fail("archive");
	buf_init(&lines, LINES_MAX + LEAF_LEN_MAX);
	for (uint64_t i = 0; i < count; i++) {
		struct leaf_body body;

		put_body(bodies_fd, bytes, len, i, &body);
		put_leaf(i, &body, &lines);
		if (lines.len < LINES_MAX && i + 1 < count)
			continue;
		if (record_write_all(leaves_fd, lines.data, lines.len) != 0)
			fail("leaves.jsonl");
		buf_clear(&lines);
	}
	buf_release(&lines);
	free(bytes);
}

int main(int argc, char **argv)
{
	const struct settings settings = {.origin = "bench/archive"};
	uint64_t count = argc == 4 ? strtoull(argv[2], NULL, 10) : 0;
	size_t len = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;
	struct fault fault;
	int directory_fd;

	if (count == 0 || len < sizeof(count)) {
		fprintf(stderr, "usage: archive DIR COUNT BYTES\n");
		return 2;
	}
	directory_fd = open(argv[1], O_RDONLY | O_DIRECTORY);
	if (directory_fd < 0 || mkdirat(directory_fd, BODY_DIRECTORY, 0700) != 0)
		fail(argv[1]);
	fill(directory_fd, count, len);
	if (settings_store(directory_fd, &settings, &fault) != FAULT_NONE)
		fail(fault.message);
	return 0;
}
