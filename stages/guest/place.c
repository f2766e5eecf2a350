/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/guest/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define VSOCK_BASE 5001

static const char *const names[PLACE_COUNT] = {"control", "stdin", "stdout", "stderr", "outputs"};

const char *place_name(enum place_stream stream)
{
	return names[stream];
}

static int listen_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error_number;

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", name);
	if (fd < 0)
		return -1;
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 1) == 0)
		return fd;
	error_number = errno;
	(void)close(fd);
	errno = error_number;
	return -1;
}

/* bind(2) takes a path and no directory: so we go there, and stage_main goes to "/" afterwards. */
int place_listen(struct place *place, int directory_fd, bool firecracker)
{
	if (fchdir(directory_fd) < 0)
		return -1;
	for (unsigned stream = 0; stream < PLACE_COUNT; stream++) {
		char name[32];

		if (firecracker)
			(void)snprintf(name, sizeof name, "vsock.sock_%u", VSOCK_BASE + stream);
		else
			(void)snprintf(name, sizeof name, "%s", names[stream]);
		place->connections[stream] = -1;
		place->listeners[stream] = listen_at(name);
		if (place->listeners[stream] < 0)
			return -1;
	}
	return 0;
}

void place_accept(struct place *place, enum place_stream stream)
{
	int fd = accept4(place->listeners[stream], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	place->connections[stream] = fd;
}

void place_seal(struct place *place)
{
	for (unsigned stream = 0; stream < PLACE_COUNT; stream++) {
		if (place->listeners[stream] < 0 || place->connections[stream] < 0)
			continue;
		(void)close(place->listeners[stream]);
		place->listeners[stream] = -1;
	}
}
