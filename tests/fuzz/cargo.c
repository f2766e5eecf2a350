/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest delivers: any bytes, at once and cut anywhere, which must come to the same; and what
 * would be made of it has a name that leads down and a mode without set-id bits. Nothing is made
 * here: these stand for cargo_make.c, whose own walls are openat2(2)'s.
 */
#include "stages/guest/cargo.h"
#include "stages/collect/path.h"
#include "stages/guest/cargo_make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(int holds)
{
	if (!holds)
		abort();
}

static int look_at(const char *path, unsigned mode)
{
	require(path_leads_down(path) && strcmp(path, ".") != 0 && strlen(path) < CARGO_PATH_SIZE &&
		(mode & ~0777U) == 0);
	/* Some of them are there already. */
	errno = EEXIST;
	return path[0] == 'x' ? -1 : 0;
}

int cargo_make_file(int tree_fd, const char *path, unsigned mode, uint64_t size)
{
	(void)tree_fd;
	require(size <= INT64_MAX);
	return look_at(path, mode) < 0 ? -1 : open("/dev/null", O_WRONLY | O_CLOEXEC);
}

int cargo_make_directory(int tree_fd, const char *path, unsigned mode)
{
	(void)tree_fd;
	return look_at(path, mode);
}

int cargo_make_link(int tree_fd, const char *path, const char *target)
{
	(void)tree_fd;
	require(strlen(target) < CARGO_PATH_SIZE);
	return look_at(path, 0);
}

int cargo_make_node(int tree_fd, const char *path, unsigned mode, bool fifo)
{
	(void)tree_fd;
	(void)fifo;
	return look_at(path, mode);
}

/* Pieces of step bytes; whether all of them were taken. */
static bool take(struct cargo *cargo, const char *data, size_t len, size_t step)
{
	struct fault fault;

	while (len > 0) {
		size_t part = len < step ? len : step;
		char *piece = malloc(part);
		enum fault_code code;

		memcpy(piece, data, part);
		code = cargo_take(cargo, piece, part, &fault);
		free(piece);
		if (code != FAULT_NONE)
			return false;
		require(cargo->data_left <= CARGO_DATA_MAX && cargo->len <= CARGO_LINE_MAX &&
			cargo->skipped <= 2 * cargo->entries + 1);
		data += part;
		len -= part;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct cargo whole, pieces;
	bool taken;

	cargo_init(&whole, 0);
	cargo_init(&pieces, 0);
	taken = take(&whole, (const char *)data, len, len > 0 ? len : 1);
	require(take(&pieces, (const char *)data, len, 1 + len % 61) == taken);
	require(whole.entries == pieces.entries && whole.skipped == pieces.skipped &&
		whole.ended == pieces.ended && whole.at == pieces.at);
	require((whole.file_fd < 0) == (pieces.file_fd < 0));
	cargo_release(&whole);
	cargo_release(&pieces);
	return 0;
}
