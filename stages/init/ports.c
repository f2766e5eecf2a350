/* SPDX-License-Identifier: Apache-2.0 */
#include "stages/init/ports.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CODE	   FAULT_RUN_LAUNCH
#define PATH	   "init.ports"
#define CLASS	   "/sys/class/virtio-ports"
#define PREFIX	   "org.safe-run."
#define VSOCK_BASE 5001
#define WAIT_STEPS 2000
#define STEP_NS	   10000000L

static const char *const names[PORT_COUNT] = {"control", "stdin", "stdout", "stderr", "outputs"};

/* Devices appear when the kernel has found them, and nothing tells a process without netlink. */
static void wait_a_step(void)
{
	const struct timespec step = {.tv_nsec = STEP_NS};

	(void)nanosleep(&step, NULL);
}

/* Which stream a port of the class is; PORT_COUNT: none of ours. */
static enum port identify(const char *device)
{
	char path[sizeof CLASS + 300], name[64] = "";
	int fd;
	ssize_t len;

	(void)snprintf(path, sizeof path, CLASS "/%.200s/name", device);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, name, sizeof name - 1);
	if (fd >= 0)
		(void)close(fd);
	name[len > 0 ? len : 0] = '\0';
	name[strcspn(name, "\n")] = '\0';
	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return PORT_COUNT;
	for (enum port port = PORT_CONTROL; port < PORT_COUNT; port++)
		if (strcmp(name + strlen(PREFIX), names[port]) == 0)
			return port;
	return PORT_COUNT;
}

static void open_found(int fds[PORT_COUNT])
{
	DIR *dir = opendir(CLASS);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		enum port port = identify(entry->d_name);
		char path[300];

		if (port == PORT_COUNT || fds[port] >= 0)
			continue;
		(void)snprintf(path, sizeof path, "/dev/%.200s", entry->d_name);
		fds[port] = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

/* Of a vsock connection whose other side closed it poll(2) says POLLRDHUP, and only when it is asked. */
#define GONE (POLLHUP | POLLERR | POLLRDHUP)

/* A machine that was saved and started again has lost its connections: VIRTIO_VSOCK_EVENT_TRANSPORT_RESET. */
static void drop_lost(int fds[PORT_COUNT])
{
	for (unsigned port = 0; port < PORT_COUNT; port++) {
		struct pollfd item = {.fd = fds[port], .events = POLLRDHUP};

		if (fds[port] < 0 || poll(&item, 1, 0) <= 0)
			continue;
		(void)close(fds[port]);
		fds[port] = -1;
	}
}

static void connect_missing(int fds[PORT_COUNT])
{
	for (unsigned port = 0; port < PORT_COUNT; port++) {
		struct sockaddr_vm address = {.svm_family = AF_VSOCK,
					      .svm_cid = VMADDR_CID_HOST,
					      .svm_port = VSOCK_BASE + port};
		int fd;

		if (fds[port] >= 0)
			continue;
		fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 &&
		    connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
		    fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
			fds[port] = fd;
		else if (fd >= 0)
			(void)close(fd);
	}
}

/* A port whose other side is not connected yet reads as ended (virtio_console.c): POLLHUP. */
static bool all_there(const int fds[PORT_COUNT])
{
	for (unsigned port = 0; port < PORT_COUNT; port++) {
		struct pollfd item = {.fd = fds[port], .events = POLLRDHUP};

		if (fds[port] < 0 || poll(&item, 1, 0) < 0 || (item.revents & GONE) != 0)
			return false;
	}
	return true;
}

enum fault_code ports_open(int fds[PORT_COUNT], struct fault *fault)
{
	bool vsock = false;

	for (unsigned port = 0; port < PORT_COUNT; port++)
		fds[port] = -1;
	for (int i = 0; i < WAIT_STEPS; i++) {
		if (!vsock)
			open_found(fds);
		else
			drop_lost(fds);
		if (vsock || fds[PORT_CONTROL] < 0) {
			connect_missing(fds);
			vsock |= fds[PORT_CONTROL] >= 0;
		}
		if (all_there(fds))
			return FAULT_NONE;
		wait_a_step();
	}
	return fault_set(fault, CODE, PATH, "the host's streams did not appear within 20 s");
}
