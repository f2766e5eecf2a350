/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/resolve/dns_message.h"

#include <string.h>

#define HEADER	   12
#define FLAG_QR	   0x8000U
#define FLAG_TC	   0x0200U
#define FLAG_RD	   0x0100U
#define FLAG_RA	   0x0080U
#define OPCODE	   0x7800U
#define RCODE	   0x000FU
#define TYPE_CNAME 5
#define A_RECORD   16 /* pointer to the question, type, class, ttl, length, address */

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xFFFF);
}

void dns_addresses_add(struct dns_addresses *set, uint32_t address)
{
	size_t at = 0;

	while (at < set->count && set->items[at] < address)
		at++;
	if (at < set->count && set->items[at] == address)
		return;
	if (set->count == DNS_ADDRESS_MAX) {
		set->cut = true;
		return;
	}
	memmove(set->items + at + 1, set->items + at, (set->count - at) * sizeof set->items[0]);
	set->items[at] = address;
	set->count++;
}

bool dns_addresses_has(const struct dns_addresses *set, uint32_t address)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i] == address)
			return true;
	return false;
}

size_t dns_query_write(const char *name, uint16_t id, uint8_t out[DNS_QUERY_MAX])
{
	size_t len = dns_name_write(name, out + HEADER);

	if (len == 0)
		return 0;
	memset(out, 0, HEADER);
	put16(out, id);
	put16(out + 2, FLAG_RD);
	put16(out + 4, 1);
	put16(out + HEADER + len, DNS_TYPE_A);
	put16(out + HEADER + len + 2, DNS_CLASS_IN);
	return HEADER + len + 4;
}

static bool same_but_case(const uint8_t *one, const uint8_t *other, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const uint8_t difference = one[i] ^ other[i];
		const uint8_t lower = one[i] | 0x20;

		if (difference != 0 && (difference != 0x20 || lower < 'a' || lower > 'z'))
			return false;
	}
	return true;
}

/* The question comes back whole and uncompressed, or it is somebody else's. */
static enum dns_answer match_question(const uint8_t *message, size_t len, const uint8_t *query,
				      size_t query_len)
{
	if (len < query_len || get16(message) != get16(query) || get16(message + 4) != 1 ||
	    (get16(message + 2) & (FLAG_QR | OPCODE)) != FLAG_QR)
		return DNS_ANSWER_FOREIGN;
	if (memcmp(message + HEADER, query + HEADER, query_len - HEADER) == 0)
		return DNS_ANSWER_FOUND;
	return same_but_case(message + HEADER, query + HEADER, query_len - HEADER)
		       ? DNS_ANSWER_CASE
		       : DNS_ANSWER_FOREIGN;
}

struct resource {
	size_t owner; /* offset of its name */
	uint16_t type, class;
	uint32_t ttl;
	size_t data, data_len;
};

static bool next_resource(const uint8_t *message, size_t len, size_t *offset,
			  struct resource *record)
{
	record->owner = *offset;
	if (!dns_name_skip(message, len, offset) || len - *offset < 10)
		return false;
	record->type = get16(message + *offset);
	record->class = get16(message + *offset + 2);
	record->ttl = get32(message + *offset + 4);
	record->data_len = get16(message + *offset + 8);
	record->data = *offset + 10;
	if (record->data_len > len - record->data)
		return false;
	/* RFC 2181, 8: the highest bit set is zero. */
	if (record->ttl > INT32_MAX)
		record->ttl = 0;
	*offset = record->data + record->data_len;
	return true;
}

static void keep_ttl(struct dns_addresses *addresses, uint32_t ttl)
{
	if (ttl < addresses->ttl)
		addresses->ttl = ttl;
}

/* An owner whose name holds other bytes than a host's is nobody we asked about. */
static bool owned_by(const uint8_t *message, size_t len, const struct resource *record,
		     const char *name)
{
	char owner[DNS_NAME_SIZE];
	size_t at = record->owner;

	return record->class == DNS_CLASS_IN && dns_name_read(message, len, &at, owner) &&
	       strcmp(owner, name) == 0;
}

/* One pass over the answers: name's addresses, or in *next where its CNAME leads; "" when none. */
static bool scan(const uint8_t *message, size_t len, size_t offset, const char *name,
		 struct dns_addresses *addresses, char next[DNS_NAME_SIZE])
{
	const unsigned count = get16(message + 6);
	struct resource record;

	next[0] = '\0';
	if (count > DNS_RECORD_MAX)
		return false;
	for (unsigned i = 0; i < count; i++) {
		size_t data;

		if (!next_resource(message, len, &offset, &record))
			return false;
		if ((record.type != DNS_TYPE_A && record.type != TYPE_CNAME) ||
		    !owned_by(message, len, &record, name))
			continue;
		keep_ttl(addresses, record.ttl);
		if (record.type == DNS_TYPE_A) {
			if (record.data_len != 4)
				return false;
			dns_addresses_add(addresses, get32(message + record.data));
			continue;
		}
		data = record.data;
		/* RFC 2181, 10.1: a name has one canonical name. */
		if (next[0] != '\0' || !dns_name_read(message, len, &data, next) ||
		    data != record.data + record.data_len || next[0] == '\0')
			return false;
	}
	return true;
}

static enum dns_answer follow(const uint8_t *message, size_t len, size_t offset,
			      struct dns_addresses *addresses)
{
	char name[DNS_NAME_SIZE], next[DNS_NAME_SIZE];
	size_t at = HEADER;

	if (!dns_name_read(message, len, &at, name))
		return DNS_ANSWER_MALFORMED;
	for (int i = 0; i <= DNS_CHAIN_MAX; i++) {
		if (!scan(message, len, offset, name, addresses, next))
			return DNS_ANSWER_MALFORMED;
		/* Beside a CNAME there is nothing else (RFC 1034, 3.6.2). */
		if (addresses->count > 0)
			return next[0] == '\0' ? DNS_ANSWER_FOUND : DNS_ANSWER_MALFORMED;
		if (next[0] == '\0')
			return DNS_ANSWER_NO_ADDRESS;
		memcpy(name, next, sizeof name);
	}
	return DNS_ANSWER_MALFORMED;
}

enum dns_answer dns_answer_read(const uint8_t *message, size_t len, const uint8_t *query,
				size_t query_len, struct dns_addresses *addresses, unsigned *rcode)
{
	enum dns_answer match = match_question(message, len, query, query_len);

	*addresses = (struct dns_addresses){.ttl = DNS_TTL_MAX};
	*rcode = 0;
	if (match != DNS_ANSWER_FOUND)
		return match;
	*rcode = get16(message + 2) & RCODE;
	if ((get16(message + 2) & FLAG_TC) != 0)
		return DNS_ANSWER_TRUNCATED;
	if (*rcode == DNS_NXDOMAIN)
		return DNS_ANSWER_NXDOMAIN;
	if (*rcode != DNS_NOERROR)
		return DNS_ANSWER_FAILED;
	return follow(message, len, query_len, addresses);
}

bool dns_question_read(const uint8_t *message, size_t len, struct dns_question *question)
{
	size_t at = HEADER;
	unsigned flags;

	*question = (struct dns_question){.len = HEADER, .rcode = DNS_FORMERR};
	if (len < HEADER || (get16(message + 2) & FLAG_QR) != 0)
		return false;
	flags = get16(message + 2);
	question->id = get16(message);
	question->recursion = (flags & FLAG_RD) != 0;
	if ((flags & OPCODE) != 0) {
		question->rcode = DNS_NOTIMP;
		return true;
	}
	if (get16(message + 4) != 1 || !dns_name_skip(message, len, &at) || len - at < 4)
		return true;
	question->len = at + 4;
	question->type = get16(message + at);
	question->class = get16(message + at + 2);
	at = HEADER;
	question->readable = dns_name_read(message, len, &at, question->name);
	/* A name no rule can have is refused like any other that none has. */
	question->rcode = question->readable ? DNS_NOERROR : DNS_REFUSED;
	return true;
}

static size_t put_address(uint8_t *out, uint32_t address, uint32_t ttl)
{
	put16(out, 0xC000 | HEADER);
	put16(out + 2, DNS_TYPE_A);
	put16(out + 4, DNS_CLASS_IN);
	put32(out + 6, ttl);
	put16(out + 10, 4);
	put32(out + 12, address);
	return A_RECORD;
}

size_t dns_response_write(const uint8_t *message, const struct dns_question *question,
			  enum dns_rcode rcode, const struct dns_addresses *addresses, uint8_t *out,
			  size_t size)
{
	const bool repeats = question->len > HEADER && question->len <= size;
	size_t len = repeats ? question->len : HEADER;
	unsigned flags = FLAG_QR | FLAG_RA | (question->recursion ? FLAG_RD : 0) | (unsigned)rcode;
	size_t count = 0;

	memset(out, 0, HEADER);
	put16(out, question->id);
	if (repeats) {
		memcpy(out + HEADER, message + HEADER, len - HEADER);
		put16(out + 4, 1);
	}
	for (; addresses != NULL && count < addresses->count && size - len >= A_RECORD; count++)
		len += put_address(out + len, addresses->items[count], addresses->ttl);
	if (addresses != NULL && count < addresses->count)
		flags |= FLAG_TC;
	put16(out + 2, flags);
	put16(out + 6, (unsigned)count);
	return len;
}
