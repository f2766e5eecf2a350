/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#define USR_FILE "/usr/.safe-run-probe"

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

/*
 * To 192.0.2.1, which is nobody's (RFC 5737): without a route it fails at once. EINPROGRESS would
 * mean that a packet is on its way.
 */
static int try_connect(void)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(0xC0000201U)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error_number = 0;

	if (fd < 0)
		return errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)
		error_number = errno;
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

int probe_try(enum probe_kind kind)
{
	switch (kind) {
	case PROBE_READ_SHADOW:
		return try_shadow();
	case PROBE_CONNECT:
		return try_connect();
	case PROBE_USER_NAMESPACE:
		return try_user_namespace();
	case PROBE_WRITE_USR:
		return try_write();
	case PROBE_COUNT:
		break;
	}
	return 0;
}
