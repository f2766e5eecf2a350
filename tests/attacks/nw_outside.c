/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/attacks/nw_outside.h"

#include "stages/filter/interface_part.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const addresses[] = {NW_ONE, NW_TWO, NW_META, NW_SERVER};
static const int stream_ports[] = {53, 80, 443, 853, 8080};
static const int datagram_ports[] = {53, 123, 443};

#define COUNT(array) (sizeof(array) / sizeof *(array))
/* An answer comes from where the question went only when the socket is of that address. */
#define SOCKET_COUNT   (1 + COUNT(stream_ports) + COUNT(datagram_ports) * COUNT(addresses))
#define FIRST_DATAGRAM (1 + COUNT(stream_ports))

void nw_must(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	_exit(1);
}

uint32_t nw_number(const char *address)
{
	struct in_addr in;

	nw_must(inet_pton(AF_INET, address, &in) == 1, address);
	return ntohl(in.s_addr);
}

static int arrange(void)
{
	struct rtnetlink link;
	struct interface_seen seen;

	nw_must(rtnetlink_open(&link) == 0, "rtnetlink");
	nw_must(interface_look(&link, "lo", 0, &seen) == 0 && interface_up(&link, seen.index) == 0,
		"lo");
	for (size_t i = 0; i < COUNT(addresses); i++)
		nw_must(interface_add_address(&link, seen.index, nw_number(addresses[i]),
					      nw_number(addresses[i])) == 0,
			addresses[i]);
	nw_must(interface_look(&link, NW_OUTSIDE_LINK, 0, &seen) == 0 &&
			interface_add_address(&link, seen.index, nw_number(NW_GATEWAY),
					      nw_number(NW_HOST)) == 0 &&
			interface_up(&link, seen.index) == 0,
		NW_OUTSIDE_LINK);
	rtnetlink_close(&link);
	return seen.index;
}

int nw_listen(int type, const char *address, int port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(nw_number(address))};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;

	nw_must(fd >= 0, "socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	nw_must(bind(fd, (struct sockaddr *)&at, sizeof at) == 0, "bind");
	nw_must(type != SOCK_STREAM || listen(fd, 64) == 0, "listen");
	return fd;
}

static void open_all(struct pollfd items[SOCKET_COUNT], int index)
{
	struct sockaddr_ll all = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = index};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL));
	size_t count = 0;

	nw_must(fd >= 0 && bind(fd, (struct sockaddr *)&all, sizeof all) == 0, "packet socket");
	items[count++].fd = fd;
	for (size_t i = 0; i < COUNT(stream_ports); i++)
		items[count++].fd = nw_listen(SOCK_STREAM, "0.0.0.0", stream_ports[i]);
	for (size_t i = 0; i < COUNT(datagram_ports) * COUNT(addresses); i++)
		items[count++].fd = nw_listen(SOCK_DGRAM, addresses[i / COUNT(datagram_ports)],
					      datagram_ports[i % COUNT(datagram_ports)]);
	for (size_t i = 0; i < SOCKET_COUNT; i++)
		items[i].events = POLLIN;
}

static void note(struct nw_notes *notes, const struct nw_seen *packet)
{
	for (unsigned i = 0; i < notes->count; i++) {
		struct nw_seen *seen = &notes->seen[i];

		if (seen->to == packet->to && seen->port == packet->port &&
		    seen->protocol == packet->protocol && seen->version == packet->version) {
			seen->secret |= packet->secret;
			seen->count++;
			return;
		}
	}
	if (notes->count < NW_SEEN_MAX)
		notes->seen[notes->count++] = *packet;
}

static void take_packet(int fd, struct nw_notes *notes)
{
	struct sockaddr_ll from;
	socklen_t from_len = sizeof from;
	unsigned char data[65536];
	ssize_t len = recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&from, &from_len);
	struct nw_seen packet = {.version = 6, .count = 1};

	if (len < (ssize_t)sizeof(struct iphdr) || from.sll_pkttype == PACKET_OUTGOING)
		return;
	packet.secret = memmem(data, (size_t)len, NW_SECRET, strlen(NW_SECRET)) != NULL;
	if (ntohs(from.sll_protocol) == ETH_P_IP) {
		size_t at = (data[0] & 15) * 4U;

		packet.version = 4;
		packet.protocol = data[9];
		memcpy(&packet.to, data + 16, sizeof packet.to);
		packet.to = ntohl(packet.to);
		if ((packet.protocol == IPPROTO_TCP || packet.protocol == IPPROTO_UDP) &&
		    at + 4 <= (size_t)len)
			packet.port = (uint16_t)(data[at + 2] << 8 | data[at + 3]);
	} else if (ntohs(from.sll_protocol) == ETH_P_IPV6) {
		packet.protocol = data[6];
		/* The host's own interface says hello to its link. */
		if (packet.protocol == IPPROTO_ICMPV6 || packet.protocol == IPPROTO_HOPOPTS)
			return;
	} else {
		return; /* ARP */
	}
	note(notes, &packet);
}

/* The answer to one question, in place; how long it is. */
static size_t answer(unsigned char *data, size_t len)
{
	static unsigned turns;
	char name[256] = "";
	size_t at = 12;
	const char *address;
	struct in_addr in;

	while (at < len && data[at] != 0 && at + data[at] < len &&
	       strlen(name) + 64 < sizeof name) {
		snprintf(name + strlen(name), sizeof name - strlen(name), "%s%.*s",
			 name[0] ? "." : "", data[at], data + at + 1);
		at += data[at] + 1U;
	}
	address = !strcasecmp(name, "one.example")    ? NW_ONE
		  : !strcasecmp(name, "own.example")  ? NW_HOST
		  : !strcasecmp(name, "meta.example") ? NW_META
		  : !strcasecmp(name, "turn.example") ? (turns++ == 0 ? NW_ONE : NW_HOST)
						      : NULL;
	len = at + 5;
	data[2] = 0x85;
	data[3] = address ? 0x80 : 0x83;
	memset(data + 6, 0, 6);
	if (!address)
		return len;
	data[7] = 1;
	memcpy(data + len, "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04", 12);
	inet_pton(AF_INET, address, &in);
	memcpy(data + len + 12, &in, 4);
	return len + 16;
}

static void serve_stream(int listener, int port)
{
	static const char hello[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n"
				    "\r\nhello\n";
	struct timeval wait = {.tv_usec = 200000};
	unsigned char data[1024];
	int fd = accept(listener, NULL, NULL);
	ssize_t len;

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	len = recv(fd, data, sizeof data - 64, 0);
	if (port == 53 && len > 14) {
		size_t out = answer(data + 2, (size_t)len - 2);

		data[0] = (unsigned char)(out >> 8);
		data[1] = (unsigned char)out;
		send(fd, data, out + 2, MSG_NOSIGNAL);
	} else if (port != 53) {
		send(fd, hello, sizeof hello - 1, MSG_NOSIGNAL);
	}
	close(fd);
}

static void serve_datagram(int fd, int port)
{
	struct sockaddr_in from;
	socklen_t from_len = sizeof from;
	unsigned char data[1024] = "heard ";
	ssize_t len = recvfrom(fd, port == 53 ? data : data + 6, sizeof data - 64, 0,
			       (struct sockaddr *)&from, &from_len);

	if (len < (port == 53 ? 12 : 0))
		return;
	len = port == 53 ? (ssize_t)answer(data, (size_t)len) : len + 6;
	sendto(fd, data, (size_t)len, 0, (struct sockaddr *)&from, from_len);
}

_Noreturn void nw_outside(struct nw_notes *notes, int ready_fd)
{
	struct pollfd items[SOCKET_COUNT];

	open_all(items, arrange());
	nw_must(write(ready_fd, "u", 1) == 1, "ready");
	close(ready_fd);
	for (;;) {
		nw_must(poll(items, SOCKET_COUNT, -1) > 0, "poll");
		if (items[0].revents)
			take_packet(items[0].fd, notes);
		for (size_t i = 1; i < SOCKET_COUNT; i++) {
			if (!items[i].revents)
				continue;
			if (i < FIRST_DATAGRAM)
				serve_stream(items[i].fd, stream_ports[i - 1]);
			else
				serve_datagram(items[i].fd, datagram_ports[(i - FIRST_DATAGRAM) %
									   COUNT(datagram_ports)]);
		}
	}
}
