/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pid 1 of a guest in which sr-init has to use vsock, as it does under Firecracker, although QEMU has no
 * vsock for it here: takes the five virtio ports for itself, listens on the vsock ports a host would,
 * passes bytes between the two, and executes sr-init. Without another transport the kernel serves a
 * guest's CID 2 by vsock_loopback (af_vsock.c, vsock_use_local_transport).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CLASS	     "/sys/class/virtio-ports"
#define PORT_BASE    5001
#define STREAM_COUNT 5
#define TRIES	     1000
#define STEP_US	     20000
#define CHUNK_SIZE   16384

static const char *const streams[STREAM_COUNT] = {"control", "stdin", "stdout", "stderr",
						  "outputs"};

_Noreturn static void die(const char *what)
{
	fprintf(stderr, "vsock relay: %s: %s\n", what, strerror(errno));
	for (;;)
		pause();
}

static void load_modules(void)
{
	char order[4096] = "", path[256];
	int fd = open("/modules/order", O_RDONLY);
	char *rest = order, *name;

	if (fd < 0 || read(fd, order, sizeof order - 1) < 0)
		die("/modules/order");
	close(fd);
	while ((name = strsep(&rest, "\n")) != NULL && *name != '\0') {
		snprintf(path, sizeof path, "/modules/%s", name);
		fd = open(path, O_RDONLY);
		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST))
			die(path);
		close(fd);
	}
}

static int find_port(const char *stream)
{
	DIR *directory = opendir(CLASS);
	struct dirent *entry;
	int fd = -1;

	while (fd < 0 && directory != NULL && (entry = readdir(directory)) != NULL) {
		char path[512], name[64] = "", wanted[64];
		FILE *file;

		snprintf(path, sizeof path, CLASS "/%s/name", entry->d_name);
		file = fopen(path, "re");
		if (file == NULL)
			continue;
		(void)!fscanf(file, "%63s", name);
		fclose(file);
		snprintf(wanted, sizeof wanted, "org.safe-run.%s", stream);
		snprintf(path, sizeof path, "/dev/%s", entry->d_name);
		if (strcmp(name, wanted) == 0)
			fd = open(path, O_RDWR | O_CLOEXEC);
	}
	if (directory != NULL)
		closedir(directory);
	return fd;
}

/* Nobody else can open it then: virtio_console lets one in. */
static int take_port(const char *stream)
{
	for (int i = 0; i < TRIES; i++, usleep(STEP_US)) {
		int fd = find_port(stream);

		if (fd >= 0)
			return fd;
	}
	die(stream);
}

static int listen_at(unsigned port)
{
	struct sockaddr_vm address = {
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = port};
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
	    listen(fd, 1) < 0)
		die("vsock");
	return fd;
}

_Noreturn static void pass(int from, int to, int is_socket)
{
	static char block[CHUNK_SIZE];
	ssize_t len;

	while ((len = read(from, block, sizeof block)) > 0)
		for (ssize_t at = 0; at < len;) {
			ssize_t sent = write(to, block + at, (size_t)(len - at));

			if (sent <= 0)
				_exit(1);
			at += sent;
		}
	if (is_socket)
		shutdown(to, SHUT_WR);
	_exit(0);
}

static void relay(int listen_fd, int port_fd, const char *stream)
{
	int fd;

	if (fork() != 0)
		return;
	fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		die("accept");
	fprintf(stderr, "vsock relay: %s\n", stream);
	if (fork() == 0)
		pass(fd, port_fd, 0);
	pass(port_fd, fd, 1);
}

/*
 * What befalls a guest that is saved as soon as it is there: its first connection is lost, with no other
 * made yet (stages/init/ports.h).
 */
static void cut_off(int control_fd)
{
	int fd = accept4(control_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		die("accept");
	close(fd);
	fprintf(stderr, "vsock relay: cut off\n");
}

static void be_host(const int port_fds[STREAM_COUNT])
{
	int listen_fds[STREAM_COUNT];

	if (fork() != 0)
		return;
	listen_fds[0] = listen_at(PORT_BASE);
	cut_off(listen_fds[0]);
	for (int i = 1; i < STREAM_COUNT; i++)
		listen_fds[i] = listen_at((unsigned)(PORT_BASE + i));
	for (int i = 0; i < STREAM_COUNT; i++)
		relay(listen_fds[i], port_fds[i], streams[i]);
	_exit(0);
}

int main(void)
{
	static char *const argv[] = {"/sr-init", NULL};
	static char *const no_environment[] = {NULL};
	int port_fds[STREAM_COUNT];

	if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) < 0 ||
	    mount("sysfs", "/sys", "sysfs", 0, NULL) < 0)
		die("mount");
	load_modules();
	for (int i = 0; i < STREAM_COUNT; i++)
		port_fds[i] = take_port(streams[i]);
	be_host(port_fds);
	execve(argv[0], argv, no_environment);
	die("/sr-init");
}
