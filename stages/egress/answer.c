/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/egress/answer.h"

#include <stdlib.h>
#include <string.h>

#define PORT	   53
#define PINNED_TTL 60

static void refused(const struct answer_world *world, const char *name, enum reason reason)
{
	tally_add(world->tally, TALLY_NO_RULE, world->address, PORT, name, reason);
}

/* A name of a rule: its addresses, or none for every other type. */
static enum answer_kind answer_listed(const struct answer_world *world, const uint8_t *message,
				      uint64_t now_ms, const struct dns_question *question,
				      uint8_t *out, size_t size, size_t *out_len)
{
	const struct dns_addresses *pinned = book_pinned(world->book, question->name);
	const struct book_name *learned = book_learned(world->book, question->name, now_ms);
	struct dns_addresses addresses = {.count = 0};

	if (question->type == DNS_TYPE_A) {
		if (pinned != NULL)
			addresses = *pinned;
		else if (learned != NULL)
			addresses = learned->latest;
		else
			return ANSWER_ASK;
		if (addresses.ttl > PINNED_TTL)
			addresses.ttl = PINNED_TTL;
	}
	*out_len = dns_response_write(message, question, DNS_NOERROR, &addresses, out, size);
	return ANSWER_READY;
}

enum answer_kind answer_question(const struct answer_world *world, const uint8_t *message,
				 size_t len, uint64_t now_ms, struct dns_question *question,
				 uint8_t *out, size_t size, size_t *out_len)
{
	enum dns_rcode rcode;

	if (!dns_question_read(message, len, question))
		return ANSWER_NONE;
	rcode = question->rcode;
	if (question->readable && question->class != DNS_CLASS_IN)
		rcode = DNS_NOTIMP;
	if (question->readable && rcode == DNS_NOERROR) {
		if (book_pinned(world->book, question->name) != NULL ||
		    book_is_below_wildcard(world->book, question->name))
			return answer_listed(world, message, now_ms, question, out, size, out_len);
		/* Not REFUSED: programs take that for a passing fault, and ask again. */
		rcode = DNS_NXDOMAIN;
	}
	refused(world, question->readable ? question->name : "", REASON_DNS_NOT_LISTED);
	*out_len = dns_response_write(message, question, rcode, NULL, out, size);
	return ANSWER_READY;
}

size_t answer_found(const struct answer_world *world, const uint8_t *message,
		    const struct dns_question *question, const struct lookup *lookup,
		    uint64_t now_ms, uint8_t *out, size_t size)
{
	enum dns_rcode rcode = DNS_SERVFAIL;
	struct dns_addresses addresses = {.count = 0};

	switch (lookup->outcome) {
	case LOOKUP_FOUND:
		if (!book_learn(world->book, lookup->name, &lookup->addresses, now_ms))
			return answer_full(world, message, question, out, size);
		rcode = DNS_NOERROR;
		addresses = lookup->addresses;
		break;
	case LOOKUP_CLOSED:
		refused(world, lookup->name, REASON_DNS_CLOSED);
		rcode = DNS_NXDOMAIN;
		break;
	case LOOKUP_NXDOMAIN:
		rcode = DNS_NXDOMAIN;
		break;
	case LOOKUP_NO_ADDRESS:
		rcode = DNS_NOERROR;
		break;
	case LOOKUP_TIMEOUT:
	case LOOKUP_SERVER:
	case LOOKUP_MALFORMED:
	case LOOKUP_UNREACHABLE:
		break;
	case LOOKUP_PENDING:
	case LOOKUP_OUTCOME_COUNT:
		abort();
	}
	return dns_response_write(message, question, rcode, &addresses, out, size);
}

size_t answer_full(const struct answer_world *world, const uint8_t *message,
		   const struct dns_question *question, uint8_t *out, size_t size)
{
	refused(world, question->name, REASON_DNS_FULL);
	return dns_response_write(message, question, DNS_SERVFAIL, NULL, out, size);
}
