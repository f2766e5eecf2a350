/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RESOLVE_DNS_MESSAGE_H
#define RESOLVE_DNS_MESSAGE_H

#include "stages/resolve/dns_name.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The part of DNS this needs (RFC 1035, 2181, 8020): a question for the A records of one name, and
 * the answer to it. No EDNS: what does not fit into 512 bytes comes over TCP. Everything read here
 * is a stranger's.
 */
#define DNS_MESSAGE_MAX 65535
#define DNS_UDP_MAX	512
#define DNS_QUERY_MAX	(12 + DNS_NAME_WIRE_MAX + 4)
#define DNS_ADDRESS_MAX 64    /* kept of one name */
#define DNS_RECORD_MAX	1024  /* looked at in one answer */
#define DNS_CHAIN_MAX	16    /* CNAMEs followed */
#define DNS_TTL_MAX	86400 /* seconds */

#define DNS_TYPE_A    1
#define DNS_TYPE_AAAA 28
#define DNS_CLASS_IN  1

enum dns_rcode {
	DNS_NOERROR = 0,
	DNS_FORMERR = 1,
	DNS_SERVFAIL = 2,
	DNS_NXDOMAIN = 3,
	DNS_NOTIMP = 4,
	DNS_REFUSED = 5,
};

/* Addresses in host byte order, ascending, each once. */
struct dns_addresses {
	uint32_t items[DNS_ADDRESS_MAX];
	size_t count;
	bool cut; /* there were more */
	uint32_t ttl;
};

/* In its place; beyond DNS_ADDRESS_MAX the set stays as it is and says so. */
void dns_addresses_add(struct dns_addresses *set, uint32_t address);
bool dns_addresses_has(const struct dns_addresses *set, uint32_t address);

/* The question for name's A records, with recursion desired; its length, 0: not a name. */
size_t dns_query_write(const char *name, uint16_t id, uint8_t out[DNS_QUERY_MAX])
	__attribute__((warn_unused_result));

enum dns_answer {
	DNS_ANSWER_FOUND,
	DNS_ANSWER_FOREIGN,   /* not an answer to this question: as if it had not come */
	DNS_ANSWER_CASE,      /* the same but for the case of letters in the question */
	DNS_ANSWER_TRUNCATED, /* ask over TCP */
	DNS_ANSWER_NXDOMAIN,
	DNS_ANSWER_NO_ADDRESS,
	DNS_ANSWER_FAILED,    /* SERVFAIL, REFUSED and the like */
	DNS_ANSWER_MALFORMED, /* an answer to this question that cannot be read */
};

/*
 * What message says to query, as it was sent (dns_query_write, with the case of its letters as it
 * went out). Only A records of the name itself, or of where CNAMEs in the same answer lead to from
 * it, are taken. rcode is the answer's, for words.
 */
enum dns_answer dns_answer_read(const uint8_t *message, size_t len, const uint8_t *query,
				size_t query_len, struct dns_addresses *addresses, unsigned *rcode)
	__attribute__((warn_unused_result));

/* The other side: a question somebody asks us. */
struct dns_question {
	uint16_t id;
	bool recursion;
	bool readable; /* one question, whose name can be read; else answer rcode alone */
	enum dns_rcode rcode;
	uint16_t type, class;
	char name[DNS_NAME_SIZE];
	size_t len; /* of header and question, to be repeated */
};

/* false: nothing to answer to (a response, or no whole header). */
bool dns_question_read(const uint8_t *message, size_t len, struct dns_question *question)
	__attribute__((warn_unused_result));

/*
 * The response into out: the question as it came, then addresses (may be NULL), as many as fit into
 * size with TC set where that is not all. Its length.
 */
size_t dns_response_write(const uint8_t *message, const struct dns_question *question,
			  enum dns_rcode rcode, const struct dns_addresses *addresses, uint8_t *out,
			  size_t size) __attribute__((warn_unused_result));

#endif
