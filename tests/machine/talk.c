/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk WHAT ADDRESS PORT...: one attempt to reach something for each three arguments, and a line that
 * says how it went: "open", the answer, or the error's name. WHAT is tcp, udp, name (ADDRESS is a
 * host's name), get (HTTP, by name or number), six (TCP over IPv6), abstract (ADDRESS is a unix
 * socket's name), raw (an ICMP echo), packet (a frame), many (PORT
 * datagrams to as many ports), listen (PORT, and whether somebody comes).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netdb.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WAIT_MS 20000 /* a guest without KVM is slow; what is refused answers at once */

static const char *error(void)
{
	return strerrorname_np(errno);
}

static const char *wait_for(int fd, short events)
{
	struct pollfd item = {.fd = fd, .events = events};
	int code = 0;
	socklen_t len = sizeof code;

	if (poll(&item, 1, WAIT_MS) != 1)
		return "timeout";
	(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len);
	errno = code;
	return code != 0 ? error() : NULL;
}

static const char *attempt(int fd, const void *address, socklen_t len)
{
	if (fd < 0)
		return error();
	if (connect(fd, address, len) == 0)
		return NULL;
	return errno == EINPROGRESS ? wait_for(fd, POLLOUT) : error();
}

static struct sockaddr_in place(const char *address, const char *port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};

	(void)inet_pton(AF_INET, address, &in.sin_addr);
	return in;
}

static const char *tcp(const char *address, const char *port)
{
	struct sockaddr_in in = place(address, port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	const char *bad = attempt(fd, &in, sizeof in);

	(void)close(fd);
	return bad != NULL ? bad : "open";
}

static const char *udp(const char *address, const char *port)
{
	static char answer[100];
	struct sockaddr_in in = place(address, port);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	const char *bad = attempt(fd, &in, sizeof in);
	ssize_t len;

	if (bad == NULL && send(fd, "me", 2, 0) != 2)
		bad = error();
	if (bad == NULL)
		bad = wait_for(fd, POLLIN);
	if (bad == NULL) {
		len = recv(fd, answer, sizeof answer - 1, 0);
		answer[len > 0 ? len : 0] = '\0';
		bad = len < 0 ? error() : answer;
	}
	(void)close(fd);
	return bad;
}

static const char *name(const char *host, const char *port)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
	char address[64] = "";
	int code = getaddrinfo(host, port, &hints, &found);

	if (code != 0)
		return gai_strerror(code);
	(void)getnameinfo(found->ai_addr, found->ai_addrlen, address, sizeof address, NULL, 0,
			  NI_NUMERICHOST);
	return tcp(address, port);
}

static const char *get(const char *host, const char *port)
{
	static char answer[4096];
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;
	int code = getaddrinfo(host, port, &hints, &found), fd;
	char request[256];
	size_t len = 0;
	ssize_t got;

	if (code != 0)
		return gai_strerror(code);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, found->ai_addr, found->ai_addrlen) < 0)
		return error();
	snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
		 host);
	(void)!write(fd, request, strlen(request));
	while ((got = read(fd, answer + len, sizeof answer - 1 - len)) > 0)
		len += (size_t)got;
	if (got < 0)
		return error();
	answer[len] = '\0';
	(void)close(fd);
	return strstr(answer, "\r\n\r\n") != NULL ? strtok(strstr(answer, "\r\n\r\n") + 4, "\n")
						  : "no answer";
}

static const char *six(const char *address, const char *port)
{
	struct sockaddr_in6 in = {.sin6_family = AF_INET6,
				  .sin6_port = htons((uint16_t)atoi(port))};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
	const char *bad;

	(void)inet_pton(AF_INET6, address, &in.sin6_addr);
	bad = attempt(fd, &in, sizeof in);
	return bad != NULL ? bad : "open";
}

static const char *abstract(const char *socket_name)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	const char *bad;

	/* Its first byte is a NUL: no file (unix(7)). */
	snprintf(un.sun_path + 1, sizeof un.sun_path - 1, "%s", socket_name);
	bad = attempt(
		fd, &un,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(socket_name)));
	return bad != NULL ? bad : "open";
}

static const char *made(int fd)
{
	return fd < 0 ? error() : "made";
}

static const char *many(const char *address, const char *count)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), sent = 0;
	static char text[32];

	for (int i = 1; i <= atoi(count); i++) {
		char port[16];
		struct sockaddr_in in;

		snprintf(port, sizeof port, "%d", i);
		in = place(address, port);
		/* What came back for an earlier one is told here. */
		for (int k = 0; k < 5; k++)
			if (sendto(fd, "x", 1, 0, (struct sockaddr *)&in, sizeof in) == 1) {
				sent++;
				break;
			}
	}
	snprintf(text, sizeof text, "%d", sent);
	return text;
}

static const char *hear(const char *address, const char *port)
{
	struct sockaddr_in in = place("0.0.0.0", port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct pollfd item = {.fd = fd, .events = POLLIN};

	(void)address;
	if (bind(fd, (struct sockaddr *)&in, sizeof in) < 0 || listen(fd, 5) < 0)
		return error();
	printf("listens\n");
	fflush(stdout);
	return poll(&item, 1, WAIT_MS) == 0 ? "nobody came" : "somebody came";
}

static const char *talk(const char *what, const char *address, const char *port)
{
	if (strcmp(what, "tcp") == 0)
		return tcp(address, port);
	if (strcmp(what, "udp") == 0)
		return udp(address, port);
	if (strcmp(what, "name") == 0)
		return name(address, port);
	if (strcmp(what, "get") == 0)
		return get(address, port);
	if (strcmp(what, "six") == 0)
		return six(address, port);
	if (strcmp(what, "abstract") == 0)
		return abstract(address);
	if (strcmp(what, "raw") == 0)
		return made(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	if (strcmp(what, "packet") == 0)
		return made(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
	if (strcmp(what, "ping") == 0)
		return made(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
	if (strcmp(what, "many") == 0)
		return many(address, port);
	return strcmp(what, "listen") == 0 ? hear(address, port) : "unknown";
}

int main(int argc, char **argv)
{
	for (int i = 1; i + 2 < argc; i += 3) {
		printf("%s %s %s: ", argv[i], argv[i + 1], argv[i + 2]);
		printf("%s\n", talk(argv[i], argv[i + 1], argv[i + 2]));
		fflush(stdout);
	}
	return 0;
}
