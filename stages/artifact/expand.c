/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/artifact/expand.h"

#include <lz4.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define CODE	   FAULT_RUN_INIT
#define PATH	   "artifact.expand"
#define FIRST_ROOM ((size_t)16 << 20)
#define GZIP_BITS  (15 + 16) /* a gzip header, the largest window (zlib.h) */
#define XZ_MEMORY  ((uint64_t)256 << 20)

struct output {
	uint8_t *data;
	size_t len, room, max;
};

enum expand_kind expand_identify(const uint8_t *data, size_t len)
{
	static const struct {
		enum expand_kind kind;
		size_t len;
		const char *magic;
	} known[] = {{EXPAND_GZIP, 2, "\x1f\x8b"},
		     {EXPAND_XZ, 6,
		      "\xfd"
		      "7zXZ"},
		     {EXPAND_ZSTD, 4, "\x28\xb5\x2f\xfd"},
		     {EXPAND_LZ4, 4, "\x02\x21\x4c\x18"}};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (len >= known[i].len && memcmp(data, known[i].magic, known[i].len) == 0)
			return known[i].kind;
	return EXPAND_NONE;
}

/* Room for more, twice as much each time. */
static bool grow(struct output *output)
{
	size_t room = output->room == 0 ? FIRST_ROOM : 2 * output->room;
	uint8_t *data;

	if (output->len < output->room)
		return true;
	if (output->room == output->max)
		return false;
	if (room > output->max)
		room = output->max;
	data = realloc(output->data, room);
	if (data == NULL)
		return false;
	output->data = data;
	output->room = room;
	return true;
}

static bool expand_gzip(const uint8_t *data, size_t len, struct output *output)
{
	z_stream stream = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len};
	int result = inflateInit2(&stream, GZIP_BITS);

	while (result == Z_OK && grow(output)) {
		stream.next_out = output->data + output->len;
		stream.avail_out = (uInt)(output->room - output->len);
		result = inflate(&stream, Z_NO_FLUSH);
		output->len = output->room - stream.avail_out;
		if (result == Z_BUF_ERROR && stream.avail_out == 0)
			result = Z_OK;
	}
	(void)inflateEnd(&stream);
	return result == Z_STREAM_END;
}

static bool expand_xz(const uint8_t *data, size_t len, struct output *output)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_ret result = lzma_stream_decoder(&stream, XZ_MEMORY, 0);

	stream.next_in = data;
	stream.avail_in = len;
	while (result == LZMA_OK && grow(output)) {
		stream.next_out = output->data + output->len;
		stream.avail_out = output->room - output->len;
		result = lzma_code(&stream, LZMA_RUN);
		output->len = output->room - stream.avail_out;
	}
	lzma_end(&stream);
	return result == LZMA_STREAM_END;
}

static bool expand_zstd(const uint8_t *data, size_t len, struct output *output)
{
	ZSTD_DStream *stream = ZSTD_createDStream();
	ZSTD_inBuffer in = {.src = data, .size = len};
	size_t left = 1;

	while (stream != NULL && left != 0 && grow(output)) {
		ZSTD_outBuffer out = {
			.dst = output->data, .size = output->room, .pos = output->len};
		size_t before = in.pos;

		left = ZSTD_decompressStream(stream, &out, &in);
		if (ZSTD_isError(left) || (in.pos == before && out.pos == output->len))
			break;
		output->len = out.pos;
	}
	(void)ZSTD_freeDStream(stream);
	return left == 0;
}

/*
 * The legacy frame of lz4's frame format, which is what scripts/Makefile.lib of the kernel makes:
 * blocks of 8 MiB, each behind its packed size in four bytes, and at the end the kernel's unpacked
 * size, which is no block: it does not fit into what is left.
 */
#define LZ4_MAGIC 4
#define LZ4_BLOCK ((size_t)8 << 20)

static bool expand_lz4(const uint8_t *data, size_t len, struct output *output)
{
	size_t at = LZ4_MAGIC;

	while (len - at >= 4) {
		size_t packed = (size_t)data[at] | (size_t)data[at + 1] << 8 |
				(size_t)data[at + 2] << 16 | (size_t)data[at + 3] << 24;
		int got;

		at += 4;
		if (packed == 0 || packed > len - at)
			return at == len && output->len > 0;
		while (output->room - output->len < LZ4_BLOCK) {
			size_t full = output->len;

			/* grow() makes room when there is none. */
			output->len = output->room;
			if (!grow(output))
				return false;
			output->len = full;
		}
		got = LZ4_decompress_safe((const char *)data + at,
					  (char *)output->data + output->len, (int)packed,
					  (int)LZ4_BLOCK);
		if (got < 0)
			return false;
		output->len += (size_t)got;
		at += packed;
	}
	return at == len && output->len > 0;
}

enum fault_code expand(const uint8_t *data, size_t len, const char *name, size_t max, uint8_t **out,
		       size_t *out_len, struct fault *fault)
{
	struct output output = {.max = max};
	bool done = false;

	switch (len <= UINT32_MAX ? expand_identify(data, len) : EXPAND_NONE) {
	case EXPAND_GZIP:
		done = expand_gzip(data, len, &output);
		break;
	case EXPAND_XZ:
		done = expand_xz(data, len, &output);
		break;
	case EXPAND_ZSTD:
		done = expand_zstd(data, len, &output);
		break;
	case EXPAND_LZ4:
		done = expand_lz4(data, len, &output);
		break;
	case EXPAND_NONE:
		return fault_set(fault, CODE, PATH,
				 "%s is packed with none of gzip, xz, zstd and lz4", name);
	}
	*out = output.data;
	*out_len = output.len;
	if (done)
		return FAULT_NONE;
	free(output.data);
	*out = NULL;
	return fault_set(fault, CODE, PATH, "%s does not unpack, or to more than %zu bytes", name,
			 max);
}
