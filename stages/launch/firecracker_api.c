/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/launch/firecracker_api.h"

#include "ipc/canon.h"
#include "ipc/event.h"
#include "ipc/object.h"
#include "ipc/record.h"
#include "stages/launch/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CODE	   FAULT_RUN_LAUNCH
#define PATH	   "launch.machine.api"
#define SOCKET	   "api.sock"
#define NS_PER_MS  1000000ULL
#define ANSWER_NS  (60000 * NS_PER_MS) /* a snapshot writes memory to the disk first */
#define SOCKET_NS  (10000 * NS_PER_MS)
#define STEP_NS	   2000000L
#define BODY_SIZE  4096
#define GOOD	   "HTTP/1.1 204"
#define SAID_SIZE  400
#define HEAD_SIZE  256
#define LINK_SIZE  32
#define STATUS_LEN (sizeof GOOD - 1)

/*
 * The directory is the machine's, so what has this name there is looked at before root connects to it: a
 * socket of that user's, not a link to somebody else's. Nobody waits for one that accepts no connection
 * (EAGAIN), and what is said is less than a socket holds.
 */
static int connect_api(const struct launch *launch)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int path_fd = openat(launch->machine->sockets_fd, SOCKET, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat info;
	int fd = -1;

	if (path_fd < 0)
		return -1;
	(void)snprintf(address.sun_path, LINK_SIZE, "/proc/self/fd/%d", path_fd);
	errno = EPERM;
	if (fstat(path_fd, &info) == 0 && S_ISSOCK(info.st_mode) &&
	    info.st_uid == launch->plan->uid)
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
		int error_number = errno;

		(void)close(fd);
		errno = error_number;
		fd = -1;
	}
	(void)close(path_fd);
	return fd;
}

enum fault_code firecracker_await_api(const struct launch *launch, struct fault *fault)
{
	const struct timespec step = {.tv_nsec = STEP_NS};
	uint64_t end_ns = event_boot_ns() + SOCKET_NS;
	struct pollfd item = {.fd = launch->init_fd, .events = POLLIN};

	while (event_boot_ns() < end_ns) {
		int fd = connect_api(launch);

		if (fd >= 0) {
			(void)close(fd);
			return FAULT_NONE;
		}
		if (poll(&item, 1, 0) > 0)
			break;
		(void)nanosleep(&step, NULL);
	}
	return fault_set(fault, CODE, PATH, "Firecracker does not answer");
}

/* Status line and the start of what comes behind it: said is NUL-terminated. */
static bool read_answer(int fd, char said[SAID_SIZE])
{
	struct pollfd item = {.fd = fd, .events = POLLIN};
	uint64_t end_ns = event_boot_ns() + ANSWER_NS;
	size_t len = 0;

	while (len < STATUS_LEN) {
		uint64_t now_ns = event_boot_ns();
		ssize_t got;

		if (now_ns >= end_ns ||
		    poll(&item, 1, (int)((end_ns - now_ns) / NS_PER_MS) + 1) <= 0)
			break;
		got = read(fd, said + len, SAID_SIZE - 1 - len);
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	said[len] = '\0';
	return len >= STATUS_LEN && memcmp(said, GOOD, STATUS_LEN) == 0;
}

static bool send_request(int fd, const char *method, const char *path, const struct buf *body)
{
	char head[HEAD_SIZE];
	int len = snprintf(head, sizeof head,
			   "%s %s HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n"
			   "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
			   method, path, body->len);

	return len < (int)sizeof head && record_write_all(fd, head, (size_t)len) == 0 &&
	       record_write_all(fd, body->data, body->len) == 0;
}

enum fault_code firecracker_call(const struct launch *launch, const char *method, const char *path,
				 struct json_object *body, struct fault *fault)
{
	struct json_object *owned OBJECT_CLEANUP = body;
	struct buf text BUF_CLEANUP;
	char said[SAID_SIZE] = "";
	enum fault_code code;
	bool done;
	int fd;

	buf_init(&text, BODY_SIZE);
	code = canon_write(owned, &text, CODE, fault);
	if (code != FAULT_NONE)
		return code;
	fd = connect_api(launch);
	if (fd < 0)
		return fault_set_errno(fault, CODE, errno, PATH, "cannot connect to Firecracker");
	done = send_request(fd, method, path, &text) && read_answer(fd, said);
	(void)close(fd);
	if (done)
		return FAULT_NONE;
	return fault_set(fault, CODE, PATH, "Firecracker answers %s %s with: %.300s", method, path,
			 said[0] != '\0' ? said : "nothing");
}
