/* SPDX-License-Identifier: Apache-2.0 */
/* Answers and questions from anywhere: never a crash, and no more than what they may come to. */
#include "stages/resolve/dns_message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(int holds)
{
	if (!holds)
		abort();
}

static void try_answer(const uint8_t *data, size_t len)
{
	uint8_t query[DNS_QUERY_MAX];
	uint8_t *answer;
	const size_t query_len = dns_query_write("a.example", 0x1234, query);
	struct dns_addresses addresses;
	unsigned rcode;

	/* As it came, and behind a header and question that are right. */
	(void)!dns_answer_read(data, len, query, query_len, &addresses, &rcode);
	if (len < 8)
		return;
	answer = malloc(query_len + len - 8);
	memcpy(answer, query, query_len);
	memcpy(answer + 2, data, 2);
	answer[2] = (uint8_t)((answer[2] & 0x07) | 0x80);
	memcpy(answer + 6, data + 2, 6);
	memcpy(answer + query_len, data + 8, len - 8);
	if (dns_answer_read(answer, query_len + len - 8, query, query_len, &addresses, &rcode) ==
	    DNS_ANSWER_FOUND)
		require(addresses.count > 0 && addresses.count <= DNS_ADDRESS_MAX &&
			addresses.ttl <= DNS_TTL_MAX);
	for (size_t i = 1; i < addresses.count; i++)
		require(addresses.items[i - 1] < addresses.items[i]);
	free(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dns_question question;
	uint8_t out[DNS_UDP_MAX];

	try_answer(data, len);
	if (dns_question_read(data, len, &question)) {
		require(question.len <= len);
		require(dns_response_write(data, &question, DNS_NXDOMAIN, NULL, out, sizeof out) <=
			sizeof out);
	}
	return 0;
}
