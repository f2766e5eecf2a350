/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FS10: leave something where another run could find it, or look for it.
 *
 *     between hold DIR    make everything, say "held", stay
 *     between look DIR    try to find each: "NAME ok" is a bit that came across
 *
 * DIR is a directory both were given; DIR/lock is a file in it.
 *
 *     between files-hold PATH...    lock and watch each, say "held", then "noticed" for each event
 *     between files-look PATH...    look for each lock, and open each: "WAY:PATH ok" came across
 */
#include "tell.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define KEY  0x5afe4a11
#define NAME "safe-run-between"
#define PORT 45110

static int unix_socket(struct sockaddr_un *address, socklen_t *len)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path + 1, NAME, sizeof NAME - 1);
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof NAME);
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long hold_unix(void)
{
	struct sockaddr_un address;
	socklen_t len;
	int fd = unix_socket(&address, &len);

	return bind(fd, (struct sockaddr *)&address, len) || listen(fd, 1) ? -1 : 0;
}

static long look_unix(void)
{
	struct sockaddr_un address;
	socklen_t len;
	int fd = unix_socket(&address, &len);

	return connect(fd, (struct sockaddr *)&address, len);
}

static long hold_tcp(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 1) ? -1 : 0;
}

static long look_tcp(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&at, sizeof at);
}

/* One family, whichever namespace: CID 1 is this machine (vsock(7)). */
static long vsock(int looks)
{
	struct sockaddr_vm at = {.svm_family = AF_VSOCK,
				 .svm_port = PORT,
				 .svm_cid = looks ? VMADDR_CID_LOCAL : VMADDR_CID_ANY};
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (fd < 0)
		return -1;
	if (looks)
		return connect(fd, (struct sockaddr *)&at, sizeof at);
	return bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 1) ? -1 : 0;
}

static long hold_vsock(void)
{
	return vsock(0);
}

static long look_vsock(void)
{
	return vsock(1);
}

static long hold_sysv_shm(void)
{
	return shmget(KEY, 4096, IPC_CREAT | 0666);
}

static long look_sysv_shm(void)
{
	return shmget(KEY, 4096, 0);
}

static long hold_sysv_sem(void)
{
	return semget(KEY, 1, IPC_CREAT | 0666);
}

static long look_sysv_sem(void)
{
	return semget(KEY, 1, 0);
}

static long hold_posix_shm(void)
{
	return open("/dev/shm/" NAME, O_RDWR | O_CREAT, 0666);
}

static long look_posix_shm(void)
{
	return open("/dev/shm/" NAME, O_RDONLY);
}

static long hold_tmp(void)
{
	return open("/tmp/" NAME, O_RDWR | O_CREAT, 0666);
}

static long look_tmp(void)
{
	return open("/tmp/" NAME, O_RDONLY);
}

/* The keyring of a uid outlives and crosses processes; the values are those of keyctl(2). */
static long hold_key(void)
{
	return syscall(SYS_add_key, "user", NAME, "x", 1L, -4L /* KEY_SPEC_USER_KEYRING */);
}

static long look_key(void)
{
	return syscall(SYS_keyctl, 10L /* KEYCTL_SEARCH */, -4L, "user", NAME, 0L);
}

static long hold_queue(void)
{
	return syscall(SYS_mq_open, NAME, (long)(O_RDWR | O_CREAT), 0666L, NULL);
}

static long look_queue(void)
{
	return syscall(SYS_mq_open, NAME, (long)O_RDONLY, 0L, NULL);
}

static int shared_fd = -1;

static long hold_flock(void)
{
	return flock(shared_fd, LOCK_EX | LOCK_NB);
}

/* The bit comes across as a refusal to share. */
static long look_flock(void)
{
	return flock(shared_fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK ? 0 : -1;
}

static long hold_record(void)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 1};

	return fcntl(shared_fd, F_SETLK, &lock);
}

static long look_record(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};

	if (fcntl(shared_fd, F_GETLK, &lock))
		return -1;
	return lock.l_type == F_UNLCK ? (errno = ENOLCK, -1) : 0;
}

/* Whoever watches learns that somebody opened; that one may watch at all is enough. */
static long look_watch(void)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", shared_fd);
	return inotify_add_watch(inotify_init(), path, IN_OPEN | IN_ACCESS);
}

/* Two bytes, one for each kind of owner: they would conflict with each other. */
static long lock_range(int fd, int command, short type, off_t start)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = 1};

	return fcntl(fd, command, &lock);
}

static long look_range(int fd, int command, off_t start)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = 1};

	if (fcntl(fd, command, &lock))
		return -1;
	return lock.l_type == F_UNLCK ? (errno = ENOLCK, -1) : 0;
}

static void tell_path(const char *way, const char *path, long result)
{
	char name[4200];

	snprintf(name, sizeof name, "%s:%s", way, path);
	tell(name, result);
}

/* Whoever else has it open or leased is in the way of a lease for writing; owners only. */
static void look_lease(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	long result = fcntl(fd, F_SETLEASE, F_WRLCK);

	if (result < 0)
		result = errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
	else
		result = (errno = ENOLCK, -1);
	tell_path("lease", path, result);
	close(fd);
}

static int files_look(char **paths)
{
	for (; *paths; paths++) {
		look_lease(*paths);
		int fd = open(*paths, O_RDONLY | O_NONBLOCK);

		tell_path("open", *paths, fd);
		tell_path("flock", *paths,
			  flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK ? 0 : -1);
		tell_path("record", *paths, look_range(fd, F_GETLK, 0));
		tell_path("ofd", *paths, look_range(fd, F_OFD_GETLK, 8));
		close(fd);
	}
	return 0;
}

static int files_hold(char **paths)
{
	int watch = inotify_init();
	char events[4096];

	for (; *paths; paths++) {
		int fd = open(*paths, O_RDONLY | O_NONBLOCK);

		tell_path("flock", *paths, flock(fd, LOCK_EX | LOCK_NB));
		tell_path("record", *paths, lock_range(fd, F_SETLK, F_RDLCK, 0));
		tell_path("ofd", *paths, lock_range(fd, F_OFD_SETLK, F_RDLCK, 8));
		tell_path("lease", *paths, fcntl(fd, F_SETLEASE, F_RDLCK));
		tell_path("watch", *paths,
			  inotify_add_watch(watch, *paths, IN_OPEN | IN_ACCESS | IN_CLOSE));
	}
	tell("held", 0);
	while (read(watch, events, sizeof events) > 0)
		tell("noticed", 0);
	return 0;
}

static long hold_nothing(void)
{
	return 0;
}

static const struct {
	const char *name;
	long (*hold)(void);
	long (*look)(void);
} ways[] = {
	{"unix", hold_unix, look_unix},
	{"tcp", hold_tcp, look_tcp},
	{"vsock", hold_vsock, look_vsock},
	{"sysv-shm", hold_sysv_shm, look_sysv_shm},
	{"sysv-sem", hold_sysv_sem, look_sysv_sem},
	{"posix-shm", hold_posix_shm, look_posix_shm},
	{"tmp", hold_tmp, look_tmp},
	{"key", hold_key, look_key},
	{"queue", hold_queue, look_queue},
	{"flock", hold_flock, look_flock},
	{"record-lock", hold_record, look_record},
	{"watch", hold_nothing, look_watch},
};

int main(int argc, char **argv)
{
	int holds = argc == 3 && !strcmp(argv[1], "hold");
	char path[4096];

	if (argc > 2 && !strcmp(argv[1], "files-hold"))
		return files_hold(argv + 2);
	if (argc > 2 && !strcmp(argv[1], "files-look"))
		return files_look(argv + 2);
	if (argc != 3 || (!holds && strcmp(argv[1], "look") != 0))
		return fprintf(stderr, "usage: between hold|look DIR\n"), 2;
	snprintf(path, sizeof path, "%s/lock", argv[2]);
	shared_fd = open(path, O_RDONLY);
	tell("shared", shared_fd);
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		tell(ways[i].name, holds ? ways[i].hold() : ways[i].look());
	if (!holds)
		return 0;
	tell("held", 0);
	for (;;)
		pause();
}
