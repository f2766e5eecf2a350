/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of a connection, for what a network costs (tests/bench/run):
 *
 *     wire serve PORT                       until it is killed; says "ready"
 *     wire hold PORT                        the same, and looks for who came every 50 ms: whoever
 *                                           connects wakes nobody up
 *     wire connect ADDRESS PORT COUNT       COUNT connections one after another: the median of what
 *                                           connect(2) took in the second half of them, in
 *                                           microseconds; the first find nothing in any cache
 *     wire send ADDRESS PORT MIB            so much over one connection: MiB a second
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BLOCK ((size_t)1 << 20)
#define QUEUE 4096 /* net.core.somaxconn's default: more come at once than are waited for */

static char block[BLOCK];

static void must(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* Reads to the end of file, then says one byte. */
static void drain(int fd)
{
	while (read(fd, block, sizeof block) > 0)
		;
	(void)!write(fd, ".", 1);
}

static int listen_at(int port, int flags)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | flags, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	must(bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, QUEUE) == 0, "listen");
	puts("ready");
	fflush(stdout);
	return fd;
}

_Noreturn static void serve(int port)
{
	int fd = listen_at(port, 0);

	for (;;) {
		int peer = accept(fd, NULL, NULL);

		must(peer >= 0, "accept");
		drain(peer);
		close(peer);
	}
}

_Noreturn static void hold(int port)
{
	const struct timespec pause = {.tv_nsec = 50000000};
	int fd = listen_at(port, SOCK_NONBLOCK);

	for (;;) {
		int peer = accept(fd, NULL, NULL);

		must(peer >= 0 || errno == EAGAIN, "accept");
		if (peer >= 0)
			close(peer);
		else
			nanosleep(&pause, NULL);
	}
}

/* *took: microseconds of connect(2) alone. */
static int reach(const struct sockaddr_in *to, double *took)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	double began = now_us();

	must(fd >= 0 && connect(fd, (const struct sockaddr *)to, sizeof *to) == 0, "connect");
	*took = now_us() - began;
	return fd;
}

static int by_size(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

/* Nothing of a connection is left, at either end or between them, when the next is made. */
static void reset(int fd)
{
	const struct linger at_once = {.l_onoff = 1};

	must(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0, "reset");
	close(fd);
}

static int connects(const struct sockaddr_in *to, unsigned long count)
{
	double *took = calloc(count, sizeof *took);

	must(took != NULL && count > 0, "count");
	for (unsigned long i = 0; i < count; i++)
		reset(reach(to, &took[i]));
	qsort(took + count / 2, count - count / 2, sizeof *took, by_size);
	printf("%.3f\n", took[count / 2 + (count - count / 2) / 2]);
	return 0;
}

static int sends(const struct sockaddr_in *to, unsigned long mib)
{
	double took;
	int fd = reach(to, &took);
	double began = now_us();

	for (unsigned long i = 0; i < mib; i++)
		for (size_t sent = 0; sent < BLOCK;) {
			ssize_t len = write(fd, block + sent, BLOCK - sent);

			must(len > 0, "write");
			sent += (size_t)len;
		}
	must(shutdown(fd, SHUT_WR) == 0 && read(fd, block, 1) == 1, "send");
	close(fd);
	printf("%.3f\n", (double)mib * 1e6 / (now_us() - began));
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};

	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(atoi(argv[2]));
	if (argc == 3 && !strcmp(argv[1], "hold"))
		hold(atoi(argv[2]));
	if (argc != 5 || inet_pton(AF_INET, argv[2], &to.sin_addr) != 1) {
		fputs("usage: wire serve PORT | hold PORT | connect ADDRESS PORT COUNT | send "
		      "ADDRESS PORT MIB\n",
		      stderr);
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[3]));
	return argv[1][0] == 'c' ? connects(&to, strtoul(argv[4], NULL, 10))
				 : sends(&to, strtoul(argv[4], NULL, 10));
}
