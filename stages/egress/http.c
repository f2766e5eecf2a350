/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/egress/http.h"

#include "stages/egress/host_text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SIZE_DIGITS   8	 /* of a chunk: 4 GiB */
#define LENGTH_DIGITS 18 /* of a body, below 2^63 */
#define HTTP2_PREFACE "PRI * HTTP/2.0"

struct text {
	const char *at;
	size_t len;
};

/* One head while its fields are read. */
struct reading {
	struct http_head *head;
	unsigned port;
	bool version_0;	       /* HTTP/1.0 */
	struct text authority; /* of an absolute URI; NULL */
	bool has_host, has_length, has_coding;
	bool takes_body; /* its method does */
};

static bool text_is(struct text text, const char *word)
{
	return text.len == strlen(word) && strncasecmp(text.at, word, text.len) == 0;
}

/* RFC 9110, 5.6.2. */
static bool is_token(struct text text)
{
	static const char more[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < text.len; i++) {
		const char c = text.at[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) &&
		    (c == '\0' || strchr(more, c) == NULL))
			return false;
	}
	return text.len > 0;
}

static struct text trimmed(struct text text)
{
	while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t')) {
		text.at++;
		text.len--;
	}
	while (text.len > 0 && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t'))
		text.len--;
	return text;
}

/* name or name:port, the port in its one spelling. */
static bool take_authority(struct text text, unsigned port, char name[DNS_NAME_SIZE])
{
	const char *colon = text.len > 0 ? memchr(text.at, ':', text.len) : NULL;
	char suffix[8];
	const int len = snprintf(suffix, sizeof suffix, ":%u", port);

	if (colon != NULL) {
		const size_t rest = text.len - (size_t)(colon - text.at);

		if (rest != (size_t)len || memcmp(colon, suffix, rest) != 0)
			return false;
		text.len -= rest;
	}
	return host_text_take(text.at, text.len, name);
}

static enum reason read_host(struct reading *reading, struct text value)
{
	if (reading->has_host)
		return REASON_HOST_REPEATED;
	reading->has_host = true;
	return take_authority(value, reading->port, reading->head->name) ? REASON_NONE
									 : REASON_HOST_MALFORMED;
}

static enum reason read_length(struct reading *reading, struct text value)
{
	if (reading->has_length || value.len == 0 || value.len > LENGTH_DIGITS)
		return REASON_HTTP_FRAMING;
	reading->has_length = true;
	reading->head->body_len = 0;
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9')
			return REASON_HTTP_FRAMING;
		reading->head->body_len =
			reading->head->body_len * 10 + (uint64_t)(value.at[i] - '0');
	}
	return REASON_NONE;
}

static enum reason read_coding(struct reading *reading, struct text value)
{
	if (reading->has_coding || reading->version_0 || !text_is(value, "chunked"))
		return REASON_HTTP_FRAMING;
	reading->has_coding = true;
	return REASON_NONE;
}

/* What a proxy behind us would take out because Connection names it, we must not have relied on. */
static enum reason read_connection(struct text value)
{
	while (value.len > 0) {
		const char *comma = memchr(value.at, ',', value.len);
		const size_t len = comma != NULL ? (size_t)(comma - value.at) : value.len;
		const struct text option = trimmed((struct text){value.at, len});

		if (text_is(option, "host") || text_is(option, "content-length") ||
		    text_is(option, "transfer-encoding"))
			return REASON_HTTP_FRAMING;
		value.at += len + (comma != NULL);
		value.len -= len + (comma != NULL);
	}
	return REASON_NONE;
}

static enum reason read_field(struct reading *reading, struct text line)
{
	const char *colon = memchr(line.at, ':', line.len);
	struct text name, value;

	if (colon == NULL)
		return REASON_HTTP_FRAMING;
	name = (struct text){line.at, (size_t)(colon - line.at)};
	/* A folded line begins with a blank, which is no token either. */
	if (!is_token(name))
		return REASON_HTTP_FRAMING;
	value = trimmed((struct text){colon + 1, line.len - name.len - 1});
	if (text_is(name, "host"))
		return read_host(reading, value);
	if (text_is(name, "content-length"))
		return read_length(reading, value);
	if (text_is(name, "transfer-encoding"))
		return read_coding(reading, value);
	return text_is(name, "connection") ? read_connection(value) : REASON_NONE;
}

/* /path, * of OPTIONS, or http://host/path, whose host is then held against the rules too. */
static enum reason read_target(struct reading *reading, struct text method, struct text target)
{
	static const char scheme[] = "http://";
	const size_t skip = sizeof scheme - 1;

	for (size_t i = 0; i < target.len; i++)
		if ((unsigned char)target.at[i] <= ' ' || target.at[i] == 0x7F)
			return REASON_HTTP_FRAMING;
	if (text_is(method, "CONNECT"))
		return REASON_HTTP_CONNECT;
	if (target.len > 0 && target.at[0] == '/')
		return REASON_NONE;
	if (text_is(target, "*") && text_is(method, "OPTIONS"))
		return REASON_NONE;
	if (target.len <= skip || strncasecmp(target.at, scheme, skip) != 0)
		return REASON_HTTP_FRAMING;
	reading->authority.at = target.at + skip;
	reading->authority.len = 0;
	while (reading->authority.len < target.len - skip &&
	       strchr("/?#", reading->authority.at[reading->authority.len]) == NULL)
		reading->authority.len++;
	return REASON_NONE;
}

/*
 * A server that gives GET no body reads what is meant for one as its next request. Methods are told
 * apart by case (RFC 9110, 9.1).
 */
static bool takes_body(struct text method)
{
	static const char *const names[] = {"POST",   "PUT",	"PATCH", "PROPFIND", "PROPPATCH",
					    "REPORT", "SEARCH", "QUERY", "LOCK",     "MKCALENDAR"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (method.len == strlen(names[i]) && memcmp(method.at, names[i], method.len) == 0)
			return true;
	return false;
}

/* method SP target SP HTTP/1.x */
static enum reason read_request_line(struct reading *reading, struct text line)
{
	const char *space = memchr(line.at, ' ', line.len);
	struct text method, target, version;

	if (line.len >= sizeof HTTP2_PREFACE - 1 &&
	    memcmp(line.at, HTTP2_PREFACE, sizeof HTTP2_PREFACE - 1) == 0)
		return REASON_HTTP_2;
	if (space == NULL)
		return REASON_NOT_HTTP;
	method = (struct text){line.at, (size_t)(space - line.at)};
	target = (struct text){space + 1, line.len - method.len - 1};
	space = memrchr(target.at, ' ', target.len);
	if (!is_token(method) || space == NULL)
		return REASON_NOT_HTTP;
	reading->takes_body = takes_body(method);
	version = (struct text){space + 1, target.len - (size_t)(space - target.at) - 1};
	target.len -= version.len + 1;
	reading->version_0 = version.len == 8 && memcmp(version.at, "HTTP/1.0", 8) == 0;
	if (!reading->version_0 && (version.len != 8 || memcmp(version.at, "HTTP/1.1", 8) != 0))
		return REASON_NOT_HTTP;
	return read_target(reading, method, target);
}

static enum reason settle(struct reading *reading)
{
	struct http_head *head = reading->head;
	char name[DNS_NAME_SIZE];

	if (!reading->has_host)
		return REASON_HOST_ABSENT;
	if (reading->authority.at != NULL &&
	    (!take_authority(reading->authority, reading->port, name) ||
	     strcmp(name, head->name) != 0))
		return REASON_HOST_MALFORMED;
	if (reading->has_length && reading->has_coding)
		return REASON_HTTP_FRAMING;
	head->body = reading->has_coding			 ? HTTP_BODY_CHUNKED
		     : reading->has_length && head->body_len > 0 ? HTTP_BODY_LENGTH
								 : HTTP_BODY_NONE;
	if (head->body != HTTP_BODY_NONE && !reading->takes_body)
		return REASON_HTTP_FRAMING;
	return REASON_NONE;
}

/* The line at *at, without its CR LF, and *at behind it. */
static bool next_line(const char *data, size_t len, size_t *at, struct text *line)
{
	const char *end = memchr(data + *at, '\n', len - *at);
	size_t line_len;

	if (end == NULL)
		return false;
	line_len = (size_t)(end - data) - *at;
	*line = (struct text){data + *at, line_len};
	*at += line_len + 1;
	return true;
}

/* Ends in CR LF, and holds no other CR and no NUL. */
static bool is_clean(struct text *line)
{
	if (line->len == 0 || line->at[line->len - 1] != '\r')
		return false;
	line->len--;
	return memchr(line->at, '\r', line->len) == NULL &&
	       memchr(line->at, '\0', line->len) == NULL;
}

/* No method begins with anything else, so that other protocols are told apart by one byte. */
static bool may_be_request(const char *data, size_t len)
{
	return len == 0 || is_token((struct text){data, 1});
}

static enum http_status refuse(struct http_head *head, enum reason reason)
{
	head->reason = reason;
	return HTTP_REFUSED;
}

enum http_status http_head_read(const char *data, size_t len, unsigned port, struct http_head *head)
{
	struct reading reading = {.head = head, .port = port};
	struct text line;
	size_t at = 0;

	*head = (struct http_head){.len = 0};
	if (!may_be_request(data, len))
		return refuse(head, REASON_NOT_HTTP);
	for (unsigned count = 0; at < len && next_line(data, len, &at, &line); count++) {
		enum reason reason = REASON_NONE;

		if (!is_clean(&line) || (line.len > 0 && count > HTTP_FIELD_MAX))
			reason = count == 0 ? REASON_NOT_HTTP : REASON_HTTP_FRAMING;
		else if (count == 0)
			reason = read_request_line(&reading, line);
		else if (line.len > 0)
			reason = read_field(&reading, line);
		else if ((reason = settle(&reading)) == REASON_NONE) {
			head->len = at;
			return at <= HTTP_HEAD_MAX ? HTTP_DONE : refuse(head, REASON_HTTP_TOO_LONG);
		}
		if (reason != REASON_NONE)
			return refuse(head, reason);
	}
	return len >= HTTP_HEAD_MAX ? refuse(head, REASON_HTTP_TOO_LONG) : HTTP_MORE;
}

void http_stream_begin(struct http_stream *stream, const struct http_head *head)
{
	*stream = (struct http_stream){
		.body = head->body, .chunk = HTTP_CHUNK_SIZE, .left = head->body_len};
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool size_digit(struct http_stream *stream, char c)
{
	const int value = hex_value(c);

	if (value < 0 || stream->digits == SIZE_DIGITS)
		return false;
	stream->left = stream->digits == 0 ? (uint64_t)value : stream->left << 4 | (uint64_t)value;
	stream->digits++;
	stream->chunk = HTTP_CHUNK_SIZE_MORE;
	return true;
}

/* One byte of a chunked body that is not data; false when it may not be there. */
static bool chunk_byte(struct http_stream *stream, char c, bool *done)
{
	switch (stream->chunk) {
	case HTTP_CHUNK_SIZE:
		stream->digits = 0;
		return size_digit(stream, c);
	case HTTP_CHUNK_SIZE_MORE:
		if (c != '\r')
			return size_digit(stream, c);
		stream->chunk = HTTP_CHUNK_SIZE_LF;
		return true;
	case HTTP_CHUNK_SIZE_LF:
		stream->chunk = stream->left == 0 ? HTTP_CHUNK_END_CR : HTTP_CHUNK_DATA;
		return c == '\n';
	case HTTP_CHUNK_DATA_CR:
		stream->chunk = HTTP_CHUNK_DATA_LF;
		return c == '\r';
	case HTTP_CHUNK_DATA_LF:
		stream->chunk = HTTP_CHUNK_SIZE;
		return c == '\n';
	case HTTP_CHUNK_END_CR:
		stream->chunk = HTTP_CHUNK_END_LF;
		return c == '\r';
	case HTTP_CHUNK_END_LF:
		*done = true;
		return c == '\n';
	case HTTP_CHUNK_DATA:
		break;
	}
	return false;
}

static size_t pass_counted(struct http_stream *stream, size_t len)
{
	const size_t count = len < stream->left ? len : (size_t)stream->left;

	stream->left -= count;
	return count;
}

static enum http_status pass_chunked(struct http_stream *stream, const char *data, size_t len,
				     size_t *used)
{
	bool done = false;

	while (*used < len && !done) {
		if (stream->chunk == HTTP_CHUNK_DATA) {
			*used += pass_counted(stream, len - *used);
			if (stream->left == 0)
				stream->chunk = HTTP_CHUNK_DATA_CR;
			continue;
		}
		if (!chunk_byte(stream, data[*used], &done))
			return HTTP_REFUSED;
		(*used)++;
	}
	return done ? HTTP_DONE : HTTP_MORE;
}

enum http_status http_stream_pass(struct http_stream *stream, const char *data, size_t len,
				  size_t *used)
{
	*used = 0;
	switch (stream->body) {
	case HTTP_BODY_NONE:
		return HTTP_DONE;
	case HTTP_BODY_LENGTH:
		*used = pass_counted(stream, len);
		return stream->left == 0 ? HTTP_DONE : HTTP_MORE;
	case HTTP_BODY_CHUNKED:
		return pass_chunked(stream, data, len, used);
	}
	return HTTP_REFUSED;
}
