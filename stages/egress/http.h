/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EGRESS_HTTP_H
#define EGRESS_HTTP_H

#include "stages/egress/reason.h"
#include "stages/resolve/dns_name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The requests of an HTTP/1 connection (RFC 9112), one after the other: where each begins, which
 * host it is for and where it ends. A server that found another end would take what comes behind it
 * for a request nobody checked, so everything two readers may differ about is refused: lines that
 * do not end in CR LF, folded lines, blanks before a colon, a length twice, in two ways, or in
 * another spelling than decimal digits, chunk extensions, trailers.
 */
#define HTTP_HEAD_MAX  16384
#define HTTP_FIELD_MAX 128

enum http_status { HTTP_MORE, HTTP_DONE, HTTP_REFUSED };

enum http_body { HTTP_BODY_NONE, HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED };

struct http_head {
	char name[DNS_NAME_SIZE]; /* lower case, without a port */
	size_t len;		  /* bytes of the head, its empty line with it */
	enum http_body body;
	uint64_t body_len;  /* HTTP_BODY_LENGTH */
	enum reason reason; /* HTTP_REFUSED */
};

/* The head at data; port is the one the connection goes to, which Host may repeat. */
enum http_status http_head_read(const char *data, size_t len, unsigned port, struct http_head *head)
	__attribute__((warn_unused_result));

enum http_chunk {
	HTTP_CHUNK_SIZE, /* first digit of a size */
	HTTP_CHUNK_SIZE_MORE,
	HTTP_CHUNK_SIZE_LF,
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_DATA_CR,
	HTTP_CHUNK_DATA_LF,
	HTTP_CHUNK_END_CR, /* behind the last chunk: no trailers */
	HTTP_CHUNK_END_LF,
};

/* Where the body of one request stands. */
struct http_stream {
	enum http_body body;
	enum http_chunk chunk;
	unsigned digits;
	uint64_t left; /* of the length, or of the chunk */
	bool last;
};

void http_stream_begin(struct http_stream *stream, const struct http_head *head);
/* How much of data belongs to the body in *used. HTTP_DONE: it ends there. */
enum http_status http_stream_pass(struct http_stream *stream, const char *data, size_t len,
				  size_t *used) __attribute__((warn_unused_result));

#endif
