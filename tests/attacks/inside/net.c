/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NW2, NW5 to NW7: attempts at a network, each "KIND:ADDRESS:PORT"; the answer is one line with the
 * attempt, "ok" or the error, and in a second line "ms KIND:ADDRESS:PORT N" how long it took.
 *
 *     net tcp:192.0.2.1:80 udp:192.0.2.1:53 ping:192.0.2.1:0 raw:192.0.2.1:0 packet:-:0
 *         tcp6:2001:db8::1:80 name:a.example:0 dns:192.0.2.53:53 dnstcp:192.0.2.53:53 gateway:-:80
 *         listen:0.0.0.0:8080
 */
#include "tell.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 5000

/* TXT nw-secret.<63 letters>.evil.example: what a leak over names looks like. */
static const unsigned char question[] =
	"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
	"\x09nw-secret\x3f"
	"abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0\x04"
	"evil\x07"
	"example\x00\x00\x10\x00\x01";

struct attempt {
	char kind[16], address[64];
	int port;
};

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void bound(int fd)
{
	struct timeval wait = {.tv_sec = WAIT_MS / 1000};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
}

static int open_to(const struct attempt *attempt, int type, int protocol)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)attempt->port)};
	int fd = socket(AF_INET, type, protocol);

	if (fd < 0 || inet_pton(AF_INET, attempt->address, &to.sin_addr) != 1)
		return -1;
	bound(fd);
	return connect(fd, (struct sockaddr *)&to, sizeof to) < 0 ? -1 : fd;
}

/* Sent and answered, or refused. */
static long converse(int fd, const void *data, size_t len)
{
	char answer[2048];

	if (fd < 0 || send(fd, data, len, MSG_NOSIGNAL) < 0)
		return -1;
	return recv(fd, answer, sizeof answer, 0) > 0 ? 0 : -1;
}

static long try_ping(const struct attempt *attempt, int type)
{
	struct icmphdr echo = {.type = ICMP_ECHO};

	return converse(open_to(attempt, type, IPPROTO_ICMP), &echo, sizeof echo);
}

static long try_tcp6(const struct attempt *attempt)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6,
				  .sin6_port = htons((uint16_t)attempt->port)};
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	if (fd < 0 || inet_pton(AF_INET6, attempt->address, &to.sin6_addr) != 1)
		return -1;
	bound(fd);
	return connect(fd, (struct sockaddr *)&to, sizeof to);
}

static long try_dns_tcp(const struct attempt *attempt)
{
	unsigned char framed[2 + sizeof question - 1] = {0, sizeof question - 1};

	memcpy(framed + 2, question, sizeof question - 1);
	return converse(open_to(attempt, SOCK_STREAM, 0), framed, sizeof framed);
}

static long try_name(const struct attempt *attempt)
{
	struct addrinfo hint = {.ai_family = AF_UNSPEC}, *found = NULL;
	int error = getaddrinfo(attempt->address, NULL, &hint, &found);

	if (error == 0) {
		char text[INET6_ADDRSTRLEN] = "";

		getnameinfo(found->ai_addr, found->ai_addrlen, text, sizeof text, NULL, 0,
			    NI_NUMERICHOST);
		printf("is %s %s\n", attempt->address, text);
		return 0;
	}
	errno = ENOENT;
	return -1;
}

/* The other end of the way out: our own address with the last bit turned. */
static long try_gateway(struct attempt *attempt)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(9)};
	socklen_t len = sizeof own;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	inet_pton(AF_INET, "203.0.113.10", &own.sin_addr);
	if (fd < 0 || connect(fd, (struct sockaddr *)&own, sizeof own) < 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &len) < 0)
		return -1;
	own.sin_addr.s_addr ^= htonl(1);
	inet_ntop(AF_INET, &own.sin_addr, attempt->address, sizeof attempt->address);
	return open_to(attempt, SOCK_STREAM, 0) < 0 ? -1 : 0;
}

/* Whether somebody comes within the time. */
static long try_listen(const struct attempt *attempt)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)attempt->port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 4) < 0)
		return -1;
	bound(fd);
	return accept(fd, NULL, NULL);
}

static long try(struct attempt *attempt)
{
	const char *kind = attempt->kind;

	if (!strcmp(kind, "tcp"))
		return open_to(attempt, SOCK_STREAM, 0) < 0 ? -1 : 0;
	if (!strcmp(kind, "udp"))
		return converse(open_to(attempt, SOCK_DGRAM, 0), "nw-secret", 9);
	if (!strcmp(kind, "ping"))
		return try_ping(attempt, SOCK_DGRAM);
	if (!strcmp(kind, "raw"))
		return try_ping(attempt, SOCK_RAW);
	if (!strcmp(kind, "packet"))
		return socket(AF_PACKET, SOCK_RAW, htons(3));
	if (!strcmp(kind, "tcp6"))
		return try_tcp6(attempt);
	if (!strcmp(kind, "dns"))
		return converse(open_to(attempt, SOCK_DGRAM, 0), question, sizeof question - 1);
	if (!strcmp(kind, "dnstcp"))
		return try_dns_tcp(attempt);
	if (!strcmp(kind, "name"))
		return try_name(attempt);
	if (!strcmp(kind, "listen"))
		return try_listen(attempt);
	if (!strcmp(kind, "gateway"))
		return try_gateway(attempt);
	abort();
}

/* "KIND:ADDRESS:PORT"; an address of IPv6 has colons of its own. */
static int parse(const char *text, struct attempt *attempt)
{
	const char *first = strchr(text, ':'), *last = strrchr(text, ':');

	if (!first || last == first || (size_t)(first - text) >= sizeof attempt->kind ||
	    (size_t)(last - first) > sizeof attempt->address)
		return -1;
	memset(attempt, 0, sizeof *attempt);
	memcpy(attempt->kind, text, (size_t)(first - text));
	memcpy(attempt->address, first + 1, (size_t)(last - first - 1));
	attempt->port = atoi(last + 1);
	return 0;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct attempt attempt;
		long long began;
		char name[128];

		if (parse(argv[i], &attempt) < 0)
			return fprintf(stderr, "usage: net KIND:ADDRESS:PORT...\n"), 2;
		began = now_ms();
		tell(argv[i], try(&attempt));
		snprintf(name, sizeof name, "ms %s", argv[i]);
		tell_number(name, now_ms() - began);
	}
	return 0;
}
