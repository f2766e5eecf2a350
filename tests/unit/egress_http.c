/* SPDX-License-Identifier: Apache-2.0 */
/* Heads and bodies of HTTP/1, held to one reading: what two readers may differ about is refused. */
#include "stages/egress/http.h"

#include <criterion/criterion.h>
#include <string.h>

#define END "\r\n\r\n"
#define GET "GET / HTTP/1.1\r\n"
#define A   "Host: a.example\r\n"

static const struct {
	const char *text;
	enum http_body body;
	uint64_t body_len;
} accepted[] = {
	{GET A "\r\n", HTTP_BODY_NONE, 0},
	{"GET / HTTP/1.0\r\n" A "\r\n", HTTP_BODY_NONE, 0},
	{"GET /a?b=http://b.example HTTP/1.1\r\nhOsT:a.EXAMPLE" END, HTTP_BODY_NONE, 0},
	{"GET / HTTP/1.1\r\nHost: \t a.example:80 \t" END, HTTP_BODY_NONE, 0},
	{"GET http://a.example/x HTTP/1.1\r\n" A "\r\n", HTTP_BODY_NONE, 0},
	{"GET HTTP://A.example:80?x HTTP/1.1\r\n" A "\r\n", HTTP_BODY_NONE, 0},
	{"OPTIONS * HTTP/1.1\r\n" A "\r\n", HTTP_BODY_NONE, 0},
	{"M-SEARCH / HTTP/1.1\r\n" A "\r\n", HTTP_BODY_NONE, 0},
	{GET A "Connection: keep-alive, Upgrade\r\nUpgrade: h2c" END, HTTP_BODY_NONE, 0},
	{GET A "X: \xff\x80: y" END, HTTP_BODY_NONE, 0},
	{GET A "Content-Length: 0" END, HTTP_BODY_NONE, 0},
	{"POST / HTTP/1.1\r\n" A "Content-Length: 007" END, HTTP_BODY_LENGTH, 7},
	{"POST / HTTP/1.1\r\n" A "Content-Length: 999999999999999999" END, HTTP_BODY_LENGTH,
	 999999999999999999},
	{"PUT / HTTP/1.1\r\n" A "Transfer-Encoding: Chunked" END, HTTP_BODY_CHUNKED, 0},
};

static const struct {
	const char *text;
	enum reason reason;
} refused[] = {
	{"\x16\3\1", REASON_NOT_HTTP},
	{" GET / HTTP/1.1\r\n" A "\r\n", REASON_NOT_HTTP},
	{"\r\n" GET A "\r\n", REASON_NOT_HTTP},
	{"GET\r\n" A "\r\n", REASON_NOT_HTTP},
	{"GET /\r\n", REASON_NOT_HTTP},
	{"GET / HTTP/1.2\r\n" A "\r\n", REASON_NOT_HTTP},
	{"GET / HTTP/2\r\n" A "\r\n", REASON_NOT_HTTP},
	{"GET / http/1.1\r\n" A "\r\n", REASON_NOT_HTTP},
	{"G(T / HTTP/1.1\r\n" A "\r\n", REASON_NOT_HTTP},
	{"GET / HTTP/1.1\n", REASON_NOT_HTTP},
	{"GET\t/ HTTP/1.1\r\n" A "\r\n", REASON_NOT_HTTP},
	{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", REASON_HTTP_2},
	{"CONNECT a.example:80 HTTP/1.1\r\n" A "\r\n", REASON_HTTP_CONNECT},
	{"connect a.example:80 HTTP/1.1\r\n" A "\r\n", REASON_HTTP_CONNECT},
	{"CONNECT /x HTTP/1.1\r\n" A "\r\n", REASON_HTTP_CONNECT},
	{"GET  / HTTP/1.1\r\n" A "\r\n", REASON_HTTP_FRAMING},
	{"GET /a b HTTP/1.1\r\n" A "\r\n", REASON_HTTP_FRAMING},
	{"GET /\x7f HTTP/1.1\r\n" A "\r\n", REASON_HTTP_FRAMING},
	{"GET * HTTP/1.1\r\n" A "\r\n", REASON_HTTP_FRAMING},
	{"GET a.example HTTP/1.1\r\n" A "\r\n", REASON_HTTP_FRAMING},
	{"GET https://a.example/ HTTP/1.1\r\n" A "\r\n", REASON_HTTP_FRAMING},
	{"GET http:// HTTP/1.1\r\n" A "\r\n", REASON_HTTP_FRAMING},
	{"GET http://b.example/ HTTP/1.1\r\n" A "\r\n", REASON_HOST_MALFORMED},
	{"GET http://a.example@b.example/ HTTP/1.1\r\n" A "\r\n", REASON_HOST_MALFORMED},
	{"GET http:///x HTTP/1.1\r\n" A "\r\n", REASON_HOST_MALFORMED},
	{"GET http://a.example\\.b.example/ HTTP/1.1\r\n" A "\r\n", REASON_HOST_MALFORMED},
	{"GET http://a.example#@b.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n",
	 REASON_HOST_MALFORMED},
	{GET "\r\n", REASON_HOST_ABSENT},
	{GET A A "\r\n", REASON_HOST_REPEATED},
	{GET A "host: b.example" END, REASON_HOST_REPEATED},
	{GET "Host:" END, REASON_HOST_MALFORMED},
	{GET "Host: a.example." END, REASON_HOST_MALFORMED},
	{GET "Host: a.example, b.example" END, REASON_HOST_MALFORMED},
	{GET "Host: a.example:" END, REASON_HOST_MALFORMED},
	{GET "Host: a.example:080" END, REASON_HOST_MALFORMED},
	{GET "Host: a.example:443" END, REASON_HOST_MALFORMED},
	{GET "Host: a.example:80:80" END, REASON_HOST_MALFORMED},
	{GET "Host: 192.0.2.1" END, REASON_HOST_MALFORMED},
	{GET "Host: 0xC0000201" END, REASON_HOST_MALFORMED},
	{GET "Host: 3221225985" END, REASON_HOST_MALFORMED},
	{GET "Host: [::1]" END, REASON_HOST_MALFORMED},
	{GET "Host: [fe80::1%25eth0]:80" END, REASON_HOST_MALFORMED},
	{GET "Host: u@a.example" END, REASON_HOST_MALFORMED},
	{GET "Host: a.example%2eb" END, REASON_HOST_MALFORMED},
	{GET "Host: \xc3\xa9.example" END, REASON_HOST_MALFORMED},
	{GET "Host: localhost" END, REASON_HOST_MALFORMED},
	{GET "Host : a.example" END, REASON_HTTP_FRAMING},
	{GET " Host: a.example" END, REASON_HTTP_FRAMING},
	{GET A "X: a\r\n b: c" END, REASON_HTTP_FRAMING},
	{GET A "X" END, REASON_HTTP_FRAMING},
	{GET A ": x" END, REASON_HTTP_FRAMING},
	{GET A "X: a\rHost: b.example" END, REASON_HTTP_FRAMING},
	{GET "Host: a.example\nX: y" END, REASON_HTTP_FRAMING},
	{GET A "Content-Length: 3" END, REASON_HTTP_FRAMING},
	{"HEAD / HTTP/1.1\r\n" A "Transfer-Encoding: chunked" END, REASON_HTTP_FRAMING},
	{"Post / HTTP/1.1\r\n" A "Content-Length: 3" END, REASON_HTTP_FRAMING},
	{"POST / HTTP/1.1\r\n" A "Content-Length: 3\r\nContent-Length: 3" END, REASON_HTTP_FRAMING},
	{"POST / HTTP/1.1\r\n" A "Content-Length: 3, 3" END, REASON_HTTP_FRAMING},
	{"POST / HTTP/1.1\r\n" A "Content-Length: +3" END, REASON_HTTP_FRAMING},
	{"POST / HTTP/1.1\r\n" A "Content-Length: 0x3" END, REASON_HTTP_FRAMING},
	{"POST / HTTP/1.1\r\n" A "Content-Length: -0" END, REASON_HTTP_FRAMING},
	{"POST / HTTP/1.1\r\n" A "Content-Length:" END, REASON_HTTP_FRAMING},
	{"POST / HTTP/1.1\r\n" A "Content-Length: 1000000000000000000" END, REASON_HTTP_FRAMING},
	{"POST / HTTP/1.1\r\n" A "Content-Length: 3\r\nTransfer-Encoding: chunked" END,
	 REASON_HTTP_FRAMING},
	{"POST / HTTP/1.1\r\n" A "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked" END,
	 REASON_HTTP_FRAMING},
	{"POST / HTTP/1.1\r\n" A "Transfer-Encoding: gzip, chunked" END, REASON_HTTP_FRAMING},
	{"POST / HTTP/1.1\r\n" A "Transfer-Encoding: identity" END, REASON_HTTP_FRAMING},
	{"POST / HTTP/1.1\r\n" A "Transfer-Encoding: xchunked" END, REASON_HTTP_FRAMING},
	{"POST / HTTP/1.1\r\n" A "Transfer-Encoding:\x0b"
	 "chunked" END,
	 REASON_HTTP_FRAMING},
	{"POST / HTTP/1.0\r\n" A "Transfer-Encoding: chunked" END, REASON_HTTP_FRAMING},
	{GET A "Connection: close, HOST" END, REASON_HTTP_FRAMING},
	{GET A "Connection: \tcontent-length" END, REASON_HTTP_FRAMING},
	{GET A "Connection: Transfer-Encoding ,x" END, REASON_HTTP_FRAMING},
};

Test(egress_http, heads)
{
	struct http_head head;

	for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
		const char *text = accepted[i].text;
		const size_t len = strlen(text);

		cr_expect_eq(http_head_read(text, len, 80, &head), HTTP_DONE, "%s: %s", text,
			     reason_name(head.reason));
		cr_expect_str_eq(head.name, "a.example", "%s", text);
		cr_expect_eq(head.len, len, "%s", text);
		cr_expect_eq(head.body, accepted[i].body, "%s", text);
		cr_expect_eq(head.body_len, accepted[i].body_len, "%s", text);
		for (size_t cut = 0; cut < len; cut++)
			cr_expect_eq(http_head_read(text, cut, 80, &head), HTTP_MORE,
				     "%s cut at %zu", text, cut);
	}
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		const char *text = refused[i].text;

		cr_expect_eq(http_head_read(text, strlen(text), 80, &head), HTTP_REFUSED, "%s",
			     text);
		cr_expect_eq(head.reason, refused[i].reason, "%s: %s", text,
			     reason_name(head.reason));
	}
}

Test(egress_http, a_nul_is_no_character)
{
	static const char line[] = "GET /\0 HTTP/1.1\r\n" A "\r\n";
	static const char field[] = GET "Host: a.example\0\r\n\r\n";
	struct http_head head;

	cr_expect_eq(http_head_read(line, sizeof line - 1, 80, &head), HTTP_REFUSED);
	cr_expect_eq(http_head_read(field, sizeof field - 1, 80, &head), HTTP_REFUSED);
}

/* A head of exactly len bytes, one long field in it. */
static void fill_head(char *out, size_t len)
{
	static const char begin[] = GET A "X: ";

	memset(out, 'x', len);
	memcpy(out, begin, sizeof begin - 1);
	memcpy(out + len - 4, END, 4);
}

Test(egress_http, caps)
{
	static char text[HTTP_HEAD_MAX + 8];
	struct http_head head;
	size_t at;

	fill_head(text, HTTP_HEAD_MAX - 1);
	cr_expect_eq(http_head_read(text, HTTP_HEAD_MAX - 1, 80, &head), HTTP_DONE);
	fill_head(text, HTTP_HEAD_MAX);
	cr_expect_eq(http_head_read(text, HTTP_HEAD_MAX, 80, &head), HTTP_DONE);
	cr_expect_eq(http_head_read(text, HTTP_HEAD_MAX - 1, 80, &head), HTTP_MORE);
	fill_head(text, HTTP_HEAD_MAX + 1);
	cr_expect_eq(http_head_read(text, HTTP_HEAD_MAX + 1, 80, &head), HTTP_REFUSED);
	cr_expect_eq(head.reason, REASON_HTTP_TOO_LONG);
	cr_expect_eq(http_head_read(text, HTTP_HEAD_MAX, 80, &head), HTTP_REFUSED);
	for (size_t fields = HTTP_FIELD_MAX - 1; fields <= HTTP_FIELD_MAX + 1; fields++) {
		at = strlen(strcpy(text, GET A));
		for (size_t i = 1; i < fields; i++)
			at += strlen(strcpy(text + at, "X:\r\n"));
		at += strlen(strcpy(text + at, "\r\n"));
		cr_expect_eq(http_head_read(text, at, 80, &head),
			     fields <= HTTP_FIELD_MAX ? HTTP_DONE : HTTP_REFUSED, "%zu", fields);
	}
}

Test(egress_http, bodies)
{
	static const struct {
		const char *text;
		enum http_status status;
		size_t used;
	} cases[] = {
		{"3\r\nabc\r\n0\r\n\r\nGET", HTTP_DONE, 13},
		{"A\r\n0123456789\r\n00\r\n\r\n", HTTP_DONE, 21},
		{"00000003\r\nabc\r\n0\r\n\r\n", HTTP_DONE, 20},
		{"3\r\nab", HTTP_MORE, 5},
		{"", HTTP_MORE, 0},
		{"000000003\r\n", HTTP_REFUSED, 0},
		{"3;x=y\r\n", HTTP_REFUSED, 0},
		{"3 \r\n", HTTP_REFUSED, 0},
		{" 3\r\n", HTTP_REFUSED, 0},
		{"0x3\r\n", HTTP_REFUSED, 0},
		{"-1\r\n", HTTP_REFUSED, 0},
		{"\r\n", HTTP_REFUSED, 0},
		{"3\nabc", HTTP_REFUSED, 0},
		{"3\r\rabc", HTTP_REFUSED, 0},
		{"3\r\nabcd\r\n", HTTP_REFUSED, 0},
		{"3\r\nabc\n", HTTP_REFUSED, 0},
		{"3\r\nabc\r0", HTTP_REFUSED, 0},
		{"0\r\nX: y\r\n\r\n", HTTP_REFUSED, 0},
		{"0\r\n\n", HTTP_REFUSED, 0},
		{"g\r\n", HTTP_REFUSED, 0},
	};
	const struct http_head chunked = {.body = HTTP_BODY_CHUNKED};
	const struct http_head length = {.body = HTTP_BODY_LENGTH, .body_len = 5};
	struct http_stream stream;
	size_t used;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *text = cases[i].text;

		http_stream_begin(&stream, &chunked);
		cr_expect_eq(http_stream_pass(&stream, text, strlen(text), &used), cases[i].status,
			     "%s", text);
		if (cases[i].status != HTTP_REFUSED)
			cr_expect_eq(used, cases[i].used, "%s: %zu", text, used);
	}
	http_stream_begin(&stream, &length);
	cr_expect_eq(http_stream_pass(&stream, "abc", 3, &used), HTTP_MORE);
	cr_expect_eq(used, 3);
	cr_expect_eq(http_stream_pass(&stream, "deGET", 5, &used), HTTP_DONE);
	cr_expect_eq(used, 2);
}
