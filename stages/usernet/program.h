/* SPDX-License-Identifier: Apache-2.0 */
#ifndef USERNET_PROGRAM_H
#define USERNET_PROGRAM_H

#include "ipc/fault.h"
#include "stages/seal/digest.h"

#include <stddef.h>
#include <sys/types.h>

/* Whose network stack stands between the run and the host: a program of the system's, pasta first. */
enum program_kind {
	PROGRAM_PASTA, /* passt(1) */
	PROGRAM_SLIRP, /* slirp4netns(1) */
	PROGRAM_KIND_COUNT
};

#define PROGRAM_PATH_SIZE 64

struct program {
	enum program_kind kind;
	int fd; /* -1: none; owned */
	char path[PROGRAM_PATH_SIZE];
	char hash[DIGEST_TEXT_SIZE];
};

/*
 * The first there is in /usr/local/bin, /usr/bin or /bin. Its directory and itself must be root's and
 * writable by nobody else: it is handed the run's whole traffic.
 */
enum fault_code program_find(struct program *program, struct fault *fault)
	__attribute__((warn_unused_result));
void program_close(struct program *program);

/*
 * Start it, with argv[0] its name: no environment, no stdin, both outputs into out_fd, and no other
 * descriptor but the two kept (-1: none). It dies with us. 0 or -1 with errno; *pid is the caller's to
 * reap.
 */
int program_start(const struct program *program, const char *const *argv, int out_fd,
		  const int kept[2], pid_t *pid) __attribute__((warn_unused_result));

/* The name it is called by. */
const char *program_name(enum program_kind kind);

#endif
