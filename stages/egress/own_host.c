/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/egress/own_host.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANY_PORT 9 /* discard; connect(2) of a datagram socket sends nothing */

bool own_host_has(uint32_t address)
{
	struct sockaddr_in peer = {.sin_family = AF_INET,
				   .sin_port = htons(ANY_PORT),
				   .sin_addr.s_addr = htonl(address)};
	struct sockaddr_in source = {.sin_family = AF_INET};
	socklen_t len = sizeof source;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool own = true;

	if (fd < 0)
		return true;
	if (connect(fd, (const struct sockaddr *)&peer, sizeof peer) < 0)
		own = errno != ENETUNREACH && errno != EHOSTUNREACH;
	else if (getsockname(fd, (struct sockaddr *)&source, &len) == 0)
		own = source.sin_addr.s_addr == peer.sin_addr.s_addr;
	(void)close(fd);
	return own;
}
