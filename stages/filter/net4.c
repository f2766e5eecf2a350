/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/filter/net4.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

const struct net4 net4_closed[NET4_CLOSED_COUNT] = {
	{0x00000000, 8},
	{0x7F000000, 8},
	{0xA9FE0000, 16},
	{0xE0000000, 3},
};

static uint32_t mask(unsigned len)
{
	return len == 0 ? 0 : UINT32_MAX << (32 - len);
}

bool net4_parse(const char *text, bool plain, struct net4 *out)
{
	char spelled[NET4_TEXT_SIZE], address[INET_ADDRSTRLEN];
	size_t len = strcspn(text, "/");
	struct in_addr in;
	unsigned bits = 32;

	if (len >= sizeof address)
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	if (inet_pton(AF_INET, address, &in) != 1)
		return false;
	if (text[len] == '/') {
		const char *digits = text + len + 1;

		bits = 0;
		for (size_t i = 0; i < 3 && digits[i] >= '0' && digits[i] <= '9'; i++)
			bits = bits * 10 + (unsigned)(digits[i] - '0');
		if (bits > 32)
			return false;
	} else if (!plain) {
		return false;
	}
	*out = (struct net4){ntohl(in.s_addr) & mask(bits), bits};
	/* One spelling: what is written again is what was read. */
	net4_format(*out, text[len] != '/', spelled);
	return strcmp(spelled, text) == 0;
}

void net4_format(struct net4 net, bool plain, char out[NET4_TEXT_SIZE])
{
	char address[INET_ADDRSTRLEN];
	struct in_addr in = {.s_addr = htonl(net.address)};

	(void)inet_ntop(AF_INET, &in, address, sizeof address);
	if (plain && net.len == 32)
		(void)snprintf(out, NET4_TEXT_SIZE, "%s", address);
	else
		(void)snprintf(out, NET4_TEXT_SIZE, "%s/%u", address, net.len);
}

bool net4_inside(struct net4 inner, struct net4 outer)
{
	return inner.len >= outer.len && (inner.address & mask(outer.len)) == outer.address;
}

bool net4_overlap(struct net4 one, struct net4 other)
{
	return net4_inside(one, other) || net4_inside(other, one);
}
