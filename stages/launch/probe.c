/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MS 1000 /* a refusal comes from this kernel, at once */
#define USR_FILE  "/usr/.safe-run-probe"

const char *probe_name(enum probe_kind kind)
{
	switch (kind) {
	case PROBE_READ_SHADOW:
		return "readShadow";
	case PROBE_CONNECT:
		return "connect";
	case PROBE_USER_NAMESPACE:
		return "userNamespace";
	case PROBE_WRITE_USR:
		return "writeUsr";
	case PROBE_COUNT:
		break;
	}
	return "";
}

static int try_shadow(void)
{
	int fd = open("/etc/shadow", O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

/* Of a connection under way: its error, or 0 when it waits for an answer from outside. */
static int outcome(int fd)
{
	struct pollfd item = {.fd = fd, .events = POLLOUT};
	int error_number = 0;
	socklen_t len = sizeof error_number;

	if (poll(&item, 1, ANSWER_MS) != 1 ||
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error_number, &len) < 0)
		return 0;
	return error_number;
}

/*
 * To PROBE_HOST: without a route it fails at once, and at an allowlist
 * with a reset. Else EINPROGRESS means that a packet is on its way.
 */
static int try_connect(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(PROBE_HOST_U32)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error_number = 0;

	if (fd < 0)
		return errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		error_number = errno == EINPROGRESS ? outcome(fd) : errno;
	(void)close(fd);
	return error_number;
}

static int try_user_namespace(void)
{
	return unshare(CLONE_NEWUSER) < 0 ? errno : 0;
}

static int try_write(void)
{
	int fd = open(USR_FILE, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);

	if (fd < 0)
		return errno;
	(void)close(fd);
	(void)unlink(USR_FILE);
	return 0;
}

int probe_try(enum probe_kind kind, uint16_t port)
{
	switch (kind) {
	case PROBE_READ_SHADOW:
		return try_shadow();
	case PROBE_CONNECT:
		return try_connect(port);
	case PROBE_USER_NAMESPACE:
		return try_user_namespace();
	case PROBE_WRITE_USR:
		return try_write();
	case PROBE_COUNT:
		break;
	}
	return 0;
}
