/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NW1, NW4: connect to what the host listens on.
 *
 *     reach abstract NAME | path PATH | tcp ADDRESS PORT | udp ADDRESS PORT
 */
#include "tell.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static long reach_unix(const char *name, int abstract)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(name);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || len >= sizeof address.sun_path - 1)
		return -1;
	memcpy(address.sun_path + abstract, name, len);
	return connect(
		fd, (struct sockaddr *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)abstract + len));
}

static long reach_inet(const char *address, const char *port, int type)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	int fd = socket(AF_INET, type, 0);

	if (fd < 0)
		return -1;
	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		abort();
	if (connect(fd, (struct sockaddr *)&to, sizeof to))
		return -1;
	/* A datagram socket connects to anywhere it has a route to; sending is the proof. */
	return type == SOCK_DGRAM ? send(fd, "x", 1, 0) : 0;
}

int main(int argc, char **argv)
{
	long result;

	if (argc == 3 && !strcmp(argv[1], "abstract"))
		result = reach_unix(argv[2], 1);
	else if (argc == 3 && !strcmp(argv[1], "path"))
		result = reach_unix(argv[2], 0);
	else if (argc == 4 && !strcmp(argv[1], "tcp"))
		result = reach_inet(argv[2], argv[3], SOCK_STREAM);
	else if (argc == 4 && !strcmp(argv[1], "udp"))
		result = reach_inet(argv[2], argv[3], SOCK_DGRAM);
	else
		return fprintf(stderr, "usage: reach KIND WHERE\n"), 2;
	tell(argv[1], result);
	return 0;
}
