/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/deposit/copy.h"

#include "ipc/record.h"
#include "stages/seal/digest.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* The next stretch of data from at on; both ends are size when there is none. */
static int find_data(int fd, uint64_t at, uint64_t size, uint64_t *begin, uint64_t *end)
{
	off_t found = lseek(fd, (off_t)at, SEEK_DATA);

	*begin = *end = size;
	if (found < 0)
		return errno == ENXIO ? 0 : -1;
	if ((uint64_t)found >= size)
		return 0;
	*begin = (uint64_t)found;
	found = lseek(fd, found, SEEK_HOLE);
	if (found < 0)
		return -1;
	if ((uint64_t)found < size)
		*end = (uint64_t)found;
	return 0;
}

static void hash_zeros(struct digest *digest, char *block, uint64_t count)
{
	memset(block, 0, count < COPY_BLOCK ? (size_t)count : COPY_BLOCK);
	while (count > 0) {
		size_t len = count < COPY_BLOCK ? (size_t)count : COPY_BLOCK;

		digest_update(digest, block, len);
		count -= len;
	}
}

static int copy_data(int source_fd, int target_fd, uint64_t begin, uint64_t end,
		     struct digest *digest, char *block)
{
	if (lseek(target_fd, (off_t)begin, SEEK_SET) < 0)
		return -1;
	while (begin < end) {
		size_t want = end - begin < COPY_BLOCK ? (size_t)(end - begin) : COPY_BLOCK;
		ssize_t len = pread(source_fd, block, want, (off_t)begin);

		if (len < 0 && errno == EINTR)
			continue;
		if (len == 0)
			errno = ESTALE;
		if (len <= 0 || record_write_all(target_fd, block, (size_t)len) < 0)
			return -1;
		digest_update(digest, block, (size_t)len);
		begin += (uint64_t)len;
	}
	return 0;
}

int copy_file(int source_fd, int target_fd, uint64_t size, struct digest *digest, char *block)
{
	uint64_t at = 0, begin, end;
	struct stat info;

	if (fstat(source_fd, &info) < 0)
		return -1;
	/* Nobody is left to change it: who says otherwise is not to be believed. */
	if (!S_ISREG(info.st_mode) || (uint64_t)info.st_size != size) {
		errno = ESTALE;
		return -1;
	}
	while (at < size) {
		if (find_data(source_fd, at, size, &begin, &end) < 0)
			return -1;
		hash_zeros(digest, block, begin - at);
		if (begin < end && copy_data(source_fd, target_fd, begin, end, digest, block) < 0)
			return -1;
		at = end;
	}
	return ftruncate(target_fd, (off_t)size);
}
