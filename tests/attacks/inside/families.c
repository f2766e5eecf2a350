/* SPDX-License-Identifier: Apache-2.0 */
/* SC3, NW1: every socket family, on socket and socketpair, with every type. */
#include "tell.h"

#include <sys/socket.h>
#include <unistd.h>

static void attempt(int family, int type)
{
	char name[64];
	int pair[2];
	int fd = socket(family, type, 0);

	snprintf(name, sizeof name, "socket %d %d", family, type);
	if (fd >= 0 || errno != ESOCKTNOSUPPORT)
		tell(name, fd);
	if (fd >= 0)
		close(fd);
	snprintf(name, sizeof name, "socketpair %d %d", family, type);
	int made = socketpair(family, type, 0, pair);
	tell(name, made);
	if (!made) {
		close(pair[0]);
		close(pair[1]);
	}
}

int main(void)
{
	for (int family = 0; family < 64; family++) {
		for (int type = SOCK_STREAM; type <= SOCK_PACKET; type++)
			attempt(family, type);
	}
	return 0;
}
