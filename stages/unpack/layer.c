/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/unpack/layer.h"

#include "ipc/buf.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <iconv.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODE	   FAULT_RUN_LAUNCH
#define PATH	   "launch.root.unpack"
#define BLOCK_SIZE 131072

/*
 * libarchive asks for the locale's character set, and converts names to it with iconv(3), which
 * reads tables from files. Names are bytes here; those that a pax header says are UTF-8 stay what
 * they are. The linker puts these in the place of libc's (GNUmakefile), which also keeps the
 * loading of such tables out of the program.
 */
char *__wrap_nl_langinfo(nl_item item);
iconv_t __wrap_iconv_open(const char *to, const char *from);
size_t __wrap_iconv(iconv_t conversion, char **in, size_t *in_left, char **out, size_t *out_left);
int __wrap_iconv_close(iconv_t conversion);

char *__wrap_nl_langinfo(nl_item item)
{
	static char charset[] = "UTF-8";
	static char none[] = "";

	return item == CODESET ? charset : none;
}

iconv_t __wrap_iconv_open(const char *to, const char *from)
{
	(void)to;
	(void)from;
	errno = EINVAL;
	return (iconv_t)-1;
}

size_t __wrap_iconv(iconv_t conversion, char **in, size_t *in_left, char **out, size_t *out_left)
{
	(void)conversion;
	(void)in;
	(void)in_left;
	(void)out;
	(void)out_left;
	errno = EINVAL;
	return (size_t)-1;
}

int __wrap_iconv_close(iconv_t conversion)
{
	(void)conversion;
	return 0;
}

/* From the file to the tar reader: two archives of libarchive's, one inside the other. */
struct stream {
	const struct layer *layer;
	struct archive *outer; /* decompresses; its one entry is the inner archive's bytes */
	struct archive *inner;
	struct digest *file, *content;
	uint64_t file_bytes, content_bytes;
	char *file_block, *content_block;
	bool outer_ended, too_large;
};

static la_ssize_t read_file(struct archive *archive, void *context, const void **block)
{
	struct stream *stream = context;
	ssize_t len = read(stream->layer->fd, stream->file_block, BLOCK_SIZE);

	if (len < 0) {
		archive_set_error(archive, errno, "cannot read the file: %s", strerror(errno));
		return -1;
	}
	digest_update(stream->file, stream->file_block, (size_t)len);
	stream->file_bytes += (uint64_t)len;
	*block = stream->file_block;
	return len;
}

static la_ssize_t fill_content(struct stream *stream)
{
	la_ssize_t len;

	if (stream->outer_ended)
		return 0;
	len = archive_read_data(stream->outer, stream->content_block, BLOCK_SIZE);
	if (len <= 0) {
		stream->outer_ended = true;
		return len;
	}
	digest_update(stream->content, stream->content_block, (size_t)len);
	stream->content_bytes += (uint64_t)len;
	return len;
}

static la_ssize_t read_content(struct archive *archive, void *context, const void **block)
{
	struct stream *stream = context;
	la_ssize_t len = fill_content(stream);

	if (len < 0) {
		archive_set_error(archive, EIO, "%s",
				  archive_error_string(stream->outer) ?: "cannot be decompressed");
		return -1;
	}
	if (stream->content_bytes > stream->layer->bytes_max) {
		stream->too_large = true;
		archive_set_error(archive, EFBIG, "too large");
		return -1;
	}
	*block = stream->content_block;
	return len;
}

static enum fault_code broken(const struct stream *stream, struct archive *archive,
			      struct fault *fault)
{
	const char *why = archive_error_string(archive);

	/* libarchive's own words are about what it missed then. */
	if (stream->too_large)
		why = "unpacks to more than the image may have";
	return fault_set(fault, CODE, PATH, "%s: %s", stream->layer->what,
			 why != NULL ? why : "is not readable as what it should be");
}

static int add_filters(struct archive *archive, enum layer_compression compression)
{
	switch (compression) {
	case LAYER_PLAIN:
		return ARCHIVE_OK;
	case LAYER_GZIP:
		return archive_read_support_filter_gzip(archive);
	case LAYER_ZSTD:
		return archive_read_support_filter_zstd(archive);
	case LAYER_ANY:
		break;
	}
	if (archive_read_support_filter_gzip(archive) != ARCHIVE_OK)
		return ARCHIVE_FATAL;
	return archive_read_support_filter_zstd(archive);
}

static enum fault_code open_outer(struct stream *stream, struct fault *fault)
{
	struct archive_entry *entry;
	int result;

	if (archive_read_support_format_raw(stream->outer) != ARCHIVE_OK ||
	    archive_read_support_format_empty(stream->outer) != ARCHIVE_OK ||
	    add_filters(stream->outer, stream->layer->compression) != ARCHIVE_OK ||
	    archive_read_open(stream->outer, stream, NULL, read_file, NULL) != ARCHIVE_OK)
		return broken(stream, stream->outer, fault);
	result = archive_read_next_header(stream->outer, &entry);
	stream->outer_ended = result == ARCHIVE_EOF;
	if (result != ARCHIVE_OK && result != ARCHIVE_EOF)
		return broken(stream, stream->outer, fault);
	/* Asked for one compression and given none, or another: not what the manifest says. */
	if (stream->layer->compression != LAYER_ANY && stream->layer->compression != LAYER_PLAIN &&
	    archive_filter_count(stream->outer) < 2)
		return fault_set(fault, CODE, PATH, "%s is not compressed as the manifest says",
				 stream->layer->what);
	return FAULT_NONE;
}

static enum fault_code open_inner(struct stream *stream, struct fault *fault)
{
	if (archive_read_support_format_tar(stream->inner) != ARCHIVE_OK ||
	    archive_read_support_format_empty(stream->inner) != ARCHIVE_OK ||
	    archive_read_open(stream->inner, stream, NULL, read_content, NULL) != ARCHIVE_OK)
		return broken(stream, stream->inner, fault);
	return FAULT_NONE;
}

static enum fault_code each_entry(struct stream *stream, layer_entry_fn *entry_fn, void *context,
				  struct fault *fault)
{
	enum fault_code code = FAULT_NONE;

	while (code == FAULT_NONE) {
		struct archive_entry *entry;
		int result = archive_read_next_header(stream->inner, &entry);

		if (result == ARCHIVE_EOF)
			return FAULT_NONE;
		/* ARCHIVE_WARN: a name or number it had to guess. */
		if (result != ARCHIVE_OK)
			return broken(stream, stream->inner, fault);
		code = entry_fn(stream->inner, entry, context, fault);
	}
	return code;
}

/* Behind the archive's end: padding mostly, and part of both hashes. */
static enum fault_code drain(struct stream *stream, struct fault *fault)
{
	const void *block;
	la_ssize_t len;

	while ((len = fill_content(stream)) > 0) {
		stream->too_large = stream->content_bytes > stream->layer->bytes_max;
		if (stream->too_large)
			return broken(stream, stream->outer, fault);
	}
	if (len < 0)
		return broken(stream, stream->outer, fault);
	while ((len = read_file(stream->outer, stream, &block)) > 0)
		continue;
	return len < 0 ? broken(stream, stream->outer, fault) : FAULT_NONE;
}

static void summarize(const struct stream *stream, struct layer_result *result)
{
	uint8_t value[DIGEST_SIZE];

	digest_value(stream->file, value);
	digest_text(value, result->file);
	digest_value(stream->content, value);
	digest_text(value, result->content);
	result->file_bytes = stream->file_bytes;
	result->content_bytes = stream->content_bytes;
}

enum fault_code layer_read(const struct layer *layer, layer_entry_fn *entry, void *context,
			   struct layer_result *result, struct fault *fault)
{
	struct stream stream = {
		.layer = layer,
		.outer = archive_read_new(),
		.inner = archive_read_new(),
		.file = digest_new(),
		.content = digest_new(),
		.file_block = malloc(BLOCK_SIZE),
		.content_block = malloc(BLOCK_SIZE),
	};
	enum fault_code code;

	if (stream.outer == NULL || stream.inner == NULL || stream.file_block == NULL ||
	    stream.content_block == NULL)
		buf_no_memory();
	code = open_outer(&stream, fault);
	if (code == FAULT_NONE)
		code = open_inner(&stream, fault);
	if (code == FAULT_NONE)
		code = each_entry(&stream, entry, context, fault);
	if (code == FAULT_NONE)
		code = drain(&stream, fault);
	if (code == FAULT_NONE)
		summarize(&stream, result);
	archive_read_free(stream.inner);
	archive_read_free(stream.outer);
	digest_free(stream.file);
	digest_free(stream.content);
	free(stream.file_block);
	free(stream.content_block);
	return code;
}
