/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/egress/hello.h"

#include "stages/egress/host_text.h"

#include <stdbool.h>
#include <string.h>

#define RECORD_HEADER	  5
#define RECORD_MAX	  16384
#define MESSAGE_HEADER	  4
#define TYPE_CCS	  20
#define TYPE_ALERT	  21
#define TYPE_HANDSHAKE	  22
#define TYPE_DATA	  23
#define CLIENT_HELLO	  1
#define RANDOM_LEN	  32
#define EXTENSION_SNI	  0
#define EXTENSION_EARLY	  42
#define EXTENSION_ESNI	  0xffce /* draft-ietf-tls-esni-02 */
#define EXTENSION_ECH_LOW 0xfe08 /* its drafts, 08 to 0c, and what it became, 0d */
#define EXTENSION_ECH	  0xfe0d
#define PASSED_OVER_MAX	  64
#define EXTENSION_MAX	  128 /* in one hello; browsers send 20 */

/* What is left to read. Taking more than there is makes it bad, and all that follows empty. */
struct span {
	const uint8_t *at;
	size_t len;
	bool bad;
};

static struct span take(struct span *from, size_t len)
{
	struct span part = {from->at, len, false};

	if (from->bad || len > from->len) {
		from->bad = true;
		return (struct span){NULL, 0, true};
	}
	from->at += len;
	from->len -= len;
	return part;
}

static size_t take_number(struct span *from, size_t bytes)
{
	const struct span part = take(from, bytes);
	size_t value = 0;

	for (size_t i = 0; i < part.len; i++)
		value = value << 8 | part.at[i];
	return value;
}

/* A vector with its length in front, in so many bytes. */
static struct span take_vector(struct span *from, size_t length_bytes)
{
	const size_t len = take_number(from, length_bytes);

	return take(from, len);
}

static enum reason read_sni(struct span data, char name[DNS_NAME_SIZE])
{
	struct span list = take_vector(&data, 2);
	const size_t type = take_number(&list, 1);
	const struct span host = take_vector(&list, 2);

	if (list.bad || data.bad || data.len != 0 || list.len != 0 || type != 0)
		return REASON_HELLO_MALFORMED;
	if (host_text_take(host.at, host.len, name))
		return REASON_NONE;
	name[0] = '\0'; /* not the part of it that could be read */
	return REASON_SNI_MALFORMED;
}

static bool is_ech(size_t type)
{
	return type == EXTENSION_ESNI || (type >= EXTENSION_ECH_LOW && type <= EXTENSION_ECH);
}

static enum reason read_extensions(struct span list, char name[DNS_NAME_SIZE])
{
	uint16_t seen[EXTENSION_MAX];
	size_t count = 0;
	enum reason reason = REASON_NONE, found = REASON_NONE;

	name[0] = '\0';
	while (list.len > 0) {
		const size_t type = take_number(&list, 2);
		const struct span data = take_vector(&list, 2);

		if (list.bad || count == EXTENSION_MAX)
			return REASON_HELLO_MALFORMED;
		for (size_t i = 0; i < count; i++)
			if (seen[i] == type)
				return REASON_HELLO_MALFORMED;
		seen[count++] = (uint16_t)type;
		if (type == EXTENSION_SNI)
			reason = read_sni(data, name);
		if (reason != REASON_NONE)
			return reason;
		if (is_ech(type))
			found = REASON_ECH;
		else if (type == EXTENSION_EARLY && found == REASON_NONE)
			found = REASON_EARLY_DATA;
	}
	if (found != REASON_NONE)
		return found;
	return name[0] == '\0' ? REASON_SNI_ABSENT : REASON_NONE;
}

static enum reason read_message(struct span body, char name[DNS_NAME_SIZE])
{
	struct span extensions, session, suites, methods;

	(void)take(&body, 2 + RANDOM_LEN);
	session = take_vector(&body, 1);
	suites = take_vector(&body, 2);
	methods = take_vector(&body, 1);
	if (body.bad || session.len > 32 || suites.len < 2 || suites.len % 2 != 0 ||
	    methods.len < 1)
		return REASON_HELLO_MALFORMED;
	if (body.len == 0)
		return REASON_SNI_ABSENT;
	extensions = take_vector(&body, 2);
	if (body.bad || body.len != 0)
		return REASON_HELLO_MALFORMED;
	return read_extensions(extensions, name);
}

static enum hello_status refuse(struct hello *hello, enum reason reason)
{
	hello->reason = reason;
	return HELLO_REFUSED;
}

/* All that a record may be while a ClientHello is read. */
static enum reason check_record(const uint8_t *data, size_t len, bool first)
{
	if (data[0] != TYPE_HANDSHAKE)
		return first ? REASON_NOT_TLS : REASON_HELLO_MALFORMED;
	if (len >= 2 && data[1] != 3)
		return first ? REASON_NOT_TLS : REASON_HELLO_MALFORMED;
	if (len >= RECORD_HEADER) {
		const size_t body = (size_t)data[3] << 8 | data[4];

		/* RFC 8446, 5.1: no empty fragments of a handshake. */
		if (body == 0 || body > RECORD_MAX)
			return REASON_HELLO_MALFORMED;
	}
	return REASON_NONE;
}

/* The message's length, header and all, once that is known; SIZE_MAX until then, 0 when bad. */
static size_t message_len(const uint8_t *message, size_t have)
{
	if (have >= 1 && message[0] != CLIENT_HELLO)
		return 0;
	if (have < MESSAGE_HEADER)
		return SIZE_MAX;
	return MESSAGE_HEADER +
	       ((size_t)message[1] << 16 | (size_t)message[2] << 8 | (size_t)message[3]);
}

static enum hello_status finish(struct hello *hello, const uint8_t *message, size_t len,
				size_t wire_len)
{
	const enum reason reason = read_message(
		(struct span){message + MESSAGE_HEADER, len - MESSAGE_HEADER, false}, hello->name);

	hello->wire_len = wire_len;
	return reason == REASON_NONE ? HELLO_DONE : refuse(hello, reason);
}

enum hello_status hello_read(const uint8_t *data, size_t len, struct hello *hello)
{
	uint8_t message[HELLO_MAX];
	size_t have = 0, at = 0;

	*hello = (struct hello){.wire_len = 0};
	while (at < len) {
		const enum reason reason = check_record(data + at, len - at, at == 0);
		size_t body, here, want;

		if (reason != REASON_NONE)
			return refuse(hello, reason);
		if (len - at < RECORD_HEADER)
			break;
		body = (size_t)data[at + 3] << 8 | data[at + 4];
		at += RECORD_HEADER;
		here = body < len - at ? body : len - at;
		if (here > sizeof message - have)
			return refuse(hello, REASON_HELLO_TOO_LONG);
		memcpy(message + have, data + at, here);
		have += here;
		at += here;
		want = message_len(message, have);
		if (want == 0)
			return refuse(hello, REASON_HELLO_MALFORMED);
		if (want != SIZE_MAX && want > sizeof message)
			return refuse(hello, REASON_HELLO_TOO_LONG);
		/* Nothing but the ClientHello may be in its last record. */
		if (have > want || (have == want && here != body))
			return refuse(hello, REASON_HELLO_MALFORMED);
		if (have == want)
			return finish(hello, message, have, at);
	}
	return len >= HELLO_MAX ? refuse(hello, REASON_HELLO_TOO_LONG) : HELLO_MORE;
}

/*
 * An encrypted record of the same type begins with a random number (TLS 1.2, resumed): that it
 * looks like this by chance is one in 16384, and then the connection is refused for nothing. The
 * version says nothing: a server that finds supported_versions does not look at it (OpenSSL 3.0).
 * The length is below 256 KiB, more than any server takes.
 */
static bool may_be_hello(const uint8_t *body)
{
	return body[0] == CLIENT_HELLO && body[1] <= 3;
}

/*
 * How long the record at data is if a server may pass over it and wait for a ClientHello still; 0
 * when it is another. change_cipher_spec is for middle boxes (RFC 8446, D.4); of alerts a server
 * goes on after user_canceled (6.1), whatever level it has.
 */
static size_t passed_over(const uint8_t *data, size_t len)
{
	const size_t body = data[0] == TYPE_CCS ? 1 : data[0] == TYPE_ALERT ? 2 : 0;

	if (body == 0 || len < RECORD_HEADER + body || data[3] != 0 || data[4] != body)
		return 0;
	return RECORD_HEADER + body;
}

static enum hello_status second_at(const uint8_t *data, size_t len, const char *name,
				   struct hello *hello)
{
	const enum hello_status status = hello_read(data, len, hello);

	if (status == HELLO_DONE && strcmp(hello->name, name) != 0)
		return refuse(hello, REASON_SNI_CHANGED);
	return status;
}

enum hello_status hello_second(const uint8_t *data, size_t len, const char *name,
			       struct hello *hello)
{
	size_t at = 0, body, over;
	enum hello_status status;

	*hello = (struct hello){.wire_len = 0};
	while (at < len && (over = passed_over(data + at, len - at)) > 0)
		at += over;
	if (at > PASSED_OVER_MAX)
		return refuse(hello, REASON_HELLO_MALFORMED);
	if (at == len)
		return HELLO_MORE;
	if ((data[at] == TYPE_CCS || data[at] == TYPE_ALERT) && len - at < RECORD_HEADER + 2)
		return HELLO_MORE;
	hello->wire_len = len;
	if (data[at] == TYPE_DATA)
		return HELLO_DONE;
	if (data[at] != TYPE_HANDSHAKE)
		return refuse(hello, REASON_HELLO_MALFORMED);
	if (len - at < RECORD_HEADER + 1)
		return HELLO_MORE;
	body = (size_t)data[at + 3] << 8 | data[at + 4];
	if (data[at + RECORD_HEADER] != CLIENT_HELLO)
		return HELLO_DONE;
	if (body < 5)
		return refuse(hello, REASON_HELLO_MALFORMED);
	if (len - at < RECORD_HEADER + 5)
		return HELLO_MORE;
	if (!may_be_hello(data + at + RECORD_HEADER))
		return HELLO_DONE;
	status = second_at(data + at, len - at, name, hello);
	if (status == HELLO_DONE)
		hello->wire_len += at;
	return status;
}
