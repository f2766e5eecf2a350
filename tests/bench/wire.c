/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of a connection, for what a network costs:
 *
 *     wire serve PORT                       until it is killed; says "ready"
 *     wire connect ADDRESS PORT COUNT       COUNT connections one after another: the median of what
 *                                           connect(2) took, in microseconds
 *     wire send ADDRESS PORT MIB            so much over one connection: MiB a second
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BLOCK ((size_t)1 << 20)

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

_Noreturn static void serve(int port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	must(bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 512) == 0, "listen");
	puts("ready");
	fflush(stdout);
	for (;;) {
		int peer = accept(fd, NULL, NULL);

		must(peer >= 0, "accept");
		drain(peer);
		close(peer);
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

/* Whoever closes first waits (TIME_WAIT): the other end does, and no port is used up here. */
static void finish(int fd)
{
	char byte;

	must(shutdown(fd, SHUT_WR) == 0 && read(fd, &byte, 1) == 1, "finish");
	close(fd);
}

static int by_size(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static int connects(const struct sockaddr_in *to, unsigned long count)
{
	double *took = calloc(count, sizeof *took);

	must(took != NULL && count > 0, "count");
	for (unsigned long i = 0; i < count; i++)
		finish(reach(to, &took[i]));
	qsort(took, count, sizeof *took, by_size);
	printf("%.3f\n", took[count / 2]);
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
	finish(fd);
	printf("%.3f\n", (double)mib * 1e6 / (now_us() - began));
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};

	if (argc == 3 && !strcmp(argv[1], "serve"))
		serve(atoi(argv[2]));
	if (argc != 5 || inet_pton(AF_INET, argv[2], &to.sin_addr) != 1) {
		fputs("usage: wire serve PORT | connect ADDRESS PORT COUNT | send ADDRESS PORT "
		      "MIB\n",
		      stderr);
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[3]));
	return argv[1][0] == 'c' ? connects(&to, strtoul(argv[4], NULL, 10))
				 : sends(&to, strtoul(argv[4], NULL, 10));
}
